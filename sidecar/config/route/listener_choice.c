/* Choosing among the listeners that share a port.
 * Pure; any thread. Must not know what a connection carries.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route/listener_choice.h"

#include "sidecar/config/route/route_hosts.h"

const struct gateway_listener_conf *listener_choice_by_name(const struct gateway_conf *g,
                                                            struct slice name)
{
    struct route_range found;
    return route_hosts_find(g->by_name, name, &found) ? &g->listeners[found.first] : NULL;
}

const struct route_conf *listener_choice_stream(const struct gateway_conf *g,
                                                const struct gateway_listener_conf *listener,
                                                struct slice name)
{
    struct route_range found;
    if (!listener->streams || !route_hosts_find(listener->streams, name, &found))
        return NULL;
    return &g->routes->routes[found.first];
}

bool listener_choice_is_misdirected(const struct gateway_conf *g, struct slice sni,
                                    struct slice host)
{
    if (!g->by_name || g->listener_count < 2)
        return false;
    return listener_choice_by_name(g, sni) != listener_choice_by_name(g, host);
}
