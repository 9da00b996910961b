/* The configuration in force, on disk, so that a data plane that restarts while nobody can tell it
 * anything serves what it served. Control thread; blocks on files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/err.h"
#include "policies/proto/config.pb-c.h"

/* A packed Configuration. What fails is said in the log. path NULL: nothing is kept. */
void last_good_keep(const char *path, const void *packed, size_t len);
/* Free it with weft__config__v1__configuration__free_unpacked. ERR_NOT_FOUND also for path NULL. */
MUST_USE enum err last_good_load(const char *path, Weft__Config__V1__Configuration **out);
