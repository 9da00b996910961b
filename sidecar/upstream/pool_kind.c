/* Which kind of connection a request needs. Worker thread; keeps nothing. Must not know which
 * connections there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/pool.h"

enum pool_kind pool_kind_for(const struct endpoint *e, const struct message *request,
                             enum http_version version)
{
    /* Upgrades, and HTTP/1.0 without a Host, cannot be said in HTTP/2. */
    bool needs_h1 = message_may_switch(request) || slice_is_empty(request->authority);
    bool is_declared = e->owner->protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1;
    if (endpoint_is_mesh_hop(e))
        return needs_h1 ? POOL_MESH_H1 : POOL_MESH_H2;
    if (version == HTTP_2 && !needs_h1)
        return POOL_H2;
    return e->owner->tls && !needs_h1 && !is_declared ? POOL_EITHER : POOL_H1;
}
