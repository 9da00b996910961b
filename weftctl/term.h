/* Colours, when a person reads along on a terminal (and NO_COLOR is not set); nothing else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdio.h>

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_DIM, TERM_GOOD, TERM_BAD, TERM_WARN };

/* The escape that begins the style on that stream; "" where there are no colours. */
const char *term_begin(FILE *to, enum term_style style);
const char *term_end(FILE *to);
/* Columns of the terminal, or as $COLUMNS says; 0: it is none, and lines are not to be broken. */
size_t term_width(FILE *to);
