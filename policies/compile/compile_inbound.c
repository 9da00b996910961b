/* The Inbound resource: what the workload's own ports speak, who may call them, and how. Control
 * thread. Must not know how connections arrive.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "policies/compile/compile_priv.h"
#include "policies/kinds/peer_authentication.h"
#include "policies/compile/policy_scope.h"
#include "policies/compile/protocol.h"
#include "policies/kinds/selector.h"

static PB(InboundPort) * find_port(const PB(Inbound) * in, uint32_t port)
{
    for (size_t i = 0; i < in->n_ports; i++)
        if (in->ports[i]->port == port)
            return in->ports[i];
    return NULL;
}

static PB(InboundPort) *
    add_port(struct compile *c, PB(Inbound) * in, uint16_t port, PB(Protocol) protocol)
{
    PB(InboundPort) *p = PB_NEW(c, InboundPort, inbound_port);
    p->port = port;
    p->protocol = protocol;
    p->mtls = compile_mtls_mode(c, c->target.namespace_name, c->self, port);
    PB_PUSH(c, in, ports, p);
    return p;
}

static struct slice opaque_ports(const struct object *o)
{
    return selector_label(&o->meta.annotations, SLICE(PROTOCOL_OPAQUE_ANNOTATION));
}

/* Of the pod, that the Service's port leads to; 0: none. */
static uint16_t port_of(const struct compile *c, const struct service_port *from)
{
    if (from->protocol != SERVICE_TCP)
        return 0;
    if (from->target.name.len)
        return pod_find_port(c->self, from->target.name);
    return from->target.number ? from->target.number : (uint16_t)from->port;
}

static bool is_of_service(const struct compile *c, const struct service *s)
{
    return s->spec.selector.count &&
           selector_is_subset(&s->spec.selector, &c->self->object.meta.labels);
}

static void add_service_port(struct compile *c, PB(Inbound) * in, const struct service *s,
                             const struct service_port *from)
{
    uint16_t port = port_of(c, from);
    struct protocol_hints hints = {from->app_protocol, from->name, opaque_ports(&s->object)};
    if (!port)
        return;
    PB(Protocol) protocol = protocol_of_port(&hints, (uint16_t)from->port);
    PB(InboundPort) *there = find_port(in, port);
    if (there) {
        compile_chain_port(c, s, from, there);
        if (there->protocol != protocol)
            compile_build_note(c, &s->object, 0, "spec.ports", FINDING_PORT_CLASH,
                               "port %d of the pods is declared otherwise by Service %s, which "
                               "comes first",
                               (int)port, there->service_name);
        return;
    }
    there = add_port(c, in, port, protocol);
    there->service = compile_build_service(c, s);
    there->service_name = compile_build_text(c, s->object.meta.name);
    compile_chain_port(c, s, from, there);
}

static void add_services(struct compile *c, PB(Inbound) * in)
{
    const struct object_list *services =
        policy_index_group(c->set, POLICY_GROUP_SERVICES, c->target.namespace_name, SLICE(""));
    for (size_t i = 0; i < services->count; i++) {
        const struct service *s = POLICY_AT(services, struct service, i);
        if (!is_of_service(c, s))
            continue;
        compile_chain_note_conflicts(c, policy_index_group(c->set, POLICY_GROUP_SERVICE_FILTERS,
                                                           s->object.meta.namespace_name,
                                                           s->object.meta.name));
        for (SCHEMA_EACH(s->spec.ports, struct service_port, port))
            add_service_port(c, in, s, port);
    }
}

static void add_containers(struct compile *c, PB(Inbound) * in,
                           const struct schema_list *containers)
{
    for (SCHEMA_EACH(*containers, struct pod_container, container)) {
        for (SCHEMA_EACH(container->ports, struct pod_port, port)) {
            struct protocol_hints hints = {{NULL, 0}, port->name, {NULL, 0}};
            if (port->protocol != SERVICE_TCP || find_port(in, (uint32_t)port->port))
                continue;
            add_port(c, in, (uint16_t)port->port, protocol_of_port(&hints, (uint16_t)port->port));
        }
    }
}

/* Ports that only a PeerAuthentication names. */
static void add_authenticated(struct compile *c, PB(Inbound) * in)
{
    const struct object_list *policies =
        policy_index_group(c->set, POLICY_GROUP_PEER, c->target.namespace_name, SLICE(""));
    struct protocol_hints none = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    for (size_t i = 0; i < policies->count; i++) {
        const struct peer_authentication *p = POLICY_AT(policies, struct peer_authentication, i);
        if (!p->spec.selector ||
            (c->self && !selector_matches(p->spec.selector, &c->self->object.meta.labels)))
            continue;
        for (SCHEMA_EACH(p->spec.ports, struct peer_authentication_port, entry)) {
            uint64_t port;
            if (!slice_to_u64(entry->port, &port) && port <= 65535 &&
                !find_port(in, (uint32_t)port))
                add_port(c, in, (uint16_t)port, protocol_of_port(&none, (uint16_t)port));
        }
    }
}

/* What the pod itself declares opaque is opaque, whatever a Service says. */
static void apply_opaque(struct compile *c, PB(Inbound) * in)
{
    struct protocol_hints hints = {{NULL, 0}, {NULL, 0}, opaque_ports(&c->self->object)};
    for (size_t i = 0; hints.opaque_ports.len && i < in->n_ports; i++)
        if (protocol_of_port(&hints, (uint16_t)in->ports[i]->port) ==
            WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP)
            in->ports[i]->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP;
}

/* ---- tokens ---- */

static bool leads_to(const struct compile *c, const struct service *s, uint32_t port)
{
    for (SCHEMA_EACH(s->spec.ports, struct service_port, p))
        if (port_of(c, p) == port)
            return true;
    return false;
}

/* The names of the Services that are called at that port of the pod. */
static struct slice *services_of(struct compile *c, uint32_t port, size_t *count)
{
    const struct object_list *services =
        policy_index_group(c->set, POLICY_GROUP_SERVICES, c->target.namespace_name, SLICE(""));
    struct slice *names = arena_alloc(c->arena, (services->count + 1) * sizeof *names);
    *count = 0;
    for (size_t i = 0; c->self && i < services->count; i++) {
        const struct service *s = POLICY_AT(services, struct service, i);
        if (is_of_service(c, s) && leads_to(c, s, port))
            names[(*count)++] = s->object.meta.name;
    }
    return names;
}

static void add_tokens(struct compile *c, const struct policy_scope *workload, PB(Inbound) * in)
{
    for (size_t i = 0; i < in->n_ports; i++) {
        struct policy_scope scope = *workload;
        scope.targets = services_of(c, in->ports[i]->port, &scope.target_count);
        char *tokens = protocol_may_be_http(in->ports[i]->protocol)
                           ? compile_request_auth_filter(c, &scope)
                           : NULL;
        if (tokens)
            PB_PUSH(c, in->ports[i], filters, tokens);
    }
    struct policy_scope scope = *workload;
    char *tokens = compile_request_auth_filter(c, &scope);
    if (tokens)
        PB_PUSH(c, in, filters, tokens);
}

static int by_port(const void *a, const void *b)
{
    const PB(InboundPort) *x = *(PB(InboundPort) *const *)a, *y = *(PB(InboundPort) *const *)b;
    return (x->port > y->port) - (x->port < y->port);
}

void compile_inbound_emit(struct compile *c)
{
    PB(Inbound) *in = PB_NEW(c, Inbound, inbound);
    struct slice ns = c->target.namespace_name;
    struct slice name = c->self ? c->self->object.meta.name : c->target.workload;
    in->workload = compile_build_format(c, "%.*s/%.*s", SLICE_ARG(ns), SLICE_ARG(name));
    in->mtls = compile_mtls_mode(c, ns, c->self, 0);
    if (c->self) {
        add_services(c, in);
        add_containers(c, in, &c->self->spec.containers);
        add_containers(c, in, &c->self->spec.init_containers);
    }
    add_authenticated(c, in);
    if (c->self)
        apply_opaque(c, in);
    if (in->n_ports)
        qsort(in->ports, in->n_ports, sizeof *in->ports, by_port);
    struct policy_scope scope = {.namespace_name = ns,
                                 .labels = c->self ? &c->self->object.meta.labels : NULL,
                                 .target_kind = "Service"};
    struct schema_list policies = compile_authz_list(c, &scope);
    in->authorization = compile_authz_filter(c, &policies);
    add_tokens(c, &scope, in);
    compile_mtls_note_conflicts(c);
    compile_build_resource(c, "inbound", WEFT__CONFIG__V1__RESOURCE__BODY_INBOUND, in);
}
