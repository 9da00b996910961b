/* Compiling GatewayPort messages: listeners and whose names they are, routes.
 * Control thread. Must not know which clusters there are, nor how connections arrive.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/gateway_core.h"

#include <strings.h>

#include "filters/authz.h"
#include "filters/prepare.h"
#include "lib/base/mem.h"
#include "sidecar/config/client_conf.h"
#include "sidecar/config/filter_part.h"
#include "sidecar/config/gateway_tls.h"

#define HTTPS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS
#define TLS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS

enum { LISTENERS_MAX = 4096 };

/* ---- listeners ---- */

static enum err check_protocol(const struct part_build *b,
                               const Weft__Config__V1__GatewayPort *port,
                               const Weft__Config__V1__GatewayListener *listener)
{
    bool both_tls = (port->protocol == HTTPS || port->protocol == TLS) &&
                    (listener->protocol == HTTPS || listener->protocol == TLS);
    if (both_tls || port->protocol == listener->protocol)
        return ERR_OK;
    return part_refuse(b, "listener %s does not speak what its port speaks", listener->name);
}

/* A certificate says by the listener's host name whose it is. */
static bool has_certificate(const Weft__Config__V1__GatewayPort *port,
                            const Weft__Config__V1__GatewayListener *listener)
{
    const char *name = listener->hostname[0] ? listener->hostname : "*";
    for (size_t i = 0; i < port->n_certificates; i++)
        for (size_t j = 0; j < port->certificates[i]->n_names; j++)
            if (strcasecmp(port->certificates[i]->names[j], name) == 0)
                return true;
    return false;
}

/* Which listener a name belongs to; "": one that takes every name. Of two for one name the first
 * has it. */
static enum err add_name(const struct part_build *b, struct route_hosts *names,
                         const Weft__Config__V1__GatewayListener *from, uint32_t index)
{
    const char *name = from->hostname[0] ? from->hostname : "*";
    struct route_range range = {index, 1};
    enum err e = route_hosts_add(names, &b->part->arena, part_text_lower(b->part, name), range);
    if (e && e != ERR_EXISTS)
        return part_refuse(b, "listener %s: \"%s\" is not a host name", from->name, from->hostname);
    return ERR_OK;
}

static enum err take_listeners(const struct part_build *b,
                               const Weft__Config__V1__GatewayPort *from,
                               const struct gateway_conf *before, struct routed_core *to)
{
    size_t count = from->n_listeners;
    if (count > LISTENERS_MAX)
        return part_refuse(b, "more than %d listeners on one port", LISTENERS_MAX);
    struct gateway_listener_conf *listeners = part_array(b->part, count, sizeof(*listeners));
    struct route_hosts *names = part_array(b->part, 1, sizeof(*names));
    lookup_init(&names->exact, &b->part->arena, count);
    lookup_init(&names->suffixes, &b->part->arena, count);
    to->gateway.listeners = listeners;
    for (size_t i = 0; i < count; i++) {
        const Weft__Config__V1__GatewayListener *l = from->listeners[i];
        const struct client_conf *clients;
        enum err e = check_protocol(b, from, l);
        if (!e)
            e = add_name(b, names, l, (uint32_t)i);
        if (!e)
            e = client_conf_create(b, l->client_traffic, &clients);
        if (e)
            return e;
        listeners[i] = (struct gateway_listener_conf){
            .name = part_text(b->part, l->name),
            .protocol = l->protocol,
            .is_passthrough = l->passthrough,
            .has_certificate = has_certificate(from, l),
            .streams = &to->plan.streams[i],
            .clients = clients,
        };
        to->gateway.listener_count = (uint32_t)i + 1;
        e = gateway_tls_listener(b, from, l, before, &listeners[i]);
        if (e)
            return e;
    }
    bool is_tls = from->protocol == HTTPS || from->protocol == TLS;
    bool is_plain = count == 1 && names->has_any && listeners[0].protocol == HTTPS;
    if (count && is_tls && !is_plain)
        to->gateway.by_name = names;
    return ERR_OK;
}

/* ---- how much of it is in use ---- */

struct port_usage *port_usage_ref(struct port_usage *u)
{
    atomic_fetch_add_explicit(&u->refs, 1, memory_order_relaxed);
    return u;
}

void port_usage_unref(struct port_usage *u)
{
    if (u && atomic_fetch_sub_explicit(&u->refs, 1, memory_order_acq_rel) == 1)
        mem_free(u);
}

static void give_back_usage(void *usage)
{
    port_usage_unref(usage);
}

/* The connections of the core that this one replaces are this one's. */
static void take_usage(const struct part_build *b, const struct routed_core *before,
                       struct gateway_conf *to)
{
    if (before) {
        to->usage = port_usage_ref(before->gateway.usage);
    } else {
        to->usage = mem_zalloc(sizeof(*to->usage));
        atomic_init(&to->usage->refs, 1);
    }
    part_keep(b->part, to->usage, give_back_usage);
}

/* ---- the port ---- */

/* What it may leave undecided is decided once more, in the chains of the routes. */
static enum err take_authorization(const struct part_build *b,
                                   const Weft__Config__V1__Filter *from, struct gateway_conf *to)
{
    const void *authz;
    enum err e = filter_part_inline(b, from, &to->chain, &authz);
    if (e)
        return e;
    to->authz = authz;
    const struct authz *late = authz_late(&b->part->arena, authz);
    if (!late)
        return ERR_OK;
    struct filter_entry entry = to->chain->entries[0];
    entry.conf = late;
    return filter_chain_make(&b->part->arena, &entry, 1, &to->late);
}

static enum err take_gateway(const struct part_build *b, const Weft__Config__V1__GatewayPort *from,
                             const struct routed_core *before, struct routed_core *to)
{
    struct route_plan_source routes = {
        .hosts = from->virtual_hosts,
        .host_count = from->n_virtual_hosts,
        .listeners = from->listeners,
        .listener_count = from->n_listeners,
        .default_cluster = "",
        .unrouted_filters = from->unrouted_filters,
        .unrouted_count = from->n_unrouted_filters,
        .port = (uint16_t)from->port,
        .guard_filters = from->filters,
        .guard_filter_count = from->n_filters,
    };
    if (from->port == 0 || from->port > UINT16_MAX)
        return part_refuse(b, "%u is not a port", from->port);
    to->gateway.name = part_text(b->part, from->name);
    to->gateway.port = (uint16_t)from->port;
    to->gateway.protocol = from->protocol;
    take_usage(b, before, &to->gateway);
    enum err e = take_authorization(b, from->authorization, &to->gateway);
    if (e)
        return e;
    e = client_conf_create(b, from->client_traffic, &to->gateway.clients);
    if (e)
        return e;
    routes.route_own = to->gateway.late;
    routes.guard_own = to->gateway.chain;
    e = route_plan_create(b, &routes, &to->plan);
    if (!e)
        e = take_listeners(b, from, before ? &before->gateway : NULL, to);
    return e ? e : gateway_tls_port(b, from, before, to);
}

enum err gateway_core_create(const Weft__Config__V1__Resource *resource,
                             const struct routed_core *before, char *detail,
                             struct routed_core **out)
{
    struct routed_core *c = routed_core_create(true);
    struct part_build b = {&c->part, slice_from_cstr(resource->name), detail};
    enum err e = take_gateway(&b, resource->gateway, before, c);
    if (e)
        routed_core_unref(c);
    else
        *out = c;
    return e;
}
