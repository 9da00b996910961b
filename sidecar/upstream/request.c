/* What every request to a cluster goes through, whoever sends it: taking and giving back, choosing
 * and sending, and what is learnt of the endpoint.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/request.h"

#include "lib/base/log.h"
#include "lib/io/loop.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/outlier.h"
#include "sidecar/worker/worker.h"

/* ---- beginning ---- */

void upstream_request_init(struct upstream_request *r, const struct http_events *events,
                           void *owner, struct arena *arena, void (*on_ready)(struct pool_wait *))
{
    r->stream.events = events;
    r->stream.owner = owner;
    r->stream.arena = arena;
    pool_wait_init(&r->wait, on_ready);
}

void upstream_request_begin(struct upstream_request *r, struct cluster *cluster)
{
    r->cluster = cluster;
    cluster->active++;
}

static void forget_stream(struct upstream_request *r)
{
    r->stream = (struct http_stream){
        .events = r->stream.events, .owner = r->stream.owner, .arena = r->stream.arena};
    r->error = ERR_OK;
    r->wait.why = FAIL_NONE;
}

static bool take_place(struct upstream_request *r)
{
    const struct cluster *c = r->cluster;
    r->has_place = r->has_place || cluster_usage_take(&c->usage->requests, c->conf->max_requests);
    return r->has_place;
}

enum fail upstream_request_take(struct upstream_request *r, struct endpoint *e)
{
    struct cluster *c = r->cluster;
    if (!take_place(r))
        return FAIL_OVERFLOW;
    r->endpoint = e;
    if (!e)
        return balancer_why_none(c);
    endpoint_hold(e);
    if (r->attempts++ > 0)
        forget_stream(r);
    r->attempt_ns = loop_now_ns(c->worker->loop);
    return FAIL_NONE;
}

enum fail upstream_request_pick(struct upstream_request *r, const struct addr *client)
{
    if (!take_place(r))
        return FAIL_OVERFLOW;
    return upstream_request_take(
        r, balancer_pick(r->cluster, client, r->key, r->tried, r->tried_count));
}

/* ---- sending ---- */

/* What one sidecar tells the other, in headers of their own. */
static bool is_ours(const struct header *item)
{
    return item->id == HEADER_WEFT_HTTP_VERSION || item->id == HEADER_WEFT_SOURCE ||
           item->id == HEADER_WEFT_CLIENT;
}

static struct slice version_text(enum http_version version)
{
    return version == HTTP_2 ? SLICE("2") : version == HTTP_1_0 ? SLICE("1.0") : SLICE("1.1");
}

void upstream_request_address(struct upstream_request *r, struct headers *head,
                              enum http_version version)
{
    bool is_mesh = endpoint_is_mesh_hop(r->endpoint);
    if (is_mesh || r->attempts > 1)
        headers_remove_if(head, is_ours);
    if (!is_mesh)
        return;
    headers_add_id(head, HEADER_WEFT_HTTP_VERSION, version_text(version));
    headers_add_id(head, HEADER_WEFT_SOURCE,
                   slice_from_cstr(r->cluster->worker->settings->source_label));
    if (r->client.len)
        headers_set_id(head, HEADER_WEFT_CLIENT, r->client);
}

/* Which kind of connection it needs. version: what the app shall be spoken to in. */
static enum pool_kind kind_for(const struct endpoint *e, const struct message *request,
                               enum http_version version)
{
    /* Upgrades, and HTTP/1.0 without a Host, cannot be said in HTTP/2. */
    bool needs_h1 = message_may_switch(request) || slice_is_empty(request->authority);
    bool is_declared = e->owner->protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1;
    if (endpoint_is_mesh_hop(e))
        return needs_h1 ? POOL_MESH_H1 : POOL_MESH_H2;
    if (version == HTTP_2 && !needs_h1)
        return POOL_H2;
    return e->owner->tls && !needs_h1 && !is_declared ? POOL_EITHER : POOL_H1;
}

enum pool_result upstream_request_send(struct upstream_request *r, const struct message *head,
                                       bool end, enum http_version version, enum pool_reuse reuse)
{
    if (list_is_linked(&r->wait.node))
        return POOL_WAITING; /* something else woke the owner */
    if (r->wait.why != FAIL_NONE)
        return POOL_FAILED;
    struct pool *pool = pool_of(r->endpoint, kind_for(r->endpoint, head, version));
    return pool_send(pool, &r->wait, &r->stream, head, end, reuse, &r->reused);
}

/* ---- what is learnt ---- */

bool upstream_request_is_fault(const struct upstream_request *r, enum fail why)
{
    switch (why) {
    case FAIL_NONE:
    case FAIL_OVERFLOW:
    case FAIL_IDENTITY_MISSING:
    case FAIL_LOOP:
        return false;
    case FAIL_UPSTREAM_CLOSED:
        return !r->reused;
    case FAIL_REQUEST_TIMEOUT:
    case FAIL_ATTEMPT_TIMEOUT:
    case FAIL_IDLE_TIMEOUT:
        return !pool_wait_is_queued(&r->wait);
    default:
        return true;
    }
}

void upstream_request_failed(struct upstream_request *r, enum fail why)
{
    struct endpoint *e = r->endpoint;
    if (!outlier_failure(e, outlier_kind_of(why)))
        return;
    metrics_count_ejection(r->cluster->worker->metrics);
    LOG_W("outlier", "%.*s of %.*s is ejected: failures %s", SLICE_ARG(e->conf->address_text),
          SLICE_ARG(e->cluster->conf->name),
          e->cluster->conf->outlier.window_ms ? "within its window" : "in a row");
}

/* FAIL_UPSTREAM_REFUSED, or FAIL_NONE. */
static enum fail refusal(const struct upstream_request *r, const struct message *answer)
{
    static const enum fail undelivered[] = {FAIL_CONNECT_FAILED, FAIL_CONNECT_TIMEOUT,
                                            FAIL_UPSTREAM_REFUSED};
    struct slice said = headers_get_id(&answer->headers, HEADER_WEFT_REASON);
    if (!said.len || !endpoint_is_mesh_hop(r->endpoint))
        return FAIL_NONE;
    for (size_t i = 0; i < sizeof(undelivered) / sizeof(*undelivered); i++)
        if (slice_eq(said, fail_info(undelivered[i])->label))
            return FAIL_UPSTREAM_REFUSED;
    return FAIL_NONE;
}

enum fail upstream_request_answered(struct upstream_request *r, const struct message *answer)
{
    uint64_t now_ns = loop_now_ns(r->cluster->worker->loop);
    enum fail refused = refusal(r, answer);
    if (refused || outlier_is_failure(&r->cluster->conf->outlier, answer->status))
        upstream_request_failed(r, refused);
    else
        outlier_success(r->endpoint);
    if (r->cluster->endpoint_count > 1)
        ewma_observe(&r->endpoint->latency, now_ns, now_ns - r->attempt_ns);
    return refused;
}

enum fail upstream_request_fail_of(enum err why)
{
    switch (why) {
    case ERR_UNDELIVERED:
        return FAIL_UPSTREAM_REFUSED;
    case ERR_PROTOCOL:
    case ERR_SYNTAX:
    case ERR_LIMIT:
        return FAIL_UPSTREAM_PROTOCOL;
    case ERR_MANY_FIELDS:
    case ERR_LARGE_FIELDS:
        return FAIL_UPSTREAM_TOO_LARGE;
    case ERR_CLOSED:
    case ERR_EOF:
        return FAIL_UPSTREAM_CLOSED;
    default:
        return FAIL_UPSTREAM_RESET;
    }
}

/* ---- ending ---- */

void upstream_request_cut(struct upstream_request *r, enum err why)
{
    if (http_stream_is_live(&r->stream))
        http_stream_reset(&r->stream, why);
    pool_wait_cancel(&r->wait);
}

static void let_go(struct upstream_request *r)
{
    upstream_request_cut(r, ERR_CANCELED);
    buf_dispose(&r->stream.out);
    if (r->endpoint)
        endpoint_release(r->endpoint);
    r->endpoint = NULL;
}

void upstream_request_abandon(struct upstream_request *r)
{
    if (r->tried_count < BALANCER_TRIED_MAX)
        r->tried[r->tried_count++] = r->endpoint;
    let_go(r);
}

void upstream_request_end(struct upstream_request *r)
{
    let_go(r);
    if (r->has_place)
        cluster_usage_give_back(&r->cluster->usage->requests);
    if (r->cluster)
        r->cluster->active--;
    r->has_place = false;
    r->cluster = NULL;
}
