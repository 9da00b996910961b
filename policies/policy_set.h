/* All documents of one moment, parsed, checked and indexed by kind, namespace and name. Immutable after
 * policy_set_finish. Control thread. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "policies/diag.h"

struct policy_set;

struct policy_set *policy_set_create(void);
void policy_set_destroy(struct policy_set *s);
/* Adds every document of one YAML (or JSON) text; `file` is only for messages. Problems go to diags; a file with an
 * error adds nothing (ERR_INVALID). Kinds that are not ours to read are skipped with a warning. */
MUST_USE enum err policy_set_add_text(struct policy_set *s, struct slice file, struct slice text,
                                      struct diag_list *diags);
/* Checks that span objects (duplicates, references); errors refuse the whole set. */
MUST_USE enum err policy_set_finish(struct policy_set *s, struct diag_list *diags);
/* All *.yaml, *.yml, *.json of a folder, in name order, then finish. On any error: ERR_INVALID and *out is NULL. The
 * caller reads the files: `read` is given the directory by whoever may do I/O. */
