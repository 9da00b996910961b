/* What outlives a filter's configuration (filters/keep.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

struct counted {
    struct filter_keep keep; /* first */
    int count;
};

static int begun, disposed;

static void begin(struct filter_keep *keep)
{
    begun++;
    ((struct counted *)keep)->count = 7;
}

static void dispose(struct filter_keep *keep)
{
    assert_true(((struct counted *)keep)->count >= 7);
    disposed++;
}

static void hold(void *holder, struct filter_keep *keep)
{
    *(struct filter_keep **)holder = keep;
}

static int set_up(void **state)
{
    (void)state;
    begun = disposed = 0;
    return 0;
}

static struct counted *take(struct filter_keeps *keeps, const char *id, struct filter_keep **held)
{
    struct filter_build b = {
        .id = slice_from_cstr(id), .keeps = keeps, .hold = hold, .holder = held};
    return filter_keep(&b, sizeof(struct counted), begin, dispose);
}

static void test_the_next_configuration_finds_it(void **state)
{
    struct filter_keeps keeps;
    struct filter_keep *first, *second, *other;
    (void)state;
    filter_keeps_init(&keeps);
    struct counted *c = take(&keeps, "shop/limits/rateLimit", &first);
    c->count++;
    assert_ptr_equal(take(&keeps, "shop/limits/rateLimit", &second), c);
    assert_ptr_not_equal(take(&keeps, "shop/others/rateLimit", &other), c);
    assert_int_equal(begun, 2);
    filter_keep_unref(first);
    filter_keeps_sweep(&keeps);
    assert_int_equal(disposed, 0);
    assert_int_equal(c->count, 8);
    filter_keep_unref(second);
    filter_keep_unref(other);
    filter_keeps_dispose(&keeps);
    assert_int_equal(disposed, 2);
}

static void test_what_nobody_holds_is_forgotten(void **state)
{
    struct filter_keeps keeps;
    struct filter_keep *held;
    (void)state;
    filter_keeps_init(&keeps);
    take(&keeps, "shop/limits/rateLimit", &held);
    filter_keep_unref(held);
    assert_int_equal(disposed, 0);
    filter_keeps_sweep(&keeps);
    assert_int_equal(disposed, 1);
    assert_int_equal(take(&keeps, "shop/limits/rateLimit", &held)->count, 7);
    assert_int_equal(begun, 2);
    filter_keeps_dispose(&keeps);
    assert_int_equal(disposed, 1); /* a configuration still has it */
    filter_keep_unref(held);
    assert_int_equal(disposed, 2);
}

static void test_without_an_id_it_goes_with_its_configuration(void **state)
{
    struct filter_keeps keeps;
    struct filter_keep *first, *second;
    (void)state;
    filter_keeps_init(&keeps);
    assert_ptr_not_equal(take(&keeps, "", &first), take(&keeps, "", &second));
    filter_keep_unref(first);
    filter_keep_unref(second);
    assert_int_equal(disposed, 2);
    filter_keeps_dispose(&keeps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_next_configuration_finds_it, set_up),
        cmocka_unit_test_setup(test_what_nobody_holds_is_forgotten, set_up),
        cmocka_unit_test_setup(test_without_an_id_it_goes_with_its_configuration, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
