/* Compiling Destination messages, and the start of every core.
 * Control thread. Must not know which clusters there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "sidecar/config/routed.h"
#include "lib/codec/http/host.h"

struct routed_core *routed_core_create(bool is_gateway)
{
    struct routed_core *c = mem_zalloc(sizeof(*c));
    atomic_init(&c->refs, 1);
    part_init(&c->part);
    c->is_gateway = is_gateway;
    return c;
}

static enum err take_addresses(const struct part_build *b,
                               const Weft__Config__V1__Destination *from, struct routed_core *to)
{
    struct addr *addresses = part_array(b->part, from->n_addresses, sizeof(*addresses));
    to->addresses = addresses;
    to->address_count = (uint32_t)from->n_addresses;
    for (size_t i = 0; i < from->n_addresses; i++) {
        if (addr_parse(slice_from_cstr(from->addresses[i]), &addresses[i]) || !addresses[i].port)
            return part_refuse(b, "\"%s\" is not an address with a port", from->addresses[i]);
    }
    return ERR_OK;
}

static enum err take_hosts(const struct part_build *b, const Weft__Config__V1__Destination *from,
                           struct routed_core *to)
{
    struct slice *hosts = part_array(b->part, from->n_hosts, sizeof(*hosts));
    to->hosts = hosts;
    to->host_count = (uint32_t)from->n_hosts;
    for (size_t i = 0; i < from->n_hosts; i++) {
        hosts[i] = part_text_lower(b->part, from->hosts[i]);
        if (hosts[i].len == 0 || hosts[i].len > HOST_MAX)
            return part_refuse(b, "\"%s\" is not a host name", from->hosts[i]);
    }
    return ERR_OK;
}

static enum err take_destination(const struct part_build *b,
                                 const Weft__Config__V1__Destination *from, struct routed_core *to)
{
    struct route_plan_source routes = {
        .hosts = from->virtual_hosts,
        .host_count = from->n_virtual_hosts,
        .default_cluster = from->default_cluster,
        .port = (uint16_t)from->port,
    };
    if (from->port == 0 || from->port > UINT16_MAX)
        return part_refuse(b, "%u is not a port", from->port);
    to->destination = (struct destination_conf){
        .name = part_text(b->part, from->name),
        .port = (uint16_t)from->port,
        .protocol = from->protocol,
    };
    enum err e = take_addresses(b, from, to);
    if (!e)
        e = take_hosts(b, from, to);
    return e ? e : route_plan_create(b, &routes, &to->plan);
}

enum err routed_core_create_destination(const Weft__Config__V1__Resource *resource, char *detail,
                                        struct routed_core **out)
{
    struct routed_core *c = routed_core_create(false);
    struct part_build b = {&c->part, slice_from_cstr(resource->name), detail};
    enum err e = take_destination(&b, resource->destination, c);
    if (e)
        routed_core_unref(c);
    else
        *out = c;
    return e;
}
