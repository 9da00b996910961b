/* The app's own metrics, for the end of our page: Prometheus asks a pod once. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "sidecar/control/app_call.h"

struct app_metrics;
/* text: what the app says, behind whether it said anything; the receiver takes it. */
typedef void (*app_metrics_done_fn)(void *owner, struct buf *text);

/* where: "9090/metrics". ERR_INVALID when it is not that. */
MUST_USE enum err app_metrics_create(const char *where, const struct app_call_place *place,
                                     struct app_metrics **out);
/* Who waits is told nothing, and is called all the same. */
void app_metrics_destroy(struct app_metrics *m);
/* Calls once, never before this returns: with what the app says in time. */
void app_metrics_ask(struct app_metrics *m, app_metrics_done_fn done, void *owner);
