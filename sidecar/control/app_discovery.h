/* The process with policyd: its stream fed with the identity and with what workers ask, its answers
 * handed to workers. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/identity/identity_material.h"
#include "sidecar/source/source_folder.h"

struct addr;
struct app;
struct worker;

void app_discovery_open(struct app *app, source_publish_fn publish);
/* NULL of a stream is allowed for all. */
void app_discovery_close(struct app *app);
MUST_USE enum err app_discovery_identify(struct app *app, const struct identity_material *m,
                                         char detail[TLS_DETAIL_MAX]);
/* What a worker says. */
void app_discovery_interest(struct app *app, struct worker *w, const struct addr *to, bool wanted);
/* A worker has begun: what it has not heard. */
void app_discovery_brief(struct app *app, struct worker *w);
