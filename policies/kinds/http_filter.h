/* HTTPFilter (policy.weft.dev): one filter of filters/filters.def, and what it is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"
#include "policies/kinds/kind.h"
#include "policies/kinds/policy_target.h"

/* How many filters there are to choose from. */
enum {
#define FILTER(symbol) HTTP_FILTER_##symbol,
#define ROUTE_FILTER(symbol)
#include "filters/filters.def"
#undef FILTER
    HTTP_FILTER_COUNT
};

extern const struct filter *const http_filter_all[HTTP_FILTER_COUNT];

struct http_filter_spec {
    struct schema_list targets;             /* struct policy_target */
    const void *filters[HTTP_FILTER_COUNT]; /* as http_filter_all; one of them is not NULL */
};

struct http_filter {
    struct object object;
    struct http_filter_spec spec;
};

/* Which filter it is, and its specification (of filter->spec). Never NULL. */
const struct filter *http_filter_chosen(const struct http_filter *o, const void **spec);
