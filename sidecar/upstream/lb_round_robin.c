/* Round robin: endpoints in turn, for each worker. Where they have weights, turns are dealt out in
 * proportion and evenly mixed: multiples of the golden ratio fall evenly on a line, on which each
 * endpoint has a piece as long as its weight.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/lb.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15) /* of 2^64 */

struct state {
    uint32_t next;
    uint64_t point;
};

static uint64_t weight_of_all(const struct pick *p)
{
    uint64_t all = 0;
    for (uint32_t i = 0; i < p->cluster->endpoint_count; i++)
        if (lb_is_usable(p, p->cluster->endpoints[i]))
            all += p->cluster->endpoints[i]->conf->weight;
    return all;
}

static struct endpoint *pick_weighted(struct pick *p, struct state *s)
{
    uint64_t all = weight_of_all(p), at = s->point += GOLDEN;
    at = (uint64_t)(((unsigned __int128)at * all) >> 64);
    for (uint32_t i = 0; all && i < p->cluster->endpoint_count; i++) {
        struct endpoint *e = p->cluster->endpoints[i];
        if (!lb_is_usable(p, e))
            continue;
        if (at < e->conf->weight)
            return e;
        at -= e->conf->weight;
    }
    return NULL;
}

/* Goes on behind the one that was chosen: else whoever follows an unusable one would get the share
 * of both. */
static struct endpoint *pick(struct pick *p)
{
    struct state *s = p->cluster->lb_state;
    return p->cluster->conf->is_weighted ? pick_weighted(p, s) : lb_scan(p, s->next, &s->next);
}

const struct lb lb_round_robin = {.state_size = sizeof(struct state), .pick = pick};
