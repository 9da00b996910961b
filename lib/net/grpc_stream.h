/* One gRPC call with messages both ways, as long as both ends like; the same object on either end.
 * Made by grpc_client_open_stream (client) or handed to a method's `open` (server). Lives on one
 * loop. Events are never delivered from inside a call on the same stream.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/net/grpc.h"

struct grpc_stream;

struct grpc_stream_events {
    /* Client: the server has accepted the call (response headers came). May be NULL. */
    void (*on_open)(void *owner);
    /* One whole message; it lives until the function returns. */
    void (*on_message)(void *owner, struct slice message);
    /* What was unsent has fallen below the low-water mark after being above the high one. May be
     * NULL. */
    void (*on_writable)(void *owner);
    /* Over, whoever ended it (also a lost connection: GRPC_UNAVAILABLE). The pointer is dead once
     * this returns. Not called after grpc_stream_close. */
    void (*on_closed)(void *owner, enum grpc_status status, struct slice text);
};

void grpc_stream_use(struct grpc_stream *s, const struct grpc_stream_events *events, void *owner);
/* Takes a copy; queued without limit: ask grpc_stream_unsent before sending what can wait. */
void grpc_stream_send(struct grpc_stream *s, const void *message, size_t len);
size_t grpc_stream_unsent(const struct grpc_stream *s);
/* Server: ends the call with that status. Client: cancels it. No event after; the pointer is dead.
 */
void grpc_stream_close(struct grpc_stream *s, enum grpc_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Who is at the other end; the slices live as long as the stream does. */
void grpc_stream_peer(const struct grpc_stream *s, struct stream_info *out);
