/* The client end of one HTTP connection over any open stream; http_client_h1.c and
 * http_client_h2.c. Lives on one worker; pools of these are somebody else's business
 * (sidecar/upstream/pool).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/net/http_server.h"
#include "lib/net/http_stream.h"

struct http_client;

struct http_client_config {
    uint32_t max_header_bytes;  /* 0: 65536 */
    uint32_t max_header_count;  /* 0: 100 */
    uint32_t stream_window;     /* HTTP/2, 0: 65536 */
    uint32_t connection_window; /* HTTP/2, 0: 1048576 */
    /* HTTP/2: while answers are owed, a server from which nothing has come for so long is asked
     * whether it is there, and given up when it does not answer (ERR_TIMEOUT). 0: not asked; many
     * gRPC servers take more than one question in five minutes for an attack. */
    uint32_t ping_interval_ms;
    uint32_t ping_timeout_ms;   /* 0: 10000 */
};

struct http_client_events {
    /* http_client_capacity grew (a stream ended, SETTINGS arrived). May be called often; record and
     * wake. */
    void (*on_capacity)(struct http_client *c);
    /* No new streams on this connection any more (GOAWAY, Connection: close, EOF); live ones go on.
     */
    void (*on_retired)(struct http_client *c);
    /* Over; all streams have been aborted or done. The client frees itself at the end of the turn.
     */
    void (*on_closed)(struct http_client *c, enum err why);
};

struct http_client *http_client_create(struct stream *transport, enum http_protocol protocol,
                                       const struct http_client_config *config,
                                       const struct http_client_events *events, void *owner);
void *http_client_owner(const struct http_client *c);
struct stream *http_client_transport(const struct http_client *c);
/* How many more streams may be opened now: HTTP/1 0 or 1; HTTP/2 by the peer's SETTINGS (100 until
 * they arrive); 0 once retired. */
unsigned http_client_capacity(const struct http_client *c);
/* Live streams. */
unsigned http_client_active(const struct http_client *c);
/* Opens a stream and sends the request head; st is live from here on. Needs capacity > 0. HTTP/1
 * writes `Host` from authority, `Connection: Upgrade` + `Upgrade` from upgrade, and chooses chunked
 * when content length is not known and !end. version says which HTTP/1 minor to speak (HTTP_1_0
 * becomes an HTTP/1.0 request). */
void http_client_send(struct http_client *c, struct http_stream *st, const struct message *request,
                      bool end);
/* No new streams; closes when the last live one ends (at once when idle). */
void http_client_drain(struct http_client *c);
void http_client_close(struct http_client *c);
/* An idle HTTP/1 connection that the peer has closed already (see tcp_is_stale); false for HTTP/2
 * or when there is no way to know. */
bool http_client_is_stale(struct http_client *c);
/* The peer's `Keep-Alive: timeout`, in milliseconds: how long it promised to keep an idle
 * connection. 0: not said. */
uint32_t http_client_keep_alive_ms(const struct http_client *c);
/* True when more than one stream has been sent here: an ERR_CLOSED before any answer may then be
 * the race between our request and the peer closing an idle connection. */
bool http_client_was_reused(const struct http_client *c);
/* Whether any part of the answer to st has arrived. Still right inside on_abort. */
bool http_client_answer_began(const struct http_client *c, const struct http_stream *st);
