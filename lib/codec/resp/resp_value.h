/* What a Redis or Valkey server says, as a tree: the types of RESP2, and those of RESP3 that are
 * not among them ("Redis serialization protocol specification"). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"

enum resp_type {
    RESP_NULL,
    RESP_TEXT,    /* simple, bulk or verbatim string, or a big number's digits */
    RESP_ERROR,   /* "WRONGTYPE Operation against a key …" */
    RESP_INTEGER,
    RESP_DOUBLE,  /* as the text of it */
    RESP_BOOL,
    RESP_LIST,    /* an array or a set */
    RESP_MAP,     /* key, value, key, value … */
    RESP_PUSH,    /* what nobody has asked for */
};

struct resp_value {
    enum resp_type type;
    uint32_t count; /* of items */
    int64_t integer; /* INTEGER; BOOL: 0 or 1 */
    struct slice text; /* TEXT, ERROR, DOUBLE */
    struct resp_value *items; /* LIST, MAP, PUSH */
};

/* All of it in the arena. */
const struct resp_value *resp_value_copy(struct arena *arena, const struct resp_value *v);
/* The integer at that place of a list: an INTEGER, or a TEXT that is one. False: there is none. */
bool resp_value_integer(const struct resp_value *list, uint32_t at, int64_t *out);
/* An error that begins with this word: "NOSCRIPT". */
bool resp_value_is_error(const struct resp_value *v, const char *code);
/* The first word of an error; empty when it is none. */
struct slice resp_value_error_code(const struct resp_value *v);
