/* Dates in header fields (RFC 9110 §5.6.7). Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

/* An IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT", as every sender must write it; milliseconds
 * since 1970. ERR_SYNTAX for every other form. */
MUST_USE enum err http_date_read(struct slice text, int64_t *ms);
