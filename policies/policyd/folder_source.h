/* A folder of YAML as the world, read again whenever it changes. On the loop's thread; blocking
 * while it reads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "policies/policyd/object_store.h"

struct folder_source;

/* An error only when the folder cannot be watched; one that is not valid is waited for. */
MUST_USE enum err folder_source_open(struct loop *l, const char *dir, struct object_store *world,
                                     struct folder_source **out);
void folder_source_close(struct folder_source *f);
