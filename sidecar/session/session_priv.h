/* What session.c, session_opening.c and session_gateway.c tell each other; for these only. Worker
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/sniff.h"
#include "lib/net/http_server.h"
#include "sidecar/session/session.h"

/* session_opening.c: finds out what the connection is, and ends in one of the calls below. */
void session_opening_begin(struct session *s);
/* An outbound one whose destination was asked for. */
void session_opening_resume(struct session *s);
/* What the bytes in s->early are, as far as they have come. */
enum sniff_result session_sniff(const struct session *s, struct sniff_hello *hello);
#define SESSION_EARLY_MAX (32u * 1024) /* of them */
#define SESSION_DECIDE_MS 10000        /* a client that has begun to speak must get to the point */
/* Ends TLS here; then on_open of the transport decides. */
void session_accept_tls(struct session *s, struct tls_ctx *ctx);
/* Waits for the first bytes of what is declared to be HTTP. */
void session_await_http(struct session *s);

#define SESSION_NOT_REDIRECTED "it was not redirected here, so where it wants to go is not known"

/* session_gateway.c: the same for a connection at a gateway's port. */
void session_gateway_begin(struct session *s);

/* session.c, while s->transport is the session's own: close it, with a line in the log or without;
 * or hand it, and what was read of it, to what serves it. */
void session_refuse(struct session *s, const char *why);
void session_drop(struct session *s);
/* As session_refuse, when what was written is with the client. */
void session_refuse_flushed(struct session *s, const char *why);
/* As session_refuse; the client sees a reset. */
void session_reset(struct session *s, const char *why);
void session_serve_http(struct session *s, enum http_protocol protocol);
void session_serve_opaque(struct session *s);
const struct http_server_config *session_server_config(const struct session *s);
