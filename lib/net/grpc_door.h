/* Where a control-plane server listens: connections are accepted, made TLS or not, and handed to a
 * gRPC service (which may answer plain HTTP too, for probes). On one loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/net/grpc_server.h"

struct loop;
struct grpc_door;
struct tls_ctx;

struct grpc_door_config {
    struct addr at;
    const struct grpc_service *service;
    enum http_protocol protocol;
    /* The context for a new connection, asked for each time; NULL function: plain text. */
    struct tls_ctx *(*tls)(void *owner);
    void *owner;
    unsigned max_connections;
};

MUST_USE enum err grpc_door_open(struct loop *l, const struct grpc_door_config *config,
                                 struct grpc_door **out);
/* The port in use, where `at` had none. */
void grpc_door_addr(const struct grpc_door *d, struct addr *out);
/* After the context has changed: connections whose peer it would not take are closed. */
void grpc_door_review(struct grpc_door *d);
/* Closes listener and connections. */
void grpc_door_close(struct grpc_door *d);
