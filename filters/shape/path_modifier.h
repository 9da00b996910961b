/* How a rewrite or a redirect changes the path (Gateway API HTTPPathModifier). The query stays.
 * What users write and what is made of it are the control thread's; apply is the worker's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

enum path_modifier_replace { PATH_MODIFIER_FULL, PATH_MODIFIER_PREFIX };

struct path_modifier_spec {
    int type;                  /* enum path_modifier_replace */
    struct slice full, prefix; /* the one of the type has a ptr */
};

extern const struct schema path_modifier_schema; /* of struct path_modifier_spec */

enum path_modifier_kind { PATH_KEEP, PATH_REPLACE_FULL, PATH_REPLACE_PREFIX };

struct path_modifier {
    enum path_modifier_kind kind;
    struct slice value; /* the new path, or what stands instead of the prefix; that may be empty */
};

/* spec may be NULL: PATH_KEEP. The texts are the spec's. */
struct path_modifier path_modifier_of(const struct path_modifier_spec *spec);
/* " path /a… to /b…"; empty for PATH_KEEP. prefix: what the route matches. */
struct slice path_modifier_describe(struct arena *arena, const struct path_modifier *m,
                                    struct slice prefix);

/* target: a path with its query, as sent; the prefix and the canonical form of the path are the
 * exchange's. What follows the prefix is passed on as it was sent, unless dot segments in it could
 * lead out of the new prefix: then in canonical form. */
struct slice path_modifier_apply(const struct path_modifier *m, const struct filter_exchange *x,
                                 struct slice target);
