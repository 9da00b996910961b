/* Which route takes a request, and why the ones before it do not.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/proto/config.pb-c.h"
#include "weftctl/asked.h"

struct explain_tried {
    const char *route;
    struct slice why; /* it is not this one */
};

struct explain_route {
    const char *host;                     /* of the virtual host; NULL: none is for this host */
    const Weft__Config__V1__Route *route; /* NULL: no route */
    struct slice why;                     /* what of it matched, in words */
    struct explain_tried *tried;
    size_t tried_count;
    bool is_preflight; /* of CORS: it is matched as the request that it announces */
};

/* All memory is the arena's. */
void explain_route_find(struct arena *arena, Weft__Config__V1__VirtualHost *const *hosts,
                        size_t count, const struct asked *asked, struct explain_route *out);
