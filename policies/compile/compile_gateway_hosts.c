/* Virtual hosts of a Gateway's listener: every host that its routes name, each with all routes that
 * could answer for it. Control thread. Must not know how routes are built, nor of other listeners.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_gateway_priv.h"
#include "policies/store/gateway_host.h"

static bool has_host(const PB(GatewayPort) * port, struct slice host)
{
    for (size_t i = 0; i < port->n_virtual_hosts; i++)
        if (slice_eq_cstr(host, port->virtual_hosts[i]->hosts[0]))
            return true;
    return false;
}

/* All routes of the listener whose host covers this one: the narrower ones first, then the others,
 * because a request that no rule of the narrower host matches may still match a rule of a wider
 * one. */
static void add_host(struct compile *c, const struct gateway_model_listener *l, size_t index,
                     struct slice host, PB(GatewayPort) * to)
{
    struct compile_routes routes = {0};
    if (has_host(to, host))
        return;
    for (size_t i = 0; l->is_served && i < l->n_items; i++)
        if (gateway_host_covers(l->items[i].host, host))
            compile_routes_add(c, &routes, l->items[i].route, l->items[i].original);
    const struct object *gateway =
        policy_index_find(c->set, KIND_GATEWAY, c->target.namespace_name, c->target.gateway);
    struct slice name = l->owner == gateway ? l->from->name : SLICE("");
    PB(VirtualHost) *v = PB_NEW(c, VirtualHost, virtual_host);
    v->listener = (uint32_t)index;
    PB_PUSH(c, v, hosts, compile_build_text(c, host));
    compile_routes_emit(c, &routes, &(struct compile_parent){.gateway = gateway, .listener = name},
                        v);
    PB_PUSH(c, to, virtual_hosts, v);
}

void compile_gateway_hosts_add(struct compile *c, const struct gateway_model_listener *l,
                               size_t index, PB(GatewayPort) * to)
{
    for (size_t i = 0; i < l->n_items; i++)
        add_host(c, l, index, l->items[i].host, to);
    /* What the listener is for is nobody else's, also where it has no route: 404. */
    if (l->from->hostname.len)
        add_host(c, l, index, l->from->hostname, to);
}
