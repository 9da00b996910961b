/* Tests of the loop: the order at the end of a turn, time, the read chunk, stopping. One thread,
 * real loops.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/loop.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/listener.h"
#include "lib/io/loop_sim.h"
#include "lib/io/stream.h"
#include "lib/io/timer.h"
#include "tests/unit/lib/io/cmocka_io.h"

struct step {
    struct loop_task task;
    struct loop *loop;
    char name;
    struct step *flush, *bury; /* queued from inside run */
    bool stop;
};

static char trace[64];

static void run_step(struct loop_task *task)
{
    struct step *s = container_of(task, struct step, task);
    size_t n = strlen(trace);
    if (n + 1 < sizeof(trace))
        trace[n] = s->name;
    if (s->flush)
        loop_flush_later(s->loop, &s->flush->task);
    if (s->bury)
        loop_bury(s->loop, &s->bury->task);
    if (s->stop)
        loop_stop(s->loop);
}

static void step_init(struct step *s, struct loop *l, char name)
{
    memset(s, 0, sizeof(*s));
    loop_task_init(&s->task, run_step);
    s->loop = l;
    s->name = name;
}

static void test_order(void **state)
{
    struct loop *l = loop_create();
    struct step a, b, c, g, h;
    memset(trace, 0, sizeof(trace));
    step_init(&a, l, 'a');
    step_init(&b, l, 'b');
    step_init(&c, l, 'c');
    step_init(&g, l, 'g');
    step_init(&h, l, 'h');
    /* Graves after all tasks; tasks queued by tasks in the same phase; and a task that a grave
     * queues still runs before the loop may block. */
    loop_bury(l, &g.task);
    loop_flush_later(l, &a.task);
    loop_flush_later(l, &a.task);
    a.flush = &b;
    g.flush = &c;
    c.bury = &h;
    h.stop = true;
    loop_run(l);
    assert_string_equal(trace, "abgch");
    loop_destroy(l);
}

static void test_cancel_and_rebury(void **state)
{
    struct loop *l = loop_create();
    struct step a, b, c;
    memset(trace, 0, sizeof(trace));
    step_init(&a, l, 'a');
    step_init(&b, l, 'b');
    step_init(&c, l, 'c');
    loop_flush_later(l, &a.task);
    loop_flush_later(l, &b.task);
    loop_task_cancel(&a.task);
    loop_task_cancel(&a.task);
    /* A task that is buried while queued runs once, as a grave. */
    loop_flush_later(l, &c.task);
    loop_bury(l, &c.task);
    loop_bury(l, &c.task);
    loop_flush_later(l, &c.task);
    c.stop = true;
    loop_run(l);
    assert_string_equal(trace, "bc");
    loop_destroy(l);
}

struct restless {
    struct loop_task task;
    struct loop_task grave;
    struct timer timer;
    struct loop *loop;
    bool timer_fired, grave_ran;
};

static void run_again(struct loop_task *task)
{
    struct restless *r = container_of(task, struct restless, task);
    if (!r->timer_fired)
        loop_flush_later(r->loop, task);
    else
        loop_stop(r->loop);
}

static void note_grave(struct loop_task *task)
{
    container_of(task, struct restless, grave)->grave_ran = true;
}

static void note_timer(struct timer *timer)
{
    struct restless *r = container_of(timer, struct restless, timer);
    assert_true(r->grave_ran);
    r->timer_fired = true;
}

/* A task that queues itself for ever keeps neither timers nor graves from their turn. */
static void test_endless_task(void **state)
{
    struct restless r = {.loop = loop_create()};
    loop_task_init(&r.task, run_again);
    loop_task_init(&r.grave, note_grave);
    timer_init(&r.timer, r.loop, note_timer);
    timer_start(&r.timer, 5);
    loop_flush_later(r.loop, &r.task);
    loop_bury(r.loop, &r.grave);
    loop_run(r.loop);
    assert_true(r.timer_fired);
    loop_destroy(r.loop);
}

struct counter {
    struct loop_task task;
    struct timer late;
    struct loop *loop;
    unsigned left;
    bool was_late;
};

static void count_down(struct loop_task *task)
{
    struct counter *c = container_of(task, struct counter, task);
    if (--c->left)
        loop_flush_later(c->loop, task);
    else
        loop_stop(c->loop);
}

static void stop_late(struct timer *timer)
{
    struct counter *c = container_of(timer, struct counter, late);
    c->was_late = true;
    loop_stop(c->loop);
}

/* More rounds than one turn has go on in the next one: nobody has to wake the loop for them. */
static void test_many_rounds_need_no_event(void **state)
{
    struct counter c = {.loop = loop_create(), .left = 1000};
    loop_task_init(&c.task, count_down);
    timer_init(&c.late, c.loop, stop_late);
    timer_start(&c.late, 10000); /* the event that would have to wake it */
    loop_flush_later(c.loop, &c.task);
    loop_run(c.loop);
    assert_int_equal(c.left, 0);
    assert_false(c.was_late);
    timer_stop(&c.late);
    loop_destroy(c.loop);
}

static void never(struct listener *l, struct stream *accepted)
{
    (void)l;
    stream_close(accepted);
}

/* Whoever forgets to close something is told what, and does not go on with a broken loop. */
static void test_what_is_still_open_is_named(void **state)
{
    int told[2], status = 0;
    char text[1024];
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        struct addr at = {.family = 4, .ip = {127, 0, 0, 1}};
        struct listener *l;
        struct loop *loop = loop_create();
        struct rlimit none = {0, 0};
        dup2(told[1], 2);
        signal(SIGABRT, SIG_DFL);
        if (setrlimit(RLIMIT_CORE, &none) || listener_open(loop, &at, NULL, never, NULL, &l))
            _exit(1);
        loop_destroy(loop);
        _exit(0);
    }
    close(told[1]);
    assert_true(child > 0);
    size_t len = 0;
    for (ssize_t n; (n = read(told[0], text + len, sizeof(text) - 1 - len)) > 0;)
        len += (size_t)n;
    text[len] = '\0';
    close(told[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "still open at loop_destroy: a poll"));
}

static void test_stop_before_run(void **state)
{
    struct loop *l = loop_create();
    struct step a;
    memset(trace, 0, sizeof(trace));
    step_init(&a, l, 'a');
    loop_stop(l);
    loop_flush_later(l, &a.task);
    loop_run(l);
    /* What is queued is not left behind. */
    assert_string_equal(trace, "a");
    a.stop = true;
    loop_flush_later(l, &a.task);
    loop_run(l);
    assert_string_equal(trace, "aa");
    loop_destroy(l);
}

struct clock_check {
    struct loop_task task;
    struct loop *loop;
    uint64_t ns;
};

static void check_clock(struct loop_task *task)
{
    struct clock_check *c = container_of(task, struct clock_check, task);
    uint64_t first = loop_now_ns(c->loop);
    assert_true(first >= c->ns && first <= clock_mono_ns());
    assert_int_equal(loop_now_ns(c->loop), first);
    assert_true(loop_now_ms(c->loop) <= clock_mono_ns() / 1000000 + 1);
    loop_stop(c->loop);
}

static void test_clock(void **state)
{
    struct clock_check c = {.loop = loop_create(), .ns = clock_mono_ns()};
    loop_task_init(&c.task, check_clock);
    loop_flush_later(c.loop, &c.task);
    loop_run(c.loop);
    loop_destroy(c.loop);
}

static void test_read_chunk(void **state)
{
    struct loop *l = loop_create();
    struct chunk *first = loop_read_chunk(l);
    assert_int_equal(first->capacity, 65536);
    assert_int_equal(first->used, 0);
    first->used = 100;
    assert_ptr_equal(loop_read_chunk(l), first);
    assert_int_equal(first->used, 0);
    chunk_ref(first);
    first->used = 100;
    struct chunk *second = loop_read_chunk(l);
    assert_ptr_not_equal(second, first);
    assert_int_equal(first->refs, 1);
    assert_int_equal(first->used, 100);
    chunk_unref(first);
    loop_destroy(l);
}

static void test_simulated(void **state)
{
    struct restless r = {.loop = loop_sim_create(1000)};
    struct step a, g;
    memset(trace, 0, sizeof(trace));
    step_init(&a, r.loop, 'a');
    step_init(&g, r.loop, 'g');
    assert_int_equal(loop_now_ms(r.loop), 1000);
    loop_bury(r.loop, &g.task);
    loop_flush_later(r.loop, &a.task);
    assert_true(loop_sim_turn(r.loop));
    assert_string_equal(trace, "ag");

    r.grave_ran = true;
    timer_init(&r.timer, r.loop, note_timer);
    timer_start(&r.timer, 500);
    loop_sim_advance(r.loop, 499);
    assert_false(r.timer_fired);
    assert_int_equal(loop_now_ms(r.loop), 1499);
    assert_int_equal(loop_now_ns(r.loop), 1499000000);
    loop_sim_advance(r.loop, 1);
    assert_true(r.timer_fired);

    r.timer_fired = false;
    timer_start(&r.timer, 60000);
    assert_false(loop_sim_skip(r.loop, 1000));
    while (loop_sim_skip(r.loop, 100000)) {
    }
    assert_true(r.timer_fired);
    assert_in_range(loop_now_ms(r.loop), 61500, 61508);
    loop_task_init(&r.task, run_again);
    r.timer_fired = false;
    loop_flush_later(r.loop, &r.task);
    assert_false(loop_sim_turn(r.loop));
    loop_task_cancel(&r.task);
    loop_destroy(r.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),        cmocka_unit_test(test_cancel_and_rebury),
        cmocka_unit_test(test_endless_task),
        cmocka_unit_test(test_many_rounds_need_no_event),
        cmocka_unit_test(test_what_is_still_open_is_named), cmocka_unit_test(test_stop_before_run),
        cmocka_unit_test(test_clock),        cmocka_unit_test(test_read_chunk),
        cmocka_unit_test(test_simulated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
