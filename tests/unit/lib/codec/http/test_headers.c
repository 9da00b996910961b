/* Header lists and the numbers of names. Pure. One thread, no files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/headers.h"

#include <ctype.h>
#include <stdio.h>

#include "tests/unit/lib/codec/cmocka_codec.h"

struct fixture {
    struct arena arena;
    struct headers h;
};

static int set_up(void **state)
{
    static struct fixture f;
    arena_init(&f.arena, 1024);
    headers_init(&f.h, &f.arena);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_dispose(&f->arena);
    return 0;
}

static void test_every_name_has_its_number(void **state)
{
    for (unsigned id = 1; id < HEADER_COUNT; id++) {
        struct slice name = header_name_of((enum header_id)id);
        char upper[64];
        assert_in_range(name.len, 1, sizeof(upper) - 1);
        for (size_t i = 0; i < name.len; i++)
            upper[i] = (char)toupper(name.ptr[i]);
        assert_int_equal(header_id_of(name), id);
        assert_int_equal(headers_id_of_token(name), id);
        assert_int_equal(headers_id_of_token(slice_of(upper, name.len)), id);
        assert_int_equal(header_id_of(slice_of(upper, name.len)), HEADER_OTHER);
    }
}

/* One byte off is another name, whichever byte it is. */
static void test_no_other_name_has_a_number(void **state)
{
    static const char tchars[] = "!#$%&'*+.^_`|~0-z";
    assert_int_equal(headers_id_of_token(SLICE("")), HEADER_OTHER);
    for (unsigned id = 1; id < HEADER_COUNT; id++) {
        struct slice name = header_name_of((enum header_id)id);
        char other[64];
        memcpy(other, name.ptr, name.len);
        for (size_t i = 0; i < name.len; i++) {
            for (const char *c = tchars; *c; c++) {
                other[i] = *c;
                enum header_id got = headers_id_of_token(slice_of(other, name.len));
                assert_true(*c == name.ptr[i] ? got == id : got != id);
            }
            other[i] = name.ptr[i];
        }
        assert_int_not_equal(headers_id_of_token(slice_of(other, name.len - 1)), id);
    }
}

static void test_order_and_look_up(void **state)
{
    struct fixture *f = *state;
    headers_add(&f->h, SLICE("x-a"), SLICE("1"));
    headers_add(&f->h, SLICE("accept"), SLICE("2"));
    headers_add(&f->h, SLICE("x-a"), SLICE("3"));
    headers_add_id(&f->h, HEADER_TE, SLICE("trailers"));
    assert_int_equal(f->h.count, 4);
    assert_int_equal(f->h.bytes, 3 + 1 + 6 + 1 + 3 + 1 + 2 + 8 + 4 * 32);
    assert_int_equal(f->h.items[1].id, HEADER_ACCEPT);
    assert_true(slice_eq_cstr(headers_find(&f->h, SLICE("x-a"))->value, "1"));
    assert_true(slice_eq_cstr(headers_get_id(&f->h, HEADER_TE), "trailers"));
    assert_null(headers_find(&f->h, SLICE("x-b")));
    assert_null(headers_find_id(&f->h, HEADER_HOST));
    assert_int_equal(headers_get_id(&f->h, HEADER_HOST).len, 0);
}

static void test_remove_keeps_order(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++) {
        headers_add(&f->h, SLICE("x-a"), SLICE("1"));
        headers_add_id(&f->h, HEADER_VIA, arena_printf(&f->arena, "%d", i));
    }
    assert_int_equal(headers_remove(&f->h, SLICE("x-a")), 30);
    assert_int_equal(headers_remove(&f->h, SLICE("x-a")), 0);
    assert_int_equal(f->h.count, 30);
    for (int i = 0; i < 30; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        assert_true(slice_eq_cstr(f->h.items[i].value, text));
    }
    assert_int_equal(headers_remove_id(&f->h, HEADER_VIA), 30);
    assert_int_equal(f->h.bytes, 0);
}

static void test_set(void **state)
{
    struct fixture *f = *state;
    headers_add(&f->h, SLICE("via"), SLICE("1"));
    headers_add(&f->h, SLICE("via"), SLICE("2"));
    headers_set(&f->h, SLICE("via"), SLICE("3"));
    headers_set_id(&f->h, HEADER_AGE, SLICE("4"));
    headers_set_id(&f->h, HEADER_AGE, SLICE("5"));
    assert_int_equal(f->h.count, 2);
    assert_true(slice_eq_cstr(headers_get_id(&f->h, HEADER_VIA), "3"));
    assert_true(slice_eq_cstr(headers_get_id(&f->h, HEADER_AGE), "5"));
}

static void test_copy_is_deep(void **state)
{
    struct fixture *f = *state;
    struct arena other;
    struct headers copy;
    char name[] = "x-name", value[] = "value";
    arena_init(&other, 512);
    headers_init(&copy, &other);
    headers_add(&f->h, slice_from_cstr(name), slice_from_cstr(value))->never_index = true;
    headers_add_id(&f->h, HEADER_DATE, SLICE("now"));
    headers_copy(&copy, &f->h);
    memset(name, '-', sizeof(name) - 1);
    memset(value, '-', sizeof(value) - 1);
    assert_int_equal(copy.count, 2);
    assert_int_equal(copy.bytes, f->h.bytes);
    assert_true(slice_eq_cstr(copy.items[0].name, "x-name"));
    assert_true(slice_eq_cstr(copy.items[0].value, "value"));
    assert_true(copy.items[0].never_index);
    assert_int_equal(copy.items[1].id, HEADER_DATE);
    arena_dispose(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_name_has_its_number),
        cmocka_unit_test(test_no_other_name_has_a_number),
        cmocka_unit_test_setup_teardown(test_order_and_look_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remove_keeps_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_set, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_copy_is_deep, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
