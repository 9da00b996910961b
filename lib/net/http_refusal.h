/* The answers that a codec gives by itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/codec/http/h1_bad.h"

/* A whole HTTP/1.1 answer that says why, unless it is terse, and closes the connection. request_id
 * may be empty. */
void http_refusal_write(struct buf *out, const struct h1_bad_text *why, const char *request_id,
                        bool is_terse);
