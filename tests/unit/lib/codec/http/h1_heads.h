/* Heads through the parser, cut in every way. For the tests of h1_parse.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/h1_parse.h"

/* A struct slice's initialiser. */
#define H1_HEADS_TEXT(text)    \
    {                          \
        text, sizeof(text) - 1 \
    }

extern const struct h1_limits h1_heads_limits;

/* The outcome of one head. */
struct h1_heads_outcome {
    enum h1_bad bad;
    bool done;
    size_t used; /* of all bytes given */
    struct arena arena;
    struct message *m;
};

/* In two pieces, cut at `cut`, or in pieces of `step` bytes when that is not 0. */
void h1_heads_parse(struct h1_heads_outcome *o, enum h1_role role, struct slice in, size_t cut,
                    size_t step);
/* Whole, in every two pieces, and byte by byte: always the same. The outcome of the whole. */
void h1_heads_assert_steady(enum h1_role role, struct slice in, struct h1_heads_outcome *whole);
void h1_heads_drop(struct h1_heads_outcome *o);
