/* Least request: how many requests of this worker an endpoint has not answered yet.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/lb.h"

static double load(const struct pick *p, const struct endpoint *e)
{
    (void)p;
    return e->active;
}

static struct endpoint *pick(struct pick *p)
{
    return lb_of_two(p, load);
}

const struct lb lb_least_request = {.pick = pick};
