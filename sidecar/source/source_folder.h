/* Configuration from a folder of YAML: loads, checks, compiles, builds a snapshot and hands it on,
 * again after every change. A folder that cannot be used changes nothing but the log and a
 * counter. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/control/settings.h"

struct loop;
struct source_folder;

/* The snapshot is the receiver's to unref. */
typedef void (*source_publish_fn)(void *owner, struct snapshot *s);

/* Loads at once (publishing before it returns) and then watches. When the folder is unusable at the
 * start, what was last in force is taken from settings->last_good_file; when there is none, an
 * error: a data plane that knows nothing must not look ready. */
MUST_USE enum err source_folder_open(struct loop *l, const struct settings *settings,
                                     source_publish_fn publish, void *owner,
                                     struct source_folder **out);
void source_folder_close(struct source_folder *f);
/* Looks again now (SIGHUP). */
void source_folder_reload(struct source_folder *f);
/* The configuration's filters forget responses (filters/keep.h); how many. */
unsigned source_folder_purge(struct source_folder *f, const struct filter_purge *what);
uint64_t source_folder_rejected(const struct source_folder *f);
