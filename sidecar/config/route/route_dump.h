/* Routes as JSON, for people who look into a running sidecar. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/json_write.h"
#include "sidecar/config/snapshot.h"

/* An array of {"hosts": …, "routes": […]}; NULL: an empty one. */
void route_dump_table(struct json_write *w, const struct route_table *t);
/* {"path": {"prefix": "/a"}}-like, as the value of a key that was written. */
void route_dump_match(struct json_write *w, const struct string_match *m);
/* An array of filter names; NULL: an empty one. */
void route_dump_chain(struct json_write *w, const struct filter_chain *chain);
