/* HTTP/2 without I/O: bytes in (h2_feed), bytes out (h2_drain), events between. One struct h2 is
 * one end of one connection, server or client, owned by lib/net's http_server_h2 or http_client_h2
 * and used on their thread only. nghttp2 does frames, HPACK and flow control behind this header;
 * who includes it need not know. It reads no clock: h2_feed is told the time. Events may come from
 * inside any call but h2_create and h2_destroy. An event function may call h2_stream_* and
 * h2_send_* (what it sends leaves with the next h2_drain), never h2_feed, h2_drain or h2_destroy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/list.h"
#include "lib/codec/http/message.h"

struct h2;
struct h2_rest;
struct h2_out_head;

/* One stream. Made by h2; gone after on_done or on_abort, and after h2_stream_reset. */
struct h2_stream {
    struct h2 *h2;
    void *user;          /* NULL: nobody listens any more */
    struct buf *out;     /* the user's; h2_drain takes from it */
    struct arena *arena; /* the user's; heads and trailers are built in it */
    struct list node;
    int32_t id;
    uint16_t flags;    /* h2's own */
    uint16_t interim;  /* 1xx heads so far */
    uint32_t chunk;    /* length of the DATA frame under way */
    size_t unconsumed; /* body bytes handed out and not yet given back */
    int64_t promised;  /* body bytes that content-length still announces; -1: it said nothing */
    const struct headers *trailers; /* to send after the body */
    struct h2_out_head *heads; /* that nghttp2 has been told of and has not sent; oldest first */
    struct h2_rest *rest;      /* what is left to send for a user who is gone */
    uint32_t code;             /* how it was closed */
};

struct h2_events {
    /* Server: the head of a request is whole and well-formed. Sets st->user and st->out and returns
     * the arena for the head; NULL refuses the stream. */
    struct arena *(*on_stream)(struct h2 *h, struct h2_stream *st);
    /* end: on_end follows at once. Client: interim heads (1xx) come first. */
    void (*on_head)(struct h2_stream *st, struct message *head, bool end);
    void (*on_data)(struct h2_stream *st, struct chunk *owner, const uint8_t *data, size_t len);
    void (*on_end)(struct h2_stream *st, const struct headers *trailers);
    /* Bytes left *st->out. */
    void (*on_taken)(struct h2_stream *st);
    /* Both directions ended. */
    void (*on_done)(struct h2_stream *st);
    /* Meanings as in lib/net/http_stream.h. */
    void (*on_abort)(struct h2_stream *st, enum err why);
    /* Server: a head is refused with this status (or, for 400, a reset) and nobody else will see
     * it. What is written to id, which is empty, is the answer's x-request-id. */
    void (*on_bad_head)(struct h2 *h, unsigned status, const char *reason,
                        char id[MESSAGE_REQUEST_ID_SIZE]);
    /* The peer's SETTINGS arrived. */
    void (*on_settings)(struct h2 *h);
    /* An h2_ping was answered. */
    void (*on_pong)(struct h2 *h);
    /* The peer takes no new streams. `code` as in RFC 9113 §7. */
    void (*on_goaway)(struct h2 *h, uint32_t code);
};

struct h2_config {
    bool server;
    bool allow_connect;         /* server: plain CONNECT reaches on_stream */
    uint32_t max_header_bytes;  /* 0: 65536 */
    uint32_t max_header_count;  /* 0: 100 */
    uint32_t max_target_bytes;  /* 0: 8192 */
    uint32_t max_streams;       /* that the peer may have open; 0: 100 */
    uint32_t stream_window;     /* smaller while users hold much; 0: 65536 */
    uint32_t connection_window; /* and from where on that is much; 0: 1048576 */
    uint32_t max_resets;        /* burst of the nuisance budget; 0: 1000 */
};

/* The preface and SETTINGS are in h2_output at once. */
struct h2 *h2_create(const struct h2_config *config, const struct h2_events *events, void *owner,
                     uint64_t now_ms);
/* Streams die without events. */
void h2_destroy(struct h2 *h);
void *h2_owner(const struct h2 *h);
/* Of this thread's connections, those that have had no stream for a round or two give back what
 * only streams need: at most `max` of them, each with a system call. True: there are more, and the
 * next call goes on with the same round. A round is a second or so. */
bool h2_rest_idle(unsigned max);

/* `owner` as in lib/io/stream.h. False: the connection is beyond repair; a GOAWAY is in the output,
 * drain and close. */
MUST_USE bool h2_feed(struct h2 *h, uint64_t now_ms, struct chunk *owner, const uint8_t *data,
                      size_t len);
/* Moves what is to be sent to the output: all control frames, and up to data_room bytes of bodies.
 * False as above. */
MUST_USE bool h2_drain(struct h2 *h, size_t data_room);
/* What to send; the caller takes bytes off the front. */
struct buf *h2_output(struct h2 *h);
/* The last h2_drain left bodies behind for want of data_room. */
bool h2_is_held(const struct h2 *h);
/* Nothing more will be read or written: after GOAWAY and the last stream, or after an error. */
bool h2_is_over(const struct h2 *h);
/* ERR_OK, or why the connection was given up: ERR_PROTOCOL, ERR_OVERLOAD; *detail (may be NULL)
 * lives as long as h. */
enum err h2_error(const struct h2 *h, const char **detail);
/* Something has begun that must end soon: a header block (the id of its stream), or the preface
 * with the first SETTINGS (UINT32_MAX); 0: nothing. */
uint32_t h2_mid_head(const struct h2 *h);
/* Streams that nghttp2 still knows, with those of which the user let go. */
unsigned h2_open_streams(const struct h2 *h);
/* Client: how many more streams may be opened now. */
unsigned h2_capacity(const struct h2 *h);

/* The peer has granted nothing that is left of the connection's window: no body moves. */
bool h2_is_blocked(const struct h2 *h);
/* Client: no stream ids are left. */
bool h2_is_used_up(const struct h2 *h);

/* Server, first step of a graceful end: "no new streams soon". */
void h2_notice(struct h2 *h);
/* Last step: streams the peer opened later are ignored. h2_is_over follows with the last stream. */
void h2_goaway(struct h2 *h);
/* Gives the connection up with an error code of enum h2_code. */
void h2_abandon(struct h2 *h, uint32_t code, const char *reason);
void h2_ping(struct h2 *h);
/* Server: the peer has closed its direction. Requests that are not whole are aborted (ERR_CLOSED);
 * so are, from now on, answers that need more window than there is. False: some were not whole. */
bool h2_end_input(struct h2 *h);

/* Client: opens a stream and writes the head to the output. Needs capacity. NULL when there is
 * none. */
struct h2_stream *h2_send_request(struct h2 *h, const struct message *request, bool end, void *user,
                                  struct arena *arena, struct buf *out);
/* Server. The head is written to the output before this returns, unless called from an event. */
void h2_send_head(struct h2_stream *st, const struct message *head, bool end);
/* *st->out has grown, or (end) is complete. */
void h2_send_body(struct h2_stream *st, bool end);
/* After what is in *st->out. They must live until on_done, on_abort or h2_stream_reset. */
void h2_send_trailers(struct h2_stream *st, const struct headers *trailers);

/* Gives window back: the stream's. The connection's needs nobody. */
void h2_stream_consume(struct h2_stream *st, size_t n);
/* No more events. ERR_OK: what was sent and ended still goes out, then RST_STREAM(NO_ERROR) if the
 * peer is not done; others as in lib/net/http_stream.h. */
void h2_stream_reset(struct h2_stream *st, enum err why);
