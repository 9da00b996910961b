/* A TLS stream as tls_stream.c (its life and its user's calls) and tls_stream_run.c (what the
 * transport brings) share it. Owned by its loop's thread. SPDX-License-Identifier: GPL-3.0-or-later
 */
#pragma once

#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/tls_stream.h"
#include "lib/tls/tls_conn.h"

enum tls_stream_state { TLS_STREAM_SHAKING, TLS_STREAM_OPEN, TLS_STREAM_FAILED };

struct tls_stream {
    struct stream stream;
    struct stream *lower;
    struct tls_conn *conn;
    struct buf early; /* ciphertext that was not fed yet: the user was not reading */
    struct buf late;  /* plaintext written before the handshake was done */
    struct timer timer;
    struct loop_task task;
    struct loop_task grave;
    struct tls_peer peer;
    enum tls_stream_state state;
    enum err fail_due; /* found out inside a call of the user */
    const char *detail;
    bool has_peer;
    bool want_read;
    bool got_eof;   /* and told the user */
    bool lower_eof; /* seen, maybe not acted upon */
    bool shut_asked;
    bool lingers; /* closed for the user, who wanted the queue sent */
    bool closed;
};

extern const struct stream_events tls_stream_lower_events;

/* Hands what the machine has for the peer to the transport. */
void tls_stream_send(struct tls_stream *t);
/* Our direction ends: close_notify, then the transport's half-close. */
void tls_stream_end_writing(struct tls_stream *t);
/* Only from a callback of the loop. What the machine left for the peer, an alert, still goes out.
 */
void tls_stream_fail(struct tls_stream *t, enum err why, const char *detail);
/* Closes the transport and buries t. */
void tls_stream_close_now(struct tls_stream *t, bool flush_first);
/* A loop task's run: what a call of the user, or the creation, put off until the end of the turn.
 */
void tls_stream_turn_end(struct loop_task *task);
