/* Layers of settings: what a narrow object leaves out is taken from a wider one, and in the end
 * from the fallbacks of the table. For schemas whose leaves have SCHEMA_INHERIT and whose objects
 * are INLINE. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

/* A value of which nothing is said. */
void schema_layer_clear(const struct schema *schema, void *value);
/* Each leaf that `narrow` does not say becomes that of `wide`. Lists and texts are borrowed. */
void schema_layer_inherit(const struct schema *schema, void *narrow, const void *wide);
/* Each leaf that is still not said becomes its fallback. */
void schema_layer_settle(const struct schema *schema, void *value);
/* All of it: what `from` says (NULL: nothing), and fallbacks for the rest. */
void schema_layer_complete(const struct schema *schema, const void *from, void *out);
/* The first leaf that both say, as "limits.maxHeaders"; false: there is none. */
bool schema_layer_overlap(const struct schema *schema, const void *a, const void *b,
                          char path[SCHEMA_PATH_MAX]);
