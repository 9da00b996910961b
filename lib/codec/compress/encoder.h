/* Compression of bodies as they pass: gzip (RFC 1952), brotli (RFC 7932) and zstd (RFC 8878) behind
 * one interface. An encoder is taken for one body and given back; each thread keeps a few, since
 * making one costs more than a small body. No I/O.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum content_coding { CODING_GZIP, CODING_BROTLI, CODING_ZSTD, CODING_COUNT };

/* As HTTP calls it: "gzip", "br", "zstd". */
extern const char *const content_coding_names[];

struct encoder;

enum encoder_flush {
    ENCODER_GO_ON, /* more will come soon */
    ENCODER_FLUSH, /* the other end must be able to decode all that was given */
    ENCODER_END,   /* nothing more comes */
};

/* NULL: the library has refused, for want of memory. level: within the library's range. */
struct encoder *encoder_take(enum content_coding coding, int level);
/* NULL is allowed; at any moment. */
void encoder_give(struct encoder *e);
/* Takes all of `piece` and appends what comes of it. False: the body cannot go on. */
MUST_USE bool encoder_run(struct encoder *e, struct slice piece, enum encoder_flush flush,
                          struct buf *out);
