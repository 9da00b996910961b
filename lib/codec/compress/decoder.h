/* Decompression of bodies as they pass: gzip (RFC 1952), deflate (RFC 1950, and RFC 1951 without
 * its head, as some senders understand it), brotli (RFC 7932) and zstd (RFC 8878) behind one
 * interface. It stops when enough has come out, so that a small body which unfolds to a large one
 * neither keeps a thread nor fills its memory. A decoder is taken for one body and given back. No
 * I/O; of one thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum decoder_coding { DECODER_GZIP, DECODER_DEFLATE, DECODER_BROTLI, DECODER_ZSTD, DECODER_COUNT };

/* As HTTP calls it: "gzip", "deflate", "br", "zstd". */
extern const char *const decoder_coding_names[];
/* In any case; "x-gzip" too (RFC 9110 §8.4.1.3). False: it is none of them. */
bool decoder_coding_of(struct slice name, enum decoder_coding *coding);

struct decoder;

enum decoder_result {
    DECODER_HUNGRY, /* all of the input was taken, and all that follows from it is there */
    DECODER_FULL,   /* enough has come out: call again, with what is left */
    DECODER_BAD,    /* it is not that coding, or damaged, or behind its end something follows */
};

/* NULL: the library has refused, for want of memory. */
struct decoder *decoder_take(enum decoder_coding coding);
/* NULL is allowed; at any moment. */
void decoder_give(struct decoder *d);
/* Takes from the front of *in and appends what comes of it, not much more than `most` bytes. */
MUST_USE enum decoder_result decoder_run(struct decoder *d, struct slice *in, size_t most,
                                         struct buf *out);
/* Nothing more comes: is it complete? No bytes at all are, as some send them for no body. */
bool decoder_is_complete(const struct decoder *d);
