/* The status of routes: for each parent that is ours, whether it takes the route and whether its
 * backends are there. What other controllers wrote about other parents stays. Control thread. Must
 * not know how routes attach.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/backend.h"
#include "policies/kinds/http_route.h"
#include "policies/kinds/stream_route.h"
#include "policies/store/filter_ref.h"
#include "policies/store/policy_index.h"
#include "policies/compile/protocol.h"
#include "policies/kinds/selector.h"
#include "policies/status/status_priv.h"

struct view {
    struct status_run *run;
    const struct route *route;
    enum backend_use use;
    struct gateway_finding resolved;
};

static struct gateway_finding say(bool ok, const char *reason, struct slice text)
{
    return (struct gateway_finding){.ok = ok, .reason = reason, .text = text};
}

/* ---- backends ---- */

static void check_backend(struct view *v, const struct route_backend *ref)
{
    static const char *const reasons[] = {
        [BACKEND_UNKNOWN_KIND] = "InvalidKind",
        [BACKEND_NOT_PERMITTED] = "RefNotPermitted",
        [BACKEND_NO_SERVICE] = "BackendNotFound",
        [BACKEND_NO_PORT] = "BackendNotFound",
        [BACKEND_NEEDS_TLS] = "UnsupportedProtocol",
    };
    struct backend found;
    const struct policy_set *set = v->run->in->set;
    if (!v->resolved.ok)
        return;
    enum backend_fault fault = backend_resolve(set, &v->route->object, ref, v->use, &found);
    if (fault != BACKEND_OK)
        v->resolved =
            say(false, reasons[fault],
                backend_explain(&v->run->scratch, set, &v->route->object, ref, fault));
}

/* Whom filters send something to. */
static void check_filter_backends(struct view *v, const struct schema_list *filters)
{
    for (SCHEMA_EACH(*filters, struct http_route_filter, f)) {
        if (f->type == HTTP_ROUTE_FILTER_MIRROR && f->mirror)
            check_backend(v, f->mirror->backend);
        if (f->type == HTTP_ROUTE_FILTER_EXTERNAL_AUTH && f->external_auth)
            check_backend(v, f->external_auth->backend);
    }
}

static void check_extensions(struct view *v, const struct schema_list *filters)
{
    static const char *const reasons[] = {
        [FILTER_REF_UNKNOWN_KIND] = "InvalidKind",
        [FILTER_REF_MISSING] = "BackendNotFound", /* the standard's, for whatever is referred to */
        [FILTER_REF_UNREADABLE] = "InvalidFilter",
    };
    const struct policy_set *set = v->run->in->set;
    const struct object *route = &v->route->object;
    for (SCHEMA_EACH(*filters, struct http_route_filter, f)) {
        const struct http_filter *found;
        if (f->type != HTTP_ROUTE_FILTER_EXTENSION || !f->extension || !v->resolved.ok)
            continue;
        enum filter_ref_fault fault = filter_ref_resolve(set, route, f->extension, &found);
        if (fault != FILTER_REF_OK)
            v->resolved = say(false, reasons[fault],
                              filter_ref_explain(&v->run->scratch, set, route, f->extension,
                                                 fault));
    }
}

static void check_http_rule(struct view *v, const struct http_route_rule *rule)
{
    check_extensions(v, &rule->filters);
    check_filter_backends(v, &rule->filters);
    for (SCHEMA_EACH(rule->backends, struct route_backend, b)) {
        check_backend(v, b);
        check_extensions(v, &b->filters);
        check_filter_backends(v, &b->filters);
    }
}

static bool is_http(const struct route *route)
{
    enum kind_id id = route->object.kind->id;
    return id == KIND_HTTP_ROUTE || id == KIND_GRPC_ROUTE;
}

static struct gateway_finding resolve(struct status_run *run, const struct route *route,
                                      enum backend_use use)
{
    struct view v = {
        run, route, use, say(true, "ResolvedRefs", SLICE("all references lead somewhere"))};
    if (is_http(route))
        for (SCHEMA_EACH(route->spec.rules, struct http_route_rule, rule))
            check_http_rule(&v, rule);
    else
        for (SCHEMA_EACH(route->spec.rules, struct stream_route_rule, rule))
            for (SCHEMA_EACH(rule->backends, struct route_backend, b))
                check_backend(&v, b);
    return v.resolved;
}

/* ---- parents of the mesh ---- */

static bool speaks_http(const struct service *s, const struct service_port *port)
{
    struct protocol_hints hints = {
        port->app_protocol, port->name,
        selector_label(&s->object.meta.annotations, SLICE(PROTOCOL_OPAQUE_ANNOTATION))};
    return protocol_may_be_http(protocol_of_port(&hints, (uint16_t)port->port));
}

static struct gateway_finding judge_service(struct status_run *run, const struct route *route,
                                            const struct route_parent *p)
{
    struct slice ns = p->namespace_name.ptr ? p->namespace_name : route->object.meta.namespace_name;
    const struct service *s =
        (const void *)policy_index_find(run->in->set, KIND_SERVICE, ns, p->name);
    bool has_port = false, has_http = false;
    if (!s)
        return say(false, "NoMatchingParent",
                   arena_printf(&run->scratch, "there is no Service %.*s/%.*s", SLICE_ARG(ns),
                                SLICE_ARG(p->name)));
    if (service_is_headless(s) || service_is_external(s))
        return say(false, "NoMatchingParent",
                   SLICE("the Service has no address of its own that the route could be for"));
    for (SCHEMA_EACH(s->spec.ports, struct service_port, port)) {
        bool meant = port->protocol == SERVICE_TCP && (!p->port || p->port == port->port) &&
                     (!p->section.len || slice_eq(p->section, port->name));
        has_port |= meant;
        has_http |= meant && speaks_http(s, port);
    }
    if (!has_port)
        return say(false, "NoMatchingParent", SLICE("the Service has no such TCP port"));
    if (!has_http)
        return say(false, "NotAllowedByListeners", SLICE("the port is declared not to speak HTTP"));
    return say(true, "Accepted", SLICE("the route is in force in the mesh"));
}

/* ---- entries ---- */

static bool is_text(const struct doc *ref, const char *key, struct slice wanted)
{
    return slice_eq(doc_string(doc_get(ref, slice_from_cstr(key))), wanted);
}

static bool is_parent(const struct doc *ref, const struct route_parent *p)
{
    const struct doc *port = doc_get(ref, SLICE("port"));
    return is_text(ref, "group", p->group) && is_text(ref, "kind", p->kind) &&
           is_text(ref, "name", p->name) && is_text(ref, "namespace", p->namespace_name) &&
           is_text(ref, "sectionName", p->section) &&
           (port && port->type == DOC_INT ? port->integer : 0) == p->port;
}

static bool is_ours(const struct doc *entry)
{
    struct slice controller = doc_string(doc_get(entry, SLICE("controllerName")));
    return slice_eq_cstr(controller, STATUS_CONTROLLER) ||
           slice_eq_cstr(controller, STATUS_MESH_CONTROLLER);
}

static const struct doc *find_entry(const struct doc *parents, const struct route_parent *p)
{
    for (size_t i = 0; parents && i < parents->count; i++)
        if (is_ours(parents->items[i]) &&
            is_parent(doc_get(parents->items[i], SLICE("parentRef")), p))
            return parents->items[i];
    return NULL;
}

static void put_ref(struct status_doc *d, struct doc *entry, const struct route_parent *p)
{
    struct doc *to = doc_make_put_object(d->arena, entry, "parentRef");
    status_doc_text(d, to, "group", p->group);
    status_doc_text(d, to, "kind", p->kind);
    if (p->namespace_name.ptr)
        status_doc_text(d, to, "namespace", p->namespace_name);
    status_doc_text(d, to, "name", p->name);
    if (p->section.len)
        status_doc_text(d, to, "sectionName", p->section);
    if (p->port)
        doc_make_put_int(d->arena, to, "port", p->port);
}

static void put_entry(struct status_doc *d, struct doc *entry, const struct route_parent *p,
                      const struct gateway_finding *accepted,
                      const struct gateway_finding *resolved, const char *controller)
{
    const struct doc *old = find_entry(status_doc_old(d->object, "parents"), p);
    struct status_condition items[] = {status_doc_of("Accepted", accepted),
                                       status_doc_of("ResolvedRefs", resolved)};
    put_ref(d, entry, p);
    status_doc_text(d, entry, "controllerName", slice_from_cstr(controller));
    status_doc_conditions(d, entry, doc_get(old, SLICE("conditions")), items, 2);
}

static enum backend_use use_of(const struct route *route)
{
    if (route->object.kind->id == KIND_UDP_ROUTE)
        return BACKEND_OF_DATAGRAMS;
    return is_http(route) ? BACKEND_OF_GATEWAY : BACKEND_OF_STREAM;
}

/* False: the parent is none of ours. */
static bool put_parent(struct status_doc *d, struct doc *parents, const struct route *route,
                       const struct route_parent *p)
{
    struct status_run *run = d->run;
    bool mesh = route_parent_is_service(p);
    const struct gateway_model_parent *known = map_get(&run->parents, slice_of(&p, sizeof p));
    struct gateway_finding accepted, resolved;
    if (mesh ? !is_http(route) : !known)
        return false;
    accepted = mesh ? judge_service(run, route, p) : known->accepted;
    resolved = resolve(run, route, mesh ? BACKEND_OF_MESH : use_of(route));
    put_entry(d, status_doc_push(d, parents), p, &accepted, &resolved,
              mesh ? STATUS_MESH_CONTROLLER : STATUS_CONTROLLER);
    return true;
}

static void emit(struct status_run *run, const struct route *route)
{
    const struct doc *old = status_doc_old(&route->object, "parents");
    struct status_doc d;
    bool any = false;
    status_doc_begin(&d, run, &route->object);
    struct doc *parents = doc_make_put_array(d.arena, d.root, "parents");
    for (size_t i = 0; old && i < old->count; i++)
        if (!is_ours(old->items[i]))
            doc_make_push(d.arena, parents, old->items[i]);
    for (SCHEMA_EACH(route->spec.parents, struct route_parent, p))
        any |= put_parent(&d, parents, route, p);
    status_doc_end(&d, !any);
}

void status_route_all(struct status_run *run)
{
    static const enum kind_id kinds[] = {KIND_HTTP_ROUTE, KIND_GRPC_ROUTE, KIND_TLS_ROUTE,
                                         KIND_TCP_ROUTE, KIND_UDP_ROUTE};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        const struct object_list *all = &run->in->set->all[kinds[k]];
        for (size_t i = 0; i < all->count; i++)
            emit(run, POLICY_AT(all, struct route, i));
    }
}
