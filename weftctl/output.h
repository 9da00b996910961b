/* What a verb found, in the form that was asked for (-o).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/codec/doc/doc.h"

enum output_form { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_YAML };

/* "text", "json", "yaml". False, and a message on stderr: another word. */
bool output_form_parse(const char *text, enum output_form *out);
/* JSON text onto stdout, indented, or as YAML. Drains it. */
void output_print(struct buf *json, enum output_form form);
void output_print_doc(const struct doc *d, enum output_form form);
/* Bytes as they are, onto stdout. Drains them. */
void output_flush(struct buf *text);
