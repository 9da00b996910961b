/* The dynamic table of HPACK: which entries go when another comes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/codec/h2/hpack_table.h"

/* RFC 7541 §4.4: entries go only as long as there is no room. */
static void exact_fits(void **state)
{
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrs";
    enum { COST = 64, ENTRIES = HPACK_TABLE_SIZE / COST };
    struct slice name = slice_of(text, 8), value = slice_of(text, COST - HPACK_ENTRY_COST - 8);
    struct hpack_table t;
    hpack_table_init(&t);
    for (unsigned i = 1; i <= ENTRIES + 3; i++) {
        assert_non_null(hpack_table_add(&t, name, value, HEADER_OTHER));
        assert_int_equal(t.count, i < ENTRIES ? i : ENTRIES);
        assert_int_equal(t.size, t.count * COST);
    }
    /* A byte more than the place of one is the place of two. */
    assert_non_null(hpack_table_add(&t, name, slice_of(text, value.len + 1), HEADER_OTHER));
    assert_int_equal(t.count, ENTRIES - 1);
    assert_int_equal(t.size, (ENTRIES - 1) * COST + 1);
    /* A smaller table: what fits stays. */
    hpack_table_resize(&t, 3 * COST + 1);
    assert_int_equal(t.count, 3);
    hpack_table_resize(&t, 3 * COST);
    assert_int_equal(t.count, 2);
    /* One as large as the table has it for itself; a larger one empties it. */
    hpack_table_resize(&t, COST);
    assert_int_equal(t.count, 0);
    assert_non_null(hpack_table_add(&t, name, value, HEADER_OTHER));
    assert_int_equal(t.count, 1);
    assert_null(hpack_table_add(&t, name, slice_of(text, value.len + 1), HEADER_OTHER));
    assert_int_equal(t.count, 0);
    hpack_table_dispose(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
