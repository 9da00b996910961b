/* Tests of the random numbers: range, evenness, repeatability. * Fixed seeds, so nothing here can
 * fail by chance.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/rand.h"

#include <stdbool.h>
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

static void test_repeats_by_seed(void **state)
{
    struct rand_state a, b, c;
    rand_seed(&a, 1);
    rand_seed(&b, 1);
    rand_seed(&c, 2);
    int same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t x = rand_next(&a);
        assert_true(x == rand_next(&b));
        same += x == rand_next(&c);
    }
    assert_int_equal(same, 0);
}

static void test_zero_seed_works(void **state)
{
    struct rand_state r;
    uint64_t any = 0;
    rand_seed(&r, 0);
    for (int i = 0; i < 10; i++)
        any |= rand_next(&r);
    assert_true(any != 0);
}

static void test_below_is_even(void **state)
{
    struct rand_state r;
    unsigned counts[7] = {0};
    rand_seed(&r, 3);
    for (int i = 0; i < 70000; i++) {
        uint32_t x = rand_below(&r, 7);
        assert_true(x < 7);
        counts[x]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(counts[i], 9600, 10400);
    assert_int_equal(rand_below(&r, 1), 0);
    /* A bound at which the naive way would prefer the lower half. */
    unsigned low = 0;
    for (int i = 0; i < 30000; i++)
        low += rand_below(&r, 0xc0000000u) < 0x60000000u;
    assert_in_range(low, 14600, 15400);
}

static void test_unit_range(void **state)
{
    struct rand_state r;
    double sum = 0;
    rand_seed(&r, 4);
    for (int i = 0; i < 10000; i++) {
        double x = rand_unit(&r);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    assert_true(sum > 4900 && sum < 5100);
}

static void test_secure(void **state)
{
    unsigned char a[600] = {0}, b[600] = {0};
    rand_secure(a, sizeof(a));
    rand_secure(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    rand_secure(a, 0);
}

/* RFC 9562, 4 and 5.4: 8-4-4-4-12 lower-case digits, version 4, variant 10xx; every digit comes at
 * every place but those two. */
static void test_uuids(void **state)
{
    static const char digits[] = "0123456789abcdef";
    unsigned seen[36] = {0};
    struct rand_state r;
    rand_seed(&r, 5);
    for (int n = 0; n < 2000; n++) {
        char text[RAND_UUID_SIZE];
        rand_uuid(&r, text);
        assert_int_equal(strlen(text), 36);
        for (int i = 0; i < 36; i++) {
            const char *found = strchr(digits, text[i]);
            bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
            assert_int_equal(text[i] == '-', is_dash);
            if (!is_dash && !found)
                fail_msg("%s", text);
            if (!is_dash)
                seen[i] |= 1u << (found - digits);
        }
    }
    for (int i = 0; i < 36; i++) {
        unsigned want = i == 14 ? 1u << 4 : i == 19 ? 0xf00u : 0xffffu;
        if (i != 8 && i != 13 && i != 18 && i != 23)
            assert_int_equal(seen[i], want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeats_by_seed), cmocka_unit_test(test_zero_seed_works),
        cmocka_unit_test(test_below_is_even),   cmocka_unit_test(test_unit_range),
        cmocka_unit_test(test_secure),          cmocka_unit_test(test_uuids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
