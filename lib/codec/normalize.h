/* The path that policies and routes are matched on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/slice.h"

/* path: without query. Fast when there is nothing to do (returns the same bytes). Empty: ambiguous,
 * refuse. */
struct slice normalize_path(struct arena *arena, struct slice path);
