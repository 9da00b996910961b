/* Whole small files: read with a limit, replaced atomically, listed. Blocking, so for control
 * threads and tools only, never on a worker. Must not know what the files hold.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

/* NUL-terminated (the NUL is not counted), mem_free it. ERR_LIMIT above max bytes. */
MUST_USE enum err file_read(const char *path, size_t max, char **data, size_t *len);
/* Written beside it, fsynced, renamed into place: never half a file. mode as for open(2). */
MUST_USE enum err file_write_atomic(const char *path, const void *data, size_t len, int mode);
MUST_USE enum err file_make_dirs(const char *path, int mode);
/* Calls back for each regular file (symlinks followed; a link to nothing counts, so that whoever
 * reads it finds out) whose name ends in one of the NULL-terminated suffixes, in byte order of the
 * names; dot files are skipped. */
MUST_USE enum err file_list(const char *dir, const char *const *suffixes,
                            void (*each)(void *owner, const char *path), void *owner);
/* Is there such a name, be it a link to nothing? */
bool file_has_name(const char *path);
/* It is there, and no folder. */
bool file_is_plain(const char *path);
/* True when group or others may read it. */
bool file_is_exposed(const char *path);
/* True when everybody may read it. (What is mounted into a pod is often its group's to read.) */
bool file_is_public(const char *path);
