/* HTTPS for webhooks: whole request bodies in, whole answers out, HTTP/1.1 or HTTP/2 as the client
 * likes. Bounded in connections, in body size and in time. One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"

struct loop;
struct tls_ctx;
struct webhook_listener;

struct webhook_listener_config {
    struct addr at;
    size_t max_body;
    unsigned max_connections;
    /* The context for a new connection, asked for each time. */
    struct tls_ctx *(*tls)(void *owner);
    /* A POST of JSON. Returns the status; *out is JSON for 200, else a sentence. */
    unsigned (*answer)(void *owner, struct slice path, struct slice body, struct buf *out);
    void *owner;
};

MUST_USE enum err webhook_listener_open(struct loop *l,
                                        const struct webhook_listener_config *config,
                                        struct webhook_listener **out);
/* The port in use, where `at` had none. */
void webhook_listener_addr(const struct webhook_listener *d, struct addr *out);
/* Connections end with their last request; new ones are still taken. */
void webhook_listener_drain(struct webhook_listener *d);
void webhook_listener_close(struct webhook_listener *d);
