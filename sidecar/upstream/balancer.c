/* Power of two choices on peak-EWMA by default; round robin, random and least request on demand.
 * Worker thread; keeps nothing between picks but a turn counter. Must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/balancer.h"

#include "lib/base/rand.h"
#include "lib/io/loop.h"
#include "sidecar/upstream/outlier.h"
#include "sidecar/worker.h"

enum strictness { HEALTHY_AND_NEW, HEALTHY, READY_AND_NEW, READY, STRICTNESS_COUNT };

static bool is_usable(const struct endpoint *e, enum strictness strictness,
                      struct endpoint *const *tried, unsigned tried_count, uint64_t now_ms)
{
    if (!e->conf->ready || e->conf->weight == 0)
        return false;
    if (strictness <= HEALTHY && outlier_is_ejected(e->conf->health, now_ms))
        return false;
    if (strictness == HEALTHY_AND_NEW || strictness == READY_AND_NEW)
        for (unsigned i = 0; i < tried_count; i++)
            if (tried[i] == e)
                return false;
    return true;
}

static double load_of(const struct endpoint *e, uint64_t now_ns,
                      Weft__Config__V1__LoadBalancing algorithm)
{
    double load = algorithm == WEFT__CONFIG__V1__LOAD_BALANCING__LB_LEAST_REQUEST
                      ? (double)e->active
                      : ewma_load(&e->latency, now_ns, e->active);
    return load / e->conf->weight;
}

/* Starting anywhere, the first usable endpoint; *next is the one behind it. */
static struct endpoint *scan(struct cluster *c, uint32_t start, uint32_t *next,
                             enum strictness strictness, struct endpoint *const *tried,
                             unsigned tried_count, uint64_t now_ms)
{
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        uint32_t at = (start + i) % c->endpoint_count;
        struct endpoint *e = c->endpoints[at];
        if (!is_usable(e, strictness, tried, tried_count, now_ms))
            continue;
        *next = at + 1;
        return e;
    }
    return NULL;
}

static struct endpoint *pick_strict(struct cluster *c, enum strictness strictness,
                                    struct endpoint *const *tried, unsigned tried_count,
                                    uint64_t now_ms)
{
    struct rand_state *rand = &c->worker->rand;
    Weft__Config__V1__LoadBalancing algorithm = c->conf->load_balancing;
    uint32_t next;
    /* Behind the one chosen, or whoever follows an unusable one would get its share too. */
    if (algorithm == WEFT__CONFIG__V1__LOAD_BALANCING__LB_ROUND_ROBIN)
        return scan(c, c->round_robin, &c->round_robin, strictness, tried, tried_count, now_ms);
    struct endpoint *a =
        scan(c, rand_below(rand, c->endpoint_count), &next, strictness, tried, tried_count, now_ms);
    if (!a || algorithm == WEFT__CONFIG__V1__LOAD_BALANCING__LB_RANDOM)
        return a;
    struct endpoint *b =
        scan(c, rand_below(rand, c->endpoint_count), &next, strictness, tried, tried_count, now_ms);
    if (a == b)
        return a;
    uint64_t now_ns = loop_now_ns(c->worker->loop);
    return load_of(a, now_ns, algorithm) <= load_of(b, now_ns, algorithm) ? a : b;
}

struct endpoint *balancer_pick(struct cluster *c, struct endpoint *const *tried,
                               unsigned tried_count)
{
    if (c->endpoint_count == 0)
        return NULL;
    uint64_t now_ms = loop_now_ms(c->worker->loop);
    if (c->endpoint_count == 1)
        return c->endpoints[0]->conf->ready ? c->endpoints[0] : NULL;
    for (enum strictness s = HEALTHY_AND_NEW; s < STRICTNESS_COUNT; s++) {
        struct endpoint *e = pick_strict(c, s, tried, tried_count, now_ms);
        if (e)
            return e;
    }
    return NULL;
}
