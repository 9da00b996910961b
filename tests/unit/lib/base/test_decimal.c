/* decimal.c against printf. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/decimal.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/arena.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void expect(struct arena *arena, uint64_t n)
{
    char wanted[DECIMAL_MAX + 1], digits[DECIMAL_MAX];
    size_t len = (size_t)snprintf(wanted, sizeof wanted, "%" PRIu64, n);
    assert_int_equal(decimal_write(digits, n), len);
    assert_memory_equal(digits, wanted, len);
    struct slice text = arena_decimal(arena, n);
    assert_int_equal(text.len, len);
    assert_memory_equal(text.ptr, wanted, len);
}

/* Around each power of ten, where the number of digits changes, and at both ends. */
static void test_every_length(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 256);
    expect(&arena, 0);
    expect(&arena, UINT64_MAX);
    for (uint64_t power = 1, i = 0; i < 20; power *= 10, i++) {
        expect(&arena, power - 1);
        expect(&arena, power);
        expect(&arena, power + 1);
    }
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_length)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
