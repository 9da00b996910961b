/* A known workload by address: one block, one part.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/snapshot.h"

struct workload_part {
    _Atomic uint32_t refs;
    struct workload_conf conf;
    char texts[];
};

MUST_USE enum err workload_part_create(const Weft__Config__V1__Resource *resource, char *detail,
                                       struct workload_part **out);
struct workload_part *workload_part_ref(struct workload_part *p);
/* NULL is allowed. */
void workload_part_unref(struct workload_part *p);
