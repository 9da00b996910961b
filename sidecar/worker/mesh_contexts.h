/* A certificate as the TLS contexts that a workload speaks to the mesh with. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/identity/identity_material.h"
#include "sidecar/worker/mesh_identity.h"

/* One server context and one client context per ALPN name. They are tried on each other first: a
 * certificate that does not chain to the roots, or that peers would refuse for another reason, is
 * refused here, with the sentence they would log. */
MUST_USE enum err mesh_contexts_make(uint64_t generation, const struct identity_material *m,
                                     const char *trust_domain, const char *spiffe_id,
                                     struct mesh_identity **out, char detail[TLS_DETAIL_MAX]);
