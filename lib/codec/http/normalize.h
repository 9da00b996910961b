/* The path that policies and routes are matched on.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

#define NORMALIZE_READINGS_MAX 13

/* What else the next hop may take a path for. */
struct normalize_readings {
    struct slice paths[NORMALIZE_READINGS_MAX];
    uint32_t count;
};

/* path: without query. Fast when there is nothing to do (returns the same bytes). Empty: ambiguous,
 * refuse. */
struct slice normalize_path(struct arena *arena, struct slice path);
/* As normalize_path. *others is NULL for nearly every path; else it holds the further readings of a
 * path that programs in use understand in different ways: encoded twice or thrice, with encoded or
 * backward slashes that are or are no separators, with blanks and dots at the end of a segment that
 * some file systems drop, with an empty first segment, behind which some URL parsers expect a host.
 * A rule on paths holds when it holds for all of them, and fails to hold when it holds for none. */
struct slice normalize_path_readings(struct arena *arena, struct slice path,
                                     const struct normalize_readings **others);
