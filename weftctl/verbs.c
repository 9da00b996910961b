/* The table of verbs, from verbs.def. Main thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/verbs.h"

const struct verb verbs_all[] = {
#define VERB(run, name, what, options) {name, what, run, options},
#include "weftctl/verbs.def"
#undef VERB
};

const size_t verbs_count = sizeof(verbs_all) / sizeof(verbs_all[0]);
