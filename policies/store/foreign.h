/* Documents of kinds that we do not read: which are of other products, and what there is instead.
 * Pure; any thread. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"
#include "policies/kinds/kind.h"

struct foreign {
    const char *group, *kind; /* kind "": every other one of the group */
    bool protects;            /* without it somebody is less safe */
    const char *instead;      /* what Weft has for the same purpose */
};

/* NULL: nothing is known of it. */
const struct foreign *foreign_find(struct slice group, struct slice kind);
/* The kind whose name that is, or almost, whatever its group; NULL: none. */
const struct kind *foreign_nearest(struct slice name);
