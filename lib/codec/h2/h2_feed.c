/* Bytes in: frame heads pass the guard one by one, header blocks go to h2_block, and nghttp2 sees
 * the rest of what the guard lets through. On the connection's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_priv.h"

#include <string.h>

/* Why not hand everything to nghttp2: it tells of a frame when it is complete, and counts only some
 * of those that cost a peer nothing and us something (h2_guard.h), so their heads are looked at
 * before. And its HPACK took a third of an exchange's instructions: header blocks are decoded here
 * (hpack_decode.c), and it gets the HEADERS frame with an empty block, which keeps its streams and
 * windows right. */
enum {
    GOAWAY_LEN = 8, /* without debug data (RFC 9113 §6.8) */
    LAST_STREAM_LEN = 4,
};

static void doom_by(struct h2 *h, ssize_t error)
{
    switch (error) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        return h2_fail(h, H2_PROTOCOL_ERROR, "connection preface is malformed");
    case NGHTTP2_ERR_FLOODED:
        return h2_fail(h, H2_ENHANCE_YOUR_CALM, "too many frames that ask for an answer");
    default:
        return h2_fail(h, H2_INTERNAL_ERROR, nghttp2_strerror((int)error));
    }
}

static void pass(struct h2 *h, const uint8_t *data, size_t len)
{
    h->busy = true;
    ssize_t n = nghttp2_session_mem_recv(h->session, data, len);
    h->busy = false;
    if (n < 0)
        doom_by(h, n);
    if (!list_is_empty(&h->closed))
        h2_stream_settle(h);
}

static bool is_live(struct h2 *h, const struct h2_frame *f)
{
    if (f->type > H2_HEADERS || f->id > h->guard.newest)
        return false;
    /* nghttp2 keeps a stream until RST_STREAM is written; what comes meanwhile has its price. */
    return nghttp2_session_find_stream(h->session, (int32_t)f->id) &&
           !h2_guard_is_let_go(&h->guard, f->id);
}

static bool is_block(const struct h2_frame *f)
{
    return f->type == H2_HEADERS || f->type == H2_CONTINUATION;
}

static void doom_by_block(struct h2 *h)
{
    h2_fail(h, h->block.code, h->block.reason);
}

/* The header block is whole: nghttp2 learns that there was one, and calls back with it. */
static void pass_block(struct h2 *h)
{
    const struct h2_block *b = &h->block;
    uint8_t flags = NGHTTP2_FLAG_END_HEADERS | (b->end_stream ? NGHTTP2_FLAG_END_STREAM : 0);
    const uint8_t head[H2_FRAME_HEAD] = {0,
                                         0,
                                         0,
                                         H2_HEADERS,
                                         flags,
                                         (uint8_t)(b->id >> 24),
                                         (uint8_t)(b->id >> 16),
                                         (uint8_t)(b->id >> 8),
                                         (uint8_t)b->id};
    pass(h, head, sizeof(head));
    h2_head_reset(&h->block.head);
}

static void end_block_frame(struct h2 *h)
{
    if (!h2_block_end_frame(&h->block))
        doom_by_block(h);
    else if (!h->block.open)
        pass_block(h);
}

static void begin_block_frame(struct h2 *h, const struct h2_frame *f, enum h2_head_kind kind)
{
    bool fine = f->type == H2_HEADERS ? h2_block_begin(&h->block, f, kind)
                                      : h2_block_continue(&h->block, f);
    if (!fine)
        doom_by_block(h);
    else if (f->length == 0)
        end_block_frame(h);
}

/* A whole frame head has arrived. True when nghttp2 is to see the frame. */
static bool begin_frame(struct h2 *h, const uint8_t *head)
{
    struct h2_frame *f = &h->frame;
    h2_frame_read(f, head);
    h->head_len = 0;
    h->capture_len = 0;
    h->payload_left = f->length;
    enum h2_head_kind kind = f->type == H2_HEADERS ? h2_recv_kind(h, f->id) : H2_HEAD_IGNORED;
    enum h2_verdict verdict = h2_guard_judge(&h->guard, f, is_live(h, f), h->now_ms);
    h->skipping = verdict == H2_SKIP;
    if (verdict == H2_KILL)
        h2_fail(h, h->guard.code, h->guard.reason);
    else if (is_block(f))
        begin_block_frame(h, f, kind);
    return verdict == H2_PASS && !is_block(f);
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t skip_payload(struct h2 *h, const uint8_t *data, size_t len)
{
    size_t n = min_size(h->payload_left, len);
    for (size_t i = 0; i < n && h->frame.type == H2_PRIORITY && h->capture_len < 4; i++) {
        h->head[h->capture_len++] = data[i];
        if (h->capture_len == 4 && h2_guard_priority(&h->guard, h->frame.id, h->head) == H2_KILL)
            h2_fail(h, h->guard.code, h->guard.reason);
    }
    h->payload_left -= (uint32_t)n;
    return n;
}

/* nghttp2 ends the connection over a last stream id that it does not expect, and peers send such
 * ids: it sees the one that the guard makes of it. Only the first four bytes are that id. */
static size_t goaway_payload(struct h2 *h, const uint8_t *data, size_t len)
{
    size_t n = min_size((size_t)(LAST_STREAM_LEN - h->capture_len), len);
    memcpy(h->head + h->capture_len, data, n);
    h->capture_len += (uint8_t)n;
    h->payload_left -= (uint32_t)n;
    if (h->capture_len == LAST_STREAM_LEN) {
        h2_guard_goaway(&h->guard, h->head);
        pass(h, h->head, LAST_STREAM_LEN);
    }
    return n;
}

/* The frame being read names a last stream, and not all of it has come. */
static bool in_last_stream(const struct h2 *h)
{
    const struct h2_frame *f = &h->frame;
    return f->type == H2_GOAWAY && f->length >= GOAWAY_LEN && h->capture_len < LAST_STREAM_LEN;
}

static size_t block_payload(struct h2 *h, const uint8_t *data, size_t len)
{
    size_t n = min_size(h->payload_left, len);
    h->payload_left -= (uint32_t)n;
    if (!h2_block_payload(&h->block, data, n))
        doom_by_block(h);
    else if (h->payload_left == 0)
        end_block_frame(h);
    return n;
}

/* The frame head is in pieces. */
static size_t gather_head(struct h2 *h, const uint8_t *data, size_t len)
{
    size_t n = min_size((size_t)(H2_FRAME_HEAD - h->head_len), len);
    memcpy(h->head + h->head_len, data, n);
    h->head_len += (uint8_t)n;
    if (h->head_len == H2_FRAME_HEAD && begin_frame(h, h->head))
        pass(h, h->head, H2_FRAME_HEAD);
    return n;
}

/* The frame head is in one piece: nghttp2 gets it together with what is there of the payload. */
static size_t whole_head(struct h2 *h, const uint8_t *data, size_t len)
{
    if (!begin_frame(h, data))
        return H2_FRAME_HEAD;
    size_t n = in_last_stream(h) ? 0 : min_size(h->payload_left, len - H2_FRAME_HEAD);
    h->payload_left -= (uint32_t)n;
    pass(h, data, H2_FRAME_HEAD + n);
    return H2_FRAME_HEAD + n;
}

static size_t step(struct h2 *h, const uint8_t *data, size_t len)
{
    if (h->magic_left) {
        size_t n = min_size(h->magic_left, len);
        h->magic_left -= (uint8_t)n;
        pass(h, data, n);
        return n;
    }
    if (h->payload_left && h->skipping)
        return skip_payload(h, data, len);
    if (h->payload_left && is_block(&h->frame))
        return block_payload(h, data, len);
    if (h->payload_left && in_last_stream(h))
        return goaway_payload(h, data, len);
    if (h->payload_left) {
        size_t n = min_size(h->payload_left, len);
        h->payload_left -= (uint32_t)n;
        pass(h, data, n);
        return n;
    }
    if (h->head_len == 0 && len >= H2_FRAME_HEAD)
        return whole_head(h, data, len);
    return gather_head(h, data, len);
}

bool h2_feed(struct h2 *h, uint64_t now_ms, struct chunk *owner, const uint8_t *data, size_t len)
{
    h->now_ms = now_ms;
    h->feed_owner = owner;
    while (len && !h->doomed) {
        size_t n = step(h, data, len);
        data += n;
        len -= n;
    }
    h->feed_owner = NULL;
    return h->doomed ? h2_give_up(h) : true;
}
