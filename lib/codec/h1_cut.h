/* The only door to llhttp: bytes that may hold a whole head in, offsets and a verdict out. For
 * h1_parse.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/h1_head.h"

#define H1_STATUS_LINE_MAX 1024u

struct h1_limits {
    uint32_t header_bytes; /* all field lines together */
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
/* A whole request line: BAD_VERSION when its version is another, BAD_START_LINE when it has none.
 */
enum h1_bad h1_cut_version(struct slice line);
/* The method alone, which is all that a first few bytes can be judged by. */
enum h1_cut_result h1_cut_method(struct h1_head *head, const char *data, size_t len,
                                 enum h1_bad *bad);
/* Field lines and the empty line that ends them, at least one of the former. */
enum h1_bad h1_cut_trailers(const struct h1_limits *limits, struct slice section,
                            struct h1_head *head);
