/* The only listener to llhttp: bytes that may hold a whole head in, offsets and a verdict out. For
 * h1_parse.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/h1_head.h"

#define H1_STATUS_LINE_MAX 1024u
#define H1_REQUEST_LINE_EXTRA 288u /* beside the target: the longest method, version, line end */

struct h1_limits {
    uint32_t header_bytes; /* names, values and MESSAGE_FIELD_EXTRA for each field */
    uint32_t header_count; /* at most H1_FIELDS_MAX */
    uint32_t target_bytes; /* requests */
};

struct h1_rules {
    struct h1_limits limits;
    struct slice scheme; /* see h1_head_check_request */
    enum h1_role role;
};

enum h1_cut_result { H1_CUT_MORE, H1_CUT_DONE, H1_CUT_BAD };

/* The head that begins at data; DONE: complete, checked, head->len bytes long. MORE: it does not
 * end within len. BAD: *bad says why. */
enum h1_cut_result h1_cut_head(const struct h1_rules *rules, const uint8_t *data, size_t len,
                               struct h1_head *head, enum h1_bad *bad);
/* The first bytes of a head, of a line that need not be whole. DONE: the method is one (or an
 * answer begins with "HTTP/"), and is in head. */
enum h1_cut_result h1_cut_begin(const struct h1_rules *rules, struct h1_head *head,
                                const uint8_t *data, size_t len, enum h1_bad *bad);
/* The start line with its line end, after h1_cut_begin. */
enum h1_bad h1_cut_start_line(const struct h1_rules *rules, struct h1_head *h, struct slice line);
/* The fields behind it, whatever they are like: h1_cut_head comes here only when they are not plain
 * or something is wrong with them. */
enum h1_cut_result h1_cut_any_fields(const struct h1_rules *rules, struct h1_head *h, size_t len,
                                     enum h1_bad *bad);
/* What a start line may be long, with its line end; a longer one is refused before it is whole. */
static inline size_t h1_cut_start_line_max(const struct h1_rules *rules)
{
    return rules->role == H1_REQUEST ? rules->limits.target_bytes + H1_REQUEST_LINE_EXTRA
                                     : H1_STATUS_LINE_MAX;
}
/* Field lines and the empty line that ends them, at least one of the former. */
enum h1_bad h1_cut_trailers(const struct h1_rules *rules, struct slice section,
                            struct h1_head *head);
