/* Random: any usable endpoint.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/lb.h"

static struct endpoint *pick(struct pick *p)
{
    return lb_any(p);
}

const struct lb lb_random = {.pick = pick};
