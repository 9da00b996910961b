/* A .tar.gz that is written file by file.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

struct archive;

/* For its owner only (mode 0600); never over a file that is there. NULL, and a message on stderr.
 * folder: what every name begins with. */
struct archive *archive_create(const char *path, const char *folder);
void archive_add(struct archive *a, const char *name, struct slice text);
/* False, and a message on stderr: it could not be written. */
bool archive_close(struct archive *a);
