/* The simulated loop: the same tasks, graves and timing wheel, driven by calls instead of by
 * libuv. Owned by one thread. Must not know libuv beyond the struct it leaves unused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/loop_sim.h"

#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"

enum { TURNS_MAX = 100000 }; /* then it is a livelock */

struct loop *loop_sim_create(uint64_t now_ms)
{
    struct loop *l = mem_zalloc(sizeof(*l));
    l->simulated = true;
    l->sim_ms = now_ms;
    loop_init_common(l, now_ms);
    return l;
}

bool loop_sim_turn(struct loop *l)
{
    for (int i = 0; i < TURNS_MAX; i++) {
        if (loop_end_turn(l))
            return true;
    }
    return false;
}

void loop_sim_advance(struct loop *l, uint64_t ms)
{
    uint64_t end = l->sim_ms + ms;
    loop_sim_turn(l);
    for (;;) {
        uint64_t next = wheel_next_ms(&l->wheel);
        if (next > end)
            break;
        if (next > l->sim_ms)
            l->sim_ms = next;
        wheel_advance(&l->wheel, l->sim_ms);
        loop_sim_turn(l);
    }
    l->sim_ms = end;
}

bool loop_sim_skip(struct loop *l, uint64_t limit_ms)
{
    loop_sim_turn(l);
    uint64_t next = wheel_next_ms(&l->wheel);
    if (next == WHEEL_NEVER || (next > l->sim_ms && next - l->sim_ms > limit_ms))
        return false;
    loop_sim_advance(l, next > l->sim_ms ? next - l->sim_ms : 0);
    return true;
}
