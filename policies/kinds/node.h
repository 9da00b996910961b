/* Node (core/v1): its label says in which zone its pods are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

#define NODE_ZONE_LABEL "topology.kubernetes.io/zone"

struct node {
    struct object object;
};
