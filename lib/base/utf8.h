/* Questions about UTF-8, asked by everything that writes text which a peer may have sent.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"

/* Length in bytes (1 to 4) of the well-formed sequence at the front (RFC 3629: no surrogates, no
 * overlong forms, at most U+10FFFF); 0 when there is none. */
size_t utf8_front(struct slice s);
bool utf8_is_valid(struct slice s);
/* True when a well-formed sequence of that length only shows itself: it is no control (C0, DEL,
 * C1), ends no line (U+2028, U+2029), and does not turn the direction of the text around it
 * (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). What else a peer sent is written
 * escaped: a terminal or a reader would take it for something else than was sent. */
bool utf8_is_plain(const char *at, size_t len);
/* The code point of a well-formed sequence of that length. */
uint32_t utf8_decode(const char *at, size_t len);
