/* Dialling, reusing and retiring connections to one endpoint. A connection is in exactly one list:
 * dialling, ready (has room) or full. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/pool.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "sidecar/upstream/dialer.h"
#include "sidecar/upstream/pool_priv.h"
#include "sidecar/worker/worker.h"

#define H1_IDLE_MS 4000 /* below the keep-alive timeouts that apps commonly have (5 s and up) */
#define H2_IDLE_MS 300000
#define H2_WAITERS_PER_DIAL 100
#define IDLE_LOOK_MS 1000 /* whether somebody else needs it more */

static bool is_http2(const struct pool *p)
{
    return p->kind == POOL_H2 || p->kind == POOL_MESH_H2 || (p->kind == POOL_EITHER && p->chose_h2);
}

static uint32_t waiters_per_dial(const struct pool *p)
{
    return is_http2(p) ? H2_WAITERS_PER_DIAL : 1;
}

static struct worker *worker_of_pool(const struct pool *p)
{
    return p->endpoint->cluster->worker;
}

/* ---- the life of a connection ---- */

static void destroy_conn(struct pool_conn *c)
{
    struct pool *p = c->pool;
    timer_stop(&c->idle);
    pool_idle_leave(c);
    list_unlink(&c->node);
    backend_tls_unref(c->tls);
    p->connections--;
    cluster_give_back_connection(p->endpoint->cluster);
    mem_free(c);
    if (p->is_draining && pool_is_empty(p))
        endpoint_pool_emptied(p->endpoint);
}

static void wake_one(struct pool *p)
{
    struct list *node = list_take_first(&p->waiting);
    if (!node)
        return;
    struct pool_wait *w = container_of(node, struct pool_wait, node);
    p->waiters--;
    cluster_give_back_pending(p->endpoint->cluster, 1);
    w->is_woken = true;
    w->on_ready(w);
}

static void fail_waiters(struct pool *p, enum fail why, const char *detail)
{
    struct list failed;
    list_init(&failed);
    list_splice_last(&failed, &p->waiting);
    cluster_give_back_pending(p->endpoint->cluster, p->waiters);
    p->waiters = 0;
    for (struct list *node; (node = list_take_first(&failed));) {
        struct pool_wait *w = container_of(node, struct pool_wait, node);
        w->why = why;
        snprintf(w->detail, sizeof(w->detail), "%s", detail);
        w->on_ready(w);
    }
}

/* How long an idle connection is kept: less than the peer keeps it, if that is known, because a
 * request that meets its closing is lost. */
static uint32_t idle_ms(const struct pool_conn *c)
{
    uint32_t promised = http_client_keep_alive_ms(c->client);
    uint32_t said = c->pool->endpoint->owner->idle_connection_ms;
    if (is_http2(c->pool))
        return said ? said : H2_IDLE_MS;
    uint32_t most = said ? said : H1_IDLE_MS;
    return promised && promised < most ? promised / 2 : most;
}

/* Puts the connection where its remaining capacity says, newest first. */
static void place(struct pool_conn *c)
{
    struct pool *p = c->pool;
    list_unlink(&c->node);
    bool has_room = http_client_capacity(c->client) > 0;
    list_link_first(has_room ? &p->ready : &p->full, &c->node);
    if (http_client_active(c->client) > 0)
        return;
    c->idle_since_ms = loop_now_ms(worker_of_pool(p)->loop);
    timer_start(&c->idle, idle_ms(c) < IDLE_LOOK_MS ? idle_ms(c) : IDLE_LOOK_MS);
    pool_idle_enter(c);
}

static void on_capacity(struct http_client *client)
{
    struct pool_conn *c = http_client_owner(client);
    if (!c->client)
        return; /* still inside http_client_create */
    struct pool *p = c->pool;
    bool is_last =
        p->is_draining && c->served > 0 && p->waiters == 0 && http_client_active(client) == 0;
    if (is_last || (c->served > 0 && pool_is_asked_for_room(p))) {
        http_client_drain(client);
        return;
    }
    place(c);
    if (p->waiters == 0)
        return;
    for (unsigned room = http_client_capacity(client); room > 0 && p->waiters > 0; room--)
        wake_one(p);
}

static void on_retired(struct http_client *client)
{
    struct pool_conn *c = http_client_owner(client);
    struct pool *p = c->pool;
    list_unlink(&c->node);
    list_link_last(&p->full, &c->node);
    timer_stop(&c->idle);
    pool_idle_leave(c);
    pool_dial_for_waiters(p);
}

static void on_client_closed(struct http_client *client, enum err why)
{
    struct pool_conn *c = http_client_owner(client);
    struct pool *p = c->pool;
    if (why == ERR_TIMEOUT)
        LOG_W("pool", "%.*s: the other end has vanished: it answers nothing any more",
              SLICE_ARG(p->endpoint->conf->address_text));
    c->client = NULL;
    bool wanted = p->waiters > 0; /* and then the endpoint is held */
    destroy_conn(c);
    if (wanted)
        pool_dial_for_waiters(p);
}

static const struct http_client_events client_events = {
    .on_capacity = on_capacity,
    .on_retired = on_retired,
    .on_closed = on_client_closed,
};

static void on_idle(struct timer *t)
{
    struct pool_conn *c = container_of(t, struct pool_conn, idle);
    if (http_client_active(c->client) > 0)
        return;
    uint64_t idle = loop_now_ms(t->loop) - c->idle_since_ms, left = idle_ms(c) - idle;
    if (idle >= idle_ms(c) || pool_is_asked_for_room(c->pool))
        http_client_drain(c->client);
    else
        timer_start(t, left < IDLE_LOOK_MS ? left : IDLE_LOOK_MS);
}

static void dial_failed(struct pool_conn *c, enum fail why, const char *detail)
{
    struct pool *p = c->pool;
    /* Who is there but is not who he should be is the operator's business. */
    if (why == FAIL_TLS_FAILED)
        LOG_W("pool", "%.*s: TLS handshake failed: %s", SLICE_ARG(p->endpoint->conf->address_text),
              detail);
    else
        LOG_D("pool", "connecting to %.*s failed: %s", SLICE_ARG(p->endpoint->conf->address_text),
              detail);
    stream_close(c->dialling);
    p->dials--;
    /* Everybody who waits hears of it: each counts it as an attempt of its own. The waiters run
     * later, so the endpoint cannot vanish under this function. */
    fail_waiters(p, why, detail);
    destroy_conn(c);
}

static enum backend_speech speech_of(const struct pool *p)
{
    static const enum backend_speech speech[POOL_KIND_COUNT] = {
        [POOL_H1] = BACKEND_H1,      [POOL_H2] = BACKEND_H2,      [POOL_EITHER] = BACKEND_EITHER,
        [POOL_MESH_H2] = BACKEND_H2, [POOL_MESH_H1] = BACKEND_H1,
    };
    return speech[p->kind];
}

/* Outside the mesh a server need not know our names; but HTTP/2 is spoken only with who chose it
 * (RFC 9113 §3.2). */
static bool agrees(struct pool_conn *c)
{
    struct pool *p = c->pool;
    struct stream_info info = {0};
    if (!p->endpoint->owner->tls)
        return true;
    stream_info(c->dialling, &info);
    bool chose_h2 = slice_eq(info.alpn, SLICE("h2"));
    p->chose_h2 = chose_h2;
    return p->kind != POOL_H2 || chose_h2;
}

static void set_config(struct pool_conn *c)
{
    const struct pool *p = c->pool;
    const struct worker *w = worker_of_pool(p);
    bool is_mesh = p->kind == POOL_MESH_H1 || p->kind == POOL_MESH_H2;
    const struct http2_keepalive_conf *k = &p->endpoint->owner->http2_keepalive;
    c->config = is_mesh ? w->client_mesh : w->client;
    if (!is_mesh || !k->is_said)
        return;
    c->config.ping_interval_ms = k->interval_ms;
    c->config.ping_timeout_ms = k->timeout_ms;
}

static void on_dial_open(struct stream *s)
{
    struct pool_conn *c = s->owner;
    struct pool *p = c->pool;
    char why[TLS_DETAIL_MAX] = "the endpoint does not choose HTTP/2";
    /* The roots may have changed since the handshake began. */
    if (!agrees(c) || !dialer_trusts(p->endpoint, speech_of(p), s, why)) {
        dial_failed(c, FAIL_TLS_FAILED, why);
        return;
    }
    p->dials--;
    c->dialling = NULL;
    enum http_protocol protocol = is_http2(p) ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1;
    set_config(c);
    c->client = http_client_create(s, protocol, &c->config, &client_events, c);
    on_capacity(c->client); /* draining or not: somebody waits for it */
}

static void on_dial_fail(struct stream *s, enum err why)
{
    struct stream_info info = {0};
    char detail[POOL_DETAIL_MAX];
    stream_info(s, &info);
    snprintf(detail, sizeof(detail), "%s", info.fail_detail ? info.fail_detail : err_text(why));
    dial_failed(s->owner, dialer_fail(why), detail);
}

static const struct stream_events dial_events = {.on_open = on_dial_open, .on_fail = on_dial_fail};

static enum fail dial(struct pool *p)
{
    struct endpoint *e = p->endpoint;
    enum fail why = FAIL_NONE;
    if (!cluster_take_connection(e->cluster, e->owner->max_connections))
        return FAIL_OVERFLOW;
    struct pool_conn *c = mem_zalloc(sizeof(*c));
    c->pool = p;
    list_init(&c->node);
    list_init(&c->idle_node);
    timer_init(&c->idle, worker_of_pool(p)->loop, on_idle);
    c->dialling = dialer_open(e, speech_of(p), &dial_events, c, &why);
    if (!c->dialling) {
        cluster_give_back_connection(e->cluster);
        mem_free(c);
        return why;
    }
    c->tls = e->owner->tls ? backend_tls_ref(e->owner->tls) : NULL;
    c->identity_generation =
        worker_of_pool(p)->identity ? worker_of_pool(p)->identity->generation : 0;
    list_link_last(&p->dialling, &c->node);
    p->dials++;
    p->connections++;
    return FAIL_NONE;
}

void pool_dial_for_waiters(struct pool *p)
{
    while (p->waiters > p->dials * waiters_per_dial(p)) {
        enum fail why = dial(p);
        if (why == FAIL_OVERFLOW && (p->dials > 0 || !list_is_empty(&p->full)))
            return; /* those that exist will serve the waiters in turn */
        if (why == FAIL_OVERFLOW) {
            pool_starve(p);
            return;
        }
        if (why != FAIL_NONE) {
            fail_waiters(p, why, "");
            return;
        }
    }
}

/* ---- for exchanges ---- */

struct pool *pool_of(struct endpoint *e, enum pool_kind kind)
{
    if (e->pools[kind])
        return e->pools[kind];
    struct pool *p = mem_zalloc(sizeof(*p));
    p->endpoint = e;
    p->kind = kind;
    p->is_draining = e->gone;
    list_init(&p->dialling);
    list_init(&p->ready);
    list_init(&p->full);
    list_init(&p->waiting);
    return e->pools[kind] = p;
}

void pool_wait_init(struct pool_wait *w, void (*on_ready)(struct pool_wait *))
{
    list_init(&w->node);
    w->on_ready = on_ready;
    w->why = FAIL_NONE;
    w->is_woken = false;
    w->detail[0] = 0;
}

bool pool_wait_is_queued(const struct pool_wait *w)
{
    return list_is_linked(&w->node) && w->pool->dials == 0;
}

/* A draining pool does not finish dialling for nobody. */
static void drop_unwanted_dials(struct pool *p)
{
    if (!p->is_draining || p->waiters > 0)
        return;
    LIST_FOREACH_SAFE(node, next, &p->dialling)
    {
        struct pool_conn *c = container_of(node, struct pool_conn, node);
        stream_close(c->dialling);
        p->dials--;
        destroy_conn(c);
    }
}

void pool_wait_stop(struct pool_wait *w)
{
    if (list_is_linked(&w->node)) {
        list_unlink(&w->node);
        w->pool->waiters--;
        cluster_give_back_pending(w->pool->endpoint->cluster, 1);
        drop_unwanted_dials(w->pool);
    } else if (w->is_woken && !list_is_empty(&w->pool->ready)) {
        wake_one(w->pool); /* what it was woken for is there for the next one */
    }
    w->is_woken = false;
}

/* A connection made with a certificate that has been replaced takes no new streams. */
static bool has_old_identity(const struct pool_conn *c)
{
    const struct pool *p = c->pool;
    const struct mesh_identity *identity = worker_of_pool(p)->identity;
    return (p->kind == POOL_MESH_H1 || p->kind == POOL_MESH_H2) && identity &&
           c->identity_generation != identity->generation;
}

/* Drain may close it at once and free it at the end of the turn; it leaves `ready` in any case. */
static void retire(struct pool_conn *c)
{
    list_unlink(&c->node);
    list_link_last(&c->pool->full, &c->node);
    http_client_drain(c->client);
}

/* Nor does one whose endpoint is now called by another name or with another certificate of ours. */
static bool has_old_manner(const struct pool_conn *c)
{
    return c->tls && !backend_tls_is_alike(c->tls, c->pool->endpoint->owner->tls);
}

static struct pool_conn *take_ready(struct pool *p, enum pool_reuse reuse)
{
    LIST_FOREACH_SAFE(node, next, &p->ready)
    {
        struct pool_conn *c = container_of(node, struct pool_conn, node);
        bool is_new = c->served == 0 || is_http2(p);
        if (http_client_capacity(c->client) == 0 || has_old_identity(c) || has_old_manner(c) ||
            (!is_new && reuse != POOL_REUSE_ANY && http_client_is_stale(c->client)))
            retire(c);
        else if (is_new || reuse != POOL_REUSE_NONE)
            return c;
    }
    return NULL;
}

/* Where there may be no more connections, an idle one that will not do makes room for one that
 * will. */
static void make_room(struct pool *p)
{
    if (!list_is_empty(&p->ready) &&
        atomic_load_explicit(&p->endpoint->cluster->usage->connections, memory_order_relaxed) >=
            p->endpoint->owner->max_connections)
        retire(container_of(p->ready.next, struct pool_conn, node));
}

static void send_on(struct pool_conn *c, struct http_stream *st, const struct message *request,
                    bool end)
{
    struct pool *p = c->pool;
    uint32_t limit = p->endpoint->owner->max_requests_per_connection;
    c->served++;
    timer_stop(&c->idle);
    pool_idle_leave(c);
    http_client_send(c->client, st, request, end);
    if (limit && c->served >= limit)
        http_client_drain(c->client);
    if (http_client_capacity(c->client) == 0) {
        list_unlink(&c->node);
        list_link_last(&p->full, &c->node);
    }
}

enum pool_result pool_send(struct pool *p, struct pool_wait *w, struct http_stream *st,
                           const struct message *request, bool end, enum pool_reuse reuse,
                           bool *reused)
{
    bool was_woken = w->is_woken;
    w->is_woken = false;
    struct pool_conn *c = take_ready(p, reuse);
    if (c) {
        *reused = c->served > 0;
        send_on(c, st, request, end);
        return POOL_SENT;
    }
    if (!cluster_take_pending(p->endpoint->cluster, p->endpoint->owner->max_pending)) {
        w->why = FAIL_OVERFLOW;
        return POOL_FAILED;
    }
    w->pool = p;
    if (was_woken) /* somebody was faster; it keeps its turn */
        list_link_first(&p->waiting, &w->node);
    else
        list_link_last(&p->waiting, &w->node);
    p->waiters++;
    if (p->waiters <= p->dials * waiters_per_dial(p))
        return POOL_WAITING;
    make_room(p);
    enum fail why = dial(p);
    if (why == FAIL_OVERFLOW && p->connections == 0)
        pool_starve(p);
    if (why == FAIL_NONE || why == FAIL_OVERFLOW)
        return POOL_WAITING;
    pool_wait_cancel(w);
    w->why = why;
    return POOL_FAILED;
}

void pool_drain(struct pool *p)
{
    p->is_draining = true;
    LIST_FOREACH_SAFE(node, next, &p->ready)
    http_client_drain(container_of(node, struct pool_conn, node)->client);
    LIST_FOREACH_SAFE(node, next, &p->full)
    http_client_drain(container_of(node, struct pool_conn, node)->client);
    drop_unwanted_dials(p);
}

static void review(struct pool_conn *c)
{
    struct pool *p = c->pool;
    char why[TLS_DETAIL_MAX];
    struct stream *transport = http_client_transport(c->client);
    if (dialer_trusts(p->endpoint, speech_of(p), transport, why))
        return;
    LOG_W("pool", "%.*s: connection closed, its certificate is not trusted any more: %s",
          SLICE_ARG(p->endpoint->conf->address_text), why);
    http_client_close(c->client);
}

void pool_review(struct pool *p)
{
    const struct mesh_identity *identity = worker_of_pool(p)->identity;
    uint64_t generation = identity ? identity->generation : 0;
    if (p->reviewed_tls == p->endpoint->owner->tls && p->reviewed_identity == generation)
        return;
    p->reviewed_tls = p->endpoint->owner->tls;
    p->reviewed_identity = generation;
    LIST_FOREACH_SAFE(node, next, &p->ready)
    review(container_of(node, struct pool_conn, node));
    LIST_FOREACH_SAFE(other, after, &p->full)
    review(container_of(other, struct pool_conn, node));
}

bool pool_is_empty(const struct pool *p)
{
    return p->connections == 0 && list_is_empty(&p->waiting);
}

void pool_destroy(struct pool *p)
{
    pool_end_starving(p);
    mem_free(p);
}

unsigned pool_connections(const struct pool *p)
{
    return p->connections;
}
