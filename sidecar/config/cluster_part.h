/* A cluster as one part: its settings and its endpoints. Built on the control thread, shared by
 * snapshots and workers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/config/stable_ids.h"

struct cluster_part {
    struct part part;
    struct cluster_slot *slot;
    struct cluster_conf conf; /* its refs count for the whole */
};

/* As users write it: "PeakEWMA". */
const char *cluster_part_lb_name(enum lb_id lb);
/* before: the cluster of that name that this one replaces, or NULL. The caller gets the first
 * reference (cluster_conf_unref). */
MUST_USE enum err cluster_part_create(struct stable_ids *ids,
                                      const Weft__Config__V1__Resource *resource,
                                      const struct cluster_conf *before, char *detail,
                                      const struct cluster_conf **out);
