/* Sending a request whose answer is thrown away. Events record facts and ask for a turn; only the
 * turn decides. Worker thread; knows nothing of routes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/mirror.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "sidecar/exchange/mesh_headers.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/balancer.h"
#include "sidecar/upstream/pool.h"
#include "sidecar/worker/worker.h"

#define LIVE_MAX 1000u            /* per worker */
#define BEHIND_MAX (128u * 1024)  /* bytes that it has and the connection has not taken */
#define ANSWER_MAX (1024u * 1024) /* of which nobody reads anything */
#define LIFE_MS 30000
#define ARENA_BLOCK 2048

struct mirror {
    struct worker *worker;
    struct list node;   /* in worker->mirrors */
    struct list copies; /* in the original's list */
    struct cluster *cluster;
    struct endpoint *endpoint;
    struct http_stream up;
    struct pool_wait wait;
    struct arena arena;
    struct message *head;
    struct headers *trailers;
    struct buf body;
    enum http_version version;
    uint64_t answered; /* bytes of the answer */
    bool has_end, is_sent, is_end_sent, is_over, is_good;
    struct timer life;
    struct loop_task turn, grave;
};

static void destroy_buried(struct loop_task *task)
{
    struct mirror *m = container_of(task, struct mirror, grave);
    buf_dispose(&m->body);
    buf_dispose(&m->up.out);
    arena_dispose(&m->arena);
    mem_free(m);
}

static void end(struct mirror *m)
{
    if (http_stream_is_live(&m->up))
        http_stream_reset(&m->up, ERR_CANCELED);
    pool_wait_cancel(&m->wait);
    timer_stop(&m->life);
    loop_task_cancel(&m->turn);
    list_unlink(&m->copies);
    list_unlink(&m->node);
    m->worker->mirror_count--;
    if (!m->is_good)
        metrics_add(m->worker->metrics, METRICS_MIRRORS_FAILED, 1);
    endpoint_release(m->endpoint);
    m->cluster->active--;
    cluster_usage_give_back(&m->cluster->usage->requests);
    loop_bury(m->worker->loop, &m->grave);
}

/* ---- the turn ---- */

static void send_head(struct mirror *m)
{
    bool all = m->has_end && buf_is_empty(&m->body) && !m->trailers, reused;
    struct pool *pool = pool_of(m->endpoint, pool_kind_for(m->endpoint, m->head, m->version));
    if (list_is_linked(&m->wait.node))
        return;
    if (m->wait.why != FAIL_NONE) {
        m->is_over = true;
        return;
    }
    switch (pool_send(pool, &m->wait, &m->up, m->head, all, POOL_REUSE_CHECKED, &reused)) {
    case POOL_WAITING:
        break;
    case POOL_SENT:
        m->is_sent = true;
        m->is_end_sent = all;
        break;
    case POOL_FAILED:
        m->is_over = true;
        break;
    }
}

static void send_body(struct mirror *m)
{
    bool has_news = m->body.len > 0 || m->has_end;
    if (m->is_end_sent || !has_news || !http_stream_is_live(&m->up) ||
        http_stream_unsent(&m->up) > HTTP_STREAM_HIGH_WATER)
        return;
    m->is_end_sent = m->has_end;
    http_stream_send_body(&m->up, &m->body, m->has_end && !m->trailers);
    if (m->has_end && m->trailers && http_stream_is_live(&m->up))
        http_stream_send_trailers(&m->up, m->trailers);
}

static void on_turn(struct loop_task *task)
{
    struct mirror *m = container_of(task, struct mirror, turn);
    if (!m->is_over && !m->is_sent)
        send_head(m);
    if (!m->is_over && m->is_sent)
        send_body(m);
    bool is_behind = m->body.len + http_stream_unsent(&m->up) > BEHIND_MAX;
    if (m->is_over || is_behind || m->answered > ANSWER_MAX)
        end(m);
}

static void wake(struct mirror *m)
{
    loop_run_soon(m->worker->loop, &m->turn);
}

/* ---- what happens to it ---- */

static void on_head(struct http_stream *st, struct message *head, bool is_end)
{
    (void)st, (void)head, (void)is_end;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct mirror *m = st->owner;
    (void)owner, (void)data;
    m->answered += len;
    http_stream_consume(st, len);
    if (m->answered > ANSWER_MAX)
        wake(m);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    (void)st, (void)trailers;
}

static void on_writable(struct http_stream *st)
{
    wake(st->owner);
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct mirror *m = st->owner;
    (void)why;
    m->is_over = true;
    wake(m);
}

static void on_done(struct http_stream *st)
{
    struct mirror *m = st->owner;
    m->is_over = m->is_good = true;
    wake(m);
}

static const struct http_events up_events = {.on_head = on_head,
                                             .on_body = on_body,
                                             .on_end = on_end,
                                             .on_writable = on_writable,
                                             .on_abort = on_abort,
                                             .on_done = on_done};

static void on_connection(struct pool_wait *w)
{
    wake(container_of(w, struct mirror, wait));
}

static void on_life_over(struct timer *t)
{
    struct mirror *m = container_of(t, struct mirror, life);
    m->is_over = true;
    wake(m);
}

/* ---- from the original ---- */

static struct message *copy_head(struct mirror *m, const struct message *from)
{
    struct arena *arena = &m->arena;
    struct message *to = arena_zalloc(arena, sizeof(*to));
    message_init(to, arena);
    to->version = from->version;
    to->method = arena_copy(arena, from->method);
    to->scheme = arena_copy(arena, from->scheme);
    to->authority = arena_copy(arena, from->authority);
    to->path = arena_copy(arena, from->path);
    to->content_length = from->content_length;
    headers_copy(&to->headers, &from->headers);
    /* The body comes when the original's comes, and not when this one asks for it. */
    headers_remove_id(&to->headers, HEADER_EXPECT);
    mesh_headers_remove(&to->headers);
    if (endpoint_is_mesh_hop(m->endpoint))
        mesh_headers_add(&to->headers, m->version, m->worker->settings);
    return to;
}

struct mirror *mirror_open(struct worker *w, struct cluster *cluster, const struct message *head,
                           enum http_version version, const struct addr *client,
                           struct list *copies)
{
    struct endpoint *e = balancer_pick(cluster, client, NULL, 0);
    bool is_full =
        w->mirror_count >= LIVE_MAX ||
        (e && !cluster_usage_take(&cluster->usage->requests, cluster->conf->max_requests));
    metrics_add(w->metrics, METRICS_MIRRORS, 1);
    if (!e || is_full) {
        metrics_add(w->metrics, METRICS_MIRRORS_FAILED, 1);
        return NULL;
    }
    struct mirror *m = mem_zalloc(sizeof(*m));
    m->worker = w;
    m->cluster = cluster;
    m->endpoint = e;
    m->version = version;
    cluster->active++;
    endpoint_hold(e);
    arena_init(&m->arena, ARENA_BLOCK);
    m->head = copy_head(m, head);
    m->up = (struct http_stream){.events = &up_events, .owner = m, .arena = &m->arena};
    pool_wait_init(&m->wait, on_connection);
    loop_task_init(&m->turn, on_turn);
    loop_task_init(&m->grave, destroy_buried);
    timer_init(&m->life, w->loop, on_life_over);
    timer_start(&m->life, LIFE_MS);
    list_link_last(copies, &m->copies);
    list_link_last(&w->mirrors, &m->node);
    w->mirror_count++;
    wake(m);
    return m;
}

static struct mirror *copy_of(struct list *node)
{
    return container_of(node, struct mirror, copies);
}

void mirror_give(struct list *copies, struct chunk *owner, const uint8_t *data, size_t len)
{
    LIST_FOREACH(node, copies)
    {
        struct mirror *m = copy_of(node);
        if (m->is_over)
            continue;
        buf_append_shared(&m->body, owner, data, len);
        wake(m);
    }
}

void mirror_give_buf(struct list *copies, const struct buf *body)
{
    LIST_FOREACH(node, copies)
    {
        struct mirror *m = copy_of(node);
        buf_share(&m->body, body);
        wake(m);
    }
}

void mirror_give_end(struct list *copies, const struct headers *trailers)
{
    LIST_FOREACH(node, copies)
    {
        struct mirror *m = copy_of(node);
        m->has_end = true;
        if (trailers) {
            m->trailers = arena_zalloc(&m->arena, sizeof(*m->trailers));
            headers_init(m->trailers, &m->arena);
            headers_copy(m->trailers, trailers);
        }
        wake(m);
    }
}

void mirror_let_go(struct list *copies)
{
    LIST_FOREACH_SAFE(node, next, copies)
    {
        struct mirror *m = copy_of(node);
        list_unlink(&m->copies);
        m->is_over |= !m->has_end;
        wake(m);
    }
}

void mirror_close_all(struct worker *w)
{
    LIST_FOREACH_SAFE(node, next, &w->mirrors)
    end(container_of(node, struct mirror, node));
}
