/* Findings that no single object shows, and that neither whoever reads objects nor the compiler
 * has a reason to look for: what overlaps, what matches nobody, what is about to end. Together with
 * the remarks of both they are what `weftctl validate` and `weftctl analyze` tell. Pure: no I/O, no
 * clock. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/finding.h"
#include "policies/store/policy_store.h"

struct analyze_inputs {
    const struct policy_set *set;
    const struct policy_store *store; /* of a cluster: what it refused is told; NULL: a folder */
    int64_t now_ms;                   /* wall clock, for certificates; 0: not looked at */
};

/* Adds to `out`, in which the remarks of reading and compiling the set are already: what one of
 * them says of an object is not said again for its status. Rates all of it. */
void analyze_set(const struct analyze_inputs *in, struct diag_list *out);
