/* How sessions and workers hold exchanges.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/net/http_stream.h"
#include "sidecar/session/session.h"

/* A request begins on the session's connection: the stream to attach. NULL: refused (draining). */
struct http_stream *exchange_create(struct session *s);
/* What exchanges of this worker may wait for has come. */
void exchange_hear(struct worker *w, const void *what);
/* Runs steps until the exchange parks or is done. Only the worker's end-of-turn task calls this. */
void exchange_run(struct list *runnable_node);
