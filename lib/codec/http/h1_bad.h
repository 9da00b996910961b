/* The reasons for which an HTTP/1 message is refused, one row each in h1_bad.def.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

enum h1_bad {
    H1_BAD_NOTHING = 0,
#define X(name, status, reason, sentence) H1_BAD_##name,
#include "lib/codec/http/h1_bad.def"
#undef X
    H1_BAD_COUNT
};

struct h1_bad_text {
    unsigned status;      /* the answer to a request */
    const char *reason;   /* "bad-method" */
    const char *sentence; /* for people */
};

const struct h1_bad_text *h1_bad_text(enum h1_bad bad);
