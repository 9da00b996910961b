/* GatewayPort resources: the listeners of one Gateway by port, with certificates and virtual
 * hosts. Control thread. Must not know how routes are built.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile_priv.h"
#include "policies/grants.h"
#include "policies/gateway_host.h"
#include "policies/kinds/gateway.h"
#include "policies/kinds/namespace.h"
#include "policies/kinds/secret.h"

/* A route at a listener, for one host. */
struct attachment {
    const struct route *route;
    struct slice host;     /* what both agree on; "*": any */
    struct slice original; /* as the route has it; empty: none */
};

struct listener {
    const struct gateway_listener *from;
    bool usable; /* HTTPS: with a certificate */
    struct attachment *items;
    size_t n_items;
    bool is_done;
};

struct gateway_build {
    struct compile *c;
    const struct gateway *gateway;
    struct listener *listeners;
    size_t count;
};

/* ---- which routes attach ---- */

static bool allows_kind(const struct gateway_listener *l)
{
    for (SCHEMA_EACH(l->allowed.kinds, struct gateway_route_kind, k))
        if (slice_eq_cstr(k->kind, "HTTPRoute") && slice_eq_cstr(k->group, KIND_GROUP_GATEWAY))
            return true;
    return l->allowed.kinds.count == 0;
}

static bool allows_namespace(const struct gateway_build *b, const struct gateway_listener *l,
                             struct slice ns)
{
    const struct gateway_namespaces *allowed = &l->allowed.namespaces;
    switch ((enum gateway_from)allowed->from) {
    case GATEWAY_FROM_ALL:
        return true;
    case GATEWAY_FROM_SAME:
        return slice_eq(ns, b->gateway->object.meta.namespace_name);
    case GATEWAY_FROM_SELECTOR: {
        const struct object *o = policy_index_find(b->c->set, KIND_NAMESPACE, SLICE(""), ns);
        return o && selector_matches(allowed->selector, &o->meta.labels);
    }
    case GATEWAY_FROM_NONE:
        return false;
    }
    return false;
}

/* A listener whose host name is narrower gets all requests for what it covers. */
static bool is_covered(const struct gateway_build *b, const struct listener *own, struct slice host)
{
    for (size_t i = 0; i < b->count; i++) {
        const struct gateway_listener *other = b->listeners[i].from;
        if (other != own->from && other->port == own->from->port && other->hostname.len &&
            gateway_host_is_narrower(other->hostname, own->from->hostname) &&
            gateway_host_covers(other->hostname, host))
            return true;
    }
    return false;
}

/* False: the route has nothing to do with the listener under this host name. */
static bool attach(struct gateway_build *b, struct listener *l, const struct route *route,
                   struct slice original)
{
    struct attachment a = {.route = route, .original = original};
    if (!gateway_host_intersect(l->from->hostname, original, &a.host) || is_covered(b, l, a.host))
        return false;
    for (size_t i = 0; i < l->n_items; i++)
        if (l->items[i].route == route && slice_eq(l->items[i].original, original))
            return true;
    PB_PUSH(b->c, l, items, a);
    return true;
}

/* Why a parentRef did not lead to a listener. */
enum refusal { NO_LISTENER, NOT_ALLOWED, NO_HOST, ATTACHED };

static enum refusal attach_parent(struct gateway_build *b, const struct route *route,
                                  const struct route_parent *parent)
{
    enum refusal result = NO_LISTENER;
    for (size_t i = 0; i < b->count; i++) {
        struct listener *l = &b->listeners[i];
        if ((parent->section.len && !slice_eq(parent->section, l->from->name)) ||
            (parent->port && parent->port != l->from->port))
            continue;
        if (!allows_kind(l->from) ||
            !allows_namespace(b, l->from, route->object.meta.namespace_name)) {
            result = result > NOT_ALLOWED ? result : NOT_ALLOWED;
            continue;
        }
        bool attached = route->spec.hostnames.count == 0 && attach(b, l, route, SLICE(""));
        for (SCHEMA_EACH(route->spec.hostnames, struct slice, host))
            attached |= attach(b, l, route, *host);
        enum refusal here = attached ? ATTACHED : NO_HOST;
        result = result > here ? result : here;
    }
    return result;
}

static void attach_route(struct gateway_build *b, const struct route *route)
{
    static const char *const reasons[] = {
        [NO_LISTENER] = "the Gateway has no such listener: not in force",
        [NOT_ALLOWED] = "the listener does not allow this kind or namespace: not in force",
        [NO_HOST] = "no host name is both the route's and the listener's: not in force",
    };
    const struct metadata *gateway = &b->gateway->object.meta;
    if (route->object.kind->id != KIND_HTTP_ROUTE)
        return;
    for (SCHEMA_EACH(route->spec.parents, struct route_parent, p)) {
        struct slice ns =
            p->namespace_name.ptr ? p->namespace_name : route->object.meta.namespace_name;
        if (!route_parent_is_gateway(p) || !slice_eq(p->name, gateway->name) ||
            !slice_eq(ns, gateway->namespace_name))
            continue;
        enum refusal result = attach_parent(b, route, p);
        if (result != ATTACHED)
            compile_build_note(b->c, &route->object, p->line, "spec.parentRefs", "%s",
                               reasons[result]);
    }
}

/* ---- certificates ---- */

static const struct secret *find_secret(struct gateway_build *b,
                                        const struct gateway_certificate_ref *ref)
{
    const struct object *o = &b->gateway->object;
    struct slice own = o->meta.namespace_name;
    struct slice ns = ref->namespace_name.ptr ? ref->namespace_name : own;
    const char *path = "spec.listeners.tls.certificateRefs";
    if (ref->group.len || !slice_eq_cstr(ref->kind, "Secret")) {
        compile_build_note(b->c, o, ref->line, path, "kind %.*s is not known: left out",
                           SLICE_ARG(ref->kind));
        return NULL;
    }
    if (!grants_allow(b->c->set, "Gateway", own, "Secret", ns, ref->name)) {
        compile_build_note(b->c, o, ref->line, path,
                           "no ReferenceGrant in %.*s allows this: left out", SLICE_ARG(ns));
        return NULL;
    }
    const struct secret *s = (const void *)policy_index_find(b->c->set, KIND_SECRET, ns, ref->name);
    if (!s || !s->cert_chain_pem.len || !s->key_pem.len) {
        compile_build_note(b->c, o, ref->line, path,
                           "there is no Secret %.*s/%.*s of type kubernetes.io/tls: left out",
                           SLICE_ARG(ns), SLICE_ARG(ref->name));
        return NULL;
    }
    return s;
}

static void add_certificates(struct gateway_build *b, struct listener *l, PB(GatewayPort) * to)
{
    struct compile *c = b->c;
    if (!l->from->tls)
        return;
    for (SCHEMA_EACH(l->from->tls->certificates, struct gateway_certificate_ref, ref)) {
        const struct secret *s = find_secret(b, ref);
        if (!s)
            continue;
        PB(Certificate) *cert = PB_NEW(c, Certificate, certificate);
        cert->cert_chain_pem = compile_build_text(c, s->cert_chain_pem);
        cert->key_pem = compile_build_text(c, s->key_pem);
        PB_PUSH(c, cert, names,
                compile_build_text(c, l->from->hostname.len ? l->from->hostname : SLICE("*")));
        PB_PUSH(c, to, certificates, cert);
        l->usable = true;
    }
    if (!l->usable)
        compile_build_note(c, &b->gateway->object, l->from->line, "spec.listeners",
                           "listener %.*s has no certificate: not in force",
                           SLICE_ARG(l->from->name));
}

/* ---- virtual hosts ---- */

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
static void add_host(struct gateway_build *b, const struct listener *l, struct slice host,
                     PB(GatewayPort) * to)
{
    struct compile *c = b->c;
    struct compile_routes routes = {0};
    if (has_host(to, host))
        return;
    for (size_t i = 0; l->usable && i < l->n_items; i++)
        if (gateway_host_covers(l->items[i].host, host))
            compile_routes_add(c, &routes, l->items[i].route, l->items[i].original);
    PB(VirtualHost) *v = PB_NEW(c, VirtualHost, virtual_host);
    PB_PUSH(c, v, hosts, compile_build_text(c, host));
    compile_routes_emit(c, &routes, NULL, v);
    PB_PUSH(c, to, virtual_hosts, v);
}

static void add_hosts(struct gateway_build *b, const struct listener *l, PB(GatewayPort) * to)
{
    for (size_t i = 0; i < l->n_items; i++)
        add_host(b, l, l->items[i].host, to);
    /* What the listener is for is nobody else's, also where it has no route: 404. */
    if (l->from->hostname.len)
        add_host(b, l, l->from->hostname, to);
}

/* ---- ports ---- */

static PB(AuthzPolicy) * *authz_of(struct gateway_build *b, size_t *count)
{
    const struct metadata *meta = &b->gateway->object.meta;
    struct schema_pair name = {SLICE("gateway.networking.k8s.io/gateway-name"), meta->name};
    struct schema_list labels = {&name, 1, true};
    const struct schema_list *own = b->c->self ? &b->c->self->object.meta.labels : &labels;
    return compile_authz_list(b->c, meta->namespace_name, own, meta->name, count);
}

static void emit_port(struct gateway_build *b, const struct listener *first)
{
    struct compile *c = b->c;
    const struct metadata *meta = &b->gateway->object.meta;
    PB(GatewayPort) *to = PB_NEW(c, GatewayPort, gateway_port);
    bool tls = first->from->protocol == GATEWAY_HTTPS;
    to->name = compile_build_format(c, "%.*s/%.*s:%d", SLICE_ARG(meta->namespace_name),
                                    SLICE_ARG(meta->name), (int)first->from->port);
    to->port = (uint32_t)first->from->port;
    to->protocol = tls ? WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS
                       : WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTP;
    for (size_t i = 0; i < b->count; i++) {
        struct listener *l = &b->listeners[i];
        if (l->from->port != first->from->port || l->from->protocol > GATEWAY_HTTPS)
            continue;
        l->is_done = true;
        l->usable = !tls;
        if (tls)
            add_certificates(b, l, to);
        add_hosts(b, l, to);
    }
    to->authz = authz_of(b, &to->n_authz);
    if (tls && to->n_certificates == 0)
        return;
    compile_build_resource(c, compile_build_format(c, "gateway/%s", to->name),
                           WEFT__CONFIG__V1__RESOURCE__BODY_GATEWAY, to);
}

static void note_policies(struct compile *c, const struct object_list *routes)
{
    for (size_t i = 0; i < routes->count; i++) {
        const struct metadata *meta = &routes->items[i]->meta;
        compile_traffic_note_conflicts(c, policy_index_group(c->set, POLICY_GROUP_ROUTE_TRAFFIC,
                                                             meta->namespace_name, meta->name));
    }
}

void compile_gateways_emit(struct compile *c)
{
    struct slice ns = c->target.namespace_name, name = c->target.gateway;
    struct gateway_build b = {.c = c};
    b.gateway = (const void *)policy_index_find(c->set, KIND_GATEWAY, ns, name);
    if (!b.gateway) {
        struct diag what = {.file = SLICE("(target)"), .is_warning = true};
        if (c->notes)
            diag_add(c->notes, &what, "there is no Gateway %.*s/%.*s: nothing to listen on",
                     SLICE_ARG(ns), SLICE_ARG(name));
        return;
    }
    b.count = b.gateway->spec.listeners.count;
    b.listeners = arena_zalloc(c->arena, b.count * sizeof *b.listeners);
    for (size_t i = 0; i < b.count; i++)
        b.listeners[i].from = SCHEMA_AT(b.gateway->spec.listeners, struct gateway_listener, i);
    const struct object_list *routes =
        policy_index_group(c->set, POLICY_GROUP_GATEWAY_ROUTES, ns, name);
    for (size_t i = 0; i < routes->count; i++)
        attach_route(&b, POLICY_AT(routes, struct route, i));
    note_policies(c, routes);
    for (size_t i = 0; i < b.count; i++)
        if (!b.listeners[i].is_done && b.listeners[i].from->protocol <= GATEWAY_HTTPS)
            emit_port(&b, &b.listeners[i]);
}
