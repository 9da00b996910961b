/* Credentials in the query of a request's path: finding them, and taking them out. Names and values
 * are compared decoded, as a form is (WHATWG URL §5.1), since the backend will read them so.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"

struct credential_query {
    struct slice value; /* of the first, decoded, in the arena */
    unsigned count;     /* of parameters with one of the names, empty ones too */
};

/* Does the parameter "name=value" have one of the names? */
bool credential_query_is_named(struct arena *arena, struct slice pair, const struct slice *names,
                               size_t count);
/* Adds what is there to *found. */
void credential_query_find(struct arena *arena, struct slice path, const struct slice *names,
                           size_t name_count, struct credential_query *found);
/* The path without them; the same bytes when there are none. */
struct slice credential_query_remove(struct arena *arena, struct slice path,
                                     const struct slice *names, size_t name_count);
