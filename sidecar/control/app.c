/* Composition: configuration first (without it no worker starts), then workers, then identity and
 * administration; taken down in reverse. Where configuration comes from policyd, that needs an
 * identity, and workers start when it has come. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app.h"

#include <signal.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/identity/identity.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"
#include "lib/io/resolve.h"
#include "lib/io/work.h"
#include "lib/io/signals.h"
#include "lib/io/thread.h"
#include "lib/io/timer.h"
#include "lib/tls/tls_ctx.h"
#include "sidecar/control/app_admin.h"
#include "sidecar/control/app_discovery.h"
#include "sidecar/control/app_drain.h"
#include "sidecar/control/app_priv.h"
#include "sidecar/source/source_folder.h"
#include "sidecar/worker/mesh_contexts.h"
#include "sidecar/worker/worker.h"

#define LOG_PUMP_MS 50

/* ---- what workers report: letters to the control thread ---- */

enum { WORK_THREADS = 4, WORK_QUEUE = 128 };

enum note_kind { NOTE_LISTENING, NOTE_ADOPTED, NOTE_WANTED, NOTE_DROPPED, NOTE_SESSIONS,
                 NOTE_NEWS };

struct note {
    struct letter letter;
    struct app *app;
    struct worker *worker;
    enum note_kind kind;
    uint64_t value;
    struct addr addr;
};

static void read_note(struct letter *letter)
{
    struct note *n = container_of(letter, struct note, letter);
    struct app *app = n->app;
    switch (n->kind) {
    case NOTE_LISTENING:
        app->listening += n->value != 0;
        if (!n->value) {
            app->exit_status = 1;
            loop_stop(app->loop);
        } else if (app->listening == app->settings->workers) {
            LOG_I("app", "%u worker%s listening", app->listening,
                  app->listening == 1 ? " is" : "s are");
        }
        break;
    case NOTE_ADOPTED:
        app->adopted[n->worker->index] = n->value;
        break;
    case NOTE_WANTED:
    case NOTE_DROPPED:
        app_discovery_interest(app, n->worker, &n->addr, n->kind == NOTE_WANTED);
        break;
    case NOTE_SESSIONS:
        app->sessions_left[n->worker->index] = (uint32_t)n->value;
        app_drain_note(app);
        break;
    case NOTE_NEWS:
        for (unsigned i = 0; i < app->worker_count; i++)
            if (&app->workers[i] != n->worker)
                worker_post_news(&app->workers[i], (const void *)(uintptr_t)n->value);
        break;
    }
    mem_free(n);
}

static struct note *make_note(struct app *app, struct worker *w, enum note_kind kind,
                              uint64_t value)
{
    struct note *n = mem_zalloc(sizeof(*n));
    *n = (struct note){.app = app, .worker = w, .kind = kind, .value = value};
    n->letter.deliver = read_note;
    return n;
}

static void post_note(struct app *app, struct worker *w, enum note_kind kind, uint64_t value)
{
    mailbox_post(app->mailbox, &make_note(app, w, kind, value)->letter);
}

void app_note_listening(struct app *app, struct worker *w, bool ok)
{
    post_note(app, w, NOTE_LISTENING, ok);
}

void app_note_adopted(struct app *app, struct worker *w, uint64_t snapshot_version)
{
    post_note(app, w, NOTE_ADOPTED, snapshot_version);
}

void app_note_interest(struct app *app, struct worker *w, const struct addr *to, bool wanted)
{
    struct note *n = make_note(app, w, wanted ? NOTE_WANTED : NOTE_DROPPED, 0);
    n->addr = *to;
    mailbox_post(app->mailbox, &n->letter);
}

void app_note_news(struct app *app, struct worker *w, const void *what)
{
    post_note(app, w, NOTE_NEWS, (uint64_t)(uintptr_t)what);
}

void app_note_sessions(struct app *app, struct worker *w, uint32_t left)
{
    post_note(app, w, NOTE_SESSIONS, left);
}

const struct settings *app_settings(const struct app *app)
{
    return app->settings;
}

struct mailbox *app_mailbox(const struct app *app)
{
    return app->mailbox;
}

struct work_pool *app_work(const struct app *app)
{
    return app->work;
}

/* ---- configuration and identity arrive ---- */

static void start_workers(struct app *app)
{
    unsigned count = app->settings->workers;
    for (unsigned i = 0; i < count; i++) {
        worker_init(&app->workers[i], app, i, app->snapshot);
        app->worker_count++;
        app_discovery_brief(app, &app->workers[i]);
        if (app->mesh)
            worker_post_identity(&app->workers[i], app->mesh);
    }
    for (unsigned i = 0; i < count; i++)
        app->threads[i] = thread_start("weft-worker", worker_run, &app->workers[i]);
}

static void publish_snapshot(void *owner, struct snapshot *s)
{
    struct app *app = owner;
    if (app->snapshot)
        snapshot_unref(app->snapshot);
    app->snapshot = s;
    for (unsigned i = 0; i < app->worker_count; i++)
        worker_post_snapshot(&app->workers[i], s);
    if (!app->worker_count && !app->is_draining)
        start_workers(app);
}

static enum err publish_identity(void *owner, const char *spiffe_id,
                                 const struct identity_material *material,
                                 char detail[TLS_DETAIL_MAX])
{
    struct app *app = owner;
    struct mesh_identity *m;
    enum err e = mesh_contexts_make(app->identity_generation + 1, material,
                                    app->settings->trust_domain, spiffe_id, &m, detail);
    if (e != ERR_OK)
        return e;
    app->identity_generation++;
    mesh_identity_unref(app->mesh);
    app->mesh = m;
    for (unsigned i = 0; i < app->worker_count; i++)
        worker_post_identity(&app->workers[i], m);
    return app_discovery_identify(app, material, detail);
}

static enum err open_identity(struct app *app)
{
    const struct settings *s = app->settings;
    struct identity_config config = {
        .trust_domain = s->trust_domain,
        .namespace_name = s->namespace_name,
        .service_account = s->service_account,
        .certd_address = s->certd_address,
        .certd_name = s->certd_name,
        .certd_ip = s->certd_ip,
        .control_namespace = s->control_namespace,
        .trust_bundle_file = s->trust_bundle_file,
        .token_file = s->token_file,
        .join_token_file = s->join_token_file,
        .keep_dir = s->identity_dir,
        .cert_file = s->cert_file,
        .key_file = s->key_file,
        .use = publish_identity,
        .owner = app,
    };
    return identity_open(app->loop, &config, &app->identity);
}

/* ---- ending ---- */

static void on_signal(void *owner, int number)
{
    struct app *app = owner;
    if (number == SIGHUP && app->source)
        source_folder_reload(app->source);
    else if (app->is_draining)
        loop_stop(app->loop); /* asked twice: at once */
    else if (number == SIGTERM || number == SIGINT)
        app_drain_leave(app);
}

/* ---- life ---- */

static void on_pump(struct timer *t)
{
    log_pump();
    timer_start(t, LOG_PUMP_MS);
}

static void stop_workers(struct app *app)
{
    for (unsigned i = 0; i < app->worker_count; i++)
        worker_post_stop(&app->workers[i]);
    for (unsigned i = 0; i < app->worker_count; i++)
        thread_join(app->threads[i]);
}

static enum err open_source(struct app *app)
{
    if (app->settings->discovery) {
        app_discovery_open(app, publish_snapshot);
        return ERR_OK;
    }
    enum err e = source_folder_open(app->loop, app->settings, publish_snapshot, app, &app->source);
    if (e != ERR_OK)
        LOG_E("app", "%s: no usable configuration; correct what is reported above",
              app->settings->policy_dir);
    return e;
}

static enum err start(struct app *app)
{
    enum err e = open_source(app);
    if (e == ERR_OK)
        e = open_identity(app);
    if (e == ERR_OK)
        e = app_admin_open(app);
    return e;
}

static void dispose(struct app *app)
{
    work_pool_stop(app->work); /* while workers still read their mail */
    stop_workers(app);
    work_pool_destroy(app->work);
    app_admin_close(app);
    if (app->identity)
        identity_close(app->identity);
    if (app->source)
        source_folder_close(app->source);
    app_discovery_close(app);
    if (app->snapshot)
        snapshot_unref(app->snapshot);
    mesh_identity_unref(app->mesh);
    app_drain_close(app);
    timer_stop(&app->pump);
    idle_memory_end(&app->memory);
    signals_close(app->signals);
    mailbox_close(app->mailbox);
    loop_destroy(app->loop);
    log_pump();
    mem_free(app->workers);
    mem_free(app->threads);
    mem_free(app->adopted);
    mem_free(app->sessions_left);
}

int app_main(const struct settings *settings)
{
    struct app app = {.settings = settings};
    mem_set_up();
    if (tls_lib_init() != ERR_OK) {
        LOG_E("app", "the TLS library does not start");
        return 1;
    }
    if (settings->dns_servers && resolve_use_servers(slice_from_cstr(settings->dns_servers))) {
        LOG_E("app", "--dns-servers %s: must be IP addresses with commas between, as "
              "\"10.0.0.53,[fd00::53]:5353\"", settings->dns_servers);
        return 2;
    }
    app.workers = mem_zalloc(sizeof(*app.workers) * settings->workers);
    app.threads = mem_zalloc(sizeof(struct thread *) * settings->workers);
    app.adopted = mem_zalloc(sizeof(*app.adopted) * settings->workers);
    app.sessions_left = mem_zalloc(sizeof(*app.sessions_left) * settings->workers);
    app.loop = loop_create();
    app.mailbox = mailbox_open(app.loop);
    app.work = work_pool_create(WORK_THREADS, WORK_QUEUE);
    app.signals = signals_open(app.loop, on_signal, &app);
    timer_init(&app.pump, app.loop, on_pump);
    app_drain_init(&app);
    timer_start(&app.pump, LOG_PUMP_MS);
    idle_memory_begin(&app.memory, app.loop, true);
    if (start(&app) == ERR_OK)
        loop_run(app.loop);
    else
        app.exit_status = 1;
    dispose(&app);
    return app.exit_status;
}
