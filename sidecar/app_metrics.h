/* The app's own metrics, appended to ours: Prometheus asks a pod once. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "sidecar/app_call.h"

struct admin_request;
struct app_metrics;

/* where: "9090/metrics". ERR_INVALID when it is not that. */
MUST_USE enum err app_metrics_create(const char *where, const struct app_call_place *place,
                                     struct app_metrics **out);
void app_metrics_destroy(struct app_metrics *m);
/* Answers with `own`, which is emptied, and what the app says in time. */
void app_metrics_reply(struct app_metrics *m, struct admin_request *request, struct buf *own);
