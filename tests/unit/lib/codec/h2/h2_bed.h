/* A bed for struct h2 without anything around it: a client and a server whose bytes are carried
 * between them in pieces, or one of them against frames that the test writes by hand. What the
 * users of streams would hear is kept. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/codec/h2/h2.h"

enum { H2_BED_STREAMS = 160, H2_BED_BODY = 262144 };

struct h2_bed_stream {
    struct h2_stream *hs; /* NULL once it is over */
    struct h2_bed_side *side;
    struct arena arena;
    struct buf out;
    struct message *head;
    unsigned heads;
    bool head_end;
    char *body;
    size_t body_len;
    unsigned ends;
    const struct headers *trailers;
    unsigned taken, dones, aborts;
    enum err why;
};

struct h2_bed_side {
    struct h2 *h2;
    struct h2_bed_stream *streams;
    unsigned count;
    bool consume;       /* body bytes are given back as they come */
    bool refuse;        /* on_stream gives NULL */
    bool answer;        /* from inside on_end: 200 and the request's body */
    bool trail;         /* … or 200 and trailers "x-sum: 1", which live no longer than that */
    bool reset_on_head; /* from inside on_head */
    bool failed;        /* h2_feed or h2_drain said false */
    unsigned bad_heads, bad_status, settings, pongs, goaways;
    const char *bad_reason;
    uint32_t goaway_code;
};

struct h2_bed {
    struct h2_bed_side client, server;
    struct h2_config client_config, server_config;
    size_t piece;     /* bytes carried at a time; 0: all */
    size_t data_room; /* for each h2_drain */
    uint64_t now_ms;
};

/* Fill the configs before; `role` what is made: "cs", "c" or "s". */
void h2_bed_open(struct h2_bed *b, const char *role);
void h2_bed_close(struct h2_bed *b);
/* Carries bytes both ways until nothing moves. */
void h2_bed_run(struct h2_bed *b);
/* One way, once. */
void h2_bed_carry(struct h2_bed *b, struct h2_bed_side *from, struct h2_bed_side *to);

struct message *h2_bed_message(struct h2_bed_stream *s);
/* A request by the client; nothing is carried. Extra fields: name, value, …, NULL, or NULL. */
struct h2_bed_stream *h2_bed_request(struct h2_bed *b, const char *method, bool end,
                                     const char *const *fields);
void h2_bed_respond(struct h2_bed_stream *s, unsigned status, bool end, const char *const *fields);
void h2_bed_body(struct h2_bed_stream *s, const void *data, size_t len, bool end);
void h2_bed_trailers(struct h2_bed_stream *s, const char *name, const char *value);

/* ---- frames by hand ---- */

struct h2_bed_frame {
    uint8_t type, flags;
    uint32_t id;
    size_t length;
    uint8_t payload[64]; /* its beginning */
};

/* To the side, with what it says to be drained afterwards. */
void h2_bed_feed(struct h2_bed *b, struct h2_bed_side *to, const void *data, size_t len);
void h2_bed_send_frame(struct h2_bed *b, struct h2_bed_side *to, uint8_t type, uint8_t flags,
                       uint32_t id, const void *payload, size_t len);
/* HEADERS with these fields (name, value, …, NULL), literal. */
void h2_bed_send_headers(struct h2_bed *b, struct h2_bed_side *to, uint8_t flags, uint32_t id,
                         const char *const *fields);
size_t h2_bed_block(uint8_t *block, const char *const *fields);
/* Preface (for a server) and empty SETTINGS, and the ACK of the other's. */
void h2_bed_greet(struct h2_bed *b, struct h2_bed_side *to);
/* Takes the next frame off the side's output; false when there is none. */
bool h2_bed_next(struct h2_bed_side *from, struct h2_bed_frame *f);
/* Skips frames until one of that type; fails the test when there is none. */
void h2_bed_expect(struct h2_bed_side *from, uint8_t type, struct h2_bed_frame *f);
/* A GOAWAY with that code is next but for other frames, and the side is over. */
void h2_bed_expect_goaway(struct h2_bed_side *from, uint32_t code);
/* RST_STREAM with that code for that stream is next but for other frames. */
void h2_bed_expect_reset(struct h2_bed_side *from, uint32_t id, uint32_t code);
/* Either of both with that code: what a stream's error may be made into (RFC 9113 §5.4.2). */
void h2_bed_expect_error(struct h2_bed_side *from, uint32_t id, uint32_t code);
/* True when no frame but acknowledgements and WINDOW_UPDATE is in the output. */
bool h2_bed_is_quiet(struct h2_bed_side *from);
