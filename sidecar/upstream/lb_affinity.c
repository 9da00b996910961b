/* A client's endpoint is looked up in what all workers remember (config/affinity.h), and chosen by
 * a score of both where there is none: so that sidecars which know nothing yet choose alike.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/lb_affinity.h"

#include "sidecar/config/affinity.h"
#include "sidecar/config/hash_table.h"

uint64_t lb_affinity_key(const struct cluster *c, const struct addr *client)
{
    const struct settings *s = c->worker->settings;
    if (client && (c->conf->affinity_by_client || !c->conf->affinity))
        return slice_hash(slice_of(client->ip, sizeof(client->ip)));
    /* What is the same after a restart, and not for the next pod. */
    return slice_hash(slice_of(s->pod_ip.ip, sizeof(s->pod_ip.ip))) ^
           slice_hash(slice_from_cstr(s->workload ? s->workload : ""));
}

static struct endpoint *find_kept(const struct pick *p, uint32_t id)
{
    struct cluster *c = p->cluster;
    for (uint32_t i = 0; id && i < c->endpoint_count; i++)
        if (affinity_id(c->endpoints[i]->conf->address_hash) == id &&
            lb_is_usable(p, c->endpoints[i]))
            return c->endpoints[i];
    return NULL;
}

struct endpoint *lb_affinity_best(const struct pick *p)
{
    struct cluster *c = p->cluster;
    struct endpoint *best = NULL;
    uint64_t highest = 0;
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        struct endpoint *e = c->endpoints[i];
        uint64_t score = affinity_score(p->key, e->conf->address_hash);
        if (lb_is_usable(p, e) && (!best || score > highest)) {
            best = e;
            highest = score;
        }
    }
    return best;
}

struct endpoint *lb_hashed(const struct pick *p,
                           uint32_t (*find)(const struct hash_table *t, uint64_t key))
{
    struct cluster *c = p->cluster;
    uint32_t at = c->conf->hash_table ? find(c->conf->hash_table, p->key) : HASH_TABLE_NONE;
    if (at < c->endpoint_count && lb_is_usable(p, c->endpoints[at]))
        return c->endpoints[at];
    return lb_affinity_best(p);
}

/* Who meets a failure goes elsewhere with that one request; whose endpoint is gone or ejected moves
 * for good. */
struct endpoint *lb_affinity_pick(struct pick *p)
{
    const struct cluster_conf *conf = p->cluster->conf;
    uint32_t id = affinity_find(conf->affinity, p->key, conf->affinity_s, p->now_ms);
    p->level = LB_HEALTHY_AND_NEW;
    struct endpoint *e = find_kept(p, id);
    if (e)
        return e;
    for (; !e && p->level < LB_LEVEL_COUNT; p->level++)
        e = lb_affinity_best(p);
    if (e && !p->tried_count)
        affinity_keep(conf->affinity, p->key, affinity_id(e->conf->address_hash), p->now_ms);
    return e;
}
