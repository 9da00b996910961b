/* HTTPRoute (Gateway API): which request goes where.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/http_route_filter.h"
#include "policies/kinds/http_route_match.h"
#include "policies/kinds/route.h"
#include "policies/kinds/session_persistence.h"

struct http_route_timeouts { /* milliseconds; SCHEMA_UNSET: not said; 0: none */
    int64_t request, backend_request;
};

struct http_route_retry {
    struct schema_list codes; /* int64_t */
    int64_t attempts;         /* SCHEMA_UNSET: not said */
    int64_t backoff;          /* milliseconds; SCHEMA_UNSET: not said */
};

struct http_route_rule {
    struct slice name;
    struct schema_list matches;  /* struct http_route_match; none: everything */
    struct schema_list filters;  /* struct http_route_filter */
    struct schema_list backends; /* struct route_backend */
    struct http_route_timeouts *timeouts;
    struct http_route_retry *retry;
    struct session_persistence *session;
    unsigned line;
};

/* What the rules of a route must have in common; for the check of its spec. */
void http_route_check_spec(struct schema_run *run, const struct doc *node, void *value);
