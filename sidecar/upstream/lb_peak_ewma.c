/* Peak-EWMA: what one more request would wait for, by how long answers took (lib/base/ewma.h) and
 * how many are waited for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/loop.h"
#include "sidecar/upstream/lb.h"

static double load(const struct pick *p, const struct endpoint *e)
{
    return ewma_load(&e->latency, loop_now_ns(p->cluster->worker->loop), e->active);
}

static struct endpoint *pick(struct pick *p)
{
    return lb_of_two(p, load);
}

const struct lb lb_peak_ewma = {.pick = pick};
