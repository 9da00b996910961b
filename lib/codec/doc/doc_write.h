/* A document as text again: JSON, or YAML that reads back as the same document.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "lib/codec/doc/doc.h"

/* A value inside other JSON that is being written. */
void doc_write_json(struct json_write *w, const struct doc *d);
/* For people: two spaces a level, and a newline at the end. */
void doc_write_pretty(struct buf *to, const struct doc *d);
/* In block style, with a newline at the end; without "---". */
void doc_write_yaml(struct buf *to, const struct doc *d);
