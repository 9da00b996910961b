/* The part of a server connection that both codecs share. struct http_server is the first member
 * of the codec's own struct. Lives on one worker; nobody outside lib/net/http_server*.c includes
 * this.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/loop.h"
#include "lib/net/http_server.h"
#include "lib/net/http_stream_priv.h"

struct http_server_ops {
    void (*drain)(struct http_server *s);
    /* Frees what the codec owns and s itself; runs at the end of the turn in which the connection
     * was over. */
    void (*destroy)(struct http_server *s);
};

struct http_server {
    const struct http_server_ops *ops;
    struct stream *transport; /* NULL once closed */
    const struct http_server_config *config;
    const struct http_server_events *events;
    void *owner;
    struct loop *loop;
    struct list streams; /* live ones, by http_stream.node */
    unsigned active;     /* how many those are; the codec counts */
    uint32_t taken;      /* requests so far, where they are limited */
    bool draining;
    bool over; /* on_closed was called: touch nothing, the end of the turn frees it */
    struct loop_task bury;
};

/* Fills the shared part; the transport's events are the codec's to take (stream_use). */
void http_server_init(struct http_server *s, const struct http_server_ops *ops,
                      struct stream *transport, const struct http_server_config *config,
                      const struct http_server_events *events, void *owner);
/* The end of the connection, idempotent: live streams get on_abort(abort_why), on_closed(why,
 * detail) is called, the transport is closed, and ops->destroy runs at the end of the turn. */
void http_server_finish(struct http_server *s, enum err abort_why, enum http_close how,
                        enum err why, const char *detail);

/* A request has begun: the last one, perhaps. */
void http_server_took(struct http_server *s);

struct http_server *http_server_h1_create(struct stream *transport,
                                          const struct http_server_config *config,
                                          const struct http_server_events *events, void *owner,
                                          struct buf *early);
struct http_server *http_server_h2_create(struct stream *transport,
                                          const struct http_server_config *config,
                                          const struct http_server_events *events, void *owner,
                                          struct buf *early);
