/* JSON text into a document, strictly (RFC 8259): for what machines send. It has no lines (all
 * are 0).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/codec/doc/doc.h"

#define DOC_JSON_TEXT_MAX (64u << 20)

/* *out lives in the arena. A key given twice, NUL in a string, and anything after the value are
 * refused. ERR_SYNTAX or ERR_LIMIT, with *error filled in. */
MUST_USE enum err doc_json_parse(struct slice text, struct arena *arena, const struct doc **out,
                                 struct doc_error *error);
