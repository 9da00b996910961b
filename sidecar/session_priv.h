/* What session.c and session_opening.c tell each other; for these two only. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/net/http_server.h"
#include "sidecar/session.h"

/* session_opening.c: finds out what the connection is, and ends in one of the calls below. */
void session_opening_begin(struct session *s);

/* session.c, while s->transport is the session's own: close it, with a line in the log or without;
 * or hand it, and what was read of it, to what serves it. */
void session_refuse(struct session *s, const char *why);
void session_drop(struct session *s);
void session_serve_http(struct session *s, enum http_protocol protocol);
void session_serve_opaque(struct session *s);
const struct http_server_config *session_server_config(const struct session *s);
