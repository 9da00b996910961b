/* A gRPC client as grpc_client.c (its connections) and grpc_client_call.c (its calls) share it.
 * Owned by one loop, on its thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_client.h"
#include "lib/net/grpc_stream_priv.h"
#include "lib/net/http_client.h"

/* A connection that calls were sent on; the current one, or a retired one with calls left. */
struct grpc_client_conn {
    struct grpc_client *client; /* NULL once that is gone */
    struct http_client *http;
    struct http_client_config config;
    struct loop *loop;
    struct list node;
    struct loop_task grave;
    bool retired;
};

struct grpc_client {
    struct loop *loop;
    struct addr to;
    char *host; /* NULL: to */
    uint16_t port;
    struct addr fallback;       /* family 0: none */
    struct timer unresolved;    /* with a fallback: how long the resolver is waited for */
    struct resolve *resolving;
    struct addr found[RESOLVE_MAX]; /* what the resolver said; those from next_found on are left */
    size_t found_count, next_found;
    struct tls_ctx *tls;
    char *server_name, *expect, *authority;
    uint32_t connect_timeout_ms, idle_ms, max_response, ping_interval_ms;
    struct stream *(*dial)(struct loop *l, void *dial_owner, const struct stream_events *events,
                           void *owner);
    void *dial_owner;
    struct stream *dialing; /* until it is open */
    struct list conns;      /* newest first */
    struct list waiting;    /* calls without a connection */
    struct list sent;
    struct loop_task task;
    struct timer idle;
    struct loop_task grave;
    enum err broken; /* dialling failed, with text */
    char *broken_text;
    bool destroyed;
};

struct grpc_client_call {
    struct http_stream st;
    struct list node;
    struct grpc_client *client;
    struct http_client *http; /* on which it was sent; good while st is live */
    struct arena arena;
    struct loop_task task;
    struct timer timer;
    struct message request;
    struct buf body;
    struct grpc_reader reader;
    struct message *head;
    const struct headers *trailers;
    grpc_client_done_fn done;
    void *owner;
    enum err broke;
    bool ended, gone, late, too_large;
    bool is_stream; /* then `stream` has the http stream's events, and the rest is unused */
    struct grpc_stream stream;
};

/* Looks again at what waits and what is unused, at the end of the turn. */
void grpc_client_wake(struct grpc_client *c);
/* The call is to go out on this connection. */
void grpc_client_call_send(struct grpc_client_call *call, struct http_client *http);
/* Without an answer. */
void grpc_client_call_free(struct grpc_client_call *call);
/* Unlinks the call, answers it with a status and a text, and frees it. */
void grpc_client_call_fail(struct grpc_client_call *call, enum grpc_status status,
                           const char *text);
