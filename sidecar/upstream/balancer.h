/* Which endpoint of a cluster gets the next attempt. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/upstream/cluster.h"

#define BALANCER_TRIED_MAX 4

/* `tried`: endpoints that earlier attempts of this request used, avoided while there is another.
 * NULL when no endpoint is ready. Ejected endpoints are used only when every ready one is ejected.
 */
struct endpoint *balancer_pick(struct cluster *c, struct endpoint *const *tried,
                               unsigned tried_count);
