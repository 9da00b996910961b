/* Listening and handing connections to the gRPC service: TLS for callers, plain HTTP for the health
 * probe. One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/net/grpc_server.h"

struct loop;
struct door;
struct tls_ctx;

struct door_config {
    struct addr at;
    const struct grpc_service *service;
    enum http_protocol protocol;
    /* The context for a new connection, asked for each time; NULL function: plain text. */
    struct tls_ctx *(*tls)(void *owner);
    void *owner;
    unsigned max_connections;
};

MUST_USE enum err door_open(struct loop *l, const struct door_config *config, struct door **out);
/* The port in use, where `at` had none. */
void door_addr(const struct door *d, struct addr *out);
/* Closes listener and connections. */
void door_close(struct door *d);
