/* The way back: a checked struct as canonical JSON, which schema_parse of the same table turns into
 * an equal struct again. Fields that are what they are without being said are left out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "lib/schema/schema.h"

void schema_write(const struct schema *schema, const void *value, struct buf *out);
/* The same as one value of a larger text. */
void schema_write_value(const struct schema *schema, const void *value, struct json_write *w);
