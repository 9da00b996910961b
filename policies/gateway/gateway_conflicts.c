/* Listeners that cannot be told apart. Among the listeners of one object none wins; against those
 * of an object that comes first (the Gateway, then older ListenerSets), the later one loses.
 * Control thread. Must not know of routes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/gateway_host.h"
#include "policies/gateway/gateway_model_priv.h"

enum transport { TRANSPORT_NONE, TRANSPORT_PLAIN, TRANSPORT_TLS, TRANSPORT_TCP, TRANSPORT_UDP };

/* What a connection on the port begins with. HTTPS and TLS share a port: the host name in the hello
 * tells them apart. UDP has ports of its own. */
static enum transport transport_of(const struct gateway_listener *l)
{
    static const enum transport of[] = {
        [GATEWAY_HTTP] = TRANSPORT_PLAIN, [GATEWAY_HTTPS] = TRANSPORT_TLS,
        [GATEWAY_TLS] = TRANSPORT_TLS,    [GATEWAY_TCP] = TRANSPORT_TCP,
        [GATEWAY_UDP] = TRANSPORT_UDP,   [GATEWAY_UNKNOWN] = TRANSPORT_NONE,
    };
    return of[l->protocol];
}

/* The reason; NULL: they get on with each other. */
static const char *clash(const struct gateway_listener *a, const struct gateway_listener *b)
{
    enum transport x = transport_of(a), y = transport_of(b);
    if (a->port != b->port || !x || !y)
        return NULL;
    if (x != y)
        return x == TRANSPORT_UDP || y == TRANSPORT_UDP ? NULL : "ProtocolConflict";
    if (!slice_eq(a->hostname, b->hostname))
        return NULL;
    return a->protocol == b->protocol ? "HostnameConflict" : "ProtocolConflict";
}

static void lose(struct gateway_model *m, struct gateway_model_listener *l, const char *reason,
                 const struct gateway_model_listener *to)
{
    const struct object *gateway = &m->gateway->object;
    /* Whoever keeps another ListenerSet need not be known to everybody. */
    bool is_known = to->owner == gateway ||
                    slice_eq(to->owner->meta.namespace_name, l->owner->meta.namespace_name);
    struct slice whose = l->owner == to->owner ? SLICE("the same object")
                         : is_known            ? to->owner->text
                                               : SLICE("an older ListenerSet");
    l->conflict = gateway_model_say(
        m, false, reason, "port %d%s%.*s is also wanted by listener %.*s of %.*s",
        (int)l->from->port, l->from->hostname.len ? " for " : "", SLICE_ARG(l->from->hostname),
        SLICE_ARG(to->from->name), SLICE_ARG(whose));
    l->accepted = l->conflict;
}

/* Against what came first and is in force; then among themselves. */
static void judge_owner(struct gateway_model *m, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++)
        for (size_t j = 0; j < first && m->listeners[i].conflict.ok; j++) {
            const char *reason = clash(m->listeners[i].from, m->listeners[j].from);
            if (reason && m->listeners[j].accepted.ok && m->listeners[i].accepted.ok)
                lose(m, &m->listeners[i], reason, &m->listeners[j]);
        }
    bool *loses = arena_zalloc(m->arena, count * sizeof *loses);
    for (size_t i = 0; i < count; i++)
        loses[i] = m->listeners[first + i].accepted.ok;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count && loses[i]; j++) {
            struct gateway_model_listener *l = &m->listeners[first + i];
            const struct gateway_model_listener *other = &m->listeners[first + j];
            const char *reason = i != j && loses[j] ? clash(l->from, other->from) : NULL;
            if (reason && l->conflict.ok)
                lose(m, l, reason, other);
        }
}

/* Clients that reuse a connection for another host of the same certificate may find another
 * listener than they asked for. */
static void find_overlaps(struct gateway_model *m)
{
    for (size_t i = 0; i < m->n_listeners; i++) {
        struct gateway_model_listener *l = &m->listeners[i];
        if (!l->accepted.ok || transport_of(l->from) != TRANSPORT_TLS)
            continue;
        for (size_t j = 0; j < i; j++) {
            struct gateway_model_listener *other = &m->listeners[j];
            struct slice both;
            if (other->accepted.ok && other->from->port == l->from->port &&
                transport_of(other->from) == TRANSPORT_TLS &&
                gateway_host_intersect(l->from->hostname, other->from->hostname, &both))
                l->overlaps = other->overlaps = true;
        }
    }
}

void gateway_conflicts_find(struct gateway_model *m)
{
    judge_owner(m, 0, m->n_own);
    for (size_t i = 0; i < m->n_sets; i++)
        judge_owner(m, m->sets[i].first, m->sets[i].count);
    find_overlaps(m);
}
