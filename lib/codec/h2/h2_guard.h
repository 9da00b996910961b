/* Looks at every frame header before nghttp2 does: counts what costs us work (the budget), drops
 * what we never use (PRIORITY, unknown types), and knows what became of recent streams, which
 * nghttp2 forgets. Part of one struct h2, on its thread; must not know nghttp2, nor what the
 * frames mean to HTTP.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/codec/h2/h2_budget.h"

enum {
    H2_FRAME_HEAD = 9,
    H2_FRAME_MAX = 16384, /* SETTINGS_MAX_FRAME_SIZE of ours: the default */
    H2_MAX_CONTINUATIONS = 8,
    H2_GUARD_MEMORY = 256, /* streams whose fate is remembered */
};

/* RFC 9113 §6 and §7. */
enum h2_frame_type {
    H2_DATA = 0,
    H2_HEADERS = 1,
    H2_PRIORITY = 2,
    H2_RST_STREAM = 3,
    H2_SETTINGS = 4,
    H2_PUSH_PROMISE = 5,
    H2_PING = 6,
    H2_GOAWAY = 7,
    H2_WINDOW_UPDATE = 8,
    H2_CONTINUATION = 9,
};
enum h2_code {
    H2_NO_ERROR = 0,
    H2_PROTOCOL_ERROR = 1,
    H2_INTERNAL_ERROR = 2,
    H2_FLOW_CONTROL_ERROR = 3,
    H2_STREAM_CLOSED = 5,
    H2_FRAME_SIZE_ERROR = 6,
    H2_REFUSED_STREAM = 7,
    H2_CANCEL = 8,
    H2_COMPRESSION_ERROR = 9,
    H2_ENHANCE_YOUR_CALM = 11,
};

struct h2_frame {
    uint32_t length;
    uint8_t type;
    uint8_t flags;
    uint32_t id;
};

enum h2_verdict { H2_PASS, H2_SKIP, H2_KILL };

struct h2_guard {
    struct h2_budget budget;
    bool server;
    bool settings_seen;
    bool in_block;   /* a header block waits for its CONTINUATION */
    bool going_away; /* our last GOAWAY is out: new streams are ignored */
    bool ping_free;  /* DATA went out since the last PING: acknowledging one is fair */
    uint8_t continuations;
    uint32_t newest;       /* highest id of a stream that was opened */
    uint32_t last_told;    /* client: the lowest last stream id that a GOAWAY named */
    uint64_t windows_fair; /* WINDOW_UPDATE frames the peer may still send for free */
    enum h2_code code;     /* after H2_KILL: what GOAWAY says … */
    const char *reason;    /* … and a sentence */
    uint8_t fate[H2_GUARD_MEMORY];
};

void h2_guard_init(struct h2_guard *g, bool server, uint32_t burst, uint64_t now_ms);
void h2_frame_read(struct h2_frame *f, const uint8_t head[H2_FRAME_HEAD]);
/* `live`: nghttp2 has an open stream of that id. After H2_KILL nothing more may be read. */
enum h2_verdict h2_guard_judge(struct h2_guard *g, const struct h2_frame *f, bool live,
                               uint64_t now_ms);
/* The payload of a skipped PRIORITY frame: H2_SKIP or H2_KILL. */
enum h2_verdict h2_guard_priority(struct h2_guard *g, uint32_t id, const uint8_t payload[4]);
/* The last stream id at the front of a GOAWAY's payload, in place, as the rules have it (RFC 9113
 * §6.8): a client's names no stream, since we open none; a server's is one of ours, and never
 * higher than the one before. */
void h2_guard_goaway(struct h2_guard *g, uint8_t payload[4]);
/* One more token for something the frame head does not show; H2_PASS or H2_KILL. */
enum h2_verdict h2_guard_charge(struct h2_guard *g, uint64_t now_ms, const char *reason);
/* Server: HEADERS with that id would open a stream. */
bool h2_guard_is_new(const struct h2_guard *g, uint32_t id);
/* Client: a stream was opened by us. */
void h2_guard_opened(struct h2_guard *g, uint32_t id);
/* We reset (or refused, or ignore) that stream: frames under way for it are harmless. */
void h2_guard_let_go(struct h2_guard *g, uint32_t id);
/* … and are known to be; false when it is too long ago. */
bool h2_guard_is_let_go(const struct h2_guard *g, uint32_t id);
/* A DATA frame went out. */
void h2_guard_sent_data(struct h2_guard *g);
