/* YAML text into documents. JSON is a subset and is read by the same function, so that both have
 * lines.
 *
 * Reads what people and tools write for Kubernetes, and refuses what two readers could
 * understand differently: anchors, aliases and merge keys, explicit tags, a key given twice,
 * numbers with leading zeros, infinities, NUL. Plain true/false (also True, TRUE) are the only
 * booleans: yes, no, on and off are strings. Quoted scalars are always strings.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/codec/doc/doc.h"

#define DOC_YAML_TEXT_MAX (8u << 20)

/* Everything in *out lives in the arena. ERR_SYNTAX or ERR_LIMIT, with *error filled in. */
MUST_USE enum err doc_yaml_parse(struct slice text, struct arena *arena, struct doc_list *out,
                                 struct doc_error *error);
