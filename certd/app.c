/* Composition: the CA's home, serving certificate, listeners, and the timer that keeps them fresh.
 * One loop, one thread. Must not know how a certificate is made, nor where the CA lives.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/app.h"

#include <signal.h>
#include <stdio.h>

#include "certd/app_priv.h"
#include "certd/join_token.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"

enum { TICK_MS = 30000, MAX_CONNECTIONS = 4096, MAX_PROBES = 64 };

/* ---- what we live on */

static enum err renew_serving(struct app *app, const struct ca *ca)
{
    char why[TLS_DETAIL_MAX] = "";
    enum err e = serving_renew(&app->serving, ca, app->options->trust_domain, app->own_names,
                               clock_wall_ms(), why);
    if (e)
        LOG_E("certd", "certd's own certificate cannot be used: %s", why);
    app->is_healthy = e == ERR_OK;
    return e;
}

enum err app_use_ca(struct app *app, struct ca *fresh)
{
    enum err e = renew_serving(app, fresh);
    if (e) {
        ca_close(fresh);
        return e;
    }
    ca_close(&app->ca);
    app->ca = *fresh;
    /* Callers whose certificates the new bundle does not vouch for. */
    if (app->listener)
        grpc_listener_review(app->listener);
    return ERR_OK;
}

/* ---- time and signals */

static void on_tick(struct timer *t)
{
    struct app *app = container_of(t, struct app, tick);
    int64_t now = clock_wall_ms();
    app->home->tick(app, now);
    if (app->ca.signer && now >= app->serving.renew_at_ms)
        (void)!renew_serving(app, &app->ca);
    timer_start(t, TICK_MS);
}

static void on_signal(void *owner, int number)
{
    struct app *app = owner;
    if (number == SIGHUP)
        app->home->reload(app);
    else if (number == SIGTERM || number == SIGINT)
        app->home->leave(app);
}

void app_stop(struct app *app)
{
    loop_stop(app->loop);
}

/* ---- listeners */

static struct tls_ctx *current_ctx(void *owner)
{
    return ((struct app *)owner)->serving.ctx;
}

static enum err open_listener(struct app *app, const struct grpc_listener_config *config,
                              struct grpc_listener **listener, struct addr *at)
{
    char text[ADDR_TEXT_MAX];
    enum err e = grpc_listener_open(app->loop, config, listener);
    if (e)
        LOG_E("certd", "cannot listen on %s: %s", addr_format(&config->at, text), err_text(e));
    else
        grpc_listener_addr(*listener, at);
    return e;
}

static enum err open_health_listener(struct app *app)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    const struct options *o = app->options;
    app->health =
        (struct grpc_service){.owner = app, .plain = app_probe_answer, .http = {.max_streams = 8}};
    struct grpc_listener_config config = {o->health, &app->health, HTTP_PROTOCOL_1,
                                          NULL,      app,          MAX_PROBES};
    if (!o->health.family)
        return ERR_OK;
    enum err e = open_listener(app, &config, &app->health_listener, &at);
    if (!e)
        LOG_I("certd", "health probe on %s", addr_format(&at, text));
    return e;
}

enum err app_serve_with(struct app *app, const struct service_config *config)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    const struct options *o = app->options;
    struct grpc_listener_config listener = {
        o->listen, &app->service.grpc, HTTP_PROTOCOL_2, current_ctx, app, MAX_CONNECTIONS};
    service_init(&app->service, config);
    enum err e = open_listener(app, &listener, &app->listener, &at);
    if (e)
        service_dispose(&app->service);
    else
        LOG_I("certd", "listening on %s for trust domain %s", addr_format(&at, text),
              o->trust_domain);
    return e;
}

/* ---- life */

static void dispose(struct app *app)
{
    bool was_serving = app->listener;
    grpc_listener_close(app->listener);
    grpc_listener_close(app->health_listener);
    timer_stop(&app->tick);
    idle_memory_end(&app->memory);
    if (app->signals)
        signals_close(app->signals);
    app->home->close(app);
    if (was_serving)
        service_dispose(&app->service);
    audit_close(app->audit);
    serving_dispose(&app->serving);
    ca_close(&app->ca);
    mem_free(app->metrics);
}

int app_serve(const struct options *options)
{
    struct app app = {.options = options,
                      .home = options->kubernetes ? &app_cluster_home : &app_folder_home};
    for (unsigned i = 0; i < options->dns_name_count; i++)
        app.own_names[i] = options->dns_names[i];
    app.loop = loop_create();
    timer_init(&app.tick, app.loop, on_tick);
    mem_set_up();
    idle_memory_begin(&app.memory, app.loop, true);
    enum err e = open_health_listener(&app);
    if (!e)
        e = app.home->open(&app);
    if (!e) {
        app.signals = signals_open(app.loop, on_signal, &app);
        timer_start(&app.tick, TICK_MS);
        loop_run(app.loop);
        LOG_I("certd", "stopping");
    }
    dispose(&app);
    loop_destroy(app.loop);
    return e || app.is_broken ? 1 : 0;
}

int app_create_token(const struct options *o)
{
    char text[JOIN_TOKEN_TEXT_MAX];
    enum err e = join_token_prepare(o->state_dir);
    if (!e)
        e = join_token_create(o->state_dir, slice_from_cstr(o->spiffe_id),
                              clock_wall_ms() + (int64_t)o->token_ttl_ms, text);
    if (e) {
        fprintf(stderr, "weft-certd: no token could be written in %s: %s\n", o->state_dir,
                err_text(e));
        return 1;
    }
    printf("%s\n", text);
    return 0;
}
