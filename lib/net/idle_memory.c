/* A timer, and a little work each time, so that no request waits for it. What is needed again and
 * again is never given back: blocks that were not taken for a while go, and connections that had no
 * stream for a while rest. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/idle_memory.h"

#include "lib/base/mem.h"
#include "lib/codec/h2/h2.h"

enum {
    EVERY_MS = 2000,
    AGAIN_MS = 20,    /* while there is more to do than one turn should */
    TIMES_TO_AGE = 4, /* of EVERY_MS */
    CONNECTIONS = 128,
    BLOCKS = 2000,
};

static void on_time(struct timer *t)
{
    struct idle_memory *m = container_of(t, struct idle_memory, timer);
    bool has_more = mem_trim_aged(BLOCKS) || h2_rest_idle(CONNECTIONS);
    if (!has_more && ++m->times % TIMES_TO_AGE == 0)
        mem_age();
    if (!has_more && m->returns)
        mem_return();
    timer_start(t, has_more ? AGAIN_MS : EVERY_MS);
}

void idle_memory_begin(struct idle_memory *m, struct loop *l, bool returns)
{
    *m = (struct idle_memory){.returns = returns};
    timer_init(&m->timer, l, on_time);
    timer_start(&m->timer, EVERY_MS);
}

void idle_memory_end(struct idle_memory *m)
{
    timer_stop(&m->timer);
}
