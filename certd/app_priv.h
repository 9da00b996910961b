/* What the parts of certd's composition share. One loop, one thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/audit.h"
#include "certd/ca.h"
#include "certd/options.h"
#include "certd/service.h"
#include "certd/serving.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_listener.h"
#include "lib/net/idle_memory.h"

struct app;

/* Where the CA lives: a folder (app_folder.c) or a cluster (app_cluster.c). */
struct app_home {
    /* Gets the CA, now or later: app_use_ca, then app_serve_with. */
    enum err (*open)(struct app *app);
    /* Twice a minute. */
    void (*tick)(struct app *app, int64_t now_ms);
    /* SIGHUP. */
    void (*reload)(struct app *app);
    /* SIGTERM: what others should know before we go; then app_stop. */
    void (*leave)(struct app *app);
    /* What it has to add to /metrics. */
    void (*metrics)(const struct app *app, struct buf *out);
    /* After the listeners are closed. */
    void (*close)(struct app *app);
};

extern const struct app_home app_folder_home, app_cluster_home;

struct app {
    const struct options *options;
    const struct app_home *home;
    void *home_state; /* the home's own */
    struct loop *loop;
    struct signals *signals;
    struct timer tick;
    struct idle_memory memory;
    struct ca ca; /* signer is NULL until there is one */
    struct serving serving;
    const char *own_names[OPTIONS_DNS_NAMES_MAX + 2]; /* of our certificate; NULL-terminated */
    struct audit *audit;
    struct service service;
    struct grpc_service health;
    struct grpc_listener *listener, *health_listener;
    bool is_broken;  /* stopping because of an error */
    bool is_healthy; /* the last renewal of what we live on went well */
    char *metrics;   /* the last text of /metrics */
};

/* Takes over `fresh` and serves with it, or closes it and goes on with what there is. */
MUST_USE enum err app_use_ca(struct app *app, struct ca *fresh);
/* The loop ends with this turn. */
void app_stop(struct app *app);
/* Opens the listener for callers. */
MUST_USE enum err app_serve_with(struct app *app, const struct service_config *config);

#define APP_ROOT_REPLACED_HELP                                                                \
    "When the root became one that has nothing in common with the one before, in seconds since " \
    "1970, until that is acknowledged; 0: it did not."

/* app_probe.c: what the health listener answers. */
unsigned app_probe_answer(void *owner, struct slice method, struct slice path, struct slice *body);
