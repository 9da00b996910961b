/* Messages of how endpoints are chosen by what a request has: what is hashed, and how a client
 * stays with the endpoint that it met first. Control thread. Must not know of endpoints.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/digest.h"
#include "policies/compile/compile_priv.h"

enum { SECOND_MS = 1000 };

/* At least one, where there is a limit. */
static uint32_t seconds(int64_t ms)
{
    if (ms <= 0)
        return 0;
    int64_t s = (ms + SECOND_MS - 1) / SECOND_MS;
    return s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

/* All replicas of a data plane have the same, after a restart too, and clients do not know it: the
 * uid of an object is drawn at random when it is made. In a folder there are none, and then the key
 * is as public as the names; all that anybody gains by it is a choice among the endpoints that the
 * route leads to anyway. */
static void make_key(struct compile *c, const struct object *owner, PB(SessionPersistence) * to)
{
    const struct metadata *meta = &owner->meta;
    struct slice text =
        arena_printf(c->arena, "weft session persistence\n%s\n%.*s/%.*s\n%.*s", owner->kind->name,
                     SLICE_ARG(meta->namespace_name), SLICE_ARG(meta->name), SLICE_ARG(meta->uid));
    to->key.data = arena_alloc(c->arena, DIGEST_SIZE);
    to->key.len = DIGEST_SIZE;
    digest_sha256(text, to->key.data);
}

PB(SessionPersistence) * compile_balancing_session(struct compile *c,
                                                   const struct session_persistence *from,
                                                   const struct object *owner)
{
    PB(SessionPersistence) *to = PB_NEW(c, SessionPersistence, session_persistence);
    to->header = from->type == SESSION_PERSISTENCE_HEADER;
    to->name = to->header ? compile_build_lower(c, from->name) : compile_build_text(c, from->name);
    to->absolute_s = seconds(from->absolute);
    to->idle_s = seconds(from->idle);
    to->permanent = from->cookie && from->cookie->lifetime == SESSION_PERSISTENCE_PERMANENT;
    make_key(c, owner, to);
    return to;
}

static PB(HashOn) * hash_on(struct compile *c, const struct traffic_hash_on *from)
{
    static const PB(HashSource) sources[] = {
        [HASH_ON_HEADER] = WEFT__CONFIG__V1__HASH_SOURCE__HASH_HEADER,
        [HASH_ON_COOKIE] = WEFT__CONFIG__V1__HASH_SOURCE__HASH_COOKIE,
        [HASH_ON_ADDRESS] = WEFT__CONFIG__V1__HASH_SOURCE__HASH_ADDRESS,
        [HASH_ON_QUERY] = WEFT__CONFIG__V1__HASH_SOURCE__HASH_QUERY,
        [HASH_ON_PATH] = WEFT__CONFIG__V1__HASH_SOURCE__HASH_PATH,
        [HASH_ON_CONSUMER] = WEFT__CONFIG__V1__HASH_SOURCE__HASH_CONSUMER,
        [HASH_ON_CLAIM] = WEFT__CONFIG__V1__HASH_SOURCE__HASH_CLAIM,
    };
    PB(HashOn) *to = PB_NEW(c, HashOn, hash_on);
    to->source = sources[from->type];
    to->name = from->type == HASH_ON_HEADER ? compile_build_lower(c, from->name)
                                            : compile_build_text(c, from->name);
    if (from->type == HASH_ON_COOKIE)
        to->cookie_path = compile_build_text(c, from->path.len ? from->path : SLICE("/"));
    to->cookie_s = seconds(from->ttl);
    return to;
}

void compile_balancing_cluster(struct compile *c, const struct traffic_balancing *from,
                               const struct object *service, PB(Cluster) * to)
{
    if (!from)
        return;
    to->panic_percent = (uint32_t)from->panic;
    if (from->slow_start) {
        to->slow_start_ms = (uint32_t)from->slow_start->window;
        to->slow_start_percent = (uint32_t)from->slow_start->percent;
    }
    for (SCHEMA_EACH(from->hash_on, struct traffic_hash_on, h))
        PB_PUSH(c, to, hash_on, hash_on(c, h));
    if (from->session)
        to->session_persistence = compile_balancing_session(c, from->session, service);
}
