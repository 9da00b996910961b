/* Destination resources: what an app may call, by address and by host, and the routes that the
 * mesh has for it. Control thread. Must not know of endpoints.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr.h"
#include "policies/compile/compile_priv.h"
#include "policies/kinds/endpoint_slice.h"
#include "policies/compile/protocol.h"
#include "policies/kinds/selector.h"

static void add_address(struct compile *c, PB(Destination) * d, struct slice ip, int64_t port)
{
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    if (addr_parse(ip, &addr) || addr.port)
        return;
    addr.port = (uint16_t)port;
    addr_format(&addr, text);
    for (size_t i = 0; i < d->n_addresses; i++)
        if (strcmp(d->addresses[i], text) == 0)
            return;
    PB_PUSH(c, d, addresses, compile_build_text(c, slice_from_cstr(text)));
}

struct external_port {
    struct compile *c;
    PB(Destination) * d;
    const struct service *service;
    int64_t port;
};

static void add_external(void *owner, struct slice ip)
{
    struct external_port *x = owner;
    struct addr addr;
    if (addr_parse(ip, &addr) || addr.port)
        return;
    addr.port = (uint16_t)x->port;
    if (policy_addresses_external(x->c->set, &addr) == x->service)
        add_address(x->c, x->d, ip, x->port);
}

static void add_addresses(struct compile *c, PB(Destination) * d, const struct service *s,
                          const struct service_port *port)
{
    struct external_port x = {c, d, s, port->port};
    if (service_is_headless(s))
        return;
    add_address(c, d, s->spec.cluster_ip, port->port);
    for (SCHEMA_EACH(s->spec.cluster_ips, struct slice, ip))
        add_address(c, d, *ip, port->port);
    service_each_external(s, add_external, &x);
}

static void add_names(struct compile *c, PB(Destination) * d, const struct service *s)
{
    static const char *const suffixes[] = {".svc", ""};
    const struct metadata *meta = &s->object.meta;
    PB_PUSH(c, d, hosts, compile_build_service(c, s));
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
        PB_PUSH(c, d, hosts,
                compile_build_format(c, "%.*s.%.*s%s", SLICE_ARG(meta->name),
                                     SLICE_ARG(meta->namespace_name), suffixes[i]));
    /* The resolver completes it within the client's own namespace only. */
    if (slice_eq(meta->namespace_name, c->target.namespace_name))
        PB_PUSH(c, d, hosts, compile_build_text(c, meta->name));
}

const struct route_parent *compile_destinations_parent(const struct route *route,
                                                       const struct service *s,
                                                       const struct service_port *port)
{
    const struct metadata *meta = &s->object.meta;
    for (SCHEMA_EACH(route->spec.parents, struct route_parent, p)) {
        struct slice ns =
            p->namespace_name.ptr ? p->namespace_name : route->object.meta.namespace_name;
        if (route_parent_is_service(p) && slice_eq(p->name, meta->name) &&
            slice_eq(ns, meta->namespace_name) && (!p->port || p->port == port->port) &&
            (!p->section.len || slice_eq(p->section, port->name)))
            return p;
    }
    return NULL;
}

static void note_unused(struct compile *c, const struct route *route,
                        const struct route_parent *parent, const char *why)
{
    compile_build_note(c, &route->object, parent->line, "spec.parentRefs", FINDING_PARENT_REFUSED,
                       "%s", why);
}

/* Routes of one namespace and kind for this port. hidden: others are in force, and these not. */
static void collect_routes(struct compile *c, const struct service *s,
                           const struct service_port *port, PB(Protocol) protocol,
                           struct slice namespace_name, enum kind_id kind, bool hidden,
                           struct compile_routes *to)
{
    const struct metadata *meta = &s->object.meta;
    const struct object_list *routes =
        policy_index_group(c->set, POLICY_GROUP_SERVICE_ROUTES, meta->namespace_name, meta->name);
    for (size_t i = 0; i < routes->count; i++) {
        const struct route *route = POLICY_AT(routes, struct route, i);
        const struct route_parent *parent = compile_destinations_parent(route, s, port);
        if (!parent || route->object.kind->id != kind ||
            !slice_eq(route->object.meta.namespace_name, namespace_name))
            continue;
        if (service_is_headless(s))
            note_unused(c, route, parent,
                        "a headless Service has no address that routes could "
                        "be for: not in force");
        else if (hidden)
            note_unused(c, route, parent, "a GRPCRoute is for the same port: not in force");
        else if (protocol_may_be_http(protocol))
            compile_routes_add(c, to, route, SLICE(""));
        else if (parent->port || parent->section.len)
            note_unused(c, route, parent, "the port is declared not to speak HTTP: not in force");
    }
}

/* GRPCRoutes come instead of HTTPRoutes (GEP-1294). */
static void collect_kinds(struct compile *c, const struct service *s,
                          const struct service_port *port, PB(Protocol) protocol,
                          struct slice namespace_name, struct compile_routes *to)
{
    collect_routes(c, s, port, protocol, namespace_name, KIND_GRPC_ROUTE, false, to);
    collect_routes(c, s, port, protocol, namespace_name, KIND_HTTP_ROUTE, to->count > 0, to);
}

/* Routes of the client's own namespace come instead of those of the Service's (GEP-1294). */
static void add_routes(struct compile *c, PB(Destination) * d, const struct service *s,
                       const struct service_port *port)
{
    struct compile_routes routes = {0};
    struct slice own = c->target.namespace_name, home = s->object.meta.namespace_name;
    if (!slice_eq(own, home))
        collect_kinds(c, s, port, d->protocol, own, &routes);
    if (!routes.count)
        collect_kinds(c, s, port, d->protocol, home, &routes);
    if (!routes.count)
        return;
    struct traffic parent = compile_traffic_of_service(c, s, port);
    PB(VirtualHost) *host = PB_NEW(c, VirtualHost, virtual_host);
    PB_PUSH(c, host, hosts, compile_build_text(c, SLICE("*")));
    compile_routes_emit(c, &routes, &(struct compile_parent){.traffic = &parent}, host);
    PB_PUSH(c, d, virtual_hosts, host);
}

static void emit_port(struct compile *c, const struct service *s, const struct service_port *port)
{
    const struct metadata *meta = &s->object.meta;
    struct protocol_hints hints = {
        port->app_protocol, port->name,
        selector_label(&meta->annotations, SLICE(PROTOCOL_OPAQUE_ANNOTATION))};
    PB(Destination) *d = PB_NEW(c, Destination, destination);
    d->name = compile_build_format(c, "%.*s/%.*s:%d", SLICE_ARG(meta->namespace_name),
                                   SLICE_ARG(meta->name), (int)port->port);
    d->port = (uint32_t)port->port;
    d->protocol = protocol_of_port(&hints, (uint16_t)port->port);
    d->default_cluster = compile_clusters_need(c, s, port, NULL);
    add_addresses(c, d, s, port);
    add_names(c, d, s);
    add_routes(c, d, s, port);
    compile_build_resource(c, compile_build_format(c, "destination/%s", d->name),
                           WEFT__CONFIG__V1__RESOURCE__BODY_DESTINATION, d);
}

void compile_destinations_emit(struct compile *c)
{
    const struct object_list *services = &c->set->all[KIND_SERVICE];
    for (size_t i = 0; i < services->count; i++) {
        const struct service *s = POLICY_AT(services, struct service, i);
        const struct metadata *meta = &s->object.meta;
        if (service_is_external(s))
            continue;
        compile_traffic_note_conflicts(c, policy_index_group(c->set, POLICY_GROUP_SERVICE_TRAFFIC,
                                                             meta->namespace_name, meta->name));
        for (SCHEMA_EACH(s->spec.ports, struct service_port, port))
            if (port->protocol == SERVICE_TCP)
                emit_port(c, s, port);
    }
}

/* Whoever calls an endpoint itself names the endpoint's port, or takes the Service's for it. */
static bool is_port_of(struct compile *c, const struct service *s, const struct service_port *port,
                       uint16_t number)
{
    const struct metadata *meta = &s->object.meta;
    const struct object_list *slices =
        policy_index_group(c->set, POLICY_GROUP_SLICES, meta->namespace_name, meta->name);
    if (port->protocol != SERVICE_TCP || port->port == number)
        return port->protocol == SERVICE_TCP;
    for (size_t i = 0; i < slices->count; i++) {
        const struct endpoint_slice *slice = POLICY_AT(slices, struct endpoint_slice, i);
        for (SCHEMA_EACH(slice->ports, struct endpoint_slice_port, p))
            if (p->protocol == SERVICE_TCP && p->port == number && slice_eq(p->name, port->name))
                return true;
    }
    return false;
}

void compile_destinations_at(struct compile *c, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    struct slice ip = slice_from_cstr(addr_format_ip(addr, text));
    const struct service *s = policy_addresses_service(c->set, ip);
    if (!s)
        s = policy_addresses_external(c->set, addr);
    const struct service_port *port = s ? service_find_port(s, addr->port) : NULL;
    if (port)
        emit_port(c, s, port);
    if (s)
        return;
    const struct object_list *headless =
        policy_index_group(c->set, POLICY_GROUP_HEADLESS, ip, SLICE(""));
    for (size_t i = 0; i < headless->count; i++) {
        s = POLICY_AT(headless, struct service, i);
        bool again = i && headless->items[i - 1] == headless->items[i];
        for (SCHEMA_EACH(s->spec.ports, struct service_port, p))
            if (!again && is_port_of(c, s, p, addr->port))
                emit_port(c, s, p);
    }
}
