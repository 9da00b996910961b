/* The calling end of gRPC: one peer, one HTTP/2 connection that is dialled when a call needs it and
 * kept for a while. Lives on one loop. A unary call is answered exactly once, never from inside
 * grpc_client_call.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/io/stream.h"
#include "lib/net/grpc.h"
#include "lib/net/grpc_stream.h"
#include "lib/tls/tls_ctx.h"

struct grpc_client;
struct grpc_client_call;

struct grpc_client_config {
    struct addr to;
    /* Instead of `to`: asked of the resolver at each dial; its addresses are tried in turn. Copied.
     */
    struct slice host;
    uint16_t port;
    /* With a host: dialled (at `port`) where the resolver does not know the name or says nothing
     * for two seconds. Family 0: nothing. */
    struct addr fallback;
    struct tls_ctx *tls; /* referenced; NULL: plain text by prior knowledge. Needs ALPN "h2". */
    struct slice server_name; /* TLS: see tls_stream_options; copied, like the next two */
    struct slice expect_spiffe_id;
    struct slice authority;      /* ":authority"; empty: server_name, host or address */
    uint32_t connect_timeout_ms; /* 0: 5000, each for TCP and TLS */
    uint32_t idle_ms;            /* how long an unused connection is kept; 0: closed at once */
    uint32_t max_response;       /* bytes of one message; 0: 1 MiB */
    uint32_t ping_interval_ms;   /* while calls are under way and the peer is silent; 0: 30000 */
    /* Another way to reach the peer than TCP to `to`; NULL: that. Like tcp_dial. */
    struct stream *(*dial)(struct loop *l, void *dial_owner, const struct stream_events *events,
                           void *owner);
    void *dial_owner;
};

struct grpc_client *grpc_client_create(struct loop *l, const struct grpc_client_config *config);
/* Calls and streams that are under way are dropped without an answer. */
void grpc_client_destroy(struct grpc_client *c);

struct grpc_metadata {
    struct slice name; /* lower-case */
    struct slice value;
    bool secret; /* kept out of HPACK's tables */
};

struct grpc_result {
    enum grpc_status status;
    struct slice text;     /* what went wrong: the peer's words, or ours when it never answered */
    struct slice response; /* GRPC_OK: the message */
};

/* The result lives until the function returns. */
typedef void (*grpc_client_done_fn)(void *owner, const struct grpc_result *result);

/* All arguments are copied. timeout_ms > 0 covers everything from now on. The call is dead once
 * `done` was called or it was cancelled. */
struct grpc_client_call *grpc_client_call(struct grpc_client *c, const char *path,
                                          const struct grpc_metadata *metadata, size_t count,
                                          struct slice request, uint32_t timeout_ms,
                                          grpc_client_done_fn done, void *owner);
void grpc_client_cancel(struct grpc_client_call *call);

/* A call with messages both ways, see grpc_stream.h; path and metadata are copied. What is sent
 * before there is a connection waits; when there can be none, on_closed says why. */
struct grpc_stream *grpc_client_open_stream(struct grpc_client *c, const char *path,
                                            const struct grpc_metadata *metadata, size_t count,
                                            const struct grpc_stream_events *events, void *owner);
