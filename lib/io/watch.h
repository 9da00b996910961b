/* Tells when anything in a folder changed (created, written, renamed, removed; one level),
 * gathered over 10 ms so that one save is one call. A folder that is replaced under its name is
 * watched again. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"

struct loop;
struct watch;

typedef void (*watch_fn)(void *owner);

/* ERR_NOT_FOUND; ERR_INVALID when it is no folder; ERR_FILES when inotify has no watch left. */
MUST_USE enum err watch_open(struct loop *l, const char *path, watch_fn on_change, void *owner,
                             struct watch **out);
void watch_close(struct watch *w);
