/* Whether a data plane would take a configuration: its own builder says so, in programs that have
 * no data plane. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_set.h"
#include "sidecar/config/snapshot.h"

/* Builds it and throws it away. Each resource that cannot be built is told; returns how many. */
unsigned fit_check(const Weft__Config__V1__Configuration *c, snapshot_refused_fn refused,
                   void *owner);
/* The same of one resource by itself: what it refers to is not looked at, and of a backend's TLS,
 * which refuses nothing, no context is made. */
unsigned fit_check_resource(Weft__Config__V1__Resource *r, snapshot_refused_fn refused,
                            void *owner);
/* The same for every data plane that a finished set could have: each Gateway, each pod, and a
 * workload of each namespace. What is refused is an error in diags, once. notes: what the compiler
 * remarks on the way, each once; may be NULL, or diags. */
unsigned fit_check_set(const struct policy_set *set, struct diag_list *diags,
                       struct diag_list *notes);
