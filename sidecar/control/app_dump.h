/* What the process is and does, as JSON for the admin server. One function runs on the control
 * thread, the other on the worker it shows; both only read.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"

struct app;
struct worker;

/* Identity, configuration, listeners. Control thread. */
void app_dump_status(const struct app *app, struct buf *out);
/* Clusters, endpoints, pools. On the worker. */
void app_dump_worker(const struct worker *w, struct buf *out);
