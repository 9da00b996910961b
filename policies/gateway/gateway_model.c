/* A Gateway's listeners, in order of precedence, and what is to be said of each. Control thread.
 * Must not know how configuration and status are written.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/gateway/gateway_model.h"

#include <stdarg.h>
#include <stdio.h>

#include "policies/gateway/gateway_model_priv.h"
#include "policies/kinds/gateway_class.h"
#include "policies/store/policy_index.h"
#include "policies/kinds/selector.h"

struct gateway_finding gateway_model_say(struct gateway_model *m, bool ok, const char *reason,
                                         const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return (struct gateway_finding){
        .ok = ok, .reason = reason, .text = arena_copy(m->arena, slice_from_cstr(text))};
}

void *gateway_model_grow(struct gateway_model *m, void *items, size_t count, size_t size)
{
    if (count & (count - 1))
        return items;
    void *bigger = arena_alloc(m->arena, (count ? count * 2 : 1) * size);
    if (count)
        memcpy(bigger, items, count * size);
    return bigger;
}

bool gateway_model_allows(const struct gateway_model *m, const struct gateway_namespaces *allowed,
                          struct slice own, struct slice namespace_name)
{
    switch ((enum gateway_from)allowed->from) {
    case GATEWAY_FROM_ALL:
        return true;
    case GATEWAY_FROM_SAME:
        return slice_eq(namespace_name, own);
    case GATEWAY_FROM_SELECTOR: {
        const struct object *o =
            policy_index_find(m->set, KIND_NAMESPACE, SLICE(""), namespace_name);
        return o && allowed->selector && selector_matches(allowed->selector, &o->meta.labels);
    }
    case GATEWAY_FROM_NONE:
        return false;
    }
    return false;
}

bool gateway_model_ends_tls(const struct gateway_listener *l)
{
    return l->protocol == GATEWAY_HTTPS ||
           (l->protocol == GATEWAY_TLS && l->tls && l->tls->mode == GATEWAY_TERMINATE);
}

const struct gateway_class *gateway_model_class(const struct policy_set *set,
                                                const struct gateway *gateway)
{
    return (const void *)policy_index_find(set, KIND_GATEWAY_CLASS, SLICE(""),
                                           gateway->spec.class_name);
}

bool gateway_model_is_ours(const struct policy_set *set, const struct gateway *gateway)
{
    const struct gateway_class *class = gateway_model_class(set, gateway);
    return class && slice_eq_cstr(class->spec.controller, GATEWAY_MODEL_CONTROLLER);
}

bool gateway_model_is_for_us(const struct policy_set *set, const struct gateway *gateway)
{
    if (gateway_model_class(set, gateway))
        return gateway_model_is_ours(set, gateway);
    return slice_eq_cstr(gateway->spec.class_name, GATEWAY_MODEL_CLASS);
}

enum finding gateway_model_finding(const struct gateway_finding *why)
{
    static const struct {
        const char *reason;
        enum finding finding;
    } known[] = {
        {"NoMatchingParent", FINDING_PARENT_REFUSED},
        {"NotAllowedByListeners", FINDING_PARENT_REFUSED},
        {"NoMatchingListenerHostname", FINDING_HOST_UNMATCHED},
        {"InvalidCertificateRef", FINDING_CERTIFICATE_REF},
        {"InvalidClientCertificateRef", FINDING_CERTIFICATE_REF},
        {"RefNotPermitted", FINDING_GRANT_MISSING},
        {"InvalidCACertificateRef", FINDING_AUTHORITIES},
        {"InvalidCACertificateKind", FINDING_AUTHORITIES},
        {"NoValidCACertificate", FINDING_AUTHORITIES},
    };
    if (why->finding)
        return why->finding;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(why->reason, known[i].reason) == 0)
            return known[i].finding;
    return FINDING_GATEWAY_INVALID;
}

/* ---- listeners ---- */

static void add_listeners(struct gateway_model *m, const struct object *owner,
                          const struct schema_list *from)
{
    for (SCHEMA_EACH(*from, struct gateway_listener, l)) {
        m->listeners = gateway_model_grow(m, m->listeners, m->n_listeners, sizeof *m->listeners);
        m->listeners[m->n_listeners++] = (struct gateway_model_listener){
            .from = l,
            .owner = owner,
            .accepted = {true, "Accepted", SLICE("the listener is valid"), 0},
            .resolved = {true, "ResolvedRefs", SLICE("all references lead somewhere"), 0},
            .conflict = {true, "NoConflicts", SLICE("no other listener wants the same"), 0},
        };
    }
}

static void add_set(struct gateway_model *m, const struct listener_set *set)
{
    const struct metadata *meta = &m->gateway->object.meta;
    struct slice ns = set->object.meta.namespace_name;
    m->sets = gateway_model_grow(m, m->sets, m->n_sets, sizeof *m->sets);
    struct gateway_model_set *to = &m->sets[m->n_sets++];
    *to = (struct gateway_model_set){.set = set, .first = m->n_listeners};
    if (!gateway_model_allows(m, &m->gateway->spec.allowed.namespaces, meta->namespace_name, ns)) {
        to->accepted = gateway_model_say(
            m, false, "NotAllowed",
            "Gateway %.*s/%.*s does not allow ListenerSets of namespace %.*s (allowedListeners)",
            SLICE_ARG(meta->namespace_name), SLICE_ARG(meta->name), SLICE_ARG(ns));
        return;
    }
    to->count = set->spec.listeners.count;
    add_listeners(m, &set->object, &set->spec.listeners);
}

static unsigned kinds_of(enum gateway_protocol protocol)
{
    switch (protocol) {
    case GATEWAY_HTTP:
    case GATEWAY_HTTPS:
        return 1u << KIND_HTTP_ROUTE | 1u << KIND_GRPC_ROUTE;
    case GATEWAY_TLS:
        return 1u << KIND_TLS_ROUTE;
    case GATEWAY_TCP:
        return 1u << KIND_TCP_ROUTE;
    case GATEWAY_UDP:
        return 1u << KIND_UDP_ROUTE;
    case GATEWAY_UNKNOWN:
        break;
    }
    return 0;
}

static unsigned find_kind(unsigned among, const struct gateway_route_kind *named)
{
    for (unsigned id = 0; id < KIND_COUNT; id++)
        if ((among & 1u << id) && slice_eq_cstr(named->kind, kind_all[id]->name) &&
            slice_eq_cstr(named->group, kind_all[id]->group))
            return 1u << id;
    return 0;
}

static void judge_kinds(struct gateway_model *m, struct gateway_model_listener *l)
{
    unsigned all = kinds_of((enum gateway_protocol)l->from->protocol);
    l->kinds = l->from->allowed.kinds.count ? 0 : all;
    for (SCHEMA_EACH(l->from->allowed.kinds, struct gateway_route_kind, named)) {
        unsigned kind = find_kind(all, named);
        l->kinds |= kind;
        if (!kind && l->resolved.ok)
            l->resolved =
                gateway_model_say(m, false, "InvalidRouteKinds",
                                  "allowedRoutes.kinds: a listener for %.*s cannot have "
                                  "a %.*s",
                                  SLICE_ARG(l->from->protocol_name), SLICE_ARG(named->kind));
    }
}

static void judge_listener(struct gateway_model *m, struct gateway_model_listener *l)
{
    const struct gateway_tls *tls = l->from->tls;
    int protocol = l->from->protocol;
    if ((size_t)(l - m->listeners) >= GATEWAY_MODEL_LISTENERS_MAX)
        l->accepted =
            gateway_model_say(m, false, "TooManyListeners", "a Gateway serves %d listeners at most",
                              GATEWAY_MODEL_LISTENERS_MAX);
    else if (protocol == GATEWAY_UNKNOWN)
        l->accepted = gateway_model_say(m, false, "UnsupportedProtocol",
                                        "protocol %.*s is not supported; there are HTTP, HTTPS, "
                                        "TLS, TCP and UDP",
                                        SLICE_ARG(l->from->protocol_name));
    else if (tls && tls->options.count)
        l->accepted =
            gateway_model_say(m, false, "UnsupportedValue", "tls.options: %.*s is not known",
                              SLICE_ARG(SCHEMA_AT(tls->options, struct schema_pair, 0)->key));
    if (l->accepted.ok && gateway_model_ends_tls(l->from))
        gateway_refs_listener(m, l);
    judge_kinds(m, l);
}

static void judge_listeners(struct gateway_model *m)
{
    for (size_t i = 0; i < m->n_listeners; i++)
        judge_listener(m, &m->listeners[i]);
    gateway_conflicts_find(m);
    for (size_t i = 0; i < m->n_listeners; i++) {
        struct gateway_model_listener *l = &m->listeners[i];
        l->is_served =
            l->accepted.ok && l->kinds && (!gateway_model_ends_tls(l->from) || l->n_certificates);
    }
}

/* ---- all of it ---- */

void gateway_model_build(struct gateway_model *m, struct arena *arena, const struct policy_set *set,
                         const struct gateway *gateway)
{
    const struct metadata *meta = &gateway->object.meta;
    const struct object_list *sets =
        policy_index_group(set, POLICY_GROUP_GATEWAY_SETS, meta->namespace_name, meta->name);
    *m = (struct gateway_model){.arena = arena, .set = set, .gateway = gateway};
    add_listeners(m, &gateway->object, &gateway->spec.listeners);
    m->n_own = m->n_listeners;
    for (size_t i = 0; i < sets->count; i++)
        add_set(m, POLICY_AT(sets, struct listener_set, i));
    judge_listeners(m);
    gateway_verdict_gateway(m);
    for (size_t i = 0; i < m->n_sets; i++)
        gateway_verdict_set(m, &m->sets[i]);
    for (size_t i = 0; i < m->n_listeners; i++)
        m->listeners[i].is_served &= m->is_in_force;
    gateway_attach_routes(m);
}
