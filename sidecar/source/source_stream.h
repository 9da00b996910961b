/* Configuration from policyd: one long call over mutual TLS on which it sends what belongs to this
 * data plane and what its app calls. Each update becomes a snapshot that is handed on, or is
 * refused as a whole. While policyd is away, what was last in force stays. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/source/source_folder.h"
#include "sidecar/control/settings.h"

struct loop;
struct source_stream;
struct stream;
struct stream_events;
struct tls_ctx;

struct source_stream_config {
    const struct settings *settings;
    source_publish_fn publish;
    /* These addresses are answered: what they are is in the snapshot that was published last; those
     * that are not in it are nothing of the mesh. Also called without any when policyd comes or
     * goes. */
    void (*on_answers)(void *owner, const struct addr *addrs, size_t count, bool is_connected);
    void *owner;
    /* As in grpc_client_config; NULL: TCP to settings->discovery. */
    struct stream *(*dial)(struct loop *l, void *dial_owner, const struct stream_events *events,
                           void *owner);
    void *dial_owner;
};

/* Publishes what was last in force, if that was kept; then waits for an identity. Never fails: what
 * is wrong now may be right later. */
struct source_stream *source_stream_open(struct loop *l, const struct source_stream_config *config);
void source_stream_close(struct source_stream *s);
/* What proves who we are (a client context with ALPN "h2"; referenced). Each new one makes a new
 * stream. */
void source_stream_identify(struct source_stream *s, struct tls_ctx *tls);
/* The app calls this address; each call is undone by one of source_stream_drop. True when it is
 * answered already, else on_answers follows. */
bool source_stream_want(struct source_stream *s, const struct addr *addr);
void source_stream_drop(struct source_stream *s, const struct addr *addr);

bool source_stream_is_connected(const struct source_stream *s);

struct source_stream_status {
    bool is_connected;
    bool is_complete; /* something is in force */
    uint64_t serial, updates, rejected, resyncs;
    size_t resources, addresses;
    const char *problem; /* why there is no stream; empty: there is one, or nothing is known yet */
};
/* As source_folder_purge. */
unsigned source_stream_purge(struct source_stream *s, const struct filter_purge *what);
void source_stream_read(const struct source_stream *s, struct source_stream_status *out);
