/* How a rewrite or a redirect changes the path (Gateway API HTTPPathModifier). The query stays.
 * Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "lib/base/slice.h"

enum path_modifier_kind { PATH_KEEP, PATH_REPLACE_FULL, PATH_REPLACE_PREFIX };

struct path_modifier {
    enum path_modifier_kind kind;
    struct slice value;  /* the new path, or what stands instead of the prefix; that may be empty */
    struct slice prefix; /* PATH_REPLACE_PREFIX: what the route matched */
};

/* target: the path with query as sent; match_path: its canonical form. What follows the prefix is
 * passed on as it was sent, unless dot segments in it could lead out of the new prefix: then in
 * canonical form. */
struct slice path_modifier_apply(const struct path_modifier *m, struct arena *arena,
                                 struct slice target, struct slice match_path);
