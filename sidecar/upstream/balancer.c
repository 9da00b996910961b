/* Asks the cluster's balancer at one level after the other, until an endpoint is good enough.
 * Worker thread. Must not know requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/balancer.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "sidecar/upstream/lb.h"
#include "sidecar/upstream/lb_affinity.h"
#include "sidecar/upstream/outlier.h"

#define LB(symbol, name, doc) [LB_##symbol] = &lb_##symbol,
static const struct lb *const balancers[LB_COUNT] = {
#include "policies/kinds/lb.def"
};
#undef LB

static const struct {
    bool is_healthy, is_new, is_primary;
} wanted[LB_LEVEL_COUNT] = {
    [LB_HEALTHY_AND_NEW] = {true, true, true}, [LB_BACKUP_AND_NEW] = {true, true, false},
    [LB_HEALTHY] = {true, false, true},        [LB_BACKUP] = {true, false, false},
    [LB_READY_AND_NEW] = {false, true, false}, [LB_READY] = {false, false, false},
};

bool lb_is_usable(const struct pick *p, const struct endpoint *e)
{
    if (!e->conf->ready || e->conf->weight == 0 || e == p->passed)
        return false;
    if (wanted[p->level].is_healthy && !outlier_is_healthy(e->conf->health, p->now_ms))
        return false;
    if (wanted[p->level].is_primary && e->conf->is_backup)
        return false;
    if (wanted[p->level].is_new)
        for (unsigned i = 0; i < p->tried_count; i++)
            if (p->tried[i] == e)
                return false;
    return true;
}

struct endpoint *lb_scan(const struct pick *p, uint32_t start, uint32_t *next)
{
    struct cluster *c = p->cluster;
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        uint32_t at = (start + i) % c->endpoint_count;
        if (!lb_is_usable(p, c->endpoints[at]))
            continue;
        *next = at + 1;
        return c->endpoints[at];
    }
    return NULL;
}

void balancer_adopt(struct cluster *c, const struct cluster_conf *before)
{
    size_t size = balancers[c->conf->lb]->state_size;
    if (before && before->lb == c->conf->lb)
        return;
    mem_free(c->lb_state);
    c->lb_state = size ? mem_zalloc(size) : NULL;
}

/* In percent: what of its share an endpoint has that has just come, or is back. */
static uint64_t warmth(const struct pick *p, const struct endpoint *e)
{
    const struct cluster_conf *conf = p->cluster->conf;
    uint64_t back_ms = atomic_load_explicit(&e->conf->health->ejected_until_ms,
                                            memory_order_relaxed);
    uint64_t since_ms = back_ms > e->since_ms && back_ms <= p->now_ms ? back_ms : e->since_ms;
    uint64_t age_ms = p->now_ms - since_ms, least = conf->slow_start_percent;
    if (!since_ms || age_ms >= conf->slow_start_ms)
        return 100;
    return least + (100 - least) * age_ms / conf->slow_start_ms;
}

/* Others take the turns that it does not have yet. */
static struct endpoint *spare(struct pick *p, struct endpoint *e)
{
    if (rand_below(&p->cluster->worker->rand, 100) < warmth(p, e))
        return e;
    p->passed = e;
    struct endpoint *other = balancers[p->cluster->conf->lb]->pick(p);
    return other ? other : e;
}

/* Are so few healthy that these would be overrun? */
static bool is_panic(const struct cluster *c, uint64_t now_ms)
{
    uint32_t ready = 0, healthy = 0;
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        const struct endpoint_conf *e = c->endpoints[i]->conf;
        ready += e->ready && !e->is_backup;
        healthy += e->ready && !e->is_backup && outlier_is_healthy(e->health, now_ms);
    }
    return healthy * 100 < ready * c->conf->panic_percent;
}

struct endpoint *balancer_pick(struct cluster *c, const struct addr *client, uint64_t key,
                               struct endpoint *const *tried, unsigned tried_count)
{
    struct pick p = {.cluster = c, .tried = tried, .tried_count = tried_count, .key = key};
    if (c->endpoint_count == 0)
        return NULL;
    if (c->endpoint_count == 1)
        return c->endpoints[0]->conf->ready ? c->endpoints[0] : NULL;
    p.now_ms = loop_now_ms(c->worker->loop);
    if (c->conf->affinity) {
        p.key = lb_affinity_key(c, client);
        return lb_affinity_pick(&p);
    }
    if (!key && balancers[c->conf->lb]->is_keyed)
        p.key = lb_affinity_key(c, client);
    if (c->conf->panic_percent && is_panic(c, p.now_ms))
        p.level = LB_READY_AND_NEW;
    struct endpoint *e = NULL;
    for (; !e && p.level < LB_LEVEL_COUNT; p.level += !e)
        e = balancers[c->conf->lb]->pick(&p);
    bool may_spare = c->conf->slow_start_ms && !balancers[c->conf->lb]->is_keyed;
    return e && may_spare ? spare(&p, e) : e;
}

struct endpoint *balancer_pick_by_key(struct cluster *c, uint64_t key,
                                      struct endpoint *const *tried, unsigned tried_count)
{
    struct pick p = {.cluster = c, .tried = tried, .tried_count = tried_count, .key = key};
    struct endpoint *e = NULL;
    p.now_ms = loop_now_ms(c->worker->loop);
    for (; !e && p.level < LB_LEVEL_COUNT; p.level++)
        e = lb_affinity_best(&p);
    return e;
}

bool balancer_may_keep(const struct endpoint *e)
{
    return e->conf->ready &&
           outlier_is_healthy(e->conf->health, loop_now_ms(e->cluster->worker->loop));
}

enum fail balancer_why_none(const struct cluster *c)
{
    return c->named             ? FAIL_NAME_RESOLUTION
           : c->conf->node_local ? FAIL_NO_LOCAL_ENDPOINT
                                 : FAIL_NO_ENDPOINT;
}
