/* The inside of a streaming call, and what differs between its ends: grpc_call.c holds the server's
 * in its call, grpc_client_call.c the client's. Owned by one loop, on its thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/net/grpc_stream.h"
#include "lib/net/http_stream.h"

struct grpc_stream_end {
    /* Ends the call on the wire, if it still stands. */
    void (*finish)(struct grpc_stream *s, enum grpc_status status, const char *text);
    /* What the peer said when it ended its direction; text as long as the arena. */
    enum grpc_status (*verdict)(struct grpc_stream *s, struct slice *text);
    void (*peer)(const struct grpc_stream *s, struct stream_info *out);
    /* Frees what the stream lies in. */
    void (*release)(struct grpc_stream *s);
};

struct grpc_stream {
    const struct grpc_stream_end *end;
    struct loop *loop;
    struct http_stream *st;                  /* the holder's */
    const struct grpc_stream_events *events; /* NULL: not used yet, or over */
    void *owner;
    struct grpc_reader reader;
    struct buf early; /* sent before the call is on a connection */
    struct loop_task task;
    struct loop_task grave;
    struct message *head; /* client: of the answer */
    const struct headers *trailers;
    enum err broke;
    bool is_client;
    bool is_sent;   /* on a connection */
    bool head_last; /* nothing follows the head */
    bool is_opened; /* and the owner was told */
    bool ended;     /* the peer's direction */
    bool gone;      /* the http stream is no longer live */
    bool is_writable;
    bool is_over;
};

/* From on_head on (server), from the beginning (client). */
void grpc_stream_init(struct grpc_stream *s, const struct grpc_stream_end *end, struct loop *loop,
                      struct http_stream *st, size_t max_message);
/* Client: the call is on a connection, its request head is sent. */
void grpc_stream_begin(struct grpc_stream *s);
/* Something was recorded: look at it at the end of the turn. */
void grpc_stream_wake(struct grpc_stream *s);
/* Tells the owner that it is over, and lets go at the end of the turn. */
void grpc_stream_end(struct grpc_stream *s, enum grpc_status status, struct slice text);
/* Lets go of everything but the http stream, and tells nobody. */
void grpc_stream_dispose(struct grpc_stream *s);

extern const struct http_events grpc_stream_http_events;
