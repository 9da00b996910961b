/* The objects that a verb looks at: those of a folder, or those of a cluster as they are now.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_set.h"

struct world_source {
    const char *folder;     /* NULL: the cluster */
    const char *kubeconfig; /* NULL: the usual place */
};

struct world;

/* NULL, and everything that is wrong on stderr. Warnings go there too. */
struct world *world_open(const struct world_source *source);
void world_close(struct world *w);
const struct policy_set *world_set(struct world *w);
/* Where names without a namespace are: that of the kubeconfig's context; "default" in a folder. */
const char *world_namespace(const struct world *w);
