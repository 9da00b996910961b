/* Tests of cookies in requests: what is one, and taking some out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/cookie.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/lib/codec/cmocka_codec.h"

static void reading(void **state)
{
    static const struct {
        const char *text, *read;
    } rows[] = {
        {"", ""},
        {"a=b", "[a=b]"},
        {"a=b; c=d", "[a=b][c=d]"},
        {"a=b;c=d;", "[a=b][c=d]"},
        {" a = b ;; ;c=", "[a=b][c=]"},
        {"a=\"b\"; c=\"; d=\"\"", "[a=b][c=\"][d=]"},
        {"a=b=c", "[a=b=c]"},
        {"a", "[=a]"},
        {"=a", "[=a]"},
        {"a=b; a=c", "[a=b][a=c]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice rest = slice_from_cstr(rows[i].text);
        struct cookie c;
        char got[128] = "";
        while (cookie_next(&rest, &c))
            snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%.*s=%.*s]",
                     SLICE_ARG(c.name), SLICE_ARG(c.value));
        assert_string_equal(got, rows[i].read);
    }
}

/* Of all fields, in their order; those of other names have none. */
static void walking(void **state)
{
    struct arena arena;
    struct headers h;
    struct cookie c;
    char got[128] = "";
    (void)state;
    arena_init(&arena, 512);
    headers_init(&h, &arena);
    headers_add(&h, SLICE("cookie"), SLICE("a=b; c=d"));
    headers_add(&h, SLICE("x-cookie"), SLICE("e=f"));
    headers_add(&h, SLICE("cookie"), SLICE(""));
    headers_add(&h, SLICE("cookie"), SLICE("a=g"));
    struct cookie_walk walk = cookie_walk_of(&h);
    while (cookie_walk_next(&walk, &c))
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "[%.*s=%.*s]", SLICE_ARG(c.name),
                 SLICE_ARG(c.value));
    assert_string_equal(got, "[a=b][c=d][a=g]");
    assert_false(cookie_walk_next(&walk, &c));
    arena_dispose(&arena);
}

static bool is_named(const struct cookie *c, const void *name)
{
    return slice_eq_cstr(c->name, name);
}

static void taking_out(void **state)
{
    static const struct {
        const char *text, *left; /* NULL: the field is gone */
    } rows[] = {
        {"a=b", NULL},          {"a=b; a=c", NULL},       {"c=d", "c=d"},
        {"c=d;e=f", "c=d;e=f"}, {"a=b; c=d", "c=d"},      {"c=d;a=b;e=\"f\"", "c=d; e=\"f\""},
        {"x; a=1; ;y=", "x; y="}, {"A=b", "A=b"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        struct headers h;
        arena_init(&arena, 1024);
        headers_init(&h, &arena);
        headers_add_id(&h, HEADER_ACCEPT, SLICE("a=b"));
        headers_add_id(&h, HEADER_COOKIE, slice_from_cstr(rows[i].text));
        cookie_remove_if(&h, is_named, "a");
        const struct header *found = headers_find_id(&h, HEADER_COOKIE);
        uint32_t bytes = 0;
        for (uint32_t j = 0; j < h.count; j++)
            bytes += (uint32_t)(h.items[j].name.len + h.items[j].value.len) + MESSAGE_FIELD_EXTRA;
        assert_int_equal(h.bytes, bytes);
        assert_int_equal(h.count, rows[i].left ? 2 : 1);
        if (rows[i].left)
            assert_true(slice_eq_cstr(found->value, rows[i].left));
        arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading),
        cmocka_unit_test(walking),
        cmocka_unit_test(taking_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
