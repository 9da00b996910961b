/* What holds for the whole mesh, compiled from the MeshSettings message. Control thread makes it;
 * the last reference may go on any.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"

struct mesh_part {
    _Atomic uint32_t refs;
    struct part part;
    struct mesh_conf conf;
};

MUST_USE enum err mesh_part_create(const Weft__Config__V1__Resource *resource, char *detail,
                                   struct mesh_part **out);
/* For a configuration that has no settings. */
struct mesh_part *mesh_part_create_default(void);
struct mesh_part *mesh_part_ref(struct mesh_part *p);
/* NULL is allowed. */
void mesh_part_unref(struct mesh_part *p);
