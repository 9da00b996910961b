/* What the files behind h2.h share. Only lib/codec/h2*.c include this.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <nghttp2/nghttp2.h>

#include "lib/codec/h2/h2.h"
#include "lib/codec/h2/h2_block.h"
#include "lib/codec/h2/h2_guard.h"
#include "lib/codec/h2/h2_head.h"
#include "lib/codec/h2/hpack_encode.h"

enum h2_stream_flag {
    H2_ST_REMOTE_END = 1,  /* the peer's END_STREAM was seen */
    H2_ST_LOCAL_END = 2,   /* the user ended our direction … */
    H2_ST_LOCAL_SENT = 4,  /* … and END_STREAM is in the output */
    H2_ST_DATA = 8,        /* nghttp2 has our data source */
    H2_ST_DEFERRED = 16,   /* and waits to be told that there is more */
    H2_ST_FINAL_HEAD = 32, /* client: the final head came */
    H2_ST_BODILESS = 64,   /* client: HEAD was asked for */
    H2_ST_WE_RESET = 128,  /* RST_STREAM is ours */
    H2_ST_CUT_AFTER = 256, /* RST_STREAM(NO_ERROR) once our END_STREAM is out */
    H2_ST_CLOSED = 512,    /* nghttp2 has forgotten it */
};

/* A head or trailers on their way out; see h2_send.c. */
struct h2_out_head {
    struct h2_out_head *next;
    const struct message *head; /* or … */
    const struct headers *trailers;
    bool is_copy;
    struct arena arena; /* of the copy */
};

/* See h2_window.c. */
struct h2_window {
    uint32_t stream, connection; /* at the beginning */
    size_t held;                 /* by users */
    size_t owed;                 /* of the connection's, held back meanwhile */
    uint8_t level;               /* of the stream windows: 0 is full size */
    bool withhold;               /* they are to be smaller, and the peer has not said yes yet */
    unsigned unacked;            /* SETTINGS of ours */
};

struct h2 {
    nghttp2_session *session;
    const struct h2_events *events;
    void *owner;
    struct buf out;
    struct list streams;
    struct list closed; /* streams whose end is still to be told: never from inside nghttp2's
                         * sending, where the frame lies in a buffer that others may write to */
    bool server;
    bool busy;          /* inside nghttp2: no second way in */
    bool doomed;        /* an error of the connection was found */
    bool input_ended;   /* nothing comes any more, no window either */
    uint8_t magic_left; /* server: bytes of the client's preface still to come */
    uint8_t head_len;   /* bytes of a frame head gathered in `head` */
    uint8_t head[H2_FRAME_HEAD];
    uint8_t capture_len; /* of a PRIORITY or GOAWAY payload gathered in `head` */
    bool skipping;
    uint32_t payload_left;
    struct h2_frame frame; /* the one being read */
    uint32_t code;         /* why we gave up, as GOAWAY says it … */
    char *detail;          /* … and as a sentence */
    unsigned open;         /* streams nghttp2 knows */
    unsigned dead;         /* reset since the last h2_drain: their users are still about to end */
    int32_t recent_id;     /* what was looked up last; 0: nothing */
    struct h2_stream *recent;
    struct h2_stream *opening; /* during h2_send_request; NULL again if it did not survive that */
    size_t data_room;          /* during h2_drain */
    bool held;                 /* there was not enough of it */
    struct chunk *feed_owner;
    uint64_t now_ms;
    void *frame_buffer; /* see h2_mem.c, for these: */
    void *span;
    struct list awake;
    uint8_t span_rings;
    bool span_has_table;
    uint32_t used_round;
    struct h2_head_limits limits;
    uint32_t max_streams;
    struct h2_block block;        /* the header block coming in */
    struct hpack_encoder encoder; /* of those going out */
    struct h2_out_head *at_once;  /* refers to memory that is only sure until the call returns */
    bool written_here;            /* what nghttp2 is about to hand over was written already */
    struct h2_guard guard;
    struct h2_window window;
};

/* h2.c */
/* Remembers the first error; h2_feed or h2_drain turns it into GOAWAY. */
void h2_fail(struct h2 *h, uint32_t code, const char *reason);
/* Says goodbye with the error that was found; false. */
bool h2_give_up(struct h2 *h);
/* One token of nuisance. */
void h2_charge(struct h2 *h, const char *reason);
/* Writes control frames to the output now, unless nghttp2 is at work already. */
void h2_push(struct h2 *h);

/* h2_recv.c: a stream ends before its time, and its user is told; what was so has ended for its
 * users too. */
void h2_recv_died(struct h2 *h);
void h2_recv_settle(struct h2 *h);
/* h2_recv.c: what a HEADERS frame for that stream will be. */
enum h2_head_kind h2_recv_kind(struct h2 *h, uint32_t id);
/* h2_recv.c, h2_send.c: fill their part of the callbacks. */
void h2_recv_install(nghttp2_session_callbacks *callbacks);
void h2_send_install(nghttp2_session_callbacks *callbacks);
/* h2_write.c: HEADERS, and as many CONTINUATION as it takes, to the output. `flags`: END_STREAM or
 * nothing of it. */
void h2_write_head(struct h2 *h, const struct h2_out_head *out, uint8_t flags, int32_t id);
/* h2_write.c: our SETTINGS, and the limit that nghttp2 is not told of. */
void h2_write_settings(struct h2 *h, const nghttp2_settings *frame);
/* A response without a body, made here. */
void h2_send_status(struct h2 *h, int32_t id, unsigned status, const char *request_id);
void h2_send_drop(struct h2 *h, struct h2_out_head *out);

/* h2_window.c: bytes of a body went to a user; a user is through with some; our SETTINGS were
 * acknowledged. */
void h2_window_init(struct h2_window *w, uint32_t stream, uint32_t connection);
void h2_window_took(struct h2 *h, size_t len);
void h2_window_freed(struct h2 *h, size_t len);
void h2_window_acknowledged(struct h2 *h);

/* h2_mem.c */
nghttp2_mem h2_mem_of(struct h2 *h);
/* A stream begins or ends. */
void h2_mem_wake(struct h2 *h);
/* After the session. */
void h2_mem_dispose(struct h2 *h);
/* For h2_rest_idle. */
bool h2_mem_rest_idle(unsigned max);

/* h2_stream.c */
struct h2_stream *h2_stream_create(struct h2 *h, int32_t id);
/* nghttp2's user data; NULL when there is none. */
struct h2_stream *h2_stream_of(struct h2 *h, int32_t id);
/* Also takes it out of h->streams. */
void h2_stream_destroy(struct h2_stream *st);
/* RST_STREAM for the peer and on_abort(why) for the user. */
void h2_stream_fail(struct h2_stream *st, uint32_t code, enum err why);
/* nghttp2 forgets it. */
void h2_stream_closed(struct h2_stream *st, uint32_t code);
/* Gives up the answers that wait for window, which nobody will grant any more. */
void h2_stream_end_stuck(struct h2 *h);
/* Tells the users of closed streams, and frees the streams. */
void h2_stream_settle(struct h2 *h);
