/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/fetching.h"

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/call.h"
#include "sidecar/worker/worker.h"

#define ARENA_BLOCK 2048
#define AGAIN_MS 50 /* until a host has been looked up */

struct fetch {
    struct worker *worker;
    struct list node; /* in worker->fetches */
    struct filter_fetch *what;
    struct slice cluster;
    struct message *head;
    struct upstream_call call;
    struct arena arena;
    struct loop_task beginning;
    struct timer again;
    uint64_t due_ms;
    struct loop_task grave;
};

static void destroy_buried(struct loop_task *task)
{
    struct fetch *f = container_of(task, struct fetch, grave);
    arena_dispose(&f->arena);
    mem_free(f);
}

static void bury(struct fetch *f)
{
    struct filter_fetch *what = f->what;
    struct filter_keep *keep = what->keep;
    timer_stop(&f->again);
    loop_task_cancel(&f->beginning);
    list_unlink(&f->node);
    void (*over)(struct filter_fetch *) = what->over;
    atomic_store_explicit(&what->is_under_way, false, memory_order_release);
    if (over)
        over(what);
    filter_keep_unref(keep);
    loop_bury(f->worker->loop, &f->grave);
}

static void finish(struct fetch *f, const struct filter_fetched *got)
{
    bool is_good = !got->failed && got->response->status == 200;
    if (!is_good)
        metrics_add(f->worker->metrics, METRICS_FETCHES_FAILED, 1);
    f->what->done(f->what, got);
    bury(f);
}

static void fail(struct fetch *f, enum fail why, struct slice detail)
{
    struct filter_fetched got = {
        .failed = fail_info(why), .detail = detail, .now_ms = loop_now_ms(f->worker->loop),
        .unix_ms = clock_wall_ms()};
    finish(f, &got);
}

static void on_over(struct upstream_call *c)
{
    struct fetch *f = container_of(c, struct fetch, call);
    if (c->why != FAIL_NONE) {
        buf_dispose(&c->answer_body);
        fail(f, c->why, c->detail);
        return;
    }
    struct filter_fetched got = {.response = c->answer,
                                 .body = buf_take_into(&c->answer_body, &f->arena),
                                 .now_ms = loop_now_ms(f->worker->loop),
                                 .unix_ms = clock_wall_ms()};
    buf_dispose(&c->answer_body);
    finish(f, &got);
}

static struct message *make_head(struct fetch *f)
{
    const struct filter_fetch *what = f->what;
    struct message *m = arena_zalloc(&f->arena, sizeof(*m));
    message_init(m, &f->arena);
    m->method = SLICE("GET");
    m->path = what->path;
    m->authority = what->authority;
    m->scheme = SLICE("https");
    m->content_length = -1;
    if (what->accept.len)
        headers_add(&m->headers, SLICE("accept"), what->accept);
    headers_add(&m->headers, SLICE("user-agent"), SLICE("weft"));
    return m;
}

/* A host that is being looked up has no endpoint yet. */
static bool is_early(const struct fetch *f, const struct cluster *c)
{
    return c->conf->host.len && c->endpoint_count == 0 &&
           loop_now_ms(f->worker->loop) + AGAIN_MS < f->due_ms;
}

static void start(struct fetch *f)
{
    const struct filter_fetch *what = f->what;
    const struct cluster_conf *to =
        snapshot_find_cluster(worker_snapshot(f->worker), f->cluster);
    struct addr nobody = {0};
    if (!to) {
        fail(f, FAIL_NO_CLUSTER, f->cluster);
        return;
    }
    struct cluster *c = cluster_of(&f->worker->clusters, to);
    if (is_early(f, c)) {
        timer_start(&f->again, AGAIN_MS);
        return;
    }
    f->call = (struct upstream_call){.keeps_answer = true,
                                     .has_end = true,
                                     .behind_max = SIZE_MAX,
                                     .answer_max = what->body_max};
    upstream_call_init(&f->call, &f->arena, on_over);
    enum fail why = upstream_call_begin(&f->call, c, &nobody);
    if (why != FAIL_NONE) {
        fail(f, why, to->service);
        return;
    }
    bool is_http2 = to->protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2;
    upstream_call_run(&f->call, f->head ? f->head : make_head(f), is_http2 ? HTTP_2 : HTTP_1_1,
                      (uint32_t)(f->due_ms - loop_now_ms(f->worker->loop)));
}

static void on_beginning(struct loop_task *task)
{
    start(container_of(task, struct fetch, beginning));
}

static void on_again(struct timer *t)
{
    start(container_of(t, struct fetch, again));
}

static struct message *copy_head(struct arena *arena, const struct message *from)
{
    struct message *to = arena_zalloc(arena, sizeof(*to));
    message_init(to, arena);
    to->method = arena_copy(arena, from->method);
    to->scheme = arena_copy(arena, from->scheme);
    to->authority = arena_copy(arena, from->authority);
    to->path = arena_copy(arena, from->path);
    to->content_length = -1;
    headers_copy(&to->headers, &from->headers);
    headers_remove_id(&to->headers, HEADER_EXPECT);
    return to;
}

static struct fetch *create(struct worker *w, struct filter_fetch *what)
{
    bool idle = false;
    if (!atomic_compare_exchange_strong_explicit(&what->is_under_way, &idle, true,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return NULL;
    struct fetch *f = mem_zalloc(sizeof(*f));
    atomic_fetch_add_explicit(&what->keep->refs, 1, memory_order_relaxed);
    metrics_add(w->metrics, METRICS_FETCHES, 1);
    f->worker = w;
    f->what = what;
    f->cluster = what->cluster;
    f->due_ms = loop_now_ms(w->loop) + what->timeout_ms;
    arena_init(&f->arena, ARENA_BLOCK);
    timer_init(&f->again, w->loop, on_again);
    loop_task_init(&f->beginning, on_beginning);
    loop_task_init(&f->grave, destroy_buried);
    list_link_last(&w->fetches, &f->node);
    loop_run_soon(w->loop, &f->beginning); /* never from inside this call */
    return f;
}

bool fetching_begin(struct worker *w, struct filter_fetch *what)
{
    return create(w, what) != NULL;
}

bool fetching_begin_with(struct worker *w, struct filter_fetch *what, struct slice cluster,
                         const struct message *head)
{
    struct fetch *f = create(w, what);
    if (!f)
        return false;
    f->cluster = arena_copy(&f->arena, cluster);
    f->head = copy_head(&f->arena, head);
    return true;
}

void fetching_close_all(struct worker *w)
{
    LIST_FOREACH_SAFE(node, next, &w->fetches)
    {
        struct fetch *f = container_of(node, struct fetch, node);
        upstream_call_cancel(&f->call);
        buf_dispose(&f->call.answer_body);
        bury(f);
    }
}
