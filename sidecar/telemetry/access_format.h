/* A line of the access log in a format that users have written. Worker thread; nothing is
 * allocated. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/log/log_format.h"
#include "sidecar/telemetry/access_log.h"

/* The line itself, newline included; its length. Texts of the format are always whole, so that a
 * line stays what it is (JSON); of values that do not fit, what there is room for. */
size_t access_format_line(const struct log_format *f, const struct access_record *r,
                          char to[ACCESS_LOG_LINE_MAX]);
void access_format_write(const struct log_format *f, const struct access_record *r);
