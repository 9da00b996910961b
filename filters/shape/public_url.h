/* URLs of a backend, as clients know the place: without hosts of the inside, below another prefix.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/arena.h"

/* Immutable. Prefixes without a slash at the end: "/" is "". */
struct public_url {
    struct slice public_prefix, backend_prefix;
    const struct slice *hosts; /* lower case; "*.svc" is every name below it */
    uint32_t host_count;
};

/* Is the host (without a port) the one that the backend was asked for (with or without one), or one
 * of the list? */
bool public_url_is_inner(const struct public_url *m, struct slice asked, struct slice host);
/* Of an absolute path, with what follows it. What lies below the public prefix already, and not
 * below the backend's, stays. */
struct slice public_url_path(const struct public_url *m, struct arena *a, struct slice path);
/* Of a URL, or a path. At a host of the inside it becomes a path; elsewhere it stays. */
struct slice public_url_make(const struct public_url *m, struct arena *a, struct slice asked,
                             struct slice url);
