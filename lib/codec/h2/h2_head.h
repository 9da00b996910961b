/* One header block on its way in: fields as HPACK gives them are checked (RFC 9113 §8, RFC 9110
 * §5) and gathered, and become a message or trailers in an arena once the block is whole. The
 * first fault is kept; later fields are only counted. Part of one struct h2, on its thread; must
 * not know nghttp2.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"
#include "lib/codec/h2/hpack_decode.h"
#include "lib/codec/http/message.h"

enum h2_head_kind { H2_HEAD_IGNORED, H2_HEAD_REQUEST, H2_HEAD_RESPONSE, H2_HEAD_TRAILERS };

struct h2_head_limits {
    uint32_t max_bytes; /* of regular fields and the host: names + values + 32 each, decoded */
    uint32_t max_count; /* of those, all crumbs of the cookie counted once */
    uint32_t max_target;
    bool takes_requests; /* a server's: trailers are a request's */
    bool allow_connect;  /* plain CONNECT becomes a message; else it is a fault 501 */
};

/* Where something lies in `bytes`. */
struct h2_span {
    uint32_t at, len;
};
static inline struct slice h2_span_in(const char *base, struct h2_span span)
{
    return slice_of(base + span.at, span.len);
}

struct h2_field {
    struct h2_span name, value;
    uint16_t id;
    bool never_index;
};

struct h2_head {
    const struct h2_head_limits *limits;
    enum h2_head_kind kind;
    uint16_t fault; /* 0, or the status a request deserves: 400, 414, 431, 501 */
    const char *reason;
    bool has_too_many; /* the fault is the number of fields */
    uint16_t status;
    uint8_t pseudo; /* which pseudo-header fields were seen */
    bool regular_seen;
    bool is_options;
    bool is_connect;
    bool is_trace;
    bool expect_continue;
    bool ends; /* the block's frame has END_STREAM */
    uint32_t cookies;
    uint64_t list_bytes;  /* all that was decoded, dropped fields too */
    uint64_t field_bytes; /* what max_bytes is about */
    int64_t content_length;
    struct h2_span method, scheme, authority, path, host;
    struct h2_field *fields;
    uint32_t count, capacity;
    char *bytes;
    size_t used, room;
    bool borrowed; /* fields and bytes are the thread's, see h2_head.c */
};

/* limits must outlive the head. */
void h2_head_init(struct h2_head *h, const struct h2_head_limits *limits);
/* Also what makes it ready for the next block: holds no memory between blocks. */
void h2_head_reset(struct h2_head *h);
void h2_head_begin(struct h2_head *h, enum h2_head_kind kind, bool ends);
void h2_head_add(struct h2_head *h, const struct hpack_field *f);
/* The block is whole: the last checks. False when there is a fault. */
bool h2_head_check(struct h2_head *h);
/* After a check that held. In the arena. */
struct message *h2_head_take_message(struct h2_head *h, struct arena *arena);
struct headers *h2_head_take_trailers(struct h2_head *h, struct arena *arena);
