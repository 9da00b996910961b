/* All documents of one moment, parsed, checked and indexed by kind, namespace and name.
 * Immutable after policy_set_finish. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/schema/diag.h"

struct policy_set;

struct policy_set *policy_set_create(void);
/* NULL is allowed. */
void policy_set_destroy(struct policy_set *s);
/* Adds every document of one YAML (or JSON) text; `file` is only for messages. Problems go to
 * diags; a file with an error adds nothing (ERR_INVALID). Kinds that are not ours to read are
 * skipped with a warning. Nothing of file and text is kept. */
MUST_USE enum err policy_set_add_text(struct policy_set *s, struct slice file, struct slice text,
                                      struct diag_list *diags);
/* Checks that span objects (duplicates, addresses, references) and builds the indices. An error
 * refuses the whole set (ERR_INVALID). Once; afterwards nothing can be added. */
MUST_USE enum err policy_set_finish(struct policy_set *s, struct diag_list *diags);
/* How many objects were read. */
size_t policy_set_count(const struct policy_set *s);
/* A whole folder is read by folder.h. */
