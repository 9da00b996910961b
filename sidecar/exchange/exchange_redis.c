/* What filters ask Redis: with an answer, for an exchange that waits for it, or posted, for
 * accounts that are settled when the exchange may be over. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

#include "lib/base/mem.h"
#include "sidecar/exchange/redis_post.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/redis_ask.h"

/* ---- with an answer ---- */

/* In the exchange's arena. */
struct exchange_ask {
    struct list node; /* in exchange->asks */
    struct exchange *ex;
    struct filter_redis *asked;
    struct redis_ask ask;
};

static struct exchange *exchange_of(const struct filter_exchange *x)
{
    return container_of(x, struct exchange, view);
}

static void finish(struct exchange *ex, struct filter_redis *asked, enum fail why,
                   struct slice detail)
{
    asked->is_done = true;
    asked->failed = why == FAIL_NONE ? NULL : fail_info(why);
    asked->detail = detail;
    filter_road_wake(&ex->road);
    exchange_wake(ex);
}

static void on_over(struct redis_ask *a)
{
    struct exchange_ask *own = container_of(a, struct exchange_ask, ask);
    list_unlink(&own->node);
    own->asked->reply = a->reply;
    finish(own->ex, own->asked, a->why, a->detail);
}

static const struct cluster_conf *find_cluster(const struct exchange *ex,
                                               const struct filter_redis *asked)
{
    return snapshot_find_cluster(ex->lease->snapshot, asked->server->cluster);
}

void exchange_redis(struct filter_exchange *x, struct filter_redis *asked)
{
    struct exchange *ex = exchange_of(x);
    const struct cluster_conf *to = find_cluster(ex, asked);
    if (!to) {
        finish(ex, asked, FAIL_NO_CLUSTER, asked->server->cluster);
        return;
    }
    struct exchange_ask *own = arena_zalloc(&ex->arena, sizeof(*own));
    own->ex = ex;
    own->asked = asked;
    list_init(&own->node);
    struct cluster *cluster = cluster_of(&ex->worker->clusters, to);
    if (redis_ask_begin(&own->ask, cluster, asked, &ex->arena, on_over))
        list_link_last(&ex->asks, &own->node);
    else
        finish(ex, asked, own->ask.why, own->ask.detail);
}

void exchange_cancel_redis(struct exchange *ex)
{
    LIST_FOREACH_SAFE(node, next, &ex->asks)
    {
        struct exchange_ask *own = container_of(node, struct exchange_ask, node);
        list_unlink(&own->node);
        redis_ask_cancel(&own->ask);
    }
}

/* ---- without one ---- */

#define POSTS_MAX 4096u /* per worker */
enum { ARENA_BLOCK = 1024 };

struct post {
    struct list node; /* in worker->posts */
    struct worker *worker;
    struct filter_redis asked;
    struct filter_redis_server server;
    struct redis_ask ask;
    struct arena arena;
    struct loop_task grave;
};

static void destroy(struct loop_task *task)
{
    struct post *p = container_of(task, struct post, grave);
    arena_dispose(&p->arena);
    mem_free(p);
}

static void end(struct post *p)
{
    list_unlink(&p->node);
    p->worker->post_count--;
    loop_bury(p->worker->loop, &p->grave);
}

static void on_posted(struct redis_ask *a)
{
    end(container_of(a, struct post, ask));
}

static void copy_question(struct post *p, const struct filter_redis *from)
{
    const struct filter_redis_server *s = from->server;
    struct slice *words = arena_alloc(&p->arena, from->word_count * sizeof(*words));
    for (uint32_t i = 0; i < from->word_count; i++)
        words[i] = arena_copy(&p->arena, from->words[i]);
    p->server = *s;
    p->server.username = arena_copy(&p->arena, s->username);
    p->server.password = arena_copy(&p->arena, s->password);
    p->asked = *from;
    p->asked.server = &p->server;
    p->asked.words = words;
}

void exchange_redis_post(struct filter_exchange *x, const struct filter_redis *asked)
{
    struct exchange *ex = exchange_of(x);
    struct worker *w = ex->worker;
    const struct cluster_conf *to = find_cluster(ex, asked);
    if (!to || w->post_count >= POSTS_MAX) {
        metrics_add(w->metrics, METRICS_REDIS_REQUESTS, 1);
        metrics_add(w->metrics, METRICS_REDIS_FAILURES, 1);
        return;
    }
    struct post *p = mem_zalloc(sizeof(*p));
    p->worker = w;
    arena_init(&p->arena, ARENA_BLOCK);
    loop_task_init(&p->grave, destroy);
    list_init(&p->node);
    list_link_last(&w->posts, &p->node);
    w->post_count++;
    copy_question(p, asked);
    if (!redis_ask_begin(&p->ask, cluster_of(&w->clusters, to), &p->asked, &p->arena, on_posted))
        end(p);
}

void redis_post_close_all(struct worker *w)
{
    LIST_FOREACH_SAFE(node, next, &w->posts)
    {
        struct post *p = container_of(node, struct post, node);
        redis_ask_cancel(&p->ask);
        end(p);
    }
}
