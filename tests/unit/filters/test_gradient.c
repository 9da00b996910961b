/* The limit that finds itself (filters/rate/gradient.h), against a backend that is simulated: as
 * many as it has workers are answered at once, the others wait for their turn.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/gradient.h"

#include "tests/unit/sidecar/cmocka_sidecar.h"

static const struct gradient_conf conf = {.min = 3,
                                          .max = 200,
                                          .window_ms = 100,
                                          .ideal_interval_ms = 60000,
                                          .ideal_samples = 50,
                                          .tolerance_percent = 25};

enum { SERVICE_MS = 10 };

struct backend {
    unsigned workers;
    unsigned under_way;
    double done; /* fractions of a response */
};

/* One millisecond of it, with callers that want `wanted` at once; how many were refused. */
static unsigned pass(struct gradient *g, struct backend *b, uint64_t now_ms, unsigned wanted)
{
    unsigned refused = 0;
    for (unsigned i = b->under_way; i < wanted; i++) {
        if (gradient_enter(g, &conf))
            b->under_way++;
        else
            refused++;
    }
    unsigned busy = b->under_way < b->workers ? b->under_way : b->workers;
    b->done += (double)busy / SERVICE_MS;
    for (; b->done >= 1 && b->under_way; b->done--) {
        uint64_t took = SERVICE_MS * 1000;
        if (b->under_way > b->workers)
            took = took * b->under_way / b->workers;
        gradient_learn(g, &conf, now_ms, took);
        gradient_leave(g);
        b->under_way--;
    }
    return refused;
}

static uint64_t run(struct gradient *g, struct backend *b, uint64_t from, uint64_t ms,
                    unsigned wanted)
{
    for (uint64_t now = from; now < from + ms; now++)
        pass(g, b, now, wanted);
    return from + ms;
}

static void test_while_nothing_is_known_no_more_than_min_pass(void **state)
{
    struct gradient g = {0};
    (void)state;
    for (unsigned i = 0; i < conf.min; i++)
        assert_true(gradient_enter(&g, &conf));
    assert_false(gradient_enter(&g, &conf));
    gradient_leave(&g);
    assert_true(gradient_enter(&g, &conf));
}

/* requirement: I25 */
static void test_the_limit_settles_near_what_the_backend_can_do(void **state)
{
    struct gradient g = {0};
    struct backend b = {.workers = 40};
    (void)state;
    run(&g, &b, 1000, 20000, 1000);
    assert_in_range(gradient_limit(&g, &conf), 40, 100);
    assert_true(b.under_way <= 100); /* and not the 1000 that want to be */
}

static void test_it_follows_when_the_backend_can_do_less(void **state)
{
    struct gradient g = {0};
    struct backend b = {.workers = 40};
    (void)state;
    uint64_t now = run(&g, &b, 1000, 20000, 1000);
    b.workers = 8;
    run(&g, &b, now, 20000, 1000);
    assert_in_range(gradient_limit(&g, &conf), 8, 30);
}

static void test_it_rises_again(void **state)
{
    struct gradient g = {0};
    struct backend b = {.workers = 8};
    (void)state;
    uint64_t now = run(&g, &b, 1000, 20000, 1000);
    b.workers = 80;
    run(&g, &b, now, 20000, 1000);
    assert_in_range(gradient_limit(&g, &conf), 80, 200);
}

static void test_a_fast_backend_gets_no_more_than_max(void **state)
{
    struct gradient g = {0};
    struct backend b = {.workers = 10000};
    (void)state;
    run(&g, &b, 1000, 20000, 1000);
    assert_int_equal(gradient_limit(&g, &conf), conf.max);
}

/* The ideal is measured with few under way, and then the limit is what it was. */
static void test_the_ideal_is_measured_anew(void **state)
{
    struct gradient g = {0};
    struct backend b = {.workers = 40};
    bool was_low = false;
    (void)state;
    uint64_t now = run(&g, &b, 1000, 59000, 1000);
    uint32_t before = gradient_limit(&g, &conf);
    for (uint64_t end = now + 4000; now < end; now++) {
        pass(&g, &b, now, 1000);
        was_low |= gradient_limit(&g, &conf) == conf.min;
    }
    assert_true(was_low);
    assert_in_range(gradient_limit(&g, &conf), before / 2, before * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_while_nothing_is_known_no_more_than_min_pass),
        cmocka_unit_test(test_the_limit_settles_near_what_the_backend_can_do),
        cmocka_unit_test(test_it_follows_when_the_backend_can_do_less),
        cmocka_unit_test(test_it_rises_again),
        cmocka_unit_test(test_a_fast_backend_gets_no_more_than_max),
        cmocka_unit_test(test_the_ideal_is_measured_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
