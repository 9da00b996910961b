/* What a session, the finding out of what it is, and the sides tell each other. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/sniff.h"
#include "lib/net/http_server.h"
#include "sidecar/session/session.h"
#include "sidecar/session/side.h"

#define SESSION_NOT_REDIRECTED "it was not redirected here, so where it wants to go is not known"
#define SESSION_HASH_MAX 65
#define SESSION_EARLY_MAX (32u * 1024) /* bytes in s->early */
#define SESSION_DECIDE_MS 10000        /* a client that has begun to speak must get to the point */

/* session_detect.c */
/* It was accepted: its side begins. */
void session_begin(struct session *s);
/* Looks at the first bytes, and ends in one of the calls below. s->protocol is set before. */
void session_detect(struct session *s);
bool session_is_declared_http(const struct session *s);
/* What the bytes in s->early are, as far as they have come. */
enum sniff_result session_sniff(const struct session *s, struct sniff_hello *hello);
/* Ends TLS here; then side->take_tls decides. */
void session_accept_tls(struct session *s, struct tls_ctx *ctx);

/* session_proxy.c */
/* Must it begin with a header of the PROXY protocol, and has not been read? */
bool session_proxy_is_due(const struct session *s);
/* Reads that, and begins anew as the connection of whom it names. */
void session_proxy_read(struct session *s);

/* session_port.c */
/* It counts among the connections of its port. False: that has as many as it may have. */
bool session_port_enter(struct session *s, const struct gateway_conf *g);
void session_port_leave(struct session *s);
/* An HTTP server is about to serve it. */
void session_port_limit(struct session *s);

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

/* session.c: may it be carried through as bytes? See side->admits_opaque. */
bool session_admits_opaque(const struct session *s, char why[128]);
/* Would the client be let in today, by what it showed when it came? False with the
 * reason when the roots that vouched for it are no longer those in force (a client CA, the trust
 * bundle). What is not TLS of ours is always. */
bool session_is_trusted(const struct session *s, char why[TLS_DETAIL_MAX]);
/* The SHA-256 of the peer's certificate, in hexadecimal digits. Returns hash. */
const char *session_hash_peer(const struct session *s, char hash[SESSION_HASH_MAX]);
