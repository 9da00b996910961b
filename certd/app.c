/* Composition: state folder, serving certificate, doors, and the timer that keeps them fresh. One
 * loop, one thread. Must not know how a certificate is made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/app.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "certd/audit.h"
#include "certd/ca.h"
#include "certd/join_token.h"
#include "certd/options.h"
#include "certd/service.h"
#include "certd/serving.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_door.h"

enum { TICK_MS = 30000, MAX_CONNECTIONS = 4096, MAX_PROBES = 64, BUNDLE_MODE = 0644 };

struct app {
    const struct options *options;
    struct loop *loop;
    struct signals *signals;
    struct timer tick;
    struct ca ca;
    struct serving serving;
    struct audit *audit;
    struct service service;
    struct grpc_service health;
    struct grpc_door *door, *health_door;
    int lock_fd;
    bool is_healthy; /* the last renewal of what we live on went well */
};

/* ---- the state folder */

static struct ca_config ca_config(const struct options *o)
{
    return (struct ca_config){o->state_dir, o->trust_domain, o->root_ttl_ms,
                              o->intermediate_ttl_ms};
}

/* Two servers on one folder would both spend tokens and write the log. */
static bool lock_state(struct app *app)
{
    char *path = mem_printf("%s/lock", app->options->state_dir);
    app->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool ok = app->lock_fd >= 0 && flock(app->lock_fd, LOCK_EX | LOCK_NB) == 0;
    if (!ok)
        LOG_E("certd", "%s: %s", path,
              errno == EWOULDBLOCK ? "another weft-certd serves from this folder"
                                   : strerror(errno));
    mem_free(path);
    return ok;
}

static enum err write_bundle(const struct app *app)
{
    const char *path = app->options->bundle_out;
    if (!path)
        return ERR_OK;
    enum err e =
        file_write_atomic(path, app->ca.bundle_pem, strlen(app->ca.bundle_pem), BUNDLE_MODE);
    if (e)
        LOG_E("certd", "%s: the trust bundle cannot be written: %s", path, err_text(e));
    return e;
}

static enum err renew_serving(struct app *app, const struct ca *ca)
{
    char why[TLS_DETAIL_MAX] = "";
    const struct options *o = app->options;
    enum err e = serving_renew(&app->serving, ca, o->trust_domain,
                               (const char *const *)o->dns_names, clock_wall_ms(), why);
    if (e)
        LOG_E("certd", "certd's own certificate cannot be used: %s", why);
    return e;
}

/* Everything from the folder anew; what is in use stays until all of it is good. */
static enum err load(struct app *app)
{
    char why[CA_DETAIL_MAX];
    struct ca fresh;
    struct ca_config config = ca_config(app->options);
    enum err e = ca_open(&config, clock_wall_ms(), &fresh, why);
    if (e) {
        LOG_E("certd", "%s", why);
        return e;
    }
    e = renew_serving(app, &fresh);
    if (e) {
        ca_close(&fresh);
        return e;
    }
    ca_close(&app->ca);
    app->ca = fresh;
    return write_bundle(app);
}

/* ---- time and signals */

static void on_tick(struct timer *t)
{
    struct app *app = container_of(t, struct app, tick);
    int64_t now = clock_wall_ms();
    bool replace = app->ca.replace_at_ms && now >= app->ca.replace_at_ms;
    if (replace)
        app->is_healthy = load(app) == ERR_OK;
    else if (now >= app->serving.renew_at_ms)
        app->is_healthy = renew_serving(app, &app->ca) == ERR_OK;
    unsigned swept = join_token_sweep(app->options->state_dir, now);
    if (swept)
        LOG_I("certd", "removed %u expired join tokens", swept);
    timer_start(t, TICK_MS);
}

static void on_signal(void *owner, int number)
{
    struct app *app = owner;
    if (number == SIGHUP) {
        bool ok = load(app) == ERR_OK;
        LOG_I("certd", ok ? "read %s again" : "kept what was in use; %s is not usable now",
              app->options->state_dir);
    } else if (number == SIGTERM || number == SIGINT) {
        loop_stop(app->loop);
    }
}

/* ---- doors */

static struct tls_ctx *current_ctx(void *owner)
{
    return ((struct app *)owner)->serving.ctx;
}

static unsigned health(void *owner, struct slice method, struct slice path, struct slice *body)
{
    const struct app *app = owner;
    bool known = slice_eq(path, SLICE("/healthz")) || slice_eq(path, SLICE("/readyz"));
    if (!known) {
        *body = SLICE("not found: only /healthz and /readyz are here\n");
        return 404;
    }
    if (!slice_eq(method, SLICE("GET")) && !slice_eq(method, SLICE("HEAD"))) {
        *body = SLICE("only GET\n");
        return 405;
    }
    bool expired = clock_wall_ms() >= x509_authority_not_after_ms(app->ca.signer);
    if (app->is_healthy && !expired) {
        *body = SLICE("ok\n");
        return 200;
    }
    *body = expired ? SLICE("the signing certificate has expired\n")
                    : SLICE("certd's own certificate could not be renewed; see its log\n");
    return 503;
}

static enum err open_doors(struct app *app)
{
    char text[ADDR_TEXT_MAX];
    struct addr at;
    const struct options *o = app->options;
    struct grpc_door_config grpc = {o->listen, &app->service.grpc, HTTP_PROTOCOL_2, current_ctx,
                                    app,       MAX_CONNECTIONS};
    enum err e = grpc_door_open(app->loop, &grpc, &app->door);
    if (e) {
        LOG_E("certd", "cannot listen on %s: %s", addr_format(&o->listen, text), err_text(e));
        return e;
    }
    app->health = (struct grpc_service){.owner = app, .plain = health, .http = {.max_streams = 8}};
    struct grpc_door_config probe = {o->health, &app->health, HTTP_PROTOCOL_1,
                                     NULL,      app,          MAX_PROBES};
    if (o->health.family)
        e = grpc_door_open(app->loop, &probe, &app->health_door);
    if (e) {
        LOG_E("certd", "cannot listen on %s: %s", addr_format(&o->health, text), err_text(e));
        return e;
    }
    if (app->health_door) {
        grpc_door_addr(app->health_door, &at);
        LOG_I("certd", "health probe on %s", addr_format(&at, text));
    }
    grpc_door_addr(app->door, &at);
    LOG_I("certd", "listening on %s for trust domain %s", addr_format(&at, text), o->trust_domain);
    return ERR_OK;
}

/* ---- life */

static enum err start(struct app *app)
{
    const struct options *o = app->options;
    enum err e = load(app);
    if (!e)
        e = join_token_prepare(o->state_dir);
    if (!e)
        e = audit_open(o->state_dir, &app->audit);
    if (e)
        return e;
    app->is_healthy = true;
    struct issue_policy policy = {o->trust_domain, o->leaf_ttl_ms, o->max_leaf_ttl_ms};
    service_init(&app->service, o->state_dir, &policy, &app->ca, app->audit, o->rate_per_minute);
    return open_doors(app);
}

static void dispose(struct app *app)
{
    grpc_door_close(app->door);
    grpc_door_close(app->health_door);
    timer_stop(&app->tick);
    if (app->signals)
        signals_close(app->signals);
    if (app->audit)
        service_dispose(&app->service);
    audit_close(app->audit);
    serving_dispose(&app->serving);
    ca_close(&app->ca);
    if (app->lock_fd >= 0)
        close(app->lock_fd);
}

int app_serve(const struct options *options)
{
    struct app app = {.options = options, .lock_fd = -1};
    if (file_make_dirs(options->state_dir, 0700)) {
        LOG_E("certd", "%s: cannot be made: %s", options->state_dir, strerror(errno));
        return 1;
    }
    if (!lock_state(&app)) {
        if (app.lock_fd >= 0)
            close(app.lock_fd);
        return 1;
    }
    app.loop = loop_create();
    timer_init(&app.tick, app.loop, on_tick);
    enum err e = start(&app);
    if (!e) {
        app.signals = signals_open(app.loop, on_signal, &app);
        timer_start(&app.tick, TICK_MS);
        loop_run(app.loop);
        LOG_I("certd", "stopping");
    }
    dispose(&app);
    loop_destroy(app.loop);
    return e ? 1 : 0;
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
