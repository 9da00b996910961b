/* Round robin: endpoints in turn, for each worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/lb.h"

struct state {
    uint32_t next;
};

/* Goes on behind the one that was chosen: else whoever follows an unusable one would get the share
 * of both. */
static struct endpoint *pick(struct pick *p)
{
    struct state *s = p->cluster->lb_state;
    return lb_scan(p, s->next, &s->next);
}

const struct lb lb_round_robin = {.state_size = sizeof(struct state), .pick = pick};
