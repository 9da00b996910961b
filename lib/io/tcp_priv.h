/* One TCP connection as the tcp_*.c files share it: tcp.c has its life and its failures,
 * tcp_read.c and tcp_write.c the two directions, tcp_close.c the end, tcp_dial.c the way up. Owned
 * by one loop, on its thread. Must not be included outside lib/io.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <uv.h>

#include "lib/io/loop.h"
#include "lib/io/tcp.h"
#include "lib/io/timer.h"

enum tcp_state {
    TCP_DIALING,
    TCP_OPEN,
    TCP_FAILING, /* on_fail is due at the end of the turn */
    TCP_FAILED,
    TCP_CLOSED, /* waits for libuv to let go */
};

struct tcp {
    struct stream stream;
    struct list node; /* in loop->tcps while it is open */
    uv_tcp_t handle;
    union {
        uv_connect_t connect;
        uv_write_t write;
    } req;                 /* never both */
    struct buf waiting;    /* nobody has seen these yet */
    struct buf sending;    /* what req.write points into */
    struct timer timer;    /* bounds the dial and a flushing close; see on_look too */
    struct loop_task task; /* what is due at the end of the turn: see tcp.c */
    struct addr peer;      /* family 0: not asked yet */
    struct addr local;
    const char *detail;
    enum err why;
    enum tcp_state state;
    uint32_t patience_ms; /* without an acknowledgement of what we sent */
    bool owes_ack;        /* we sent something, and have read nothing since */
    bool want_read;  /* what the user asked for */
    bool is_reading; /* what libuv was told */
    bool eof;        /* the peer's direction is over */
    bool eof_due;    /* but the user was not reading yet */
    bool shut_asked;
    bool shut_done;
    bool lingers; /* closed for the user, still sending: */
    uint8_t stalled, looks;
    size_t left; /* at the last look */
};

extern const struct stream_ops tcp_ops;

static inline struct tcp *tcp_of(struct stream *s)
{
    return container_of(s, struct tcp, stream);
}

/* A connection without a socket, in state TCP_DIALING. */
struct tcp *tcp_create(struct loop *l);
/* Takes over the fd of an accepted connection; NULL (and the fd closed) when libuv does not want
 * it. peer may be NULL. */
struct stream *tcp_accept(struct loop *l, int fd, const struct addr *peer);
/* -1 when there is none. */
int tcp_fd(const struct tcp *t);
/* Delivers on_fail. Only from a callback of the loop. */
void tcp_fail(struct tcp *t, enum err why, const char *detail);
/* Delivers it at the end of the turn; from anywhere. */
void tcp_fail_later(struct tcp *t, enum err why, const char *detail);

void tcp_read_start(struct stream *s);
void tcp_read_stop(struct stream *s);
/* Tells libuv, if the state allows. */
void tcp_read_begin(struct tcp *t);
/* Delivers what the kernel still holds of a connection whose sending side broke: an answer may lie
 * there. */
void tcp_read_rest(struct tcp *t);

void tcp_write_take(struct stream *s, struct buf *data);
void tcp_write_shutdown(struct stream *s);
/* Offers the queue to the kernel. */
void tcp_write_flush(struct tcp *t);
/* The queue is empty: what was put off until then. */
void tcp_write_drained(struct tcp *t, bool tell);

/* ---- tcp_alive.c ---- */
/* Options of a socket, dialled or listening (accepted ones have their listener's). */
void tcp_alive_set(int fd, const struct tcp_keepalive *k);
/* From now on it is looked after, until tcp_alive_end. */
void tcp_alive_begin(struct tcp *t, const struct tcp_keepalive *k);
void tcp_alive_end(struct tcp *t);

void tcp_close_stream(struct stream *s, bool flush_first);
void tcp_close_now(struct tcp *t);
/* The close that follows will be a reset. */
void tcp_close_abruptly(struct tcp *t);
/* A lingering connection has sent everything. */
void tcp_close_sent(struct tcp *t);
