/* One message through both versions' codecs: they take or refuse the same, so that no rule can be
 * passed by choosing a version. What one version cannot say, or must treat otherwise, is listed
 * with the section that wants it so. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/http/h1_build.h"
#include "lib/codec/http/h1_parse.h"
#include "lib/codec/h2/h2_head.h"
#include "lib/codec/http/method.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

enum { BYTES_MAX = 4096, COUNT_MAX = 20, TARGET_MAX = 512 };

struct field {
    struct slice name, value;
};

/* What both are asked, NUL bytes and all. */
struct asked {
    struct slice method, target, host;
    struct field fields[4];
    bool trailers; /* the fields are a trailer section */
};

static struct asked ask(const char *method, const char *target, const char *host)
{
    return (struct asked){
        .method = slice_from_cstr(method),
        .target = slice_from_cstr(target),
        .host = slice_from_cstr(host),
    };
}

/* ---- HTTP/1 ---- */

static const struct h1_rules h1 = {
    .limits = {BYTES_MAX, COUNT_MAX, TARGET_MAX},
    .scheme = {"http", 4},
    .role = H1_REQUEST,
};

static void put(struct buf *out, struct slice s)
{
    if (s.len)
        buf_append_slice(out, s);
}

static void put_fields(struct buf *out, const struct asked *a)
{
    for (size_t i = 0; i < 4 && a->fields[i].name.ptr; i++) {
        put(out, a->fields[i].name);
        put(out, SLICE(": "));
        put(out, a->fields[i].value);
        put(out, SLICE("\r\n"));
    }
    put(out, SLICE("\r\n"));
}

static unsigned status_of_text(struct buf *text, struct arena *arena, struct message **m)
{
    struct h1_parse p;
    struct h1_head head;
    size_t used, len = text->len;
    uint8_t *bytes = mem_alloc(len + 1);
    buf_copy_out(text, bytes, len);
    h1_parse_init(&p, H1_REQUEST, &h1.limits, h1.scheme);
    enum h1_parse_result result = h1_parse_head(&p, bytes, len, &used, &head);
    unsigned status = result == H1_PARSE_BAD ? h1_bad_text(p.bad)->status : 0;
    if (result == H1_PARSE_DONE)
        *m = h1_build_message(&head, arena, h1.scheme);
    /* Bytes behind the head would be another message. */
    if (result == H1_PARSE_MORE || (result == H1_PARSE_DONE && used < len))
        status = 400;
    h1_parse_dispose(&p);
    mem_free(bytes);
    return status;
}

static unsigned through_h1(const struct asked *a, struct arena *arena, struct message **m)
{
    struct buf text;
    buf_init(&text);
    if (a->trailers) {
        struct headers *out;
        put_fields(&text, a);
        size_t len = text.len;
        char *bytes = arena_alloc(arena, len);
        buf_copy_out(&text, bytes, len);
        buf_dispose(&text);
        enum h1_bad bad = h1_parse_trailers(&h1, slice_of(bytes, len), arena, &out);
        return bad ? h1_bad_text(bad)->status : 0;
    }
    put(&text, a->method);
    put(&text, SLICE(" "));
    put(&text, a->target);
    put(&text, SLICE(" HTTP/1.1\r\n"));
    if (a->host.ptr) {
        put(&text, SLICE("Host: "));
        put(&text, a->host);
        put(&text, SLICE("\r\n"));
    }
    put_fields(&text, a);
    unsigned status = status_of_text(&text, arena, m);
    buf_dispose(&text);
    return status;
}

/* ---- HTTP/2 ---- */

static void add(struct h2_head *h, struct slice name, struct slice value)
{
    struct hpack_field f = {.name = name, .value = value, .id = hpack_table_id_of(name)};
    h2_head_add(h, &f);
}

static unsigned through_h2(const struct asked *a, struct arena *arena, struct message **m)
{
    static const struct h2_head_limits limits = {.max_bytes = BYTES_MAX,
                                                 .max_count = COUNT_MAX,
                                                 .max_target = TARGET_MAX,
                                                 .takes_requests = true,
                                                 .allow_connect = true};
    struct h2_head h;
    h2_head_init(&h, &limits);
    h2_head_begin(&h, a->trailers ? H2_HEAD_TRAILERS : H2_HEAD_REQUEST, a->trailers);
    if (!a->trailers) {
        bool connect = slice_eq_cstr(a->method, "CONNECT");
        add(&h, SLICE(":method"), a->method);
        if (!connect) {
            add(&h, SLICE(":scheme"), SLICE("http"));
            add(&h, SLICE(":path"), a->target);
        }
        if (connect || a->host.ptr)
            add(&h, SLICE(":authority"), connect ? a->target : a->host);
    }
    for (size_t i = 0; i < 4 && a->fields[i].name.ptr; i++)
        add(&h, a->fields[i].name, a->fields[i].value);
    unsigned status = h2_head_check(&h) ? 0 : h.fault;
    if (!status && !a->trailers)
        *m = h2_head_take_message(&h, arena);
    h2_head_reset(&h);
    return status;
}

/* ---- the comparison ---- */

/* The same verdict (0: taken), and the same message where both take it. */
static unsigned verdict(const struct asked *a)
{
    struct arena arena;
    struct message *one = NULL, *two = NULL;
    arena_init(&arena, 4096);
    unsigned first = through_h1(a, &arena, &one), second = through_h2(a, &arena, &two);
    if (first != second)
        fail_msg("HTTP/1 says %u, HTTP/2 says %u: %.*s %.*s host %.*s, %.*s: %.*s", first, second,
                 SLICE_ARG(a->method), SLICE_ARG(a->target), SLICE_ARG(a->host),
                 SLICE_ARG(a->fields[0].name), SLICE_ARG(a->fields[0].value));
    if (one && two) {
        assert_true(slice_eq(one->method, two->method));
        assert_true(slice_eq(one->path, two->path));
        assert_true(slice_eq(one->authority, two->authority));
        assert_int_equal(one->content_length, two->content_length);
        assert_int_equal(one->expect_continue, two->expect_continue);
        assert_int_equal(one->headers.count, two->headers.count);
        assert_int_equal(one->headers.bytes, two->headers.bytes);
    }
    arena_dispose(&arena);
    return first;
}

static void expect(const struct asked *a, unsigned status)
{
    unsigned got = verdict(a);
    if (got != status)
        fail_msg("%u, not %u: %.*s %.*s host %.*s, %.*s: %.*s", got, status, SLICE_ARG(a->method),
                 SLICE_ARG(a->target), SLICE_ARG(a->host), SLICE_ARG(a->fields[0].name),
                 SLICE_ARG(a->fields[0].value));
}

static void test_requests(void **state)
{
    static const struct {
        const char *method, *target, *host;
        unsigned status;
    } cases[] = {
#define X(status, method, target, host) {method, target, host, status},
#include "tests/unit/lib/codec/both_requests.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct asked a = ask(cases[i].method, cases[i].target, cases[i].host);
        expect(&a, cases[i].status);
    }
    struct asked none = ask("GET", "/", "a");
    none.host = (struct slice){NULL, 0};
    expect(&none, 400);
}

static void test_fields(void **state)
{
    static const struct {
        const char *fields[6];
        unsigned status;
    } cases[] = {
#define X(status, ...) {{__VA_ARGS__}, status},
#include "tests/unit/lib/codec/both_fields.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct asked a = ask("POST", "/", "a");
        for (size_t j = 0; j < 3 && cases[i].fields[2 * j]; j++)
            a.fields[j] = (struct field){slice_from_cstr(cases[i].fields[2 * j]),
                                         slice_from_cstr(cases[i].fields[2 * j + 1])};
        expect(&a, cases[i].status);
    }
}

static void test_trailers(void **state)
{
    static const struct {
        const char *name, *value;
        unsigned status;
    } cases[] = {
        {"x", "a", 0},
        {"grpc-status", "0", 0},
        {"digest", "a", 0},
        {"x-weft-reason", "a", 0},
        {"content-length", "3", 400},
        {"transfer-encoding", "chunked", 400},
        {"host", "a", 400},
        {"te", "trailers", 400},
        {"connection", "close", 400},
        {"keep-alive", "a", 400},
        {"proxy-connection", "a", 400},
        {"upgrade", "a", 400},
        {"http2-settings", "a", 400},
        {"trailer", "x", 400},
        {"expect", "100-continue", 400},
        {"range", "bytes=0-1", 400},
        {"cache-control", "no-store", 400},
        {"authorization", "a", 400},
        {"proxy-authorization", "a", 400},
        {"cookie", "a=b", 400},
        {"set-cookie", "a=b", 400},
        {"content-type", "a/b", 400},
        {"content-encoding", "gzip", 400},
        {"content_length", "3", 400},
        {"x y", "a", 400},
        {"x", "a\x01", 400},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct asked a = {.trailers = true};
        a.fields[0] =
            (struct field){slice_from_cstr(cases[i].name), slice_from_cstr(cases[i].value)};
        expect(&a, cases[i].status);
    }
}

/* Each byte in each place. What an HTTP/1 line reads as something else (a separator, white space
 * around a value) or HTTP/2 has no capitals for (RFC 9113 §8.2) is left out of that place. */
static void test_every_byte(void **state)
{
    for (unsigned byte = 0; byte < 256; byte++) {
        char text[2] = {(char)byte, '\0'}, name[] = {'x', (char)byte, 'y'};
        char value[] = {'a', (char)byte, 'b'}, target[] = {'/', (char)byte, 'b'};
        char query[] = {'/', '?', (char)byte, 'b'}, host[] = {'a', (char)byte, '8'};
        struct asked a = ask("GET", "/", "a");
        a.fields[0] = (struct field){SLICE("x"), slice_of(value, 3)};
        verdict(&a);
        a.fields[0].value = slice_of(text, 1);
        if (byte != ' ' && byte != '\t')
            verdict(&a);
        a.fields[0] = (struct field){slice_of(name, 3), SLICE("a")};
        if (byte != ':' && !(byte >= 'A' && byte <= 'Z'))
            verdict(&a);
        a = ask("GET", "/", "a");
        a.target = slice_of(target, 3);
        verdict(&a);
        a.target = slice_of(query, 4);
        verdict(&a);
        a = ask("GET", "/", "a");
        a.host = slice_of(host, 3);
        verdict(&a);
        a = ask("G", "/", "a");
        a.method = slice_of(value, 3);
        if (byte != ' ')
            verdict(&a);
    }
}

static void test_method_case(void **state)
{
    static const char *const known[] = {"GET", "DELETE", "PATCH", "VERSION-CONTROL", "PROPFIND"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t len = strlen(known[i]);
        for (size_t at = 0; at < len; at++) {
            char text[32];
            memcpy(text, known[i], len + 1);
            if (text[at] == '-')
                continue;
            text[at] = (char)(text[at] | 0x20);
            struct asked a = ask(text, "/", "a");
            expect(&a, 400);
        }
    }
    for (size_t len = METHOD_LEN_MAX; len < METHOD_LEN_MAX + 2; len++) {
        char text[METHOD_LEN_MAX + 2] = "";
        memset(text, 'M', len);
        struct asked a = ask(text, "/", "a");
        expect(&a, len > METHOD_LEN_MAX ? 400 : 0);
    }
}

/* ---- limits ---- */

static unsigned with_target(size_t len)
{
    char text[TARGET_MAX + 8] = "/";
    memset(text + 1, 'a', len - 1);
    struct asked a = ask("GET", text, "a");
    return verdict(&a);
}

static unsigned with_value(size_t len)
{
    char text[BYTES_MAX + 8] = "";
    memset(text, 'v', len);
    struct asked a = ask("GET", "/", "a");
    a.fields[0] = (struct field){SLICE("x"), slice_from_cstr(text)};
    return verdict(&a);
}

static void test_limits(void **state)
{
    assert_int_equal(with_target(TARGET_MAX), 0);
    assert_int_equal(with_target(TARGET_MAX + 1), 414);
    size_t room = BYTES_MAX - sizeof("hostax") + 1 - 2 * MESSAGE_FIELD_EXTRA;
    assert_int_equal(with_value(room), 0);
    assert_int_equal(with_value(room + 1), 431);
}

/* The number of fields, the host among them. */
static void test_field_count(void **state)
{
    for (unsigned more = COUNT_MAX - 1; more <= COUNT_MAX; more++) {
        static const struct h2_head_limits limits = {
            .max_bytes = BYTES_MAX, .max_count = COUNT_MAX, .max_target = TARGET_MAX};
        struct h2_head h;
        struct buf text;
        struct arena arena;
        struct message *m;
        arena_init(&arena, 4096);
        buf_init(&text);
        h2_head_init(&h, &limits);
        h2_head_begin(&h, H2_HEAD_REQUEST, true);
        add(&h, SLICE(":method"), SLICE("GET"));
        add(&h, SLICE(":scheme"), SLICE("http"));
        add(&h, SLICE(":path"), SLICE("/"));
        add(&h, SLICE(":authority"), SLICE("a"));
        put(&text, SLICE("GET / HTTP/1.1\r\nHost: a\r\n"));
        for (unsigned i = 0; i < more; i++) {
            add(&h, SLICE("x"), SLICE("y"));
            put(&text, SLICE("x: y\r\n"));
        }
        put(&text, SLICE("\r\n"));
        unsigned want = more < COUNT_MAX ? 0 : 431;
        assert_int_equal(status_of_text(&text, &arena, &m), want);
        assert_int_equal(h2_head_check(&h) ? 0 : h.fault, want);
        h2_head_reset(&h);
        buf_dispose(&text);
        arena_dispose(&arena);
    }
}

/* ---- the differences that are meant ---- */

static void test_deliberate_differences(void **state)
{
    static const struct {
        const char *method, *target, *host, *name, *value;
        unsigned h1, h2;
        const char *section;
    } cases[] = {
#define X(section, h1, h2, method, target, host, name, value) \
    {method, target, host, name, value, h1, h2, section},
#include "tests/unit/lib/codec/both_differ.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct message *m;
        struct asked a = ask(cases[i].method, cases[i].target, cases[i].host);
        if (cases[i].name)
            a.fields[0] =
                (struct field){slice_from_cstr(cases[i].name), slice_from_cstr(cases[i].value)};
        arena_init(&arena, 4096);
        unsigned one = through_h1(&a, &arena, &m), two = through_h2(&a, &arena, &m);
        if (one != cases[i].h1 || two != cases[i].h2)
            fail_msg("case %zu (%s): HTTP/1 %u, HTTP/2 %u", i, cases[i].section, one, two);
        arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),    cmocka_unit_test(test_fields),
        cmocka_unit_test(test_trailers),    cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_method_case), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_field_count), cmocka_unit_test(test_deliberate_differences),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
