/* Who a request is from (filters/caller/caller.h). SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static void test_the_last_to_say_so_counts(void **state)
{
    struct arena arena;
    struct slice groups[] = {SLICE("gold"), SLICE("partners")};
    (void)state;
    arena_init(&arena, 256);
    struct filter_exchange x = {.arena = &arena};
    struct filter_caller *c = filter_caller_set(&x, "keyAuth");
    c->groups = groups;
    c->group_count = 2;
    assert_ptr_equal(x.caller, c);
    assert_true(filter_caller_has_group(x.caller, SLICE("partners")));
    assert_false(filter_caller_has_group(x.caller, SLICE("partner")));
    assert_false(filter_caller_has_group(x.caller, SLICE("")));
    filter_caller_set(&x, "jwt");
    assert_string_equal(x.caller->method, "jwt");
    assert_false(filter_caller_has_group(x.caller, SLICE("gold")));
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_last_to_say_so_counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
