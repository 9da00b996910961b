/* Timers by the thousand: a hashed wheel per loop behind one libuv timer. Starting and stopping is
 * list surgery; the precision is about 4 ms and a timer never fires early. Embedded, owned by the
 * loop's thread, no close callback.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/list.h"

struct loop;

struct timer {
    struct list node;
    struct loop *loop;
    uint64_t due_ms;
    void (*fire)(struct timer *t);
};

void timer_init(struct timer *t, struct loop *l, void (*fire)(struct timer *t));
/* One shot, `delay_ms` from loop_now_ms. Restarting moves it. */
void timer_start(struct timer *t, uint64_t delay_ms);
/* Idempotent. */
void timer_stop(struct timer *t);
static inline bool timer_is_running(const struct timer *t)
{
    return list_is_linked(&t->node);
}
