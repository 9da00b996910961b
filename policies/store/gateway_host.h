/* Host names of listeners and routes, with "*." wildcards that stand for one or more labels, and
 * the empty name for any host. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

/* Every host that `narrow` (a name, a wildcard, "*" or empty) stands for is one that `wide` stands
 * for. */
bool gateway_host_covers(struct slice wide, struct slice narrow);
/* a is more specific than b: a name before wildcards, a longer wildcard before a shorter, all
 * before any. */
bool gateway_host_is_narrower(struct slice a, struct slice b);
/* What both stand for, "*" when that is everything. False: nothing. */
bool gateway_host_intersect(struct slice listener, struct slice route, struct slice *out);
