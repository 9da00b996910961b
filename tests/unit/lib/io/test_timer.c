/* Tests of timers on a real loop: order, restarting, stopping, never early. No upper time limits.
 * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/timer.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/io/loop.h"
#include "tests/unit/lib/io/cmocka_io.h"

struct probe {
    struct timer timer;
    unsigned fired;
    unsigned *left; /* the loop stops when it gets to zero */
    uint64_t not_before;
    uint64_t delay;
};

static uint64_t last_due;

static void note(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);
    assert_true(loop_now_ms(t->loop) >= p->not_before);
    /* In order of what they were due at, give or take the two ticks of the wheel. */
    assert_true(p->not_before + 8 >= last_due);
    last_due = p->not_before > last_due ? p->not_before : last_due;
    p->fired++;
    if (--*p->left == 0)
        loop_stop(t->loop);
}

static void start(struct probe *p, uint64_t delay)
{
    timer_start(&p->timer, delay);
    p->not_before = p->timer.due_ms; /* outside of a run each start asks for the time anew */
}

static void test_many(void **state)
{
    enum { MANY = 20000 };
    struct loop *l = loop_create();
    struct probe *probes = mem_zalloc(MANY * sizeof(*probes));
    struct rand_state r;
    unsigned left = 0;
    last_due = 0;
    rand_seed(&r, 4);
    for (int i = 0; i < MANY; i++) {
        timer_init(&probes[i].timer, l, note);
        probes[i].left = &left;
        start(&probes[i], rand_below(&r, 600));
        left++;
    }
    for (int i = 0; i < MANY; i += 3) {
        timer_stop(&probes[i].timer);
        timer_stop(&probes[i].timer);
        left--;
    }
    for (int i = 1; i < MANY; i += 3)
        start(&probes[i], rand_below(&r, 600));
    loop_run(l);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(probes[i].fired, i % 3 != 0);
        assert_false(timer_is_running(&probes[i].timer));
    }
    mem_free(probes);
    loop_destroy(l);
}

static void again(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);
    assert_true(loop_now_ms(t->loop) >= p->not_before);
    if (++p->fired == 5)
        loop_stop(t->loop);
    else
        start(p, p->delay);
}

static void test_restarts_itself(void **state)
{
    static const uint64_t delays[] = {0, 1, 7, 30};
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        struct loop *l = loop_create();
        struct probe p = {.delay = delays[i]};
        timer_init(&p.timer, l, again);
        start(&p, p.delay);
        loop_run(l);
        assert_int_equal(p.fired, 5);
        loop_destroy(l);
    }
}

/* An earlier timer started after a later one must not wait for the later one's wake-up. */
static void test_earlier_started_later(void **state)
{
    struct loop *l = loop_create();
    unsigned left = 1, never = 1;
    struct probe far = {.left = &never}, near = {.left = &left};
    last_due = 0;
    timer_init(&far.timer, l, note);
    timer_init(&near.timer, l, note);
    start(&far, 3600 * 1000);
    start(&near, 20);
    loop_run(l);
    assert_int_equal(near.fired, 1);
    assert_int_equal(far.fired, 0);
    timer_stop(&far.timer);
    loop_destroy(l);
}

static void test_stop_unstarted(void **state)
{
    struct timer t;
    timer_init(&t, NULL, note);
    timer_stop(&t);
    assert_false(timer_is_running(&t));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_restarts_itself),
        cmocka_unit_test(test_earlier_started_later),
        cmocka_unit_test(test_stop_unstarted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
