/* The little of DER that making certificates needs. Writing goes from the end of a buffer towards
 * its start, so that every length is known when its header is written; reading is a bounded walk
 * over bytes that a real parser has already accepted. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

enum der_tag {
    DER_BOOLEAN = 0x01,
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_NULL = 0x05,
    DER_OID = 0x06,
    DER_UTF8 = 0x0c,
    DER_SEQUENCE = 0x30,
    DER_SET = 0x31,
};
/* Context-specific, primitive and constructed. */
#define DER_CONTEXT(n) (uint8_t)(0x80 | (n))
#define DER_CONTEXT_CONSTRUCTED(n) (uint8_t)(0xa0 | (n))

struct der_writer {
    uint8_t *base;
    size_t at;     /* what is written lies from here to the end */
    bool overflow; /* something did not fit; the result is empty */
    size_t end;
};

void der_writer_init(struct der_writer *w, uint8_t *buffer, size_t capacity);
/* Remember where a value ends, then write its content (last part first), then der_wrap. */
static inline size_t der_mark(const struct der_writer *w)
{
    return w->at;
}
void der_wrap(struct der_writer *w, uint8_t tag, size_t mark);
/* Bytes as they are, in front of what is there. */
void der_raw(struct der_writer *w, struct slice bytes);
/* A whole value. */
void der_value(struct der_writer *w, uint8_t tag, struct slice content);
/* INTEGER from unsigned big-endian bytes. */
void der_integer(struct der_writer *w, struct slice big_endian);
void der_bool(struct der_writer *w, bool value);
/* UTCTime or GeneralizedTime. */
void der_time(struct der_writer *w, int64_t ms);
/* What was written; empty after an overflow. */
struct slice der_result(const struct der_writer *w);

struct der_item {
    uint8_t tag;
    struct slice content;
    struct slice whole; /* header and content */
};
/* Takes the next value off *rest; false at the end and for anything that is not DER (then *rest is
 * not empty). Tags above 30 and lengths above 2^24 are refused. */
bool der_next(struct slice *rest, struct der_item *out);
