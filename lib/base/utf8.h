/* One question about UTF-8, asked by everything that writes text which a peer may have sent.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/slice.h"

/* Length in bytes (1 to 4) of the well-formed sequence at the front (RFC 3629: no surrogates, no
 * overlong forms, at most U+10FFFF); 0 when there is none. */
size_t utf8_front(struct slice s);
