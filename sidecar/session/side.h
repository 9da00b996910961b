/* The sides that a connection may come from: the app beside us, callers of that app, and clients of
 * a Gateway. What differs between them, on the connection and in its requests, is one table each;
 * its file reads as a description of such a connection. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/sniff.h"
#include "lib/io/stream.h"
#include "sidecar/session/session.h"

struct authz; /* filters/authz.h */
struct exchange;
struct filter_chain;
struct http_server_config;

/* What has a say before a request is routed. */
struct side_guard {
    const struct filter_chain *chain; /* NULL: nobody */
    const struct authz *authz;        /* the policies in it; NULL: none */
    /* What that leaves undecided until tokens are read is decided in the route's chain, or by this
     * one where there is no route. NULL: it leaves nothing. */
    const struct filter_chain *late;
};

/* FAIL_NONE, or why not, with what more there is to say of it. */
typedef enum fail side_step(struct exchange *ex, struct slice *detail);

struct side {
    const char *name; /* in the access log */
    /* Clients are strangers: they are not told why a request was refused, and nothing that they say
     * of where it comes from is passed on. */
    bool faces_strangers;
    bool drains_last; /* it serves until the app has left */

    /* ---- the connection ---- */
    /* It was accepted: where does it want to go, and what is waited for before that is served? */
    void (*begin)(struct session *s);
    /* It begins with a TLS hello, where bytes are looked at (session_detect). */
    void (*take_hello)(struct session *s, const struct sniff_hello *hello);
    /* TLS ended here, and the peer is known. NULL: it never does. */
    void (*take_tls)(struct session *s, const struct stream_info *info);
    /* By which a TLS client is accepted today; NULL: none is. */
    const struct tls_ctx *(*tls_ctx)(const struct session *s);
    /* Fills in what is known of a peer with a certificate; NULL: there is none. */
    void (*describe_peer)(struct session *s);
    const struct http_server_config *(*server_config)(const struct session *s);
    /* May it be carried through as bytes? False with the reason. NULL: always. */
    bool (*admits_opaque)(const struct session *s, char why[128]);
    /* And where to; NULL: nowhere. */
    struct cluster *(*cluster)(struct session *s);
    /* Who calls whom; endpoint may be NULL. NULL: as report_fill_sent. */
    void (*fill_key)(struct metrics_key *key, const struct session *s,
                     const struct cluster *cluster, const struct endpoint *endpoint);

    /* ---- its requests ---- */
    /* Finds out whom a request is from, puts right what its head says of that, and takes out what
     * only we may say. FAIL_NONE, or why it may not be here. */
    side_step *receive;
    /* NULL: nobody has a say. */
    struct side_guard (*guard)(const struct exchange *ex);
    /* Chooses the route and the cluster. FAIL_NONE, or why there is none. */
    side_step *route;
    /* The route that a request would have if it came so far. NULL: there is no way to know. */
    const struct route_conf *(*foresee_route)(const struct exchange *ex);
    /* Filters that see answers where there is no route. NULL: there are none. */
    const struct filter_chain *(*unrouted)(const struct exchange *ex);
    /* As what an app of that cluster shall be spoken to. NULL: as exchange_version_for. */
    enum http_version (*version_for)(const struct exchange *ex, const struct cluster_conf *to);
};

/* A connection of the app waited to hear what its destination is (session_ask), and goes on. */
void side_outbound_resume(struct session *s);
