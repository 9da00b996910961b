/* One line being written into a buffer of fixed size, for the access log.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/slice.h"

#define LINE_FIELD_MAX 1024u /* of one escaped text, before escaping */

struct line {
    char *to;
    size_t len, room;
};

void line_put_text(struct line *l, const char *text);
void line_put_u64(struct line *l, uint64_t n);
/* As the inside of a JSON string: quotes, backslashes, broken UTF-8 and what utf8_is_plain has
 * something against are escaped. */
void line_put_escaped(struct line *l, struct slice s);
/* "2026-01-02T03:04:05.678Z", from milliseconds since 1970. */
void line_put_time(struct line *l, int64_t wall_ms);
void line_put_addr(struct line *l, const struct addr *a);
