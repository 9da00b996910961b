/* Binds a loop's timing wheel to its one libuv timer, which is armed only while there are timers.
 * Stopping never disarms it: one idle wake-up is cheaper than asking each time. Owned by the loop,
 * on its thread. Must not know who uses timers for what.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/timer.h"

#include "lib/io/loop.h"
#include "lib/io/loop_priv.h"
#include "lib/io/wheel.h"

static void on_wake(uv_timer_t *handle);

static void arm(struct loop *l, uint64_t at_ms)
{
    if (at_ms >= l->armed_ms || l->simulated)
        return;
    l->armed_ms = at_ms;
    uint64_t now = uv_now(&l->uv);
    uv_timer_start(&l->wake, on_wake, at_ms > now ? at_ms - now : 0, 0);
}

static void on_wake(uv_timer_t *handle)
{
    struct loop *l = container_of(handle, struct loop, wake);
    /* Timers started by the ones that fire must not arm it for what is looked at below anyway. */
    l->armed_ms = 0;
    wheel_advance(&l->wheel, uv_now(&l->uv));
    l->armed_ms = WHEEL_NEVER;
    arm(l, wheel_next_ms(&l->wheel));
}

void timer_init(struct timer *t, struct loop *l, void (*fire)(struct timer *t))
{
    list_init(&t->node);
    t->loop = l;
    t->due_ms = 0;
    t->fire = fire;
}

void timer_start(struct timer *t, uint64_t delay_ms)
{
    struct loop *l = t->loop;
    /* Between two runs nobody else keeps the loop's time up to date. */
    if (!l->running && !l->simulated)
        uv_update_time(&l->uv);
    uint64_t now = loop_now_ms(l);
    timer_stop(t);
    t->due_ms = delay_ms < UINT64_MAX - now ? now + delay_ms : UINT64_MAX;
    arm(l, wheel_link(&l->wheel, t, now));
}

void timer_stop(struct timer *t)
{
    /* A timer that is linked nowhere may not even have a loop yet. */
    if (timer_is_running(t))
        wheel_unlink(&t->loop->wheel, t);
}
