/* The table of foreign kinds, and slips of the keyboard in names of our own. Pure; any thread. Must
 * not know what is said about them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/foreign.h"

#include "lib/base/similar.h"

static const struct foreign all[] = {
#define FOREIGN(group, kind, protects, instead) {group, kind, protects, instead},
#include "policies/store/foreign.def"
#undef FOREIGN
};

const struct foreign *foreign_find(struct slice group, struct slice kind)
{
    const struct foreign *of_group = NULL;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!slice_eq_cstr(group, all[i].group))
            continue;
        if (slice_eq_cstr(kind, all[i].kind))
            return &all[i];
        if (!*all[i].kind)
            of_group = &all[i];
    }
    return of_group;
}

const struct kind *foreign_nearest(struct slice name)
{
    const struct kind *found = NULL;
    struct similar near = similar_to(name);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        unsigned before = near.distance;
        similar_try(&near, slice_from_cstr(kind_all[i]->name));
        if (near.distance < before)
            found = kind_all[i];
    }
    return found;
}
