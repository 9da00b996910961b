/* What both ends of gRPC over HTTP/2 share (grpc.io "gRPC over HTTP2"): status codes, the frame in
 * front of each message, timeouts, and status texts. No I/O.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/codec/http/grpc_status.h"

/* "PERMISSION_DENIED"; never NULL. */
const char *grpc_status_name(enum grpc_status status);
/* For calls that broke. */
enum grpc_status grpc_status_from_err(enum err e);
/* The value of a grpc-status field; what is not a known number is GRPC_UNKNOWN. */
enum grpc_status grpc_status_parse(struct slice value);

/* Appends the five-byte prefix and the message. */
void grpc_frame(struct buf *out, const void *message, size_t len);

/* Takes messages out of a byte stream. */
struct grpc_reader {
    struct buf in;
    size_t max; /* bytes of one message */
};

void grpc_reader_init(struct grpc_reader *r, size_t max);
void grpc_reader_dispose(struct grpc_reader *r);
/* Append the bytes of the body to r->in, then ask. ERR_OK: *message (contiguous, mem_alloc'ed, NUL
 * behind it; mem_free it) and *len; ERR_AGAIN; ERR_LIMIT above max, known from the prefix alone;
 * ERR_UNSUPPORTED: compressed. */
MUST_USE enum err grpc_reader_next(struct grpc_reader *r, char **message, size_t *len);

/* grpc-timeout: "100m", "5S". ERR_SYNTAX. At most 99999999 hours, capped to UINT32_MAX ms; rounded
 * up. */
MUST_USE enum err grpc_timeout_parse(struct slice value, uint32_t *ms);
#define GRPC_TIMEOUT_TEXT_MAX 12
struct slice grpc_timeout_format(uint32_t ms, char text[GRPC_TIMEOUT_TEXT_MAX]);

/* Of grpc-message, which grpc_text_encode has written; what is malformed stays as it is. */
struct slice grpc_text_decode(struct arena *a, struct slice text);

/* "application/grpc", alone or followed by '+' or ';'. */
bool grpc_is_content_type(struct slice value);
