/* The rows of h1_bad.def as a table. Pure data; any thread. Must not know who is told of a
 * refusal, nor how.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_bad.h"

static const struct h1_bad_text rows[H1_BAD_COUNT] = {
    [H1_BAD_NOTHING] = {200, "", ""},
#define X(name, status, reason, sentence) [H1_BAD_##name] = {status, reason, sentence},
#include "lib/codec/http/h1_bad.def"
#undef X
};

const struct h1_bad_text *h1_bad_text(enum h1_bad bad)
{
    return &rows[bad];
}
