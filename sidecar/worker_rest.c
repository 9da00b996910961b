/* A timer, and a little work each time, so that no request waits for it. What is needed again and
 * again is never given back: blocks that were not taken for a while go, and connections that had no
 * stream for a while rest. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/worker_rest.h"

#include "lib/base/mem.h"
#include "lib/codec/h2.h"
#include "sidecar/worker.h"

enum {
    EVERY_MS = 2000,
    AGAIN_MS = 20,    /* while there is more to do than one turn should */
    TIMES_TO_AGE = 4, /* of EVERY_MS */
    CONNECTIONS = 128,
    BLOCKS = 2000,
};

static void on_time(struct timer *t)
{
    struct worker *w = container_of(t, struct worker, rest);
    bool has_more = mem_trim_aged(BLOCKS) || h2_rest_idle(CONNECTIONS);
    if (!has_more && ++w->rests % TIMES_TO_AGE == 0)
        mem_age();
    timer_start(t, has_more ? AGAIN_MS : EVERY_MS);
}

void worker_rest_begin(struct worker *w)
{
    timer_init(&w->rest, w->loop, on_time);
    timer_start(&w->rest, EVERY_MS);
}

void worker_rest_end(struct worker *w)
{
    timer_stop(&w->rest);
}
