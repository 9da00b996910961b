/* The serving end of gRPC on one connection: a table of methods. A unary one is called with a whole
 * request message, and answered at once or later, but exactly once; a streaming one is handed a
 * grpc_stream. Wrong content type: HTTP 415. Unknown method: UNIMPLEMENTED. Lives on one loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/net/grpc.h"
#include "lib/net/grpc_stream.h"
#include "lib/net/http_server.h"

struct grpc_call;
struct grpc_server;

/* The request lives as long as the call. Never called from inside another call on the connection.
 */
typedef void (*grpc_handle_fn)(struct grpc_call *call, struct slice request);

/* Must grpc_stream_use or grpc_stream_close the stream before it returns. The call lives as long as
 * the stream; only its owner, metadata and peer may be asked for. No time limit applies. A client
 * that ends its direction has ended the call (on_closed with GRPC_OK). */
typedef void (*grpc_open_fn)(struct grpc_call *call, struct grpc_stream *stream);

struct grpc_method {
    const char *path; /* "/package.Service/Method" */
    grpc_handle_fn handle;
    grpc_open_fn open; /* instead of handle: messages both ways */
};

/* Must outlive its connections. */
struct grpc_service {
    const struct grpc_method *methods;
    size_t method_count;
    void *owner;
    uint32_t max_request;     /* bytes of one message; 0: 65536; more is RESOURCE_EXHAUSTED */
    uint32_t call_timeout_ms; /* until a whole request has come, and for the answer; 0: 30000 */
    /* ping_interval_ms 0: 30000 here, so that streams of peers that vanished end. */
    struct http_server_config http;
    /* What is neither a known method nor gRPC at all may still be answered: for health checks.
     * Returns the HTTP status and may set *body to static text; 0 for "not mine". May be NULL. */
    unsigned (*plain)(void *owner, struct slice method, struct slice path, struct slice *body);
    /* For the log and metrics, after each call; may be NULL. */
    void (*on_call)(void *owner, struct slice path, enum grpc_status status, const char *text);
};

/* on_closed: the connection is over and the transport closed; calls still open are dropped (replies
 * to them are ignored). The server frees itself at the end of the turn. detail may be NULL. */
typedef void (*grpc_closed_fn)(void *owner, enum err why, const char *detail);
struct grpc_server *grpc_server_create(struct stream *transport, enum http_protocol protocol,
                                       const struct grpc_service *service, grpc_closed_fn on_closed,
                                       void *owner);
/* No new calls; closes when the last is answered. Streams are told nothing: who has them ends them.
 */
void grpc_server_drain(struct grpc_server *s);
void grpc_server_close(struct grpc_server *s);

/* The service's owner. */
void *grpc_call_owner(const struct grpc_call *call);
/* The value of a request header; empty when absent. */
struct slice grpc_call_metadata(const struct grpc_call *call, const char *name);
/* Who is calling; the slices live as long as the call does. */
void grpc_call_peer(const struct grpc_call *call, struct stream_info *out);
/* The caller is still there. When it is not, an answer is dropped, but must be given all the same.
 */
bool grpc_call_is_live(const struct grpc_call *call);
/* One of the two, once; the call is dead afterwards. */
void grpc_call_reply(struct grpc_call *call, const void *message, size_t len);
void grpc_call_fail(struct grpc_call *call, enum grpc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
