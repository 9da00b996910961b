/* Routes to listeners: which parentRef leads where, by section and port, by kind and namespace, by
 * host name. Control thread. Must not know what a route does with requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/gateway_host.h"
#include "policies/gateway/gateway_model_priv.h"
#include "policies/store/policy_index.h"

/* A listener whose host name is narrower gets all requests for what it covers. */
static bool is_covered(const struct gateway_model *m, const struct gateway_model_listener *own,
                       struct slice host)
{
    for (size_t i = 0; i < m->n_listeners; i++) {
        const struct gateway_model_listener *other = &m->listeners[i];
        struct slice hostname = other->from->hostname;
        if (other != own && other->accepted.ok && other->from->port == own->from->port &&
            hostname.len && gateway_host_is_narrower(hostname, own->from->hostname) &&
            gateway_host_covers(hostname, host))
            return true;
    }
    return false;
}

static bool has_attachment(const struct gateway_model_listener *l, const struct route *route,
                           struct slice original)
{
    for (size_t i = l->n_items; i-- > 0 && l->items[i].route == route;)
        if (slice_eq(l->items[i].original, original))
            return true;
    return false;
}

/* False: the route has nothing to do with the listener under this host name. */
static bool attach_host(struct gateway_model *m, struct gateway_model_listener *l,
                        const struct route *route, struct slice original)
{
    struct gateway_attachment a = {.route = route, .original = original};
    bool has_hosts = l->from->protocol != GATEWAY_TCP && l->from->protocol != GATEWAY_UDP;
    if (!gateway_host_intersect(l->from->hostname, original, &a.host) ||
        (has_hosts && is_covered(m, l, a.host)))
        return false;
    if (has_attachment(l, route, original))
        return true;
    bool is_first = l->n_items == 0 || l->items[l->n_items - 1].route != route;
    l->items = gateway_model_grow(m, l->items, l->n_items, sizeof *l->items);
    l->items[l->n_items++] = a;
    l->n_routes += is_first;
    return true;
}

static bool attach_route(struct gateway_model *m, struct gateway_model_listener *l,
                         const struct route *route)
{
    bool attached = false;
    if (route->spec.hostnames.count == 0)
        return attach_host(m, l, route, SLICE(""));
    for (SCHEMA_EACH(route->spec.hostnames, struct slice, host))
        attached |= attach_host(m, l, route, *host);
    return attached;
}

enum outcome { NO_LISTENER, NO_KIND, NO_NAMESPACE, NO_HOST, ATTACHED };

static enum outcome try_listener(struct gateway_model *m, struct gateway_model_listener *l,
                                 const struct route *route)
{
    struct slice ns = route->object.meta.namespace_name;
    if (!(l->kinds & 1u << route->object.kind->id))
        return NO_KIND;
    if (!gateway_model_allows(m, &l->from->allowed.namespaces, l->owner->meta.namespace_name, ns))
        return NO_NAMESPACE;
    return attach_route(m, l, route) ? ATTACHED : NO_HOST;
}

static struct gateway_finding tell(struct gateway_model *m, enum outcome outcome,
                                   const struct route *route, const struct route_parent *parent)
{
    const char *kind = route->object.kind->name;
    switch (outcome) {
    case NO_LISTENER:
        return gateway_model_say(m, false, "NoMatchingParent",
                                 "the %.*s has no such listener: not in force",
                                 SLICE_ARG(parent->kind));
    case NO_KIND:
        return gateway_model_say(m, false, "NotAllowedByListeners",
                                 "the listener does not allow routes of kind %s: not in force",
                                 kind);
    case NO_NAMESPACE:
        return gateway_model_say(m, false, "NotAllowedByListeners",
                                 "the listener does not allow routes of namespace %.*s: not in "
                                 "force",
                                 SLICE_ARG(route->object.meta.namespace_name));
    case NO_HOST:
        return gateway_model_say(m, false, "NoMatchingListenerHostname",
                                 "no host name is both the route's and the listener's: not in "
                                 "force");
    case ATTACHED:
        break;
    }
    return gateway_model_say(m, true, "Accepted", "the route is attached");
}

static void note_parent(struct gateway_model *m, const struct route *route,
                        const struct route_parent *parent, struct gateway_finding accepted)
{
    m->parents = gateway_model_grow(m, m->parents, m->n_parents, sizeof *m->parents);
    m->parents[m->n_parents++] = (struct gateway_model_parent){route, parent, accepted};
}

/* All parentRefs of the route to that owner, whose listeners are `count` from `first`. */
static void attach_to(struct gateway_model *m, const struct route *route,
                      const struct object *owner, size_t first, size_t count,
                      const struct gateway_finding *refused)
{
    for (SCHEMA_EACH(route->spec.parents, struct route_parent, p)) {
        enum outcome best = NO_LISTENER;
        struct slice ns =
            p->namespace_name.ptr ? p->namespace_name : route->object.meta.namespace_name;
        if (!slice_eq_cstr(p->kind, owner->kind->name) ||
            !slice_eq_cstr(p->group, owner->kind->group) || !slice_eq(p->name, owner->meta.name) ||
            !slice_eq(ns, owner->meta.namespace_name))
            continue;
        for (size_t i = first; i < first + count; i++) {
            struct gateway_model_listener *l = &m->listeners[i];
            if ((p->section.len && !slice_eq(p->section, l->from->name)) ||
                (p->port && p->port != l->from->port))
                continue;
            enum outcome here = try_listener(m, l, route);
            best = here > best ? here : best;
        }
        note_parent(m, route, p, refused ? *refused : tell(m, best, route, p));
    }
}

static void attach_group(struct gateway_model *m, enum policy_group group,
                         const struct object *owner, size_t first, size_t count,
                         const struct gateway_finding *refused)
{
    const struct object_list *routes =
        policy_index_group(m->set, group, owner->meta.namespace_name, owner->meta.name);
    for (size_t i = 0; i < routes->count; i++)
        attach_to(m, POLICY_AT(routes, struct route, i), owner, first, count, refused);
}

void gateway_attach_routes(struct gateway_model *m)
{
    attach_group(m, POLICY_GROUP_GATEWAY_ROUTES, &m->gateway->object, 0, m->n_own, NULL);
    for (size_t i = 0; i < m->n_sets; i++) {
        const struct gateway_model_set *s = &m->sets[i];
        struct gateway_finding refused = gateway_model_say(
            m, false, "NoMatchingParent", "the Gateway does not allow this ListenerSet");
        attach_group(m, POLICY_GROUP_SET_ROUTES, &s->set->object, s->first, s->count,
                     s->count ? NULL : &refused);
    }
}
