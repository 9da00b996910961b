/* Sending a request whose answer is thrown away: upstream/call.h with somebody who hands it what
 * the original gets. Worker thread; knows nothing of routes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/mirror.h"

#include "lib/base/mem.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/call.h"
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
    struct upstream_call call;
    struct arena arena;
    struct headers trailers;
    struct loop_task grave;
};

static void destroy_buried(struct loop_task *task)
{
    struct mirror *m = container_of(task, struct mirror, grave);
    arena_dispose(&m->arena);
    mem_free(m);
}

static void end(struct mirror *m, bool is_good)
{
    list_unlink(&m->copies);
    list_unlink(&m->node);
    m->worker->mirror_count--;
    if (!is_good)
        metrics_add(m->worker->metrics, METRICS_MIRRORS_FAILED, 1);
    loop_bury(m->worker->loop, &m->grave);
}

static void on_over(struct upstream_call *c)
{
    end(container_of(c, struct mirror, call), c->why == FAIL_NONE);
}

static struct message *copy_head(struct arena *arena, const struct message *from)
{
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
    return to;
}

struct mirror *mirror_open(struct cluster *cluster, const struct message *head,
                           enum http_version version, const struct addr *client,
                           struct slice client_said, struct list *copies)
{
    struct worker *w = cluster->worker;
    struct mirror *m = mem_zalloc(sizeof(*m));
    metrics_add(w->metrics, METRICS_MIRRORS, 1);
    m->worker = w;
    arena_init(&m->arena, ARENA_BLOCK);
    m->call.behind_max = BEHIND_MAX;
    m->call.answer_max = ANSWER_MAX;
    upstream_call_init(&m->call, &m->arena, on_over);
    if (w->mirror_count >= LIVE_MAX || upstream_call_begin(&m->call, cluster, client)) {
        metrics_add(w->metrics, METRICS_MIRRORS_FAILED, 1);
        mem_free(m);
        return NULL;
    }
    loop_task_init(&m->grave, destroy_buried);
    list_link_last(copies, &m->copies);
    list_link_last(&w->mirrors, &m->node);
    w->mirror_count++;
    m->call.up.client = arena_copy(&m->arena, client_said);
    upstream_call_run(&m->call, copy_head(&m->arena, head), version, LIFE_MS);
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
        struct upstream_call *c = &copy_of(node)->call;
        if (c->is_over)
            continue;
        buf_append_shared(&c->body, owner, data, len);
        upstream_call_wake(c);
    }
}

void mirror_give_buf(struct list *copies, const struct buf *body)
{
    LIST_FOREACH(node, copies)
    {
        struct upstream_call *c = &copy_of(node)->call;
        if (c->is_over || buf_is_empty(body))
            continue;
        buf_share(&c->body, body);
        upstream_call_wake(c);
    }
}

void mirror_give_end(struct list *copies, const struct headers *trailers)
{
    LIST_FOREACH(node, copies)
    {
        struct mirror *m = copy_of(node);
        m->call.has_end = true;
        if (trailers) {
            headers_init(&m->trailers, &m->arena);
            headers_copy(&m->trailers, trailers);
            m->call.trailers = &m->trailers;
        }
        upstream_call_wake(&m->call);
    }
}

void mirror_let_go(struct list *copies)
{
    LIST_FOREACH_SAFE(node, next, copies)
    {
        struct mirror *m = copy_of(node);
        list_unlink(&m->copies);
        if (!m->call.has_end)
            upstream_call_give_up(&m->call);
    }
}

void mirror_close_all(struct worker *w)
{
    LIST_FOREACH_SAFE(node, next, &w->mirrors)
    {
        struct mirror *m = container_of(node, struct mirror, node);
        upstream_call_cancel(&m->call);
        end(m, false);
    }
}
