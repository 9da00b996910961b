/* The caller's side: which destination, which route, which filters, which backends. Every question
 * is put to the functions of the data plane, in the order of sidecar/exchange/exchange.c. Main
 * thread. Must not know how it is shown.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain/explain.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/http/normalize.h"
#include "lib/codec/http/preflight.h"
#include "lib/tls/tls_ctx.h"
#include "policies/store/gateway_host.h"
#include "policies/gateway/gateway_model.h"
#include "policies/gateway/gateway_names.h"
#include "policies/store/policy_index.h"
#include "sidecar/config/client_head.h"
#include "lib/codec/http/header_set.h"
#include "filters/route_filters.h"
#include "lib/codec/http/host.h"
#include "sidecar/config/route/listener_choice.h"
#include "sidecar/config/route/match_trace.h"
#include "sidecar/config/route/route_hosts.h"
#include "sidecar/config/route/route_table.h"

enum { ARENA_BLOCK = 16384 };

static void answer(struct explain *e, unsigned status, struct slice text)
{
    e->status = status;
    e->answer = text;
}

/* ---- who asks ---- */

/* The one that policyd makes for it; where it is not policyd's, it is taken to be named like it. */
static struct slice account_of_gateway(struct explain *e, const struct workload *w)
{
    char name[GATEWAY_NAMES_MAX];
    const struct gateway *g =
        (const void *)policy_index_find(e->set, KIND_GATEWAY, w->namespace_name, w->name);
    if (!g || !gateway_model_is_ours(e->set, g))
        return w->name;
    return arena_copy(&e->arena, slice_from_cstr(gateway_names_managed(g, name)));
}

/* A port of a Gateway that could not be built is not opened; the reason is the answer. */
static void take_refusal(void *owner, const char *resource, const char *why)
{
    struct explain *e = owner;
    char suffix[16];
    snprintf(suffix, sizeof(suffix), ":%u", e->asked.port);
    if (slice_starts_with(slice_from_cstr(resource), SLICE("gateway/")) &&
        slice_ends_with(slice_from_cstr(resource), slice_from_cstr(suffix)))
        e->refusal = arena_copy(&e->arena, slice_from_cstr(why));
}

static void compile_from(struct explain *e, const struct workload *w)
{
    struct compile_target target = {.namespace_name = w->namespace_name};
    struct slice account = w->pod ? w->pod->spec.service_account : account_of_gateway(e, w);
    if (w->pod)
        target.workload = w->name;
    else
        target.gateway = w->name;
    Weft__Config__V1__Configuration *c = compile_configuration(e->set, &target, NULL);
    e->builder = snapshot_builder_create();
    e->snapshot = snapshot_build_what_can_be(e->builder, c, take_refusal, e);
    compile_free(c);
    e->from = (struct explain_from){.workload = *w, .is_meshed = !w->pod || pod_is_meshed(w->pod)};
    if (e->from.is_meshed)
        e->from.principal =
            arena_printf(&e->arena, "%.*s/ns/%.*s/sa/%.*s",
                         SLICE_ARG(snapshot_trust_domain(e->snapshot)),
                         SLICE_ARG(w->namespace_name),
                         SLICE_ARG(account.len ? account : SLICE("default")));
}

/* ---- routes ---- */

static struct message *copy_request(struct explain *e)
{
    struct message *m = arena_alloc(&e->arena, sizeof(*m));
    struct headers headers;
    headers_init(&headers, &e->arena);
    headers_copy(&headers, &e->request->headers);
    *m = *e->request;
    m->headers = headers;
    return m;
}

static void add_share(struct explain *e, const struct cluster_conf *cluster, uint32_t weight,
                      const struct filter_chain *chain)
{
    struct explain_share *s = &e->shares[e->share_count++];
    *s = (struct explain_share){
        .cluster = cluster, .weight = weight, .chain = chain, .request = copy_request(e)};
    unsigned status;
    s->redirect = explain_filters_apply(e, chain, s->request, &status);
    if (s->cluster && !s->redirect)
        explain_ends_add(e, s);
}

static void answer_by_filter(struct explain *e, const struct filter_entry *entry, unsigned status)
{
    if (entry->filter == &filter_cors)
        answer(e, status, SLICE("a preflight, which the route's CORS filter answers"));
    else
        answer(e, status, arena_printf(&e->arena, "the route's filter: %.*s",
                                       SLICE_ARG(explain_filters_describe(e, entry))));
}

/* A route of a table, or the default one. */
static void take_route(struct explain *e, const struct route_conf *r)
{
    unsigned status;
    const struct filter_entry *by = explain_filters_apply(e, r->chain, e->request, &status);
    if (by) {
        answer_by_filter(e, by, status);
        return;
    }
    e->shares = arena_alloc(&e->arena, (r->backend_count + 1u) * sizeof(*e->shares));
    if (!r->total_weight)
        answer(e, 500, SLICE("no backend of the rule can be used"));
    for (uint16_t i = 0; i < r->backend_count; i++)
        add_share(e, r->backends[i].cluster, r->backends[i].weight, r->backends[i].chain);
}

static void record_route(void *owner, const struct route_conf *r, struct slice miss)
{
    struct explain *e = owner;
    if (miss.len)
        e->tried[e->tried_count++] = (struct explain_tried){r->name, miss};
}

static const struct route_conf *find_route(struct explain *e, const struct route_table *table)
{
    struct match_trace trace = {.arena = &e->arena, .on_route = record_route, .owner = e};
    struct route_range range = {0, 0};
    struct slice host = host_of_authority(e->request->authority);
    (void)route_hosts_find(table->hosts, host, &range);
    /* Preflights are held against each route twice. */
    e->tried = arena_alloc(&e->arena, (2 * range.count + 1u) * sizeof(*e->tried));
    e->tried_count = 0;
    return route_table_trace(table, e->request, e->asked.path, NULL, &trace);
}

/* What the policies of a Gateway have left undecided goes before whatever is said of its routes. */
static void refuse_unrouted(struct explain *e, unsigned status, struct slice text)
{
    if (explain_guard_settle(e, NULL))
        answer(e, status, text);
}

static bool find_disguise(const struct explain *e, const struct header_set *set)
{
    struct slice meant;
    return header_set_find_disguise(set, &e->request->headers, &meant) != NULL;
}

static bool is_disguised(struct explain *e, const struct header_set *set)
{
    struct slice meant;
    const struct header *found = header_set_find_disguise(set, &e->request->headers, &meant);
    if (found)
        answer(e, 400,
               arena_printf(&e->arena,
                            "header %.*s can be read as %.*s, by which a policy or a route decides",
                            SLICE_ARG(found->name), SLICE_ARG(meant)));
    return found != NULL;
}

static bool has_host(const struct explain *e, const struct route_table *table)
{
    struct route_range range;
    return route_hosts_find(table->hosts, host_of_authority(e->request->authority), &range);
}

static void use_table(struct explain *e, const struct route_table *table, bool at_gateway)
{
    if (at_gateway && find_disguise(e, table->headers) && !explain_guard_settle(e, NULL))
        return;
    if (is_disguised(e, table->headers))
        return;
    e->is_routed = true;
    e->route = find_route(e, table);
    if (at_gateway &&
        !route_table_is_one_route(table, e->request, e->asked.other_paths, NULL, e->route))
        refuse_unrouted(e, 400,
                        SLICE("the path can be read in ways that lead to different routes"));
    else if (!e->route)
        refuse_unrouted(e, 404, has_host(e, table) ? SLICE("no route matches")
                                                   : SLICE("no route is for this host"));
    else if (explain_guard_settle(e, e->route))
        take_route(e, e->route);
}

/* Names of headers, before anything else is looked at. */
static bool is_refused(struct explain *e, const struct client_conf *clients)
{
    struct client_head found;
    struct slice why;
    if (client_head_sift(&e->request->headers, clients, &e->arena, &found, &why))
        return false;
    answer(e, 400, why);
    return true;
}

/* ---- from a pod ---- */

static bool may_be_http(Weft__Config__V1__Protocol p)
{
    return p != WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TCP &&
           p != WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_TLS;
}

static void use_destination(struct explain *e, const struct destination_conf *d)
{
    e->destination = d->name;
    e->protocol = d->protocol;
    /* TLS of the app itself and opaque ports are bytes to the sidecar: no routes. */
    bool is_http = e->from.is_meshed && may_be_http(d->protocol) &&
                   slice_eq(e->asked.scheme, SLICE("http"));
    if (is_http && is_refused(e, snapshot_client_conf(e->snapshot, 0, SLICE(""))))
        return;
    if (is_http && d->routes) {
        use_table(e, d->routes, false);
        return;
    }
    e->shares = arena_alloc(&e->arena, sizeof(*e->shares));
    add_share(e, d->default_cluster, 1, NULL);
}

static void from_pod(struct explain *e)
{
    struct addr to;
    bool is_address = addr_parse(e->asked.host, &to) == ERR_OK;
    to.port = e->asked.port;
    const struct destination_conf *d =
        is_address ? snapshot_destination_by_addr(e->snapshot, &to)
                   : snapshot_destination_by_host(e->snapshot, e->asked.host, e->asked.port);
    const struct workload_conf *w =
        d || !is_address ? NULL : snapshot_workload(e->snapshot, &to);
    if (d)
        use_destination(e, d);
    else if (w)
        explain_ends_add_workload(e, w);
    else
        e->answer = explain_hint(e);
}

/* ---- from outside, at a Gateway ---- */

/* The listener whose certificate is shown to who asks for that host. */
static const struct gateway_model_listener *listener_for(const struct gateway_model *m,
                                                         const struct asked *asked)
{
    const struct gateway_model_listener *best = NULL;
    for (size_t i = 0; i < m->n_listeners; i++) {
        const struct gateway_model_listener *l = &m->listeners[i];
        if (l->is_served && l->n_certificates && l->from->port == asked->port &&
            gateway_host_covers(l->from->hostname, asked->host) &&
            (!best || gateway_host_is_narrower(l->from->hostname, best->from->hostname)))
            best = l;
    }
    return best;
}

static bool read_gateway(struct explain *e, struct gateway_model *model)
{
    const struct workload *w = &e->from.workload;
    const struct gateway *g =
        (const void *)policy_index_find(e->set, KIND_GATEWAY, w->namespace_name, w->name);
    if (g)
        gateway_model_build(model, &e->arena, e->set, g);
    return g != NULL;
}

/* Of a listener of that port that is not served: why not. Empty: there is none. */
static struct slice why_not_served(struct explain *e)
{
    struct gateway_model model;
    bool is_there = read_gateway(e, &model);
    for (size_t i = 0; is_there && i < model.n_listeners; i++) {
        const struct gateway_model_listener *l = &model.listeners[i];
        const struct gateway_finding *f = !l->accepted.ok   ? &l->accepted
                                          : !l->resolved.ok ? &l->resolved
                                                            : &l->conflict;
        if (l->from->port == e->asked.port && !l->is_served)
            return f->text;
    }
    return e->refusal;
}

static void find_certificate(struct explain *e)
{
    struct gateway_model model;
    if (!slice_eq(e->asked.scheme, SLICE("https")) || !read_gateway(e, &model))
        return;
    const struct gateway_model_listener *l = listener_for(&model, &e->asked);
    const struct metadata *meta = l ? &l->certificates[0]->object.meta : NULL;
    if (meta)
        e->certificate = arena_printf(&e->arena, "Secret %.*s/%.*s (listener %.*s)",
                                      SLICE_ARG(meta->namespace_name), SLICE_ARG(meta->name),
                                      SLICE_ARG(l->from->name));
}

/* The listener does not ask for a route. */
static bool goes_to_https(struct explain *e, const struct client_conf *clients)
{
    struct message asked = *e->request;
    bool has_host;
    asked.scheme = e->asked.scheme;
    if (e->client.is_believed &&
        slice_eq_nocase(headers_get_id(&asked.headers, HEADER_X_FORWARDED_PROTO), SLICE("https")))
        asked.scheme = SLICE("https");
    struct slice to = client_head_https(&clients->connection, &asked, e->asked.path, asked.path,
                                        &e->arena, &has_host);
    if (!to.len)
        return false;
    answer(e, (unsigned)clients->connection.redirect.status,
           arena_printf(&e->arena, "the listener sends requests to HTTPS (httpsRedirect): %.*s",
                        SLICE_ARG(to)));
    return true;
}

/* As the Gateway passes it on, and so matches it. */
static void merge_leading_slashes(struct explain *e)
{
    struct message *m = e->request;
    while (m->path.len > 1 && m->path.ptr[0] == '/' && m->path.ptr[1] == '/')
        m->path = slice_sub(m->path, 1, m->path.len);
    e->asked.path =
        normalize_path_readings(&e->arena, message_path_only(m), &e->asked.other_paths);
}

/* Requests cannot come by that port; this is what can. */
static struct slice for_datagrams(struct explain *e, const struct gateway_conf *g)
{
    const struct route_conf *r =
        g->listener_count ? listener_choice_stream(g, &g->listeners[0], SLICE("")) : NULL;
    struct slice text = arena_printf(&e->arena,
                                     "port %u of the Gateway is for datagrams (UDP), not for "
                                     "requests; ",
                                     g->port);
    if (!r)
        return arena_printf(&e->arena, "%.*sno UDPRoute is attached, so they are dropped",
                            SLICE_ARG(text));
    text = arena_printf(&e->arena, "%.*sroute %.*s sends them to", SLICE_ARG(text),
                        SLICE_ARG(r->name));
    for (uint16_t i = 0; i < r->backend_count; i++) {
        const struct backend_conf *b = &r->backends[i];
        struct slice to = b->cluster ? b->cluster->service : SLICE("nowhere");
        text = arena_printf(&e->arena, "%.*s%s %.*s (weight %u)", SLICE_ARG(text), i ? "," : "",
                            SLICE_ARG(to), b->weight);
    }
    return text;
}

static struct slice no_listener(struct explain *e)
{
    const struct gateway_conf *udp = snapshot_udp_gateway(e->snapshot, e->asked.port);
    uint32_t count;
    const struct gateway_conf *const *all = snapshot_gateways(e->snapshot, &count);
    struct slice ports = SLICE(""), why = why_not_served(e);
    if (udp)
        return for_datagrams(e, udp);
    if (why.len)
        return arena_printf(&e->arena, "the Gateway does not serve port %u: %.*s", e->asked.port,
                            SLICE_ARG(why));
    for (uint32_t i = 0; i < count; i++)
        ports = arena_printf(&e->arena, "%.*s%s%u%s", SLICE_ARG(ports), i ? ", " : "", all[i]->port,
                             gateway_is_udp(all[i]) ? "/udp" : "");
    return arena_printf(&e->arena, "the Gateway has no listener on port %u; it has %.*s",
                        e->asked.port, SLICE_ARG(count ? ports : SLICE("none that is served")));
}

static void at_gateway(struct explain *e, struct slice client_ip)
{
    const struct gateway_conf *g = snapshot_gateway(e->snapshot, e->asked.port);
    struct addr peer = {.family = 4};
    struct slice sni = slice_eq(e->asked.scheme, SLICE("https")) ? e->asked.host : SLICE("");
    struct slice text = {0};
    if (!g) {
        e->answer = no_listener(e);
        return;
    }
    if (client_ip.len && addr_parse(client_ip, &peer) != ERR_OK)
        peer = (struct addr){.family = 4};
    e->destination = g->name;
    e->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP;
    find_certificate(e);
    const struct client_conf *clients = snapshot_client_conf(e->snapshot, e->asked.port, sni);
    if (is_refused(e, clients))
        return;
    client_head_find(&e->client, &e->request->headers, &peer, clients, true, false, &text);
    merge_leading_slashes(e);
    e->gateway = g;
    e->peer = peer;
    if (goes_to_https(e, clients))
        return;
    if ((g->authz && is_disguised(e, &g->authz->headers)) || !explain_guard_enter(e))
        return;
    if (sni.len &&
        listener_choice_is_misdirected(g, sni, host_of_authority(e->request->authority)))
        refuse_unrouted(e, 421,
                        SLICE("the host belongs to another listener than the connection's name"));
    else if (g->routes)
        use_table(e, g->routes, true);
    else
        refuse_unrouted(e, 404, SLICE("no route is for this port"));
}

/* ---- the whole ---- */

static void conclude(struct explain *e)
{
    for (size_t i = 0; i < e->share_count; i++) {
        const struct explain_share *s = &e->shares[i];
        for (size_t j = 0; s->weight && j < s->count; j++)
            e->is_delivered |= s->endpoints[j].conf->ready && s->endpoints[j].verdict.allowed;
    }
    e->is_delivered &= e->status == 0;
}

struct explain *explain_create(const struct policy_set *set, const struct workload *from,
                               const struct asked *asked, struct slice client_ip)
{
    struct preflight preflight;
    if (tls_lib_init())
        return NULL;
    struct explain *e = mem_zalloc(sizeof(*e));
    arena_init(&e->arena, ARENA_BLOCK);
    e->set = set;
    e->asked = *asked;
    e->request = asked_message(&e->asked, &e->arena);
    e->is_preflight = preflight_read(&preflight, e->request);
    compile_from(e, from);
    if (!e->asked.path.len)
        answer(e, 400, SLICE("the path can be read in two ways"));
    else if (from->pod)
        from_pod(e);
    else
        at_gateway(e, client_ip);
    conclude(e);
    return e;
}

void explain_destroy(struct explain *e)
{
    snapshot_unref(e->snapshot);
    snapshot_builder_destroy(e->builder);
    arena_dispose(&e->arena);
    mem_free(e);
}
