/* What a coding is to decoder.c: a file decoder_<coding>.c with its table. Must not be included
 * outside of this folder.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/compress/decoder.h"

enum { DECODER_ROOM = 4096 }; /* of output, asked for at a time */

enum decoder_step {
    STEP_HUNGRY, /* it has taken all, and has nothing more to say */
    STEP_MORE,   /* it took or gave something, and may go on at once */
    STEP_END,    /* a stream is complete; *in is behind it */
    STEP_BAD,
};

struct decoder_kind {
    /* NULL: no memory. */
    void *(*create)(void);
    void (*destroy)(void *state);
    /* For another body. False, or NULL instead: it is not to be used again. */
    bool (*reset)(void *state);
    /* Some of the input, to at most `room` bytes at `to`; *made: so many. */
    enum decoder_step (*run)(void *state, struct slice *in, uint8_t *to, size_t room,
                             size_t *made);
    /* Behind one stream another may follow (RFC 1952 §2.2, RFC 8878 §3.1); run goes on with it. */
    bool is_chain;
};

extern const struct decoder_kind decoder_gzip, decoder_deflate, decoder_brotli, decoder_zstd;
