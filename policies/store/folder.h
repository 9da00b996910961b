/* A folder of YAML and JSON as a policy set. Control thread; blocking.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_set.h"

/* Reads all *.yaml, *.yml and *.json of the folder (not of folders in it), in the order of their
 * names, and finishes the set. Any error refuses the whole: ERR_INVALID (or the error of reading)
 * with everything that is wrong in diags, and *out is NULL. An empty folder is an empty set. */
MUST_USE enum err folder_load(const char *dir, struct diag_list *diags, struct policy_set **out);
/* Several folders and files as one set; "-" is standard input. */
MUST_USE enum err folder_load_all(const char *const *paths, size_t count, struct diag_list *diags,
                                  struct policy_set **out);
