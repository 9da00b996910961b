/* Times as certificates write them (RFC 5280 §4.1.2.5), to and from wall-clock milliseconds. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/slice.h"

#define ASN_TIME_TEXT_MAX 24

/* Writes the value alone, NUL-terminated, and returns the tag it needs: UTCTime (0x17) until 2049,
 * GeneralizedTime (0x18) from 2050 on. Rounds down to seconds; 1950-2049 and 2050-9999 only. */
uint8_t asn_time_write(int64_t ms, char text[ASN_TIME_TEXT_MAX]);
/* tag and value; ERR_SYNTAX for every form but YYMMDDHHMMSSZ and YYYYMMDDHHMMSSZ. */
MUST_USE enum err asn_time_read(uint8_t tag, struct slice value, int64_t *ms);
/* "2026-01-02T03:04:05Z", for sentences; returns text. */
char *asn_time_text(int64_t ms, char text[ASN_TIME_TEXT_MAX]);
