/* A body whose codings are taken off as it passes, the last that was applied first. What comes out
 * of each has limits, for what is small on its way in may unfold to anything. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/codec/compress/decoder.h"

enum { UNWRAP_CODINGS_MAX = 3 };
/* From there on the ratio counts: what is smaller does no harm. */
#define UNWRAP_RATIO_FROM (64u * 1024)

struct unwrap_limits {
    uint64_t size;  /* bytes of what comes out */
    uint64_t ratio; /* of what has come out to what has gone in */
};

/* One coding. */
struct unwrap_layer {
    struct decoder *decoder;
    struct buf in; /* of all but the outermost, whose input is the body */
    uint64_t taken, made;
    bool is_full; /* it has more to say before it takes anything */
};

/* Zeroed before it is begun. */
struct unwrap {
    struct unwrap_layer layers[UNWRAP_CODINGS_MAX]; /* the outermost first */
    unsigned count;                                 /* 0: it was not begun */
};

enum unwrap_result {
    UNWRAP_ALL,  /* of what has come */
    UNWRAP_MORE, /* enough for now: call again, there is more to do */
    UNWRAP_BAD,
    UNWRAP_TOO_LARGE,
    UNWRAP_BOMB, /* above the ratio */
};

/* codings: in the order in which they were applied. False: no memory for it. */
MUST_USE bool unwrap_begin(struct unwrap *u, const enum decoder_coding *codings, unsigned count);
/* Drains body and appends to out, a millisecond's worth at most. end: nothing comes behind body. */
MUST_USE enum unwrap_result unwrap_run(struct unwrap *u, const struct unwrap_limits *limits,
                                       struct buf *body, bool end, struct buf *out);
/* At any moment, also of one that was not begun. */
void unwrap_end(struct unwrap *u);
