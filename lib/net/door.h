/* Where a server listens: connections are accepted up to a limit, made TLS or not, and handed over
 * once they are open. On one loop, which owns the door. Must not know what is spoken.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct door;
struct door_visit;
struct loop;
struct stream;
struct tls_ctx;

struct door_config {
    struct addr at;
    const char *area; /* for the log */
    unsigned max_connections;
    /* The context for a new connection, asked for each time; NULL function: plain text. */
    struct tls_ctx *(*tls)(void *owner);
    /* A connection is open: what serves it from now on, which says door_visit_over in the end. */
    void *(*serve)(void *owner, struct stream *s, struct door_visit *visit);
    /* Ends what serve returned; its door_visit_over may come later in the same turn. */
    void (*close)(void *server);
    void *owner;
};

/* Above the limit a connection is closed at once. */
MUST_USE enum err door_open(struct loop *l, const struct door_config *config, struct door **out);
/* The port in use, where `at` had none. */
void door_addr(const struct door *d, struct addr *out);
/* What serves the open connections. */
void door_each(struct door *d, void (*each)(void *server));
/* After the context has changed: connections whose peer it would not take, by what they showed when
 * they came, are closed. */
void door_review(struct door *d);
/* Closes listener and connections. NULL is allowed. */
void door_close(struct door *d);

/* The connection is over and closed; detail may be NULL. */
void door_visit_over(struct door_visit *v, enum err why, const char *detail);
