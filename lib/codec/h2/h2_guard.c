/* The watch at the frame layer: RFC 9113 rules about streams that are gone, and a price for every
 * frame that can be sent without end. Part of one struct h2, on its thread. Must not know nghttp2.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_guard.h"

#include <string.h>

enum fate { NEVER_OPENED, OPENED, LET_GO };

enum {
    FLAG_ACK = 0x1,
    FLAG_END_HEADERS = 0x4,
    WINDOWS_AT_START = 32,
    WINDOWS_PER_STREAM = 8,
    WINDOWS_PER_DATA = 10,
    STREAM_ID_MAX = 0x7fffffff,
    FAIR_DATA = 256, /* shorter DATA frames for a stream that is gone cost a token */
};

void h2_guard_init(struct h2_guard *g, bool server, uint32_t burst, uint64_t now_ms)
{
    memset(g, 0, sizeof(*g));
    h2_budget_init(&g->budget, burst, now_ms);
    g->server = server;
    g->windows_fair = WINDOWS_AT_START;
    g->last_told = STREAM_ID_MAX;
}

void h2_frame_read(struct h2_frame *f, const uint8_t head[H2_FRAME_HEAD])
{
    f->length = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
    f->type = head[3];
    f->flags = head[4];
    f->id = ((uint32_t)head[5] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[7] << 8 | head[8]) &
            0x7fffffffu;
}

static enum h2_verdict kill(struct h2_guard *g, enum h2_code code, const char *reason)
{
    g->code = code;
    g->reason = reason;
    return H2_KILL;
}

enum h2_verdict h2_guard_charge(struct h2_guard *g, uint64_t now_ms, const char *reason)
{
    if (h2_budget_charge(&g->budget, now_ms))
        return H2_PASS;
    return kill(g, H2_ENHANCE_YOUR_CALM, reason);
}

static enum h2_verdict charge_and_skip(struct h2_guard *g, uint64_t now_ms, const char *reason)
{
    return h2_guard_charge(g, now_ms, reason) == H2_KILL ? H2_KILL : H2_SKIP;
}

static uint8_t *fate_of(struct h2_guard *g, uint32_t id)
{
    return &g->fate[id / 2 % H2_GUARD_MEMORY];
}

static bool is_remembered(const struct h2_guard *g, uint32_t id)
{
    return g->newest - id < 2 * H2_GUARD_MEMORY;
}

void h2_guard_opened(struct h2_guard *g, uint32_t id)
{
    uint32_t skipped = (id - g->newest) / 2;
    if (skipped > H2_GUARD_MEMORY)
        skipped = H2_GUARD_MEMORY;
    for (uint32_t i = 1; i < skipped; i++)
        *fate_of(g, id - 2 * i) = NEVER_OPENED;
    *fate_of(g, id) = OPENED;
    g->newest = id;
    g->windows_fair += WINDOWS_PER_STREAM;
}

void h2_guard_let_go(struct h2_guard *g, uint32_t id)
{
    if (id <= g->newest && is_remembered(g, id))
        *fate_of(g, id) = LET_GO;
}

bool h2_guard_is_let_go(const struct h2_guard *g, uint32_t id)
{
    return id <= g->newest && is_remembered(g, id) && g->fate[id / 2 % H2_GUARD_MEMORY] == LET_GO;
}

void h2_guard_sent_data(struct h2_guard *g)
{
    g->windows_fair += WINDOWS_PER_DATA;
    g->ping_free = true;
}

/* DATA or HEADERS for a stream that is not open any more. */
static enum h2_verdict judge_gone(struct h2_guard *g, const struct h2_frame *f, uint64_t now_ms)
{
    if (!is_remembered(g, f->id))
        return h2_guard_charge(g, now_ms, "too many frames for streams long gone");
    switch (*fate_of(g, f->id)) {
    case LET_GO: /* under way when we let go; nghttp2 ignores it and keeps the windows right */
        if (f->type == H2_DATA && f->length >= FAIR_DATA)
            return H2_PASS;
        return h2_guard_charge(g, now_ms, "too many frames for streams that were reset");
    case OPENED:
        return kill(g, H2_STREAM_CLOSED, "frame for a closed stream");
    default:
        return kill(g, H2_PROTOCOL_ERROR, "stream id is lower than an earlier one");
    }
}

bool h2_guard_is_new(const struct h2_guard *g, uint32_t id)
{
    return g->server && id % 2 == 1 && id > g->newest;
}

static enum h2_verdict judge_headers(struct h2_guard *g, const struct h2_frame *f, bool live,
                                     uint64_t now_ms)
{
    g->in_block = !(f->flags & FLAG_END_HEADERS);
    g->continuations = 0;
    if (h2_guard_is_new(g, f->id)) {
        h2_guard_opened(g, f->id);
        if (g->going_away)
            h2_guard_let_go(g, f->id);
        return H2_PASS;
    }
    /* nghttp2 knows what to say of ids that are not the peer's to use. */
    if (live || f->id % 2 == 0 || f->id > g->newest)
        return H2_PASS;
    return judge_gone(g, f, now_ms);
}

static enum h2_verdict judge_data(struct h2_guard *g, const struct h2_frame *f, bool live,
                                  uint64_t now_ms)
{
    if (live || f->id % 2 == 0 || f->id > g->newest)
        return H2_PASS;
    return judge_gone(g, f, now_ms);
}

static enum h2_verdict judge_priority(struct h2_guard *g, const struct h2_frame *f, uint64_t now_ms)
{
    if (f->id == 0)
        return kill(g, H2_PROTOCOL_ERROR, "PRIORITY on stream 0");
    if (f->length != 5)
        return kill(g, H2_FRAME_SIZE_ERROR, "PRIORITY is not 5 bytes long");
    return charge_and_skip(g, now_ms, "too many PRIORITY frames");
}

static uint32_t read_id(const uint8_t at[4])
{
    return ((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3]) &
           STREAM_ID_MAX;
}

enum h2_verdict h2_guard_priority(struct h2_guard *g, uint32_t id, const uint8_t payload[4])
{
    return read_id(payload) == id ? kill(g, H2_PROTOCOL_ERROR, "stream depends on itself")
                                  : H2_SKIP;
}

void h2_guard_goaway(struct h2_guard *g, uint8_t payload[4])
{
    uint32_t id = read_id(payload);
    if (g->server)
        id = 0;
    else if (id > 0 && id % 2 == 0)
        id--;
    if (!g->server && id < g->last_told)
        g->last_told = id;
    if (!g->server)
        id = g->last_told;
    for (int i = 3; i >= 0; i--, id >>= 8)
        payload[i] = (uint8_t)id;
}

static enum h2_verdict judge_ping(struct h2_guard *g, const struct h2_frame *f, uint64_t now_ms)
{
    if (f->flags & FLAG_ACK)
        return H2_PASS;
    if (g->ping_free) {
        g->ping_free = false;
        return H2_PASS;
    }
    return h2_guard_charge(g, now_ms, "too many PING frames");
}

static enum h2_verdict judge_settings(struct h2_guard *g, const struct h2_frame *f, uint64_t now_ms)
{
    if (f->flags & FLAG_ACK)
        return H2_PASS;
    if (!g->settings_seen) {
        g->settings_seen = true;
        return H2_PASS;
    }
    return h2_guard_charge(g, now_ms, "too many SETTINGS frames");
}

static enum h2_verdict judge_window(struct h2_guard *g, uint64_t now_ms)
{
    if (g->windows_fair) {
        g->windows_fair--;
        return H2_PASS;
    }
    return h2_guard_charge(g, now_ms, "too many WINDOW_UPDATE frames");
}

static enum h2_verdict judge_continuation(struct h2_guard *g, const struct h2_frame *f)
{
    if (!g->in_block)
        return kill(g, H2_PROTOCOL_ERROR, "CONTINUATION without HEADERS");
    if (++g->continuations > H2_MAX_CONTINUATIONS)
        return kill(g, H2_ENHANCE_YOUR_CALM, "too many CONTINUATION frames");
    g->in_block = !(f->flags & FLAG_END_HEADERS);
    return H2_PASS;
}

static enum h2_verdict judge_rest(struct h2_guard *g, const struct h2_frame *f, uint64_t now_ms)
{
    switch (f->type) {
    case H2_PRIORITY:
        return judge_priority(g, f, now_ms);
    case H2_RST_STREAM: /* a server that resets what we asked for only hurts itself */
        return g->server ? h2_guard_charge(g, now_ms, "too many RST_STREAM frames") : H2_PASS;
    case H2_SETTINGS:
        return judge_settings(g, f, now_ms);
    case H2_PUSH_PROMISE:
        return kill(g, H2_PROTOCOL_ERROR, "PUSH_PROMISE is not enabled");
    case H2_PING:
        return judge_ping(g, f, now_ms);
    case H2_GOAWAY:
        return h2_guard_charge(g, now_ms, "too many GOAWAY frames");
    case H2_WINDOW_UPDATE:
        return judge_window(g, now_ms);
    case H2_CONTINUATION:
        return judge_continuation(g, f);
    default:
        return charge_and_skip(g, now_ms, "too many frames of unknown type");
    }
}

enum h2_verdict h2_guard_judge(struct h2_guard *g, const struct h2_frame *f, bool live,
                               uint64_t now_ms)
{
    if (f->length > H2_FRAME_MAX)
        return kill(g, H2_FRAME_SIZE_ERROR, "frame is longer than 16384 bytes");
    if (g->in_block && f->type != H2_CONTINUATION)
        return kill(g, H2_PROTOCOL_ERROR, "header block is interrupted by another frame");
    if (!g->settings_seen && f->type != H2_SETTINGS)
        return kill(g, H2_PROTOCOL_ERROR, "first frame is not SETTINGS");
    if (f->type == H2_DATA)
        return judge_data(g, f, live, now_ms);
    if (f->type == H2_HEADERS)
        return judge_headers(g, f, live, now_ms);
    return judge_rest(g, f, now_ms);
}
