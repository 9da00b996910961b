/* Header blocks between the wire and h2_head: HEADERS and CONTINUATION frames are taken apart here
 * and decoded by our own HPACK, because nghttp2's takes most of what a request costs; nghttp2 then
 * sees the frame with an empty block and keeps the stream's state. Part of one struct h2, on its
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec/h2/h2_guard.h"
#include "lib/codec/h2/h2_head.h"
#include "lib/codec/h2/hpack_decode.h"

struct h2_block {
    struct hpack_decoder decoder;
    struct h2_head head;
    uint64_t too_much; /* decoded bytes at which a block is not worth reading on */
    uint32_t id;
    bool end_stream;
    bool open;           /* between its HEADERS frame and the end of its last frame */
    uint8_t prefix_len;  /* pad length and priority, as far as they have come … */
    uint8_t prefix_want; /* … and in all */
    uint8_t prefix[6];
    uint8_t frame_flags;
    uint32_t fragment_left; /* of this frame's payload, … */
    uint32_t pad_left;      /* … and behind it */
    uint8_t *carry;         /* the beginning of a field that is not whole yet */
    size_t carry_len, carry_room;
    enum h2_code code;  /* after a fault: what GOAWAY says … */
    const char *reason; /* … and a sentence; NULL: no fault */
};

void h2_block_init(struct h2_block *b, const struct h2_head_limits *limits);
void h2_block_dispose(struct h2_block *b);
/* The head of a HEADERS frame; `kind` is what its block will be. False on a fault, as in all. */
bool h2_block_begin(struct h2_block *b, const struct h2_frame *f, enum h2_head_kind kind);
/* The head of a CONTINUATION frame. */
bool h2_block_continue(struct h2_block *b, const struct h2_frame *f);
/* Some of the frame's payload. */
bool h2_block_payload(struct h2_block *b, const uint8_t *data, size_t len);
/* The frame's payload is complete. When that was the last frame, h->head is whole and open false.
 */
bool h2_block_end_frame(struct h2_block *b);
