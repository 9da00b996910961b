/* The discovery stream as source_stream.c (its life) and source_stream_update.c (what comes on it)
 * share it. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/rand.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/grpc_client.h"
#include "sidecar/config/resource_set.h"
#include "sidecar/source/source_stream.h"
#include "sidecar/config/subscriptions.h"

#define SOURCE_STREAM_TEXT_MAX 300

struct source_stream {
    struct loop *loop;
    struct source_stream_config config;
    struct snapshot_builder *builder;
    struct resource_set set;
    struct subscriptions wanted;
    struct tls_ctx *tls;        /* NULL: no identity yet */
    struct grpc_client *client; /* made with tls */
    struct grpc_stream *stream; /* NULL: none */
    struct timer timer;         /* without a stream: the next try; with one: the first update */
    struct timer keep;          /* writes what is in force to disk */
    struct loop_task tell;      /* what the app newly calls */
    struct rand_state rand;
    unsigned failures; /* in a row */
    bool is_connected, has_published;
    bool from_nothing; /* what we have is not what policyd thinks: it sends all anew */
    uint64_t serial, updates, rejected, resyncs;
    char problem[SOURCE_STREAM_TEXT_MAX];
};

/* An update came: takes it in, and answers it. */
void source_stream_update(struct source_stream *s, struct slice packed);
void source_stream_load_last_good(struct source_stream *s);
void source_stream_write_last_good(struct source_stream *s);
/* Ends the stream, and tries again after a while. */
void source_stream_restart(struct source_stream *s, const char *why);
void source_stream_send(struct source_stream *s, const Weft__Discovery__V1__Request *request);
