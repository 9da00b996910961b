/* The body of an HTTP/1 message, by length, in chunks or until the end of the connection: bytes
 * in, pieces of content out, nothing copied. Chunk extensions end here. One per connection and
 * direction, on its worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/codec/http/h1_bad.h"

enum h1_body_mode { H1_BODY_NONE, H1_BODY_LENGTH, H1_BODY_CHUNKED, H1_BODY_UNTIL_CLOSE };

struct h1_body {
    uint8_t mode; /* enum h1_body_mode */
    uint8_t step; /* of the chunk grammar */
    uint8_t bad;  /* enum h1_bad, after H1_BODY_BAD */
    uint8_t digits;
    uint8_t quoted;       /* inside a quoted string of an extension; 2: behind its backslash */
    uint32_t extension;   /* bytes of extensions so far, over the whole body */
    uint64_t left;        /* of the content, or of this chunk */
    uint32_t trailer_max; /* bytes */
    uint32_t trailer_len, trailer_capacity;
    char *trailer; /* the section as it came, gathered */
};

enum h1_body_result { H1_BODY_MORE, H1_BODY_DATA, H1_BODY_END, H1_BODY_BAD };

void h1_body_init(struct h1_body *b, enum h1_body_mode mode, uint64_t length, uint32_t trailer_max);
void h1_body_dispose(struct h1_body *b);
/* Takes *used bytes. DATA: *piece is content and lies in the input; more may follow at once. END:
 * the message is over; see h1_body_trailer. MORE: all bytes were taken. A body of no bytes ends
 * without any input. UNTIL_CLOSE never ends by itself. */
enum h1_body_result h1_body_next(struct h1_body *b, const uint8_t *data, size_t len, size_t *used,
                                 struct slice *piece);
/* After END of a chunked body: the raw trailer section with its empty line, for h1_parse_trailers.
 */
struct slice h1_body_trailer(const struct h1_body *b);
