/* A folder of YAML as the world, read again whenever it changes. On the loop's thread; blocking
 * while it reads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "policies/policyd/world.h"

struct feed_folder;

/* An error only when the folder cannot be watched; one that is not valid is waited for. */
MUST_USE enum err feed_folder_open(struct loop *l, const char *dir, struct world *world,
                                   struct feed_folder **out);
void feed_folder_close(struct feed_folder *f);
