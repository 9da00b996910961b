/* Where a server listens: connections are accepted up to a limit, made TLS or not, and handed over
 * once they are open. On one loop, which owns the listener. Must not know what is spoken.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct stream_listener;
struct accepted;
struct loop;
struct stream;
struct tls_ctx;

struct stream_listener_config {
    struct addr at;
    const char *area; /* for the log */
    unsigned max_connections;
    /* The context for a new connection, asked for each time; NULL function: plain text. */
    struct tls_ctx *(*tls)(void *owner);
    /* A connection is open: what serves it from now on, which says stream_listener_over in the end.
     */
    void *(*serve)(void *owner, struct stream *s, struct accepted *visit);
    /* Ends what serve returned; its stream_listener_over may come later in the same turn. */
    void (*close)(void *server);
    void *owner;
};

/* Above the limit a connection is closed at once. */
MUST_USE enum err stream_listener_open(struct loop *l, const struct stream_listener_config *config,
                                       struct stream_listener **out);
/* The port in use, where `at` had none. */
void stream_listener_addr(const struct stream_listener *d, struct addr *out);
/* What serves the open connections. */
void stream_listener_each(struct stream_listener *d, void (*each)(void *server));
/* After the context has changed: connections whose peer it would not take, by what they showed when
 * they came, are closed. */
void stream_listener_review(struct stream_listener *d);
/* Closes listener and connections. NULL is allowed. */
void stream_listener_close(struct stream_listener *d);

/* The connection is over and closed; detail may be NULL. */
void stream_listener_over(struct accepted *v, enum err why, const char *detail);
