/* One call as grpc_server.c (its connection, and what to do with it) and grpc_call.c (how it is
 * answered) share it. Owned by the connection's loop, on its thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_server.h"
#include "lib/net/grpc_stream_priv.h"

struct grpc_call {
    struct http_stream st;
    const struct grpc_service *service;
    struct loop *loop;
    struct arena arena;
    struct loop_task task;
    struct timer timer;
    struct stream_info peer;
    struct message *head;
    const struct grpc_method *method;
    struct grpc_reader reader;
    char *request;
    bool checked; /* the head was found good */
    bool too_large;
    bool ended;                /* the request */
    bool handed;               /* to the method, which owes an answer */
    bool returned;             /* and has given it */
    bool answered;             /* on the wire, by the method or by us */
    bool late;                 /* its time is over */
    bool gone;                 /* the stream is no longer live */
    struct grpc_stream stream; /* of a streaming method; then it has the http stream's events */
};

/* A status alone, in the head ("Trailers-Only"). */
void grpc_call_send_status(struct grpc_call *c, enum grpc_status status, const char *text);
/* An answer that is not gRPC. */
void grpc_call_send_plain(struct grpc_call *c, unsigned status, struct slice text);
/* Accepts a call of a streaming method, and hands it over. */
void grpc_call_open(struct grpc_call *c);
void grpc_call_destroy(struct grpc_call *c);
