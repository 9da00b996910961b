/* Three small servers: administration (this pod only), metrics, health. A question about the data
 * plane is put to every worker in turn and answered when the last one has; so readiness proves
 * that the workers are alive. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_admin.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/identity/identity.h"
#include "lib/io/loop.h"
#include "sidecar/control/admin.h"
#include "sidecar/control/app_drain.h"
#include "sidecar/control/app_dump.h"
#include "sidecar/control/app_metrics.h"
#include "sidecar/control/app_priv.h"
#include "sidecar/control/app_probes.h"
#include "sidecar/control/app_purge.h"
#include "sidecar/config/snapshot_dump.h"
#include "sidecar/source/source_folder.h"
#include "sidecar/source/source_stream.h"
#include "sidecar/telemetry/metrics_page.h"
#include "sidecar/worker/worker.h"

/* ---- one question to all workers ---- */

struct survey {
    struct app *app;
    struct admin_request *request;
    unsigned left;
    void (*visit)(struct survey *s, struct worker *w); /* on the worker; may write its own slot */
    void (*finish)(struct survey *s);                  /* on the control thread */
    struct metrics_shard **shards;                     /* by worker */
    struct buf *parts;                                 /* by worker */
    struct metrics_page *page;
};

struct survey_visit {
    struct worker_visit visit;
    struct survey *survey;
};

static void on_visit(struct worker_visit *v)
{
    struct survey_visit *sv = container_of(v, struct survey_visit, visit);
    sv->survey->visit(sv->survey, v->worker);
}

static void finish_survey(struct survey *s)
{
    s->finish(s);
    for (unsigned i = 0; i < s->app->worker_count; i++)
        metrics_shard_destroy(s->shards[i]);
    mem_free(s->shards);
    mem_free(s->parts);
    mem_free(s);
}

static void on_visit_done(struct worker_visit *v)
{
    struct survey_visit *sv = container_of(v, struct survey_visit, visit);
    struct survey *s = sv->survey;
    mem_free(sv);
    if (--s->left == 0)
        finish_survey(s);
}

static void ask_workers(struct app *app, const struct survey *question)
{
    struct survey *s = mem_zalloc(sizeof(*s));
    *s = *question;
    s->app = app;
    s->left = app->worker_count;
    s->shards = mem_zalloc(sizeof(struct metrics_shard *) * app->worker_count);
    s->parts = mem_zalloc(sizeof(struct buf) * app->worker_count);
    if (!app->worker_count)
        finish_survey(s);
    for (unsigned i = 0; i < app->worker_count; i++) {
        struct survey_visit *v = mem_zalloc(sizeof(*v));
        v->visit.visit = on_visit;
        v->visit.done = on_visit_done;
        v->survey = s;
        worker_post_visit(&app->workers[i], &v->visit);
    }
}

/* ---- metrics ---- */

static void copy_metrics(struct survey *s, struct worker *w)
{
    metrics_set(w->metrics, METRICS_SESSIONS, w->session_count);
    metrics_set(w->metrics, METRICS_UDP_FLOWS, flow_table_count(&w->flows));
    metrics_set(w->metrics, METRICS_EXCHANGES, w->exchange_count);
    metrics_set(w->metrics, METRICS_LISTENERS_MISSING, w->unbound);
    s->shards[w->index] = metrics_shard_copy(w->metrics, loop_now_ms(w->loop));
}

static void add_discovery_metrics(const struct source_stream *stream, struct metrics_shard *sum)
{
    struct source_stream_status status;
    source_stream_read(stream, &status);
    metrics_set(sum, METRICS_CONFIG_REJECTED, status.rejected);
    metrics_set(sum, METRICS_DISCOVERY_CONNECTED, status.is_connected);
    metrics_set(sum, METRICS_DISCOVERY_UPDATES, status.updates);
    metrics_set(sum, METRICS_DISCOVERY_RESYNCS, status.resyncs);
    metrics_set(sum, METRICS_DISCOVERY_ADDRESSES, status.addresses);
}

static void add_identity_metrics(const struct identity *id, struct metrics_shard *sum)
{
    struct identity_state state;
    identity_read(id, &state);
    metrics_set(sum, METRICS_CERTIFICATE_RENEWALS, state.renewals);
    metrics_set(sum, METRICS_CERTIFICATE_TRUSTED, state.is_trusted);
    metrics_set(sum, METRICS_CERTIFICATE_FAILURES, state.failures);
}

static void add_own_metrics(const struct app *app, struct metrics_shard *sum)
{
    if (app->snapshot)
        metrics_set(sum, METRICS_CONFIG_VERSION, snapshot_version(app->snapshot));
    if (app->source)
        metrics_set(sum, METRICS_CONFIG_REJECTED, source_folder_rejected(app->source));
    if (app->stream)
        add_discovery_metrics(app->stream, sum);
    metrics_set(sum, METRICS_MEMORY_FRESH, mem_fresh_count());
    metrics_set(sum, METRICS_LOG_DROPPED, log_dropped());
    if (app->identity)
        add_identity_metrics(app->identity, sum);
    if (app->mesh)
        metrics_set(sum, METRICS_CERTIFICATE_EXPIRY, (uint64_t)(app->mesh->not_after_ms / 1000));
}

static void on_app_metrics(void *owner, struct buf *text)
{
    metrics_page_reply(owner, text);
}

static void show_metrics(struct survey *s)
{
    struct metrics_shard *sum = metrics_shard_create(0);
    for (unsigned i = 0; i < s->app->worker_count; i++)
        metrics_shard_merge(sum, s->shards[i]);
    add_own_metrics(s->app, sum);
    metrics_page_take(s->page, sum);
    if (s->app->metrics)
        app_metrics_ask(s->app->metrics, on_app_metrics, s->page);
    else
        metrics_page_reply(s->page, NULL);
}

static void get_metrics(void *owner, struct admin_request *request)
{
    struct app *app = owner;
    struct metrics_page *page = metrics_page_open(&app->metrics_pages, request);
    if (!page) {
        admin_reply_text(request, 503, "too many others are reading the metrics; try again");
        return;
    }
    ask_workers(app, &(struct survey){.page = page, .visit = copy_metrics, .finish = show_metrics});
}

/* ---- health ---- */

static void do_nothing(struct survey *s, struct worker *w)
{
    (void)s, (void)w;
}

static void answer_ready(struct survey *s)
{
    admin_reply_text(s->request, 200, "ready");
}

/* What stands between a data plane and its first configuration, as far as it is known. */
static void refuse_unconfigured(const struct app *app, struct admin_request *request)
{
    struct source_stream_status status = {0};
    char text[400];
    if (app->stream)
        source_stream_read(app->stream, &status);
    if (app->stream && !app->mesh)
        snprintf(text, sizeof(text), "waiting for a certificate; policyd is asked with it");
    else if (status.problem && *status.problem)
        snprintf(text, sizeof(text), "waiting for a configuration: %s", status.problem);
    else if (status.rejected)
        snprintf(text, sizeof(text), "waiting for a configuration: the one that policyd sent "
                                     "cannot be used; the log says why");
    else
        snprintf(text, sizeof(text), "waiting for a configuration");
    admin_reply_text(request, 503, text);
}

static void get_ready(void *owner, struct admin_request *request)
{
    struct app *app = owner;
    if (app->is_leaving || app->is_draining)
        admin_reply_text(request, 503, "draining");
    else if (!app->snapshot)
        refuse_unconfigured(app, request);
    else if (app->listening < app->settings->workers)
        admin_reply_text(request, 503, "not listening yet");
    else
        ask_workers(
            app, &(struct survey){.request = request, .visit = do_nothing, .finish = answer_ready});
}

static void answer_live(struct survey *s)
{
    admin_reply_text(s->request, 200, "live");
}

static void get_live(void *owner, struct admin_request *request)
{
    ask_workers(owner,
                &(struct survey){.request = request, .visit = do_nothing, .finish = answer_live});
}

/* What the kubelet wants to know of the app. */
static void get_app_health(void *owner, struct admin_request *request)
{
    struct app *app = owner;
    struct slice below = SLICE("/app-health/"), path = admin_path(request);
    app_probes_ask(app->probes, slice_sub(path, below.len, path.len), request);
}

/* What the kubelet wants the app to do. */
static void get_app_lifecycle(void *owner, struct admin_request *request)
{
    struct app *app = owner;
    struct slice below = SLICE("/app-lifecycle/"), path = admin_path(request);
    app_probes_run(app->probes, slice_sub(path, below.len, path.len), request);
}

/* ---- administration ---- */

static void dump_worker(struct survey *s, struct worker *w)
{
    app_dump_worker(w, &s->parts[w->index]);
}

static void join_dumps(struct survey *s)
{
    struct buf text;
    buf_init(&text);
    buf_append_slice(&text, SLICE("["));
    for (unsigned i = 0; i < s->app->worker_count; i++) {
        if (i > 0)
            buf_append_slice(&text, SLICE(","));
        buf_move_all(&text, &s->parts[i]);
        buf_dispose(&s->parts[i]);
    }
    buf_append_slice(&text, SLICE("]\n"));
    admin_reply(s->request, 200, "application/json", &text);
}

static void get_clusters(void *owner, struct admin_request *request)
{
    ask_workers(owner,
                &(struct survey){.request = request, .visit = dump_worker, .finish = join_dumps});
}

static void get_status(void *owner, struct admin_request *request)
{
    struct buf text;
    buf_init(&text);
    app_dump_status(owner, &text);
    admin_reply(request, 200, "application/json", &text);
}

static void get_config(void *owner, struct admin_request *request)
{
    const struct app *app = owner;
    struct buf text;
    buf_init(&text);
    if (!app->snapshot) {
        admin_reply_text(request, 503, "there is no configuration yet");
        return;
    }
    snapshot_dump(app->snapshot, &text);
    admin_reply(request, 200, "application/json", &text);
}

static void post_log(void *owner, struct admin_request *request)
{
    (void)owner;
    if (log_set_level(admin_query(request, "level")) == ERR_OK)
        admin_reply_text(request, 200, "the log level is set");
    else
        admin_reply_text(request, 400, "?level= must be error, warn, info, debug or trace");
}

static void post_drain(void *owner, struct admin_request *request)
{
    admin_reply_text(request, 200, "draining");
    app_drain_leave(owner);
}

/* By the app, when it is done: as at the end of a Job. */
static void post_quit(void *owner, struct admin_request *request)
{
    admin_reply_text(request, 200, "draining");
    app_drain_all(owner);
}

static void post_reload(void *owner, struct admin_request *request)
{
    struct app *app = owner;
    if (!app->source) {
        admin_reply_text(request, 409, "the configuration comes from weft-policyd, as it changes");
        return;
    }
    uint64_t rejected = source_folder_rejected(app->source);
    source_folder_reload(app->source);
    bool ok = rejected == source_folder_rejected(app->source);
    admin_reply_text(request, ok ? 200 : 422,
                     ok ? "the folder was read again" : "refused: the log says where and why");
}

static const struct admin_route admin_routes[] = {
    {"GET", "/config_dump", get_config},
    {"GET", "/status", get_status},
    {"GET", "/clusters", get_clusters},
    {"GET", "/metrics", get_metrics},
    {"POST", "/log", post_log},
    {"POST", "/drain", post_drain},
    {"POST", "/reload", post_reload},
    {"POST", "/cache/purge", app_purge_post},
    {"GET", "/healthz/ready", get_ready},
    /* What apps that end by themselves know from other meshes. */
    {"POST", "/quitquitquit", post_quit},
};
static const struct admin_route metric_routes[] = {{"GET", "/metrics", get_metrics},
                                                   {"GET", "/stats/prometheus", get_metrics}};
static const struct admin_route health_routes[] = {{"GET", "/healthz/ready", get_ready},
                                                   {"GET", "/healthz/live", get_live},
                                                   {"GET", "/app-health/*", get_app_health},
                                                   {"GET", "/app-lifecycle/*", get_app_lifecycle}};

static enum err open_one(struct app *app, const struct addr *at, const struct admin_route *routes,
                         size_t count, struct admin **out)
{
    char text[ADDR_TEXT_MAX];
    if (!at->family)
        return ERR_OK;
    enum err e = admin_open(app->loop, at, routes, count, app, out);
    if (e != ERR_OK)
        LOG_E("admin", "cannot listen on %s: %s", addr_format(at, text), err_text(e));
    return e;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What is asked of the app itself. */
static enum err open_questions(struct app *app)
{
    const struct settings *s = app->settings;
    struct app_call_place place = {
        .loop = app->loop, .pod_ip = s->pod_ip, .is_redirected = s->is_redirected};
    char why[192] = "";
    enum err e = app_probes_create(s->app_probes, &place, &app->probes, why);
    if (e != ERR_OK) {
        LOG_E("admin", "--app-probes: %s", why);
        return e;
    }
    if (s->app_metrics)
        e = app_metrics_create(s->app_metrics, &place, &app->metrics);
    if (e != ERR_OK)
        LOG_E("admin", "--app-metrics: \"%s\" is not PORT/PATH", s->app_metrics);
    return e;
}

enum err app_admin_open(struct app *app)
{
    const struct settings *s = app->settings;
    enum err e = open_questions(app);
    if (e == ERR_OK)
        e = open_one(app, &s->admin, admin_routes, COUNT(admin_routes), &app->admin[0]);
    if (e == ERR_OK)
        e = open_one(app, &s->metrics, metric_routes, COUNT(metric_routes), &app->admin[1]);
    if (e == ERR_OK)
        e = open_one(app, &s->health, health_routes, COUNT(health_routes), &app->admin[2]);
    return e;
}

void app_admin_close(struct app *app)
{
    if (app->probes)
        app_probes_destroy(app->probes);
    if (app->metrics)
        app_metrics_destroy(app->metrics);
    for (size_t i = 0; i < COUNT(app->admin); i++)
        if (app->admin[i])
            admin_close(app->admin[i]);
}
