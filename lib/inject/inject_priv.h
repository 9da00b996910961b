/* What the parts of one injection share.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/inject/inject.h"
#include "lib/inject/inject_option.h"

enum {
    INJECT_PORT_OUTBOUND = 15001,
    INJECT_PORT_INBOUND = 15006,
    INJECT_PORT_METRICS = 15020,
    INJECT_PORT_HEALTH = 15021,
    INJECT_UID = 1337,
};

struct inject_run {
    const struct inject_config *config;
    const struct doc *pod, *spec, *annotations;
    const char *base;
    struct arena *arena;
    struct inject_options options;
    struct slice probes, metrics; /* what the sidecar is told of the app; empty: nothing */
    struct inject_result *out;
};

void inject_warn(struct inject_run *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* inject_probe.c: replaces the containers' probes and hooks, and notes them in r->probes. */
void inject_probe_rewrite(struct inject_run *r);
/* How many seconds the pod has to end. */
int64_t inject_probe_grace(const struct inject_run *r);
/* inject_metrics.c: what Prometheus is told; adds to the annotations that are to be set. */
void inject_metrics_merge(struct inject_run *r, struct doc *annotations);
/* inject_container.c */
const struct doc *inject_container_sidecar(const struct inject_run *r);
const struct doc *inject_container_redirect(const struct inject_run *r);
/* inject_resources.c: requests and limits of a container of ours, and what is odd about them. */
void inject_resources_add(const struct inject_run *r, struct doc *container);
void inject_resources_warn(struct inject_run *r);
void inject_resources_grow(struct inject_run *r);
/* inject_volume.c: those that the containers mount. */
void inject_volume_add(struct inject_run *r);
