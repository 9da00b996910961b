/* What a head says of how its content is coded (RFC 9110 §8.4), and of what depends on that. Worker
 * thread. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/compress/decoder.h"
#include "lib/codec/http/message.h"

/* Other than by "identity". */
bool content_coding_is_any(const struct headers *h);

enum content_coding_list { CODINGS_KNOWN, CODINGS_UNKNOWN, CODINGS_TOO_MANY };

/* In the order in which they were applied; none of them is "identity". */
enum content_coding_list content_coding_read(const struct headers *h,
                                             enum decoder_coding *codings, unsigned max,
                                             unsigned *count);
/* Cache-Control: no-transform (RFC 9111 §5.2.2.6). */
bool content_coding_is_final(const struct headers *h);
/* What is decided by Accept-Encoding says so (Vary). */
void content_coding_note_vary(struct headers *h);
/* The bytes become others: what the head says of them goes, and the caller says what holds. */
void content_coding_changed(struct message *m);
