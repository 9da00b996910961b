/* HTTP/1 bytes to heads. llhttp in its strict mode cuts up a head that is not plain, and what it is
 * too kind about is checked here once more. Bytes may come in any pieces. Parsing works in the
 * caller's bytes; only a head that arrives in pieces is gathered, in one block with a limit. One
 * per connection and direction, on its worker; does no I/O and knows no time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/h1_cut.h"

enum h1_blank { H1_BLANK_NONE, H1_BLANK_CR, H1_BLANK_SEEN };

struct h1_parse {
    struct h1_rules rules;
    enum h1_bad bad;     /* after H1_PARSE_BAD */
    enum h1_blank blank; /* the one empty line allowed before a request */
    uint8_t *held;       /* a head that came in pieces */
    uint32_t held_len, held_capacity;
    uint32_t line_at; /* where in held the current line begins */
    uint32_t line_count;
};

enum h1_parse_result { H1_PARSE_MORE, H1_PARSE_DONE, H1_PARSE_BAD };

void h1_parse_init(struct h1_parse *p, enum h1_role role, const struct h1_limits *limits,
                   struct slice scheme);
void h1_parse_dispose(struct h1_parse *p);
/* Takes bytes of one head; *used says how many. MORE: all of them were taken. DONE: head is
 * complete and checked, and valid until the input or p is touched; build the message, then call
 * h1_parse_next. BAD: p->bad says why; nothing more can be parsed. */
enum h1_parse_result h1_parse_head(struct h1_parse *p, const uint8_t *data, size_t len,
                                   size_t *used, struct h1_head *head);
/* Ready for the next head; drops what was held of the last. */
void h1_parse_next(struct h1_parse *p);
/* True in the middle of a head. */
bool h1_parse_is_partial(const struct h1_parse *p);
/* A whole trailer section (field lines and the empty line) in one piece. *out is NULL when it is
 * empty. */
enum h1_bad h1_parse_trailers(const struct h1_rules *rules, struct slice section,
                              struct arena *arena, struct headers **out);
