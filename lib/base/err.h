/* The one error type. ERR_OK is zero, every other value is negative. Foreign codes (libuv,
 * nghttp2, wolfSSL, errno) are translated into it where they enter, in the room that owns the
 * library.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#define MUST_USE __attribute__((warn_unused_result))

enum err_ordinal {
#define X(name, text) ERR_ORDINAL_##name,
#include "lib/base/err.def"
#undef X
    ERR_ORDINAL_COUNT
};

enum err {
    ERR_OK = 0,
#define X(name, text) ERR_##name = -1 - (int)ERR_ORDINAL_##name,
#include "lib/base/err.def"
#undef X
};

/* "TIMEOUT": for labels and logs. Never NULL. */
const char *err_name(enum err e);
/* "timed out": for sentences. Never NULL. */
const char *err_text(enum err e);
/* Translate an errno value (positive). */
enum err err_from_errno(int code);
