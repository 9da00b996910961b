/* Tests of the hash map: growth, removal, iteration, odd keys, and a random walk against an array.
 * * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/map.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/rand.h"
#include "tests/unit/lib/base/cmocka_base.h"

static char values[1000];

static struct slice key_of(unsigned i, char text[16])
{
    return slice_of(text, (size_t)snprintf(text, 16, "key-%u", i));
}

static void test_empty(void **state)
{
    struct map m;
    size_t at = 0;
    struct slice key;
    void *value;
    map_init(&m);
    assert_null(map_get(&m, SLICE("a")));
    assert_null(map_remove(&m, SLICE("a")));
    assert_false(map_next(&m, &at, &key, &value));
    map_dispose(&m);
}

static void test_put_get_remove(void **state)
{
    struct map m;
    map_init(&m);
    assert_null(map_put(&m, SLICE("a"), &values[0]));
    assert_true(map_put(&m, SLICE("a"), &values[1]) == &values[0]);
    assert_true(map_get(&m, SLICE("a")) == &values[1]);
    assert_int_equal(m.count, 1);
    assert_true(map_remove(&m, SLICE("a")) == &values[1]);
    assert_null(map_remove(&m, SLICE("a")));
    assert_null(map_get(&m, SLICE("a")));
    assert_int_equal(m.count, 0);
    map_dispose(&m);
}

static void test_odd_keys(void **state)
{
    struct map m;
    map_init(&m);
    assert_null(map_put(&m, SLICE(""), &values[0]));
    assert_null(map_put(&m, SLICE("\0"), &values[1]));
    assert_null(map_put(&m, SLICE("\0\0"), &values[2]));
    assert_true(map_get(&m, (struct slice){NULL, 0}) == &values[0]);
    assert_true(map_get(&m, SLICE("\0")) == &values[1]);
    assert_true(map_get(&m, SLICE("\0\0")) == &values[2]);
    map_dispose(&m);
}

static void test_keys_are_copied(void **state)
{
    struct map m;
    char key[] = "mutable";
    map_init(&m);
    map_put(&m, slice_from_cstr(key), &values[0]);
    key[0] = 'M';
    assert_true(map_get(&m, SLICE("mutable")) == &values[0]);
    assert_null(map_get(&m, SLICE("Mutable")));
    map_dispose(&m);
}

static void test_growth_and_iteration(void **state)
{
    struct map m;
    char text[16];
    unsigned seen[1000] = {0};
    map_init(&m);
    for (unsigned i = 0; i < 1000; i++)
        assert_null(map_put(&m, key_of(i, text), &values[i]));
    assert_int_equal(m.count, 1000);
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&m, &at, &key, &value)) {
        size_t i = (size_t)((char *)value - values);
        assert_true(slice_eq(key, key_of((unsigned)i, text)));
        seen[i]++;
        /* Allowed while iterating: removing what is under the hand. */
        if (i % 2)
            assert_true(map_remove(&m, key) == value);
    }
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(seen[i], 1);
        assert_true(map_get(&m, key_of(i, text)) == (i % 2 ? NULL : &values[i]));
    }
    assert_int_equal(m.count, 500);
    map_dispose(&m);
}

static void test_churn_does_not_grow(void **state)
{
    struct map m;
    char text[16];
    map_init(&m);
    for (unsigned i = 0; i < 20000; i++) {
        map_put(&m, key_of(i, text), &values[0]);
        if (i >= 10)
            assert_non_null(map_remove(&m, key_of(i - 10, text)));
    }
    assert_int_equal(m.count, 10);
    assert_true(m.capacity <= 64);
    map_dispose(&m);
}

static void test_random_walk(void **state)
{
    struct map m;
    struct rand_state r;
    void *model[200] = {0};
    char text[16];
    map_init(&m);
    rand_seed(&r, 5);
    for (int i = 0; i < 50000; i++) {
        unsigned k = rand_below(&r, 200);
        void *value = &values[rand_below(&r, 1000)];
        switch (rand_below(&r, 3)) {
        case 0:
            assert_true(map_put(&m, key_of(k, text), value) == model[k]);
            model[k] = value;
            break;
        case 1:
            assert_true(map_remove(&m, key_of(k, text)) == model[k]);
            model[k] = NULL;
            break;
        default:
            assert_true(map_get(&m, key_of(k, text)) == model[k]);
        }
    }
    map_dispose(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_put_get_remove),
        cmocka_unit_test(test_odd_keys),
        cmocka_unit_test(test_keys_are_copied),
        cmocka_unit_test(test_growth_and_iteration),
        cmocka_unit_test(test_churn_does_not_grow),
        cmocka_unit_test(test_random_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
