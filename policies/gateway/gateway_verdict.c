/* What is to be said of a Gateway and of a ListenerSet as a whole, once their listeners are judged.
 * Control thread. Must not know of routes, nor how status is written.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/gateway/gateway_model_priv.h"
#include "policies/gateway/gateway_parameters.h"

static const struct gateway_model_listener *first_bad(const struct gateway_model_listener *l,
                                                      size_t count, size_t *served)
{
    const struct gateway_model_listener *bad = NULL;
    *served = 0;
    for (size_t i = 0; i < count; i++) {
        *served += l[i].is_served;
        if (!l[i].is_served && !bad)
            bad = &l[i];
    }
    return bad;
}

static struct slice why_bad(const struct gateway_model_listener *l)
{
    return l->accepted.ok ? l->resolved.text : l->accepted.text;
}

static const struct gateway_address *find_bad_address(const struct gateway *gateway)
{
    for (SCHEMA_EACH(gateway->spec.addresses, struct gateway_address, a))
        if (a->type == GATEWAY_ADDRESS_UNKNOWN ||
            (a->type == GATEWAY_ADDRESS_HOSTNAME && a->value.len))
            return a;
    return NULL;
}

static struct gateway_finding judge_gateway(struct gateway_model *m)
{
    const struct gateway_address *address = find_bad_address(m->gateway);
    const struct gateway_class *class = gateway_model_class(m->set, m->gateway);
    struct slice why;
    bool any = false;
    size_t served;
    m->settings = gateway_parameters_find(m->set, class, m->gateway, m->arena, &why);
    if (!m->settings)
        return gateway_model_say(m, false, "InvalidParameters",
                                 "%.*s; its data plane, if there is one, stays as it is",
                                 SLICE_ARG(why));
    if (address)
        return gateway_model_say(m, false, "UnsupportedAddress",
                                 "addresses: \"%.*s\" of type %.*s cannot be asked for; what can "
                                 "is an IPAddress",
                                 SLICE_ARG(address->value), SLICE_ARG(address->type_name));
    for (size_t i = 0; i < m->n_own; i++)
        any |= m->listeners[i].accepted.ok;
    const struct gateway_model_listener *bad = first_bad(m->listeners, m->n_own, &served);
    if (bad)
        return gateway_model_say(m, any, "ListenersNotValid",
                                 "%zu of %zu listeners are in force; %.*s: %.*s", served, m->n_own,
                                 SLICE_ARG(bad->from->name), SLICE_ARG(why_bad(bad)));
    return gateway_model_say(m, true, "Accepted", "all listeners are valid");
}

static void judge_refs(struct gateway_model *m)
{
    m->resolved = gateway_model_say(m, true, "ResolvedRefs", "all references lead somewhere");
    for (size_t i = m->n_own; i-- > 0;)
        if (!m->listeners[i].resolved.ok)
            m->resolved = gateway_model_say(m, false, "ListenersNotResolved", "%.*s: %.*s",
                                            SLICE_ARG(m->listeners[i].from->name),
                                            SLICE_ARG(m->listeners[i].resolved.text));
    gateway_refs_client(m);
}

void gateway_verdict_gateway(struct gateway_model *m)
{
    m->accepted = judge_gateway(m);
    /* How pods are run is no reason to turn clients away. */
    m->is_in_force = m->accepted.ok || !m->settings;
    judge_refs(m);
}

void gateway_verdict_set(struct gateway_model *m, struct gateway_model_set *s)
{
    size_t served;
    struct gateway_model_listener *all = m->listeners + s->first;
    const struct gateway_model_listener *bad = first_bad(all, s->count, &served);
    if (!s->accepted.reason && !m->is_in_force)
        s->accepted = gateway_model_say(m, false, "ParentNotAccepted",
                                        "the Gateway is not accepted: %s", m->accepted.reason);
    else if (!s->accepted.reason && bad)
        s->accepted = gateway_model_say(
            m, served > 0, "ListenersNotValid", "%zu of %zu listeners are in force; %.*s: %.*s",
            served, s->count, SLICE_ARG(bad->from->name), SLICE_ARG(why_bad(bad)));
    else if (!s->accepted.reason)
        s->accepted = gateway_model_say(m, true, "Accepted", "all listeners are valid");
}
