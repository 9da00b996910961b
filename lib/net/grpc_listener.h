/* Where a control-plane server listens: connections are accepted, made TLS or not, and handed to a
 * gRPC service (which may answer plain HTTP too, for probes). On one loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/net/grpc_server.h"

struct loop;
struct grpc_listener;
struct tls_ctx;

struct grpc_listener_config {
    struct addr at;
    const struct grpc_service *service;
    enum http_protocol protocol;
    /* The context for a new connection, asked for each time; NULL function: plain text. */
    struct tls_ctx *(*tls)(void *owner);
    void *owner;
    unsigned max_connections;
};

MUST_USE enum err grpc_listener_open(struct loop *l, const struct grpc_listener_config *config,
                                     struct grpc_listener **out);
/* The port in use, where `at` had none. */
void grpc_listener_addr(const struct grpc_listener *d, struct addr *out);
/* After the context has changed: connections whose peer it would not take are closed. */
void grpc_listener_review(struct grpc_listener *d);
/* Closes listener and connections. */
void grpc_listener_close(struct grpc_listener *d);
