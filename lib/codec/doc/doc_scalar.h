/* What a plain (unquoted) YAML scalar is: YAML 1.2's core schema, with what readers of other
 * versions understand differently refused. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/codec/doc/doc.h"

/* Sets type and value of *out; a string is a view of text. On ERR_SYNTAX *why says what is wrong.
 */
MUST_USE enum err doc_scalar_resolve(struct slice text, struct doc *out, const char **why);
