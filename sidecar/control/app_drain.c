/* Draining, by direction. Containers of a pod are told to stop at the same time: the app still
 * finishes its work, and calls others for it. So the outbound listener of a sidecar stays until the
 * app has closed its last socket. A native sidecar is told when the app has ended. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_drain.h"

#include "lib/base/log.h"
#include "lib/io/loop.h"
#include "sidecar/control/app_priv.h"
#include "sidecar/control/app_sockets.h"
#include "sidecar/control/settings.h"
#include "sidecar/worker/worker.h"

enum {
    LOOK_MS = 250,   /* between two looks for the app's sockets */
    LOOKS_EMPTY = 4, /* in a row: then it has left, and is not only between two calls */
};

static void on_deadline(struct timer *t)
{
    struct app *app = container_of(t, struct app, drain_deadline);
    LOG_W("app", "the drain time is over: what still runs is cut off");
    loop_stop(app->loop);
}

void app_drain_note(struct app *app)
{
    uint32_t left = 0;
    for (unsigned i = 0; i < app->settings->workers; i++)
        left += app->sessions_left[i];
    if (app->is_draining_all && left == 0)
        loop_stop(app->loop);
}

static void begin(struct app *app, bool all)
{
    bool began = app->is_draining;
    app->is_draining = true;
    app->is_draining_all = all;
    for (unsigned i = 0; i < app->worker_count; i++) {
        app->sessions_left[i] = 1; /* until it says otherwise */
        worker_post_drain(&app->workers[i], all);
    }
    if (!began)
        timer_start(&app->drain_deadline, app->settings->drain_ms);
    app_drain_note(app);
}

void app_drain_all(struct app *app)
{
    if (app->is_draining_all)
        return;
    timer_stop(&app->drain_look);
    LOG_I("app", "draining: no new connections, running requests get %u ms",
          app->settings->drain_ms);
    begin(app, true);
}

static void on_look(struct timer *t)
{
    struct app *app = container_of(t, struct app, drain_look);
    bool is_there = app_sockets_exist();
    app->was_app_seen |= is_there;
    app->empty_looks = is_there ? 0 : app->empty_looks + 1;
    if (app->was_app_seen && app->empty_looks >= LOOKS_EMPTY) {
        LOG_I("app", "the app has left");
        app_drain_all(app);
        return;
    }
    timer_start(t, LOOK_MS);
}

/* Someone else's connections are over soon; the app's own are not ours to end. */
static void drain(struct app *app)
{
    const struct settings *s = app->settings;
    if (app->is_draining)
        return;
    if (s->mode == MODE_INGRESS || s->native_sidecar || !s->outbound.family) {
        app_drain_all(app);
        return;
    }
    LOG_I("app",
          "draining: no new connections to the app, running requests get %u ms; its own calls go "
          "on until it has left or that time is over",
          s->drain_ms);
    begin(app, false);
    on_look(&app->drain_look);
}

static void on_delay(struct timer *t)
{
    drain(container_of(t, struct app, drain_delay));
}

/* Load balancers still send new connections here for a moment: they are served. */
void app_drain_leave(struct app *app)
{
    uint32_t delay_ms = app->settings->drain_delay_ms;
    if (!delay_ms || app->is_leaving) {
        drain(app);
        return;
    }
    app->is_leaving = true;
    LOG_I("app", "told to stop: not ready any more, draining in %u ms", delay_ms);
    timer_start(&app->drain_delay, delay_ms);
}

void app_drain_init(struct app *app)
{
    timer_init(&app->drain_delay, app->loop, on_delay);
    timer_init(&app->drain_deadline, app->loop, on_deadline);
    timer_init(&app->drain_look, app->loop, on_look);
}

void app_drain_close(struct app *app)
{
    timer_stop(&app->drain_delay);
    timer_stop(&app->drain_deadline);
    timer_stop(&app->drain_look);
}
