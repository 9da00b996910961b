/* Dates in header fields (RFC 9110 §5.6.7). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

/* An IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT", as every sender must write it; milliseconds
 * since 1970. ERR_SYNTAX for every other form. */
MUST_USE enum err http_date_read(struct slice text, int64_t *ms);
/* The same, and the two forms that recipients must still read: "Sunday, 06-Nov-94 08:49:37 GMT",
 * whose year is at most 50 years ahead of `now_ms`, and "Sun Nov  6 08:49:37 1994". */
MUST_USE enum err http_date_read_any(struct slice text, int64_t now_ms, int64_t *ms);

/* The size of an IMF-fixdate with a NUL. */
#define HTTP_DATE_SIZE 30
void http_date_write(int64_t ms, char to[HTTP_DATE_SIZE]);
