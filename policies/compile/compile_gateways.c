/* GatewayPort resources: the listeners of one Gateway by port and transport, with certificates and
 * what is asked of clients. Control thread. Must not know how routes are built, nor why a listener
 * is not in force.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "policies/gateway/gateway_names.h"
#include "policies/compile/compile_gateway_priv.h"
#include "policies/gateway/gateway_refs.h"
#include "policies/compile/policy_scope.h"
#include "policies/kinds/gateway_class.h"

enum { ARENA_BLOCK = 8192 };

struct gateway_build {
    struct compile *c;
    struct gateway_model model;
};

/* ---- remarks ---- */

static void note_listener(struct compile *c, const struct gateway_model_listener *l)
{
    const struct gateway_finding *why = l->accepted.ok ? &l->resolved : &l->accepted;
    if (l->left_out.len)
        compile_build_note(c, l->owner, l->from->line, "spec.listeners",
                           FINDING_AUTHORITIES, "listener %.*s: %.*s",
                           SLICE_ARG(l->from->name), SLICE_ARG(l->left_out));
    if (why->ok)
        return;
    compile_build_note(c, l->owner, l->from->line, "spec.listeners",
                       gateway_model_finding(why), "listener %.*s: %.*s%s",
                       SLICE_ARG(l->from->name), SLICE_ARG(why->text),
                       l->is_served ? "" : ": not in force");
}

static void note_all(struct gateway_build *b)
{
    const struct gateway_model *m = &b->model;
    struct compile *c = b->c;
    if (!m->accepted.ok && m->accepted.reason && strcmp(m->accepted.reason, "ListenersNotValid"))
        compile_build_note(c, &m->gateway->object, 0, "spec", FINDING_GATEWAY_INVALID,
                           "%.*s%s", SLICE_ARG(m->accepted.text),
                           m->is_in_force ? "" : ": not in force");
    for (size_t i = 0; i < m->n_listeners; i++)
        note_listener(c, &m->listeners[i]);
    for (size_t i = 0; i < m->n_sets; i++)
        if (!m->sets[i].count)
            compile_build_note(c, &m->sets[i].set->object, m->sets[i].set->spec.parent.line,
                               "spec.parentRef", FINDING_PARENT_REFUSED, "%.*s: not in force",
                               SLICE_ARG(m->sets[i].accepted.text));
    for (size_t i = 0; i < m->n_parents; i++)
        if (!m->parents[i].accepted.ok)
            compile_build_note(c, &m->parents[i].route->object, m->parents[i].parent->line,
                               "spec.parentRefs", gateway_model_finding(&m->parents[i].accepted),
                               "%.*s", SLICE_ARG(m->parents[i].accepted.text));
    for (size_t i = 0; i < m->n_parents; i++) {
        const struct metadata *meta = &m->parents[i].route->object.meta;
        if (i && m->parents[i].route == m->parents[i - 1].route)
            continue;
        compile_traffic_note_conflicts(c, policy_index_group(c->set, POLICY_GROUP_ROUTE_TRAFFIC,
                                                             meta->namespace_name, meta->name));
        compile_chain_note_conflicts(c, policy_index_group(c->set, POLICY_GROUP_ROUTE_FILTERS,
                                                           meta->namespace_name, meta->name));
    }
}

static void note_clients(struct gateway_build *b)
{
    const struct metadata *meta = &b->model.gateway->object.meta;
    compile_chain_note_conflicts(
        b->c, policy_index_group(b->c->set, POLICY_GROUP_GATEWAY_FILTERS, meta->namespace_name,
                                 meta->name));
    compile_client_traffic_note_conflicts(
        b->c, policy_index_group(b->c->set, POLICY_GROUP_GATEWAY_CLIENTS, meta->namespace_name,
                                 meta->name));
}

/* Another controller's, or nobody's: that one serves its ports. */
static void note_foreign(struct compile *c, const struct gateway *gateway)
{
    const struct gateway_class *class = gateway_model_class(c->set, gateway);
    struct slice name = gateway->spec.class_name;
    if (class)
        compile_build_note(c, &gateway->object, 0, "spec.gatewayClassName", FINDING_CLASS_FOREIGN,
                           "GatewayClass %.*s is of %.*s: not served here", SLICE_ARG(name),
                           SLICE_ARG(class->spec.controller));
    else
        compile_build_note(c, &gateway->object, 0, "spec.gatewayClassName", FINDING_CLASS_UNKNOWN,
                           "there is no GatewayClass %.*s, and the one of Weft is "
                           GATEWAY_MODEL_CLASS ": not served",
                           SLICE_ARG(name));
}

/* ---- ports ---- */

static bool is_udp(const struct gateway_model_listener *l)
{
    return l->from->protocol == GATEWAY_UDP;
}

/* Datagrams have ports of their own. */
static bool is_on_port(const struct gateway_model_listener *l, const PB(GatewayPort) * port)
{
    bool wants_udp = port->protocol == WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_UDP;
    return l->from->port == (int64_t)port->port && is_udp(l) == wants_udp && l->accepted.ok;
}

/* Who calls, and who may: what is decided before it is known which route a request has. */
static void add_guard(struct gateway_build *b, PB(GatewayPort) * to)
{
    const struct metadata *meta = &b->model.gateway->object.meta;
    char label[GATEWAY_NAMES_MAX];
    struct schema_pair name = {SLICE("gateway.networking.k8s.io/gateway-name"),
                               slice_from_cstr(gateway_names_label(meta->name, label))};
    struct schema_list labels = {&name, 1, true};
    struct policy_scope scope = {
        .namespace_name = meta->namespace_name,
        .labels = b->c->self ? &b->c->self->object.meta.labels : &labels,
        .target_kind = "Gateway",
        .targets = &meta->name,
        .target_count = 1};
    struct schema_list policies = compile_authz_list(b->c, &scope);
    to->authorization = compile_authz_filter(b->c, &policies);
    if (to->protocol == WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_UDP)
        return; /* datagrams show no tokens */
    char *tokens = compile_request_auth_filter(b->c, &scope);
    b->c->reads_tokens = tokens != NULL;
    if (tokens)
        PB_PUSH(b->c, to, filters, tokens);
}

static void add_certificates(struct compile *c, const struct gateway_model_listener *l,
                             PB(GatewayPort) * to)
{
    for (size_t i = 0; l->is_served && i < l->n_certificates; i++) {
        PB(Certificate) *cert = PB_NEW(c, Certificate, certificate);
        cert->cert_chain_pem = compile_build_text(c, l->certificates[i]->cert_chain_pem);
        cert->key_pem = compile_build_text(c, l->certificates[i]->key_pem);
        PB_PUSH(c, cert, names,
                compile_build_text(c, l->from->hostname.len ? l->from->hostname : SLICE("*")));
        PB_PUSH(c, to, certificates, cert);
    }
}

static PB(ListenerProtocol) protocol_of(int protocol)
{
    static const PB(ListenerProtocol) of[] = {
        [GATEWAY_HTTP] = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTP,
        [GATEWAY_HTTPS] = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS,
        [GATEWAY_TLS] = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS,
        [GATEWAY_TCP] = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TCP,
        [GATEWAY_UDP] = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_UDP,
    };
    return of[protocol];
}

/* ---- what holds for clients' connections ---- */

/* The Gateway's own: nobody can name one of a ListenerSet. */
static bool can_be_named(const struct gateway_model *m, const struct gateway_model_listener *l)
{
    return l->owner == &m->gateway->object;
}

/* Where a hello chooses the listener, the port's settings are those of the Gateway, and hold until
 * then; where none does, the listeners share their connections, and what is for one is for all. */
static void add_client_traffic(struct gateway_build *b, PB(GatewayPort) * to)
{
    const struct gateway_model *m = &b->model;
    struct slice *names = arena_alloc(b->c->arena, (m->n_listeners + 1) * sizeof *names);
    bool chosen = to->n_listeners > 1 &&
                  (to->protocol == WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS ||
                   to->protocol == WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS);
    size_t count = 0, at = 0;
    for (size_t i = 0; i < m->n_listeners; i++) {
        const struct gateway_model_listener *l = &m->listeners[i];
        if (!is_on_port(l, to))
            continue;
        PB(GatewayListener) *g = to->listeners[at++];
        if (!can_be_named(m, l))
            continue;
        if (chosen)
            g->client_traffic =
                compile_client_traffic_listeners(b->c, &m->gateway->object, &l->from->name, 1);
        else
            names[count++] = l->from->name;
    }
    to->client_traffic = compile_client_traffic_listeners(b->c, &m->gateway->object, names, count);
}

/* A listener that lacks something is there all the same: nobody else gets its hosts. */
static void add_listener(struct gateway_build *b, const struct gateway_model_listener *l,
                         PB(GatewayPort) * to)
{
    struct compile *c = b->c;
    const struct metadata *owner = &l->owner->meta;
    PB(GatewayListener) *g = PB_NEW(c, GatewayListener, gateway_listener);
    size_t index = to->n_listeners;
    g->name = compile_build_format(c, "%.*s/%.*s/%.*s", SLICE_ARG(owner->namespace_name),
                                   SLICE_ARG(owner->name), SLICE_ARG(l->from->name));
    g->hostname = compile_build_text(c, l->from->hostname.len ? l->from->hostname : SLICE("*"));
    g->protocol = protocol_of(l->from->protocol);
    g->passthrough = l->from->protocol == GATEWAY_TLS && !gateway_model_ends_tls(l->from);
    PB_PUSH(c, to, listeners, g);
    add_certificates(c, l, to);
    compile_listener_tls_add(c, &b->model, l, g);
    if (l->from->protocol == GATEWAY_HTTP || l->from->protocol == GATEWAY_HTTPS)
        compile_gateway_hosts_add(c, l, index, to);
    else
        compile_gateway_streams_add(c, l, g);
    if (l->from->protocol == GATEWAY_HTTPS)
        to->protocol = g->protocol;
}

PB(ClientValidation) * compile_gateway_validation(struct compile *c, struct gateway_model *m,
                                                  int64_t port)
{
    const struct gateway_validation *v = gateway_refs_validation(m->gateway, port);
    if (!v)
        return NULL;
    PB(ClientValidation) *to = PB_NEW(c, ClientValidation, client_validation);
    to->ca_pem = compile_build_text(c, gateway_refs_authorities(m, v));
    to->insecure_fallback = v->mode == GATEWAY_INSECURE_FALLBACK;
    return to;
}

/* Where several share the port, nobody knows whose a request without a route was. */
static struct slice only_listener(const struct gateway_model *m, const PB(GatewayPort) * port)
{
    for (size_t i = 0; i < m->n_listeners && port->n_listeners == 1; i++)
        if (is_on_port(&m->listeners[i], port) && can_be_named(m, &m->listeners[i]))
            return m->listeners[i].from->name;
    return SLICE("");
}

static void emit_port(struct gateway_build *b, const struct gateway_model_listener *first)
{
    struct compile *c = b->c;
    const struct gateway_model *m = &b->model;
    const struct metadata *meta = &m->gateway->object.meta;
    PB(GatewayPort) *to = PB_NEW(c, GatewayPort, gateway_port);
    bool served = false;
    to->name = compile_build_format(c, "%.*s/%.*s:%d%s", SLICE_ARG(meta->namespace_name),
                                    SLICE_ARG(meta->name), (int)first->from->port,
                                    is_udp(first) ? "/udp" : "");
    to->port = (uint32_t)first->from->port;
    if (is_udp(first))
        to->protocol = WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_UDP;
    add_guard(b, to);
    for (size_t i = 0; i < m->n_listeners; i++) {
        const struct gateway_model_listener *l = &m->listeners[i];
        if (!is_on_port(l, to))
            continue;
        if (!to->n_listeners)
            to->protocol = protocol_of(l->from->protocol);
        add_listener(b, l, to);
        served |= l->is_served;
    }
    if (to->n_certificates)
        to->client_validation = compile_gateway_validation(c, &b->model, (int64_t)to->port);
    add_client_traffic(b, to);
    compile_chain_unrouted(c, &m->gateway->object, only_listener(m, to), to);
    if (served)
        compile_build_resource(c, compile_build_format(c, "gateway/%s", to->name),
                               WEFT__CONFIG__V1__RESOURCE__BODY_GATEWAY, to);
}

static bool is_first_of_port(const struct gateway_model *m, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (m->listeners[i].from->port == m->listeners[at].from->port &&
            is_udp(&m->listeners[i]) == is_udp(&m->listeners[at]))
            return false;
    return true;
}

static void emit(struct gateway_build *b)
{
    note_all(b);
    note_clients(b);
    for (size_t i = 0; b->model.is_in_force && i < b->model.n_listeners; i++)
        if (is_first_of_port(&b->model, i))
            emit_port(b, &b->model.listeners[i]);
}

void compile_gateways_emit(struct compile *c)
{
    struct slice ns = c->target.namespace_name, name = c->target.gateway;
    const struct gateway *gateway = (const void *)policy_index_find(c->set, KIND_GATEWAY, ns, name);
    if (!gateway) {
        struct diag what = {.file = SLICE("(target)"), .is_warning = true};
        if (c->notes)
            diag_add(c->notes, &what, "there is no Gateway %.*s/%.*s: nothing to listen on",
                     SLICE_ARG(ns), SLICE_ARG(name));
        return;
    }
    if (!gateway_model_is_for_us(c->set, gateway)) {
        note_foreign(c, gateway);
        return;
    }
    struct gateway_build b = {.c = c};
    struct arena arena;
    arena_init(&arena, ARENA_BLOCK);
    gateway_model_build(&b.model, &arena, c->set, gateway);
    c->client_certificate = b.model.client_certificate;
    emit(&b);
    arena_dispose(&arena);
}
