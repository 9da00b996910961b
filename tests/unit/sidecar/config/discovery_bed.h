/* A policyd for tests: the serving end of the discovery stream over TLS in memory, which says what
 * the test tells it to, and remembers what it heard. One thread, on a simulated loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/net/grpc_server.h"
#include "policies/proto/discovery.pb-c.h"
#include "tests/unit/sidecar/config_make.h"

struct pki;
struct tls_ctx;

struct discovery_bed {
    struct loop *loop;
    struct pki *pki;
    struct tls_ctx *server, *impostor;
    struct grpc_service service;
    struct grpc_server *connection; /* the last */
    struct stream *accepting;
    struct grpc_stream *stream;
    bool is_away;     /* connections are refused */
    bool is_impostor; /* it shows another's certificate */
    unsigned dials, hellos, subscriptions, acks, nacks;
    Weft__Discovery__V1__Request *hello, *subscription, *last; /* as heard last */
    uint64_t serial, digest;                               /* of what it thinks the client has */
};

void discovery_bed_open(struct discovery_bed *b, struct loop *loop);
/* The client must be gone. */
void discovery_bed_close(struct discovery_bed *b);
/* For grpc_client_config; the owner is the bed. */
struct stream *discovery_bed_dial(struct loop *l, void *owner, const struct stream_events *events,
                                  void *stream_owner);
/* A client's context. */
struct tls_ctx *discovery_bed_client(struct discovery_bed *b);

/* One update: these resources, and those names removed (NULL-terminated, or NULL), and answers:
 * address, resource name or "" for none, …, NULL. Digest: b->digest, which the test keeps. */
void discovery_bed_send(struct discovery_bed *b, const struct config_make *resources,
                        const char *const *removed, const char *const *answers);
/* b->digest changes by a resource that is added or removed. */
void discovery_bed_digest(struct discovery_bed *b, const char *name, uint64_t version);
