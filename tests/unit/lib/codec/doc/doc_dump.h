/* A document in one line, for comparing: objects {k:v}, lists [a,b], strings in quotes, and with
 * lines when asked ("3:"). SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"

/* Into text (NUL-terminated, cut at size). */
void doc_dump(const struct doc *d, bool with_lines, char *text, size_t size);
