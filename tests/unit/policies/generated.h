/* Files in the tree that are made from tables of the source, whole or in part: they must be what
 * the tables say. With WEFT_GENERATED_UPDATE=1 in the environment they are written instead
 * (scripts/generate does that).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"

/* The file, by its path in the tree, is these bytes. Empties made. */
void generated_compare(const char *path, struct buf *made);
/* So is what lies in it between the lines "# generated: <part>" and "# end generated", wherever
 * they stand. Empties made. */
void generated_compare_part(const char *path, const char *part, struct buf *made);
