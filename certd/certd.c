/* Composition: the CA's home, serving certificate, listeners, and the timer that keeps them fresh.
 * One loop, one thread. Must not know how a certificate is made, nor where the CA lives.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/certd.h"

#include <signal.h>
#include <stdio.h>

#include "certd/certd_priv.h"
#include "certd/join_token.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"

enum { TICK_MS = 30000, MAX_CONNECTIONS = 4096, MAX_PROBES = 64 };

/* ---- what we live on */

static enum err renew_serving(struct certd *certd, const struct ca *ca)
{
    char why[TLS_DETAIL_MAX] = "";
    enum err e = serving_renew(&certd->serving, ca, certd->options->trust_domain, certd->own_names,
                               clock_wall_ms(), why);
    if (e)
        LOG_E("certd", "certd's own certificate cannot be used: %s", why);
    certd->is_healthy = e == ERR_OK;
    return e;
}

enum err certd_use_ca(struct certd *certd, struct ca *fresh)
{
    enum err e = renew_serving(certd, fresh);
    if (e) {
        ca_close(fresh);
        return e;
    }
    ca_close(&certd->ca);
    certd->ca = *fresh;
    /* Callers whose certificates the new bundle does not vouch for. */
    if (certd->listener)
        grpc_listener_review(certd->listener);
    return ERR_OK;
}

/* ---- time and signals */

static void on_tick(struct timer *t)
{
    struct certd *certd = container_of(t, struct certd, tick);
    int64_t now = clock_wall_ms();
    certd->home->tick(certd, now);
    if (certd->ca.signer && now >= certd->serving.renew_at_ms)
        (void)!renew_serving(certd, &certd->ca);
    timer_start(t, TICK_MS);
}

static void on_signal(void *owner, int number)
{
    struct certd *certd = owner;
    if (number == SIGHUP)
        certd->home->reload(certd);
    else if (number == SIGTERM || number == SIGINT)
        certd->home->leave(certd);
}

void certd_stop(struct certd *certd)
{
    loop_stop(certd->loop);
}

/* ---- listeners */

static struct tls_ctx *current_ctx(void *owner)
{
    return ((struct certd *)owner)->serving.ctx;
}

static enum err open_listener(struct certd *certd, const struct grpc_listener_config *config,
                              struct grpc_listener **listener, struct addr *at)
{
    char text[ADDR_TEXT_MAX];
    enum err e = grpc_listener_open(certd->loop, config, listener);
    if (e)
        LOG_E("certd", "cannot listen on %s: %s", addr_format(&config->at, text), err_text(e));
    else
        grpc_listener_addr(*listener, at);
    return e;
}

static enum err open_health_listener(struct certd *certd)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    const struct options *o = certd->options;
    certd->health = (struct grpc_service){
        .owner = certd, .plain = certd_probe_answer, .http = {.max_streams = 8}};
    struct grpc_listener_config config = {o->health, &certd->health, HTTP_PROTOCOL_1,
                                          NULL,      certd,          MAX_PROBES};
    if (!o->health.family)
        return ERR_OK;
    enum err e = open_listener(certd, &config, &certd->health_listener, &at);
    if (!e)
        LOG_I("certd", "health probe on %s", addr_format(&at, text));
    return e;
}

enum err certd_serve_with(struct certd *certd, const struct ca_service_config *config)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    const struct options *o = certd->options;
    struct grpc_listener_config listener = {
        o->listen, &certd->service.grpc, HTTP_PROTOCOL_2, current_ctx, certd, MAX_CONNECTIONS};
    ca_service_init(&certd->service, config);
    enum err e = open_listener(certd, &listener, &certd->listener, &at);
    if (e)
        ca_service_dispose(&certd->service);
    else
        LOG_I("certd", "listening on %s for trust domain %s", addr_format(&at, text),
              o->trust_domain);
    return e;
}

/* ---- life */

static void dispose(struct certd *certd)
{
    bool was_serving = certd->listener;
    grpc_listener_close(certd->listener);
    grpc_listener_close(certd->health_listener);
    timer_stop(&certd->tick);
    idle_memory_end(&certd->memory);
    if (certd->signals)
        signals_close(certd->signals);
    certd->home->close(certd);
    if (was_serving)
        ca_service_dispose(&certd->service);
    audit_close(certd->audit);
    serving_dispose(&certd->serving);
    ca_close(&certd->ca);
    mem_free(certd->metrics);
}

int certd_serve(const struct options *options)
{
    struct certd certd = {.options = options,
                      .home = options->kubernetes ? &certd_cluster_home : &certd_folder_home};
    for (unsigned i = 0; i < options->dns_name_count; i++)
        certd.own_names[i] = options->dns_names[i];
    certd.loop = loop_create();
    timer_init(&certd.tick, certd.loop, on_tick);
    mem_set_up();
    idle_memory_begin(&certd.memory, certd.loop, true);
    enum err e = open_health_listener(&certd);
    if (!e)
        e = certd.home->open(&certd);
    if (!e) {
        certd.signals = signals_open(certd.loop, on_signal, &certd);
        timer_start(&certd.tick, TICK_MS);
        loop_run(certd.loop);
        LOG_I("certd", "stopping");
    }
    dispose(&certd);
    loop_destroy(certd.loop);
    return e || certd.is_broken ? 1 : 0;
}

int certd_create_token(const struct options *o)
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
