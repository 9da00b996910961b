/* The algebra of host names in the Gateway API. Pure; any thread. Must not know of listeners and
 * routes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/gateway_host.h"

static bool is_any(struct slice host)
{
    return slice_is_empty(host) || slice_eq_cstr(host, "*");
}

static bool is_wild(struct slice host)
{
    return slice_starts_with(host, SLICE("*."));
}

bool gateway_host_covers(struct slice wide, struct slice narrow)
{
    if (is_any(wide))
        return true;
    if (is_any(narrow))
        return false;
    if (!is_wild(wide))
        return slice_eq(wide, narrow);
    struct slice suffix = slice_sub(wide, 1, wide.len);
    struct slice body = is_wild(narrow) ? slice_sub(narrow, 1, narrow.len) : narrow;
    /* "*.a.b" stands for "x.a.b" and not for "a.b". */
    return slice_ends_with(body, suffix) && (is_wild(narrow) || body.len > suffix.len);
}

bool gateway_host_is_narrower(struct slice a, struct slice b)
{
    if (is_any(a) || is_any(b))
        return !is_any(a) && is_any(b);
    if (is_wild(a) != is_wild(b))
        return is_wild(b);
    return is_wild(a) && a.len > b.len;
}

bool gateway_host_intersect(struct slice listener, struct slice route, struct slice *out)
{
    if (gateway_host_covers(listener, route))
        *out = is_any(route) ? SLICE("*") : route;
    else if (gateway_host_covers(route, listener))
        *out = listener;
    else
        return false;
    return true;
}
