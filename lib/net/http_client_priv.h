/* The part of a client connection that both codecs share. struct http_client is the first member
 * of the codec's own struct. Lives on one worker; nobody outside lib/net/http_client*.c includes
 * this.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/net/http_client.h"
#include "lib/net/http_stream_priv.h"

struct http_client_ops {
    /* Of a connection that is neither over nor retired nor draining. */
    unsigned (*capacity)(const struct http_client *c);
    void (*send)(struct http_client *c, struct http_stream *st, const struct message *request,
                 bool end);
    void (*drain)(struct http_client *c);
    bool (*is_stale)(struct http_client *c); /* NULL: never */
    /* A request was given up and the peer does not know yet. */
    bool (*owes_reset)(const struct http_client *c);
    /* Still right after st was detached, within the same turn. */
    bool (*answer_began)(const struct http_client *c, const struct http_stream *st);
    /* Frees what the codec owns and c itself; runs at the end of the turn in which the connection
     * was over. */
    void (*destroy)(struct http_client *c);
};

struct http_client {
    const struct http_client_ops *ops;
    struct stream *transport; /* NULL once closed */
    const struct http_client_config *config;
    const struct http_client_events *events;
    void *owner;
    struct loop *loop;
    struct list streams;    /* live ones, by http_stream.node */
    unsigned active;        /* how many those are; the codec counts */
    uint32_t keep_alive_ms; /* the peer's Keep-Alive: timeout, 0: not said */
    uint64_t opened;        /* streams ever sent */
    bool draining;
    bool retired; /* on_retired was called */
    bool over;    /* on_closed was called: touch nothing, the end of the turn frees it */
    struct loop_task bury;
};

/* Fills the shared part; the transport's events are the codec's to take (stream_use). */
void http_client_init(struct http_client *c, const struct http_client_ops *ops,
                      struct stream *transport, const struct http_client_config *config,
                      const struct http_client_events *events, void *owner);
/* No new streams from now on; calls on_retired once. */
void http_client_retire(struct http_client *c);
/* The end of the connection, idempotent: on_retired if it was not called, live streams get
 * on_abort(abort_why), on_closed(why) is called, the transport is closed, and ops->destroy runs at
 * the end of the turn. */
void http_client_finish(struct http_client *c, enum err abort_why, enum http_close how,
                        enum err why);

struct http_client *http_client_h1_create(struct stream *transport,
                                          const struct http_client_config *config,
                                          const struct http_client_events *events, void *owner);
struct http_client *http_client_h2_create(struct stream *transport,
                                          const struct http_client_config *config,
                                          const struct http_client_events *events, void *owner);
