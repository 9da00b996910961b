/* What an ExtensionRef of a route leads to, and why to nothing. What is compiled and what status
 * says are both read from here. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/http_filter.h"
#include "policies/kinds/http_route_filter.h"
#include "policies/store/policy_index.h"

enum filter_ref_fault {
    FILTER_REF_OK,
    FILTER_REF_UNKNOWN_KIND,
    FILTER_REF_MISSING,    /* there is no HTTPFilter of that name in the route's namespace */
    FILTER_REF_UNREADABLE, /* it is not valid, and never was */
};

/* *out is set with FILTER_REF_OK. */
enum filter_ref_fault filter_ref_resolve(const struct policy_set *set, const struct object *route,
                                         const struct http_route_extension *ref,
                                         const struct http_filter **out);
/* Why it leads nowhere, in the arena. */
struct slice filter_ref_explain(struct arena *arena, const struct policy_set *set,
                                const struct object *route, const struct http_route_extension *ref,
                                enum filter_ref_fault fault);
/* The target of that kind and name, in the filter's namespace, is there, and has the section.
 * False: *why says what is not, in the arena. */
bool filter_ref_target_is_there(const struct policy_set *set, const struct http_filter *filter,
                                const struct policy_target *target, struct arena *arena,
                                struct slice *why);
