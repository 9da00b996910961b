/* The server end of one HTTP connection over any stream; http_server_h1.c and http_server_h2.c.
 * Lives on one worker. Malformed input is answered (400, 431, 414, 501, … or a GOAWAY) and ends
 * the connection; it is never repaired, and never reaches a handler.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/net/http_stream.h"

struct http_server;

enum http_protocol { HTTP_PROTOCOL_1, HTTP_PROTOCOL_2 };

struct http_server_config {
    uint32_t max_header_bytes;  /* 0: 65536; more is 431 */
    uint32_t max_header_count;  /* 0: 100; more is 431 */
    uint32_t max_target_bytes;  /* 0: 8192; more is 414 */
    uint32_t max_streams;       /* HTTP/2, 0: 100 */
    uint32_t stream_window;     /* HTTP/2, 0: 65536 … what send/consume water marks assume */
    uint32_t connection_window; /* HTTP/2, 0: 1048576 */
    uint32_t
        head_timeout_ms; /* from the first byte of a head to its end; 0: 10000; 408 and close */
    uint32_t idle_timeout_ms; /* between requests; 0: 3600000 */
    uint32_t
        max_resets; /* HTTP/2 glitch budget: burst, 0: 1000; refilled with a tenth of it a second */
    /* HTTP/2: a silent client is asked whether it is there while requests are live, and given up
     * when it does not answer; 0: not asked. */
    uint32_t ping_interval_ms;
    uint32_t ping_timeout_ms; /* 0: 10000 */
    uint32_t max_requests;    /* after that many it drains; 0: any number */
    bool is_terse;            /* refusals are their status, and do not say why */
    struct slice scheme;      /* what message.scheme says for HTTP/1 requests: "http" or "https" */
};

struct http_server_events {
    /* A request begins. Returns the user's stream with events, owner and arena set (its other
     * fields are the codec's to initialise), or NULL to refuse it (503 / REFUSED_STREAM). */
    struct http_stream *(*on_stream)(struct http_server *s);
    /* The connection is over: all its streams have been aborted or done, the transport is closed,
     * and the http_server frees itself at the end of the turn. `why`: ERR_OK for a regular end;
     * `detail` may be NULL. */
    void (*on_closed)(struct http_server *s, enum err why, const char *detail);
    /* A request head is refused by the codec before any handler saw it; for the log and metrics.
     * What is written to id, which is empty, is the answer's x-request-id. May be NULL. */
    void (*on_bad_request)(struct http_server *s, unsigned status, const char *reason,
                           char id[MESSAGE_REQUEST_ID_SIZE]);
};

/* Takes the transport over (and closes it in the end). config must outlive the server. `early`
 * holds bytes that were already read from the transport by a sniffer; it is emptied. Starts reading
 * at once.
 * A client that closes its direction does not count as gone (RFC 9112 §9.6): requests that came
 * whole are answered, then the connection ends; others get on_abort(ERR_CLOSED) at once. Tunnels
 * may be half-closed. Over HTTP/2, an answer also ends where it needs more window than the client
 * has granted, since no more can come. */
struct http_server *http_server_create(struct stream *transport, enum http_protocol protocol,
                                       const struct http_server_config *config,
                                       const struct http_server_events *events, void *owner,
                                       struct buf *early);
void *http_server_owner(const struct http_server *s);
struct stream *http_server_transport(const struct http_server *s);
/* Graceful: no new requests (HTTP/2 GOAWAY with the two-step last-stream-id, HTTP/1 Connection:
 * close on the next answer; an idle HTTP/1 connection closes now); closes when the last stream
 * ends. */
void http_server_drain(struct http_server *s);
/* Now. Live streams get on_abort(ERR_CANCELED), then on_closed is called. */
void http_server_close(struct http_server *s);
/* Number of live streams. */
unsigned http_server_active(const struct http_server *s);
