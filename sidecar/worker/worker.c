/* A data-plane thread from its first listener to its last session: it carries out what the letters
 * of the control thread say, and runs the exchanges that were woken.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/worker/worker.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "sidecar/control/app.h"
#include "sidecar/exchange/exchange_run.h"
#include "sidecar/exchange/fetching.h"
#include "sidecar/exchange/mirror.h"
#include "sidecar/exchange/redis_post.h"
#include "sidecar/session/session.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/request.h"
#include "sidecar/worker/worker_listen.h"

#define SWEEP_MS 30000

/* ---- exchanges that were woken ---- */

static void run_woken(struct loop_task *task)
{
    struct worker *w = container_of(task, struct worker, run);
    for (struct list *node; (node = list_take_first(&w->runnable));)
        exchange_run(node);
}

void worker_wake(struct worker *w, struct list *runnable_node)
{
    if (list_is_linked(runnable_node))
        return;
    list_link_last(&w->runnable, runnable_node);
    loop_run_soon(w->loop, &w->run);
}

/* ---- letters ---- */

enum letter_kind { LETTER_SNAPSHOT, LETTER_IDENTITY, LETTER_ANSWERS, LETTER_DRAIN, LETTER_STOP,
                   LETTER_NEWS };

struct worker_letter {
    struct letter letter;
    struct worker *worker;
    enum letter_kind kind;
    struct snapshot *snapshot;
    struct mesh_identity *identity;
    bool is_connected;
    bool all; /* LETTER_DRAIN */
    const void *what; /* LETTER_NEWS */
    size_t addr_count;
    struct addr addrs[];
};

static void judge_sessions(struct worker *w)
{
    LIST_FOREACH_SAFE(node, next, &w->sessions)
    session_judge(container_of(node, struct session, node));
}

/* Answers have the limits of the mesh's requests. Connections that exist keep theirs. */
static void adopt_limits(struct worker *w)
{
    const struct client_limits_conf *limits = &snapshot_mesh(worker_snapshot(w))->clients->limits;
    w->client = w->settings->client;
    w->client_mesh = w->settings->client_mesh;
    w->client.max_header_bytes = w->client_mesh.max_header_bytes = limits->max_header_bytes;
    w->client.max_header_count = w->client_mesh.max_header_count = limits->max_headers;
    w->client_mesh.max_header_bytes += MESH_HEADERS_BYTES_MAX;
    w->client_mesh.max_header_count += MESH_HEADERS_COUNT_MAX;
}

static void adopt_snapshot(struct worker *w, struct snapshot *s)
{
    struct lease *old = w->lease;
    w->lease = lease_create(s);
    adopt_limits(w);
    metrics_shard_count_sizes(w->metrics, snapshot_mesh(s)->metrics_body_sizes);
    cluster_table_adopt(&w->clusters, s);
    if (old)
        lease_unpin(old);
    worker_listen_adopt(w);
    cluster_table_review(&w->clusters);
    judge_sessions(w);
}

static void adopt_identity(struct worker *w, struct mesh_identity *m)
{
    mesh_identity_unref(w->identity);
    w->identity = m;
    if (!m)
        return;
    cluster_table_review(&w->clusters);
    judge_sessions(w);
}

/* What draining waits for. */
static uint32_t left(const struct worker *w)
{
    return w->session_count + flow_table_count(&w->flows);
}

static void stop_if_over(struct worker *w)
{
    if (w->is_stopping && left(w) == 0)
        loop_stop(w->loop);
}

static void drain(struct worker *w, bool all)
{
    w->is_draining = true;
    w->is_draining_out |= all;
    worker_listen_close(w, w->is_draining_out);
    worker_listen_drain_udp(w);
    LIST_FOREACH_SAFE(node, next, &w->sessions)
    {
        struct session *s = container_of(node, struct session, node);
        if (session_is_draining(s))
            session_drain(s);
    }
    app_note_sessions(w->app, w, left(w));
}

static void stop(struct worker *w)
{
    w->is_stopping = true;
    drain(w, true);
    worker_listen_close_udp(w);
    LIST_FOREACH_SAFE(node, next, &w->sessions)
    session_close(container_of(node, struct session, node));
    stop_if_over(w);
}

static void deliver(struct letter *letter)
{
    struct worker_letter *l = container_of(letter, struct worker_letter, letter);
    switch (l->kind) {
    case LETTER_SNAPSHOT:
        adopt_snapshot(l->worker, l->snapshot);
        app_note_adopted(l->worker->app, l->worker, snapshot_version(l->snapshot));
        break;
    case LETTER_IDENTITY:
        adopt_identity(l->worker, l->identity);
        break;
    case LETTER_ANSWERS:
        subscription_table_answer(&l->worker->subscriptions, l->addrs, l->addr_count,
                                  l->is_connected);
        break;
    case LETTER_DRAIN:
        drain(l->worker, l->all);
        break;
    case LETTER_STOP:
        stop(l->worker);
        break;
    case LETTER_NEWS:
        exchange_hear(l->worker, l->what);
        break;
    }
    mem_free(l);
}

static void post(struct worker *w, enum letter_kind kind, struct snapshot *s,
                 struct mesh_identity *m)
{
    struct worker_letter *l = mem_zalloc(sizeof(*l));
    l->letter.deliver = deliver;
    l->worker = w;
    l->kind = kind;
    l->snapshot = s;
    l->identity = m;
    mailbox_post(w->mailbox, &l->letter);
}

void worker_post_snapshot(struct worker *w, struct snapshot *s)
{
    post(w, LETTER_SNAPSHOT, snapshot_ref(s), NULL);
}

void worker_post_identity(struct worker *w, struct mesh_identity *m)
{
    post(w, LETTER_IDENTITY, NULL, mesh_identity_ref(m));
}

void worker_post_answers(struct worker *w, const struct addr *addrs, size_t count,
                         bool is_connected)
{
    struct worker_letter *l = mem_zalloc(sizeof(*l) + count * sizeof(*addrs));
    l->letter.deliver = deliver;
    l->worker = w;
    l->kind = LETTER_ANSWERS;
    l->is_connected = is_connected;
    l->addr_count = count;
    for (size_t i = 0; i < count; i++)
        l->addrs[i] = addrs[i];
    mailbox_post(w->mailbox, &l->letter);
}

void worker_post_drain(struct worker *w, bool all)
{
    struct worker_letter *l = mem_zalloc(sizeof(*l));
    l->letter.deliver = deliver;
    l->worker = w;
    l->kind = LETTER_DRAIN;
    l->all = all;
    mailbox_post(w->mailbox, &l->letter);
}

void worker_post_news(struct worker *w, const void *what)
{
    struct worker_letter *l = mem_zalloc(sizeof(*l));
    l->letter.deliver = deliver;
    l->worker = w;
    l->kind = LETTER_NEWS;
    l->what = what;
    mailbox_post(w->mailbox, &l->letter);
}

void worker_post_stop(struct worker *w)
{
    post(w, LETTER_STOP, NULL, NULL);
}

static void visited(struct letter *letter)
{
    struct worker_visit *v = container_of(letter, struct worker_visit, letter);
    v->done(v);
}

static void visit(struct letter *letter)
{
    struct worker_visit *v = container_of(letter, struct worker_visit, letter);
    v->visit(v);
    v->letter.deliver = visited;
    mailbox_post(app_mailbox(v->worker->app), &v->letter);
}

void worker_post_visit(struct worker *w, struct worker_visit *v)
{
    v->worker = w;
    v->letter.deliver = visit;
    mailbox_post(w->mailbox, &v->letter);
}

void worker_session_gone(struct worker *w)
{
    w->session_count--;
    worker_flow_gone(w);
}

void worker_flow_gone(struct worker *w)
{
    if (w->is_draining)
        app_note_sessions(w->app, w, left(w));
    stop_if_over(w);
}

/* ---- life ---- */

static uint32_t sweep_ms(const struct worker *w)
{
    uint32_t half = w->settings->discovery_idle_ms / 2;
    return w->settings->discovery && half < SWEEP_MS ? half + 1 : SWEEP_MS;
}

static void on_sweep(struct timer *t)
{
    struct worker *w = container_of(t, struct worker, sweep);
    metrics_shard_expire(w->metrics, loop_now_ms(w->loop));
    cluster_table_sweep(&w->clusters);
    subscription_table_sweep(&w->subscriptions, loop_now_ms(w->loop),
                             w->settings->discovery_idle_ms);
    timer_start(t, sweep_ms(w));
}

static void describe_self(struct worker *w)
{
    const struct settings *s = w->settings;
    w->self_spiffe_id = mem_printf("spiffe://%s/ns/%s/sa/%s", s->trust_domain, s->namespace_name,
                                   s->service_account);
    w->self = (struct metrics_party){
        .workload = slice_from_cstr(s->workload ? s->workload : s->gateway),
        .namespace_name = slice_from_cstr(s->namespace_name),
        .principal = slice_from_cstr(w->self_spiffe_id),
    };
    w->self.hash = metrics_party_hash(&w->self);
    w->unknown_service.hash = metrics_service_hash(&w->unknown_service);
}

void worker_init_on(struct worker *w, struct loop *loop, struct app *app, unsigned index,
                    struct snapshot *s)
{
    *w = (struct worker){.app = app, .settings = app_settings(app), .index = index};
    w->loop = loop;
    w->mailbox = mailbox_open(w->loop);
    w->lease = lease_create(snapshot_ref(s));
    adopt_limits(w);
    w->metrics = metrics_shard_create(w->settings->workers ? w->settings->workers : 1);
    describe_self(w);
    list_init(&w->sessions);
    list_init(&w->mirrors);
    list_init(&w->fetches);
    list_init(&w->awaiting);
    list_init(&w->posts);
    list_init(&w->runnable);
    loop_task_init(&w->run, run_woken);
    timer_init(&w->sweep, w->loop, on_sweep);
    worker_listen_init(w);
    uint64_t seed;
    rand_secure(&seed, sizeof(seed));
    rand_seed(&w->rand, seed);
    cluster_table_init(&w->clusters, w);
    subscription_table_init(&w->subscriptions, w);
    flow_table_init(&w->flows, w);
}

void worker_init(struct worker *w, struct app *app, unsigned index, struct snapshot *s)
{
    worker_init_on(w, loop_create(), app, index, s);
}

void worker_open(struct worker *w)
{
    cluster_table_adopt(&w->clusters, worker_snapshot(w));
    app_note_listening(w->app, w, worker_listen_open(w));
    timer_start(&w->sweep, sweep_ms(w));
    idle_memory_begin(&w->memory, w->loop, false);
}

void worker_close(struct worker *w)
{
    timer_stop(&w->sweep);
    idle_memory_end(&w->memory);
    worker_listen_close(w, true);
    worker_listen_close_udp(w);
    mirror_close_all(w);
    fetching_close_all(w);
    redis_post_close_all(w);
    cluster_table_drain(&w->clusters);
    mailbox_close(w->mailbox);
}

void worker_dispose(struct worker *w)
{
    cluster_table_dispose(&w->clusters);
    subscription_table_dispose(&w->subscriptions);
    flow_table_dispose(&w->flows);
    adopt_identity(w, NULL);
    lease_unpin(w->lease);
    metrics_shard_destroy(w->metrics);
    mem_free(w->self_spiffe_id);
}

void worker_run(void *arg)
{
    struct worker *w = arg;
    log_ring_attach();
    worker_open(w);
    loop_run(w->loop);
    worker_close(w);
    loop_stop(w->loop);
    loop_run(w->loop); /* until everything that is closing has closed */
    worker_dispose(w);
    loop_destroy(w->loop);
    log_ring_detach();
}
