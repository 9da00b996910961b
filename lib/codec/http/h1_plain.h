/* The field lines of a head that leave nothing to judge. For h1_cut.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/h1_head.h"

/* From fields_at on, `len` bytes from the head's base in all. True: every line is a name of tchars,
 * a colon, blanks, visible characters and blanks, CR LF; and an empty line ends them. Then fields,
 * their number and bytes and the head's length are there. False: llhttp has to look. */
MUST_USE bool h1_plain_cut(struct h1_head *h, uint32_t max_fields, size_t len);
