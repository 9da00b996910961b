/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/caller.h"

#include "filters/filter.h"

struct filter_caller *filter_caller_set(struct filter_exchange *x, const char *method)
{
    struct filter_caller *c = arena_zalloc(x->arena, sizeof(*c));
    c->method = method;
    x->caller = c;
    return c;
}

bool filter_caller_has_group(const struct filter_caller *c, struct slice group)
{
    for (size_t i = 0; i < c->group_count; i++)
        if (slice_eq(c->groups[i], group))
            return true;
    return false;
}
