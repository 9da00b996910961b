/* The objects of a cluster as they are now. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policy_set.h"

struct world_live;

/* NULL, and why on stderr. */
struct world_live *world_live_open(const char *kubeconfig);
void world_live_close(struct world_live *w);
const struct policy_set *world_live_set(struct world_live *w);
/* Of the kubeconfig's context. */
const char *world_live_namespace(const struct world_live *w);
