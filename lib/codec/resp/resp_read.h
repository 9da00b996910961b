/* Bytes of a Redis or Valkey server to values, one at a time and in pieces of any size. What the
 * server can make us remember is bounded: depth, elements, bytes, and the length of a line. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/resp/resp_value.h"

#define RESP_DEPTH_MAX 8  /* lists within lists */
#define RESP_LINE_MAX 1024 /* of an error, a simple string or a number */
#define RESP_ITEMS_MAX 4096 /* elements of one value, over all its lists */

struct resp_frame {
    struct resp_value *items;
    uint32_t count, at;
    bool is_attribute; /* RESP3: says something about the value that follows; nobody reads it */
};

struct resp_reader {
    struct arena arena; /* of the value that is being read */
    struct resp_value root;
    struct resp_frame stack[RESP_DEPTH_MAX + 1];
    unsigned depth;
    uint32_t items_left;
    size_t bytes_max, bytes_left;
    char line[RESP_LINE_MAX + 2];
    size_t line_len;
    char *bulk; /* not NULL: its bytes, and CR LF behind them, are on their way */
    size_t bulk_len, bulk_at;
    char bulk_kind;
    enum err broken;
    bool is_fresh; /* the next byte begins a value */
};

/* bytes_max: of the texts of one value together. */
void resp_reader_init(struct resp_reader *r, size_t bytes_max);
void resp_reader_dispose(struct resp_reader *r);
/* Takes bytes off the front of *bytes, up to the end of one value at most. ERR_OK: it is in
 * r->root, until the next call. ERR_AGAIN: all were taken, and it is not complete. ERR_SYNTAX and
 * ERR_LIMIT: for good. */
MUST_USE enum err resp_reader_feed(struct resp_reader *r, struct slice *bytes);
