/* The pauses between writes of one object: how often it is tried in a minute and in an hour,
 * whatever the server says and whoever undoes it. A simulated loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_pace.h"

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum { MINUTE_MS = 60000, STEP_MS = 10 };

static struct loop *loop;
static struct kube_pace pace;

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    kube_pace_init(&pace, loop);
    return 0;
}

static int tear_down(void **state)
{
    loop_destroy(loop);
    return 0;
}

/* How many writes come to be answered so within that time. */
static unsigned tries(unsigned status, uint64_t ms)
{
    struct kube_result result = {.status = status};
    unsigned count = 0;
    for (uint64_t end = loop_now_ms(loop) + ms; loop_now_ms(loop) < end;) {
        if (!kube_pace_wait_ms(&pace)) {
            assert_int_equal(kube_pace_take(&pace, &result), status / 100 == 2);
            count++;
        }
        loop_sim_advance(loop, STEP_MS);
    }
    return count;
}

static void test_failures_have_growing_pauses(void **state)
{
    static const unsigned statuses[] = {0, 403, 404, 409, 422, 429, 500, 503, 504};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        kube_pace_init(&pace, loop);
        assert_int_equal(kube_pace_wait_ms(&pace), 0);
        assert_in_range(tries(statuses[i], MINUTE_MS), 5, 12);
        (void)tries(statuses[i], 30 * MINUTE_MS);
        assert_in_range(tries(statuses[i], 60 * MINUTE_MS), 11, 25);
    }
}

/* Somebody was faster: that is tried again sooner. */
static void test_a_conflict_is_soon_tried_again(void **state)
{
    (void)kube_pace_take(&pace, &(struct kube_result){.status = 409});
    assert_in_range(kube_pace_wait_ms(&pace), 50, 100);
    (void)kube_pace_take(&pace, &(struct kube_result){.status = 403});
    assert_in_range(kube_pace_wait_ms(&pace), 1000, 2000);
}

static void test_a_server_that_says_how_long(void **state)
{
    (void)kube_pace_take(&pace, &(struct kube_result){.status = 429, .retry_after_ms = 30000});
    assert_int_equal(kube_pace_wait_ms(&pace), 30000);
    kube_pace_forgive(&pace); /* its word holds for whatever is to be written */
    assert_int_equal(kube_pace_wait_ms(&pace), 30000);
    loop_sim_advance(loop, 30000);
    assert_int_equal(kube_pace_wait_ms(&pace), 0);
}

static void test_something_else_may_be_tried_at_once(void **state)
{
    for (int i = 0; i < 6; i++)
        (void)kube_pace_take(&pace, &(struct kube_result){.status = 422});
    assert_true(kube_pace_wait_ms(&pace) > 10000);
    kube_pace_forgive(&pace);
    assert_int_equal(kube_pace_wait_ms(&pace), 0);
}

/* But who changes his mind all the time is slowed down too. */
static void test_something_else_all_the_time(void **state)
{
    unsigned count = 0;
    for (int i = 0; i < 600; i++) {
        kube_pace_forgive(&pace);
        count += tries(422, 1000);
    }
    assert_true(count < 60);
}

static void test_writes_that_do_not_last_get_slower(void **state)
{
    assert_in_range(tries(200, MINUTE_MS), 8, 16);
    (void)tries(200, 10 * MINUTE_MS);
    assert_in_range(tries(200, 10 * MINUTE_MS), 9, 21);
    loop_sim_advance(loop, 3 * MINUTE_MS);
    assert_true(kube_pace_is_quiet(&pace));
    (void)kube_pace_take(&pace, &(struct kube_result){.status = 200});
    assert_int_equal(kube_pace_wait_ms(&pace), 0);
}

static void test_a_success_ends_the_pauses(void **state)
{
    assert_true(kube_pace_is_quiet(&pace));
    (void)tries(500, MINUTE_MS);
    assert_false(kube_pace_is_quiet(&pace));
    loop_sim_advance(loop, 5 * MINUTE_MS);
    (void)kube_pace_take(&pace, &(struct kube_result){.status = 201});
    assert_int_equal(kube_pace_wait_ms(&pace), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_failures_have_growing_pauses),
        TEST(test_a_conflict_is_soon_tried_again),
        TEST(test_a_server_that_says_how_long),
        TEST(test_something_else_may_be_tried_at_once),
        TEST(test_something_else_all_the_time),
        TEST(test_writes_that_do_not_last_get_slower),
        TEST(test_a_success_ends_the_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
