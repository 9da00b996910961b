/* The objects of a cluster as they are now. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_store.h"

struct world_live;

/* NULL, and why on stderr. */
struct world_live *world_live_open(const char *kubeconfig);
void world_live_close(struct world_live *w);
const struct policy_set *world_live_set(struct world_live *w);
/* Of the kubeconfig's context. */
const char *world_live_namespace(const struct world_live *w);
/* What the set is of; what is not valid is in it as well. */
struct policy_store *world_live_store(struct world_live *w);
/* Some kind could not be listed for want of permission, which was said on stderr. */
bool world_live_is_partial(const struct world_live *w);
