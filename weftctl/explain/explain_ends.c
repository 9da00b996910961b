/* The far end of a request: each endpoint, how it is reached, and what its sidecar says of the call
 * by the snapshot that it would have. Main thread. Must not know how the request got there.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "lib/base/mem.h"
#include "lib/codec/http/normalize.h"
#include "policies/store/policy_addresses.h"
#include "sidecar/config/client_head.h"
#include "lib/codec/http/header_set.h"
#include "weftctl/explain/explain.h"

/* A request as the endpoint's sidecar takes it in. */
struct arrival {
    struct explain *e;
    struct explain_endpoint *end;
    const struct snapshot *there;
    struct message *request;
    struct downstream_info down;
    struct tls_peer peer;
};

static void refuse(struct arrival *a, struct slice text)
{
    a->end->verdict.text = text;
}

/* What a Gateway tells the sidecar of the client, instead of all that the client claimed. */
static void say_client(struct arrival *a)
{
    char text[ADDR_TEXT_MAX];
    struct headers *h = &a->request->headers;
    for (uint32_t i = h->count; i-- > 0;)
        if (client_head_is_claim(h->items[i].id))
            headers_remove_id(h, h->items[i].id);
    headers_add_id(h, HEADER_WEFT_CLIENT,
                   a->e->client.is_unknown
                       ? SLICE("unknown")
                       : arena_copy(&a->e->arena,
                                    slice_from_cstr(addr_format_ip(&a->e->client.client, text))));
}

static bool is_refused_by_names(struct arrival *a, const struct client_conf *clients,
                                const struct authz *authz)
{
    struct client_head found;
    struct arena *arena = &a->e->arena;
    struct slice why = {0}, meant;
    if (!client_head_sift(&a->request->headers, clients, arena, &found, &why)) {
        refuse(a, arena_printf(arena, "refused with 400: %.*s", SLICE_ARG(why)));
        return true;
    }
    const struct header *odd =
        authz ? header_set_find_disguise(&authz->headers, &a->request->headers, &meant) : NULL;
    if (odd)
        refuse(a, arena_printf(arena,
                               "refused with 400: header %.*s can be read as %.*s, by which a "
                               "policy or a route decides",
                               SLICE_ARG(odd->name), SLICE_ARG(meant)));
    return odd != NULL;
}

/* HTTPFilters of the port. Authorization stands among them and is asked for itself. */
static void run_port_filters(struct arrival *a)
{
    const struct inbound_port_conf *port =
        snapshot_inbound_port(a->there, a->down.original_dst.port);
    const struct filter_chain *chain = port ? port->chain : NULL;
    struct explain_endpoint *end = a->end;
    unsigned status;
    if (!chain)
        return;
    end->filters = arena_alloc(&a->e->arena, chain->count * sizeof(*end->filters));
    for (uint32_t i = 0; i < chain->count; i++)
        if (filter_entry_owner(&chain->entries[i]).len)
            end->filters[end->filter_count++] = explain_filters_describe(a->e, &chain->entries[i]);
    const struct filter_entry *by = explain_filters_apply(a->e, chain, a->request, &status);
    if (!by || !end->verdict.allowed)
        return;
    end->verdict.allowed = false;
    end->verdict.status = status;
    end->verdict.text = arena_printf(&a->e->arena, "answered there with %u: %.*s", status,
                                     SLICE_ARG(explain_filters_describe(a->e, by)));
}

/* The sidecar's steps admit and guard. */
static void judge(struct arrival *a)
{
    const struct authz *authz = snapshot_inbound(a->there)->authz;
    const struct client_conf *clients = snapshot_client_conf(a->there, 0, SLICE(""));
    struct arena *arena = &a->e->arena;
    struct forwarded client;
    struct authz_facts facts;
    struct slice text = {0};
    if (!a->end->is_mutual_tls && snapshot_mtls_mode(a->there, a->down.original_dst.port) ==
                                      WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT) {
        refuse(a, SLICE("refused: it takes mutual TLS only (STRICT)"));
        return;
    }
    if (is_refused_by_names(a, clients, authz))
        return;
    client_head_find(&client, &a->request->headers, &a->down.peer, clients, false,
                     a->end->is_mutual_tls && client_head_trusts(clients, a->e->from.principal),
                     &text);
    const struct normalize_readings *others = NULL;
    struct slice path = normalize_path_readings(arena, message_path_only(a->request), &others);
    authz_facts_take(&facts, &a->down, a->request, path, client.is_unknown ? NULL : &client.client);
    facts.other_paths = others;
    if (!path.len) {
        refuse(a, SLICE("refused with 400: the path can be read in two ways"));
        return;
    }
    explain_decide(a->e, authz, &facts, &a->end->verdict);
    run_port_filters(a);
}

static void arrive(struct arrival *a)
{
    const struct workload *from = &a->e->from.workload;
    a->down = (struct downstream_info){
        .peer = {.family = 4}, .local = a->end->conf->addr, .original_dst = a->end->conf->addr};
    if (from->pod && from->pod->status.ip.len &&
        addr_parse(from->pod->status.ip, &a->down.peer) != ERR_OK)
        a->down.peer = (struct addr){.family = 4};
    if (a->end->is_mutual_tls) {
        a->peer.spiffe_id =
            arena_printf(&a->e->arena, "spiffe://%.*s", SLICE_ARG(a->e->from.principal));
        a->down.tls_peer = &a->peer;
        a->down.is_tls = true;
    }
    if (!from->pod)
        say_client(a);
    judge(a);
}

static struct message *copy(struct explain *e, const struct message *m)
{
    struct message *to = arena_alloc(&e->arena, sizeof(*to));
    struct headers headers;
    headers_init(&headers, &e->arena);
    headers_copy(&headers, &m->headers);
    *to = *m;
    to->headers = headers;
    return to;
}

static const struct pod *pod_at(struct explain *e, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    return policy_addresses_pod(e->set, slice_from_cstr(addr_format_ip(a, text)));
}

static void ask_endpoint(struct explain *e, struct explain_endpoint *end,
                         const struct message *request, bool mtls_disabled)
{
    const struct pod *pod = pod_at(e, &end->conf->addr);
    end->is_mutual_tls = e->from.is_meshed && end->conf->meshed && !mtls_disabled;
    end->has_sidecar = pod && pod_is_meshed(pod);
    if (!end->has_sidecar) {
        end->verdict = (struct explain_verdict){
            .allowed = true, .text = SLICE("no sidecar there: nothing is checked")};
        return;
    }
    struct compile_target target = {.namespace_name = pod->object.meta.namespace_name,
                                    .workload = pod->object.meta.name};
    Weft__Config__V1__Configuration *c = compile_base(e->set, &target, NULL);
    struct snapshot_builder *builder = snapshot_builder_create();
    struct snapshot *there = snapshot_build_what_can_be(builder, c, NULL, NULL);
    compile_free(c);
    struct arrival a = {.e = e, .end = end, .there = there, .request = copy(e, request)};
    arrive(&a);
    snapshot_unref(there);
    snapshot_builder_destroy(builder);
}

void explain_ends_add(struct explain *e, struct explain_share *share)
{
    const struct cluster_conf *c = share->cluster;
    share->count = c->endpoint_count;
    share->endpoints = arena_zalloc(&e->arena, (share->count + 1) * sizeof(*share->endpoints));
    for (size_t i = 0; i < share->count; i++) {
        share->endpoints[i].conf = &c->endpoints[i];
        ask_endpoint(e, &share->endpoints[i], share->request, c->mtls_disabled);
    }
}

void explain_ends_add_workload(struct explain *e, const struct workload_conf *workload)
{
    struct endpoint_conf *conf = arena_zalloc(&e->arena, sizeof(*conf));
    char text[ADDR_TEXT_MAX];
    conf->addr = workload->ip;
    conf->addr.port = e->asked.port;
    conf->address_text = arena_copy(&e->arena, slice_from_cstr(addr_format(&conf->addr, text)));
    conf->workload = workload->name;
    conf->namespace_name = workload->namespace_name;
    conf->spiffe_id = workload->spiffe_id;
    conf->meshed = workload->meshed;
    conf->ready = true;
    e->answer = SLICE("a pod by its own address: no routes apply");
    e->shares = arena_zalloc(&e->arena, sizeof(*e->shares));
    e->shares[e->share_count++] =
        (struct explain_share){.weight = 1, .count = 1, .request = e->request};
    e->shares[0].endpoints = arena_zalloc(&e->arena, sizeof(*e->shares[0].endpoints));
    e->shares[0].endpoints[0].conf = conf;
    ask_endpoint(e, &e->shares[0].endpoints[0], e->request, false);
}
