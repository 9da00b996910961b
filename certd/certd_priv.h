/* What the parts of certd's composition share. One loop, one thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/audit.h"
#include "certd/ca.h"
#include "certd/options.h"
#include "certd/ca_service.h"
#include "certd/serving.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_listener.h"
#include "lib/net/idle_memory.h"

struct certd;

/* Where the CA lives: a folder (certd_folder.c) or a cluster (certd_cluster.c). */
struct certd_home {
    /* Gets the CA, now or later: certd_use_ca, then certd_serve_with. */
    enum err (*open)(struct certd *certd);
    /* Twice a minute. */
    void (*tick)(struct certd *certd, int64_t now_ms);
    /* SIGHUP. */
    void (*reload)(struct certd *certd);
    /* SIGTERM: what others should know before we go; then certd_stop. */
    void (*leave)(struct certd *certd);
    /* What it has to add to /metrics. */
    void (*metrics)(const struct certd *certd, struct buf *out);
    /* After the listeners are closed. */
    void (*close)(struct certd *certd);
};

extern const struct certd_home certd_folder_home, certd_cluster_home;

struct certd {
    const struct options *options;
    const struct certd_home *home;
    void *home_state; /* the home's own */
    struct loop *loop;
    struct signals *signals;
    struct timer tick;
    struct idle_memory memory;
    struct ca ca; /* signer is NULL until there is one */
    struct serving serving;
    const char *own_names[OPTIONS_DNS_NAMES_MAX + 2]; /* of our certificate; NULL-terminated */
    struct audit *audit;
    struct ca_service service;
    struct grpc_service health;
    struct grpc_listener *listener, *health_listener;
    bool is_broken;  /* stopping because of an error */
    bool is_healthy; /* the last renewal of what we live on went well */
    char *metrics;   /* the last text of /metrics */
};

/* Takes over `fresh` and serves with it, or closes it and goes on with what there is. */
MUST_USE enum err certd_use_ca(struct certd *certd, struct ca *fresh);
/* The loop ends with this turn. */
void certd_stop(struct certd *certd);
/* Opens the listener for callers. */
MUST_USE enum err certd_serve_with(struct certd *certd, const struct ca_service_config *config);

#define CERTD_ROOT_REPLACED_HELP                                                                \
    "When the root became one that has nothing in common with the one before, in seconds since " \
    "1970, until that is acknowledged; 0: it did not."

/* certd_probe.c: what the health listener answers. */
unsigned certd_probe_answer(void *owner, struct slice method, struct slice path,
                            struct slice *body);
