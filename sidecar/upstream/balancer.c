/* Power of two choices on peak-EWMA by default; round robin, random and least request on demand;
 * always the same endpoint for a client where the Service has sessionAffinity. Worker thread; keeps
 * nothing of its own between picks but a turn counter. Must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/balancer.h"

#include "lib/base/rand.h"
#include "lib/io/loop.h"
#include "sidecar/config/affinity.h"
#include "sidecar/upstream/outlier.h"
#include "sidecar/worker/worker.h"

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

/* ---- clients that keep their endpoint ---- */

static uint64_t client_hash(const struct cluster *c, const struct addr *client)
{
    const struct settings *s = c->worker->settings;
    if (client && c->conf->affinity_by_client)
        return slice_hash(slice_of(client->ip, sizeof(client->ip)));
    /* What is the same after a restart, and not for the next pod. */
    return slice_hash(slice_of(s->pod_ip.ip, sizeof(s->pod_ip.ip))) ^
           slice_hash(slice_from_cstr(s->workload ? s->workload : ""));
}

static struct endpoint *find_kept(struct cluster *c, uint32_t id, struct endpoint *const *tried,
                                  unsigned tried_count, uint64_t now_ms)
{
    for (uint32_t i = 0; id && i < c->endpoint_count; i++) {
        struct endpoint *e = c->endpoints[i];
        if (affinity_id(e->conf->address_hash) == id &&
            is_usable(e, HEALTHY_AND_NEW, tried, tried_count, now_ms))
            return e;
    }
    return NULL;
}

static struct endpoint *choose(struct cluster *c, uint64_t client, enum strictness strictness,
                               struct endpoint *const *tried, unsigned tried_count,
                               uint64_t now_ms)
{
    struct endpoint *best = NULL;
    uint64_t best_score = 0;
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        struct endpoint *e = c->endpoints[i];
        uint64_t score = affinity_score(client, e->conf->address_hash);
        if (is_usable(e, strictness, tried, tried_count, now_ms) &&
            (!best || score > best_score)) {
            best = e;
            best_score = score;
        }
    }
    return best;
}

/* Who meets a failure goes elsewhere with that one request; whose endpoint is gone or ejected moves
 * for good. */
static struct endpoint *pick_kept(struct cluster *c, uint64_t client,
                                  struct endpoint *const *tried, unsigned tried_count,
                                  uint64_t now_ms)
{
    uint32_t id = affinity_find(c->conf->affinity, client, c->conf->affinity_s, now_ms);
    struct endpoint *e = find_kept(c, id, tried, tried_count, now_ms);
    if (e)
        return e;
    for (enum strictness s = HEALTHY_AND_NEW; !e && s < STRICTNESS_COUNT; s++)
        e = choose(c, client, s, tried, tried_count, now_ms);
    if (e && !tried_count)
        affinity_keep(c->conf->affinity, client, affinity_id(e->conf->address_hash), now_ms);
    return e;
}

struct endpoint *balancer_pick(struct cluster *c, const struct addr *client,
                               struct endpoint *const *tried, unsigned tried_count)
{
    if (c->endpoint_count == 0)
        return NULL;
    uint64_t now_ms = loop_now_ms(c->worker->loop);
    if (c->endpoint_count == 1)
        return c->endpoints[0]->conf->ready ? c->endpoints[0] : NULL;
    if (c->conf->affinity)
        return pick_kept(c, client_hash(c, client), tried, tried_count, now_ms);
    for (enum strictness s = HEALTHY_AND_NEW; s < STRICTNESS_COUNT; s++) {
        struct endpoint *e = pick_strict(c, s, tried, tried_count, now_ms);
        if (e)
            return e;
    }
    return NULL;
}

enum fail balancer_why_none(const struct cluster *c)
{
    return c->conf->node_local ? FAIL_NO_LOCAL_ENDPOINT : FAIL_NO_ENDPOINT;
}
