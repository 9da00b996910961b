/* Tests of the canonical path: every way of writing /admin meets DENY /admin or is refused, and
 * none of them slips by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/normalize.h"

#include "lib/base/rand.h"
#include "lib/codec/http/match.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

struct form {
    const char *path;
    const char *canonical; /* NULL: refused */
};

static const struct form forms[] = {
    /* clean: nothing to do */
    {"/", "/"},
    {"/admin", "/admin"},
    {"/admin/", "/admin/"},
    {"/a/b/c.html", "/a/b/c.html"},
    {"/a.b/..c/d..", "/a.b/..c/d.."},
    {"/this/is/longer/than/sixteen/bytes/so/blocks",
     "/this/is/longer/than/sixteen/bytes/so/blocks"},
    {"/~user/a-b_c!$&'()*+,=:@", "/~user/a-b_c!$&'()*+,=:@"},
    {"*", "*"},
    /* not a path */
    {"", NULL},
    {"admin", NULL},
    {"**", NULL},
    {"http://a/b", NULL},
    /* slashes are merged */
    {"//admin", "/admin"},
    {"/a///b", "/a/b"},
    {"/a//", "/a/"},
    {"/admin//", "/admin/"},
    /* dot segments sent as such are resolved */
    {"/.", "/"},
    {"/..", "/"},
    {"/./admin", "/admin"},
    {"/x/../admin", "/admin"},
    {"/../../admin", "/admin"},
    {"/a/b/../../admin", "/admin"},
    {"/a/./b/.", "/a/b/"},
    {"/a/b/..", "/a/"},
    {"/a/...", "/a/..."},
    {"/.hidden/..file", "/.hidden/..file"},
    /* escapes are decoded once */
    {"/%61dmin", "/admin"},
    {"/%41dmin", "/Admin"},
    {"/adm%69n", "/admin"},
    {"/a%20b", "/a b"},
    {"/a%3fb", "/a?b"},
    {"/a%23b", "/a#b"},
    {"/caf%c3%a9", "/caf\xc3\xa9"},
    {"/%2561dmin", "/%61dmin"},
    {"/job/feature%252Ffoo", "/job/feature%2Ffoo"},
    {"/a%2eb/c%2e", "/a.b/c."},
    /* an escaped separator separates */
    {"/x%2Fadmin", "/x/admin"},
    {"/x%5Cadmin", "/x/admin"},
    {"/%2fadmin", "/admin"},
    {"/%5cadmin", "/admin"},
    {"/\\admin", "/admin"},
    {"/x\\admin", "/x/admin"},
    /* path parameters are cut, wherever they stand */
    {"/admin;x=y", "/admin"},
    {"/admin;x=y/z", "/admin/z"},
    {"/a;p/b;q/c", "/a/b/c"},
    {"/;x/admin", "/admin"},
    {"/admin;", "/admin"},
    {"/admin%3Bx", "/admin"},
    {"/public/x;y/../../admin", "/admin"},
    {"/admin;x=y/..", "/"},
    /* what may be read in two ways is refused */
    {"/%2e%2e/admin", NULL},
    {"/x/%2e%2e/admin", NULL},
    {"/x/.%2e/admin", NULL},
    {"/x/%2E./admin", NULL},
    {"/x/%2e/admin", NULL},
    {"/x/..%2fadmin", NULL},
    {"/x%2f..%2fadmin", NULL},
    {"/x%2f../admin", NULL},
    {"/x/..%5cadmin", NULL},
    {"/x\\..\\admin", NULL},
    {"/x/..\\admin", NULL},
    {"/x/..;/admin", NULL},
    {"/x/..;a=b/admin", NULL},
    {"/x/.;/admin", NULL},
    {"/x/..%3b/admin", NULL},
    {"/a//../admin", NULL},
    {"/a//./../admin", NULL},
    {"/a//b/../../admin", NULL},
    {"//../admin", NULL},
    {"/a/;x/../admin", NULL},
    {"/a/../b//c", "/b/c"},
    {"/a//./b", "/a/b"},
    {"/a;%2Fadmin", NULL},
    {"/a;x\\admin", NULL},
    {"/a;b%5c..%5cadmin", NULL},
    {"/%252e%252e/admin", NULL},
    {"/x/%252e%252e%252fadmin", NULL},
    {"/x/..%252fadmin", NULL},
    {"/x/%252e", NULL},
    {"/x/%25%32%65%25%32%65/admin", NULL},
    {"/a%00b", NULL},
    {"/admin%00.html", NULL},
    {"/admin%2500.html", NULL},
    {"/a%0d%0aX: y", NULL},
    {"/a%0a", NULL},
    {"/a\rb", NULL},
    {"/a b", NULL},
    {"/a\tb", NULL},
    {"/a\x7f", NULL},
    {"/admin#x", NULL},
    {"/a%", NULL},
    {"/a%2", NULL},
    {"/a%zz", NULL},
    {"/a%2g", NULL},
    {"/%u002e%u002e/admin", NULL},
    {"/%c0%ae%c0%ae/admin", NULL},
    {"/x/..%c0%afadmin", NULL},
    {"/%c1%9cadmin", NULL},
    {"/x%e0%80%afadmin", NULL},
    {"/x%f0%80%80%afadmin", NULL},
};

static void test_forms(void **state)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        const char *want = forms[i].canonical;
        struct arena arena;
        arena_init(&arena, 1024);
        struct slice got = normalize_path(&arena, slice_from_cstr(forms[i].path));
        if (!slice_eq_cstr(got, want ? want : ""))
            fail_msg("\"%s\" became \"%.*s\", not \"%s\"", forms[i].path, SLICE_ARG(got),
                     want ? want : "(refused)");
        arena_dispose(&arena);
    }
}

static void test_clean_is_not_copied(void **state)
{
    static const char path[] = "/api/v1/namespaces/default/services/reviews";
    struct arena arena;
    arena_init(&arena, 1024);
    for (size_t len = 1; len < sizeof(path); len++) {
        struct slice got = normalize_path(&arena, slice_of(path, len));
        assert_ptr_equal(got.ptr, path);
        assert_int_equal(got.len, len);
    }
    assert_int_equal(arena.total, 0);
    arena_dispose(&arena);
}

/* The block-wise check must see an unclean byte at every place of a block, and the pairs that cross
 * its end. */
static void test_unclean_anywhere(void **state)
{
    static const char *const bits[] = {"%41", ";x", "//", "/./", "/../", "\\"};
    for (size_t b = 0; b < sizeof(bits) / sizeof(bits[0]); b++) {
        for (size_t at = 2; at < 40; at++) {
            char path[64];
            struct arena arena;
            arena_init(&arena, 1024);
            memset(path, 'a', sizeof(path));
            path[0] = '/';
            memcpy(path + at, bits[b], strlen(bits[b]));
            struct slice got = normalize_path(&arena, slice_of(path, 48));
            assert_true(got.len > 0 && got.ptr != path);
            assert_int_equal(slice_find_byte(got, bits[b][0] == '/' ? '.' : bits[b][0]), got.len);
            assert_int_equal(slice_find(got, SLICE("//")), got.len);
            arena_dispose(&arena);
        }
    }
}

/* Whatever reaches /admin on a server that decodes, folds backslashes, cuts parameters and resolves
 * dots must be seen as under /admin, or refused. */
static size_t lenient_decode(const char *from, size_t len, char *to)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    size_t out = 0;
    for (size_t i = 0; i < len; i++) {
        const char *high = NULL, *low = NULL;
        if (from[i] == '%' && len - i > 2) {
            high = memchr(digits, from[i + 1], 32);
            low = memchr(digits, from[i + 2], 32);
        }
        if (high && low) {
            to[out++] = (char)((high - digits) % 16 << 4 | (low - digits) % 16);
            i += 2;
        } else {
            to[out++] = from[i] == '\\' ? '/' : from[i];
        }
    }
    for (size_t i = 0; i < out; i++)
        to[i] = to[i] == '\\' ? '/' : to[i];
    return out;
}

static size_t cut_parameters(const char *from, size_t len, char *to)
{
    size_t out = 0;
    bool cut = false;
    for (size_t i = 0; i < len; i++) {
        cut = from[i] == '/' ? false : cut || from[i] == ';';
        if (!cut)
            to[out++] = from[i];
    }
    return out;
}

/* What such a server makes of a path: parameters are cut before it decodes, or only after. */
static struct slice lenient_path(struct slice path, bool cut_first, char *to)
{
    char cut[256], text[256];
    size_t out = 0, len = path.len;
    memcpy(cut, path.ptr, path.len);
    if (cut_first)
        len = cut_parameters(path.ptr, path.len, cut);
    len = lenient_decode(cut, len, text);
    struct slice rest = {text, len}, segment;
    while (slice_split(&rest, '/', &segment)) {
        segment = slice_sub(segment, 0, slice_find_byte(segment, ';'));
        if (slice_eq(segment, SLICE("..")))
            while (out > 0 && to[--out] != '/')
                ;
        else if (segment.len && !slice_eq(segment, SLICE("."))) {
            to[out++] = '/';
            memcpy(to + out, segment.ptr, segment.len);
            out += segment.len;
        }
    }
    return slice_of(to, out);
}

static void check_no_slip(struct slice path)
{
    char text[512];
    struct arena arena;
    arena_init(&arena, 1024);
    struct slice ours = normalize_path(&arena, path);
    for (int way = 0; way < 2 && ours.len; way++) {
        struct slice theirs = lenient_path(path, way == 1, text);
        if (match_path_prefix(SLICE("/admin"), theirs, false) &&
            !match_path_prefix(SLICE("/admin"), ours, false))
            fail_msg("\"%.*s\" is \"%.*s\" to us and \"%.*s\" to a server", SLICE_ARG(path),
                     SLICE_ARG(ours), SLICE_ARG(theirs));
    }
    arena_dispose(&arena);
}

static void test_nothing_slips_by(void **state)
{
    static const char *const bits[] = {"/",      "admin", "..",  ".",   "%2e", "%2f", "%5c",
                                       "\\",     ";",     "%3b", "x",   "%61", "a",   "dmin",
                                       "%2e%2e", "//",    "/..", "/./", "=y"};
    struct rand_state r;
    rand_seed(&r, 20240607);
    for (int round = 0; round < 200000; round++) {
        char path[128] = "/";
        size_t len = 1;
        for (uint32_t n = 1 + rand_below(&r, 7); n > 0; n--) {
            const char *bit = bits[rand_below(&r, sizeof(bits) / sizeof(bits[0]))];
            memcpy(path + len, bit, strlen(bit));
            len += strlen(bit);
        }
        check_no_slip(slice_of(path, len));
    }
}

/* Once canonical, always canonical, but for what decoding brought to light. */
static void test_idempotent(void **state)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct arena arena;
        arena_init(&arena, 1024);
        struct slice once = normalize_path(&arena, slice_from_cstr(forms[i].path));
        bool has_decoded = false;
        for (size_t at = 0; at < once.len; at++)
            has_decoded |= strchr("%?# ;\\", once.ptr[at]) || (unsigned char)once.ptr[at] > 0x7e;
        if (once.len && !has_decoded) {
            struct slice twice = normalize_path(&arena, once);
            assert_true(slice_eq(once, twice));
        }
        arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_clean_is_not_copied),
        cmocka_unit_test(test_unclean_anywhere),
        cmocka_unit_test(test_nothing_slips_by),
        cmocka_unit_test(test_idempotent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
