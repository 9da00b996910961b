/* The far end of a request: each endpoint, how it is reached, and what its sidecar says of the call
 * by its own compiled configuration. Main thread. Must not know how the request got there.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policy_addresses.h"
#include "weftctl/explain_client.h"
#include "weftctl/explain_priv.h"

static struct slice without_port(struct slice address)
{
    size_t at = address.len;
    while (at > 0 && address.ptr[at - 1] != ':')
        at--;
    struct slice ip = at ? slice_sub(address, 0, at - 1) : address;
    if (ip.len > 1 && ip.ptr[0] == '[')
        ip = slice_sub(ip, 1, ip.len - 2);
    return ip;
}

static uint16_t port_of(const char *address)
{
    struct addr a;
    return addr_parse(slice_from_cstr(address), &a) == ERR_OK ? a.port : 0;
}

static const EX(Inbound) * find_inbound(const EX(Configuration) * c)
{
    for (size_t i = 0; i < c->n_resources; i++)
        if (c->resources[i]->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_INBOUND)
            return c->resources[i]->inbound;
    return NULL;
}

static EX(MtlsMode) mode_of_port(const EX(Inbound) * in, uint16_t port)
{
    for (size_t i = 0; i < in->n_ports; i++)
        if (in->ports[i]->port == port &&
            in->ports[i]->mtls != WEFT__CONFIG__V1__MTLS_MODE__MTLS_UNSET)
            return in->ports[i]->mtls;
    return in->mtls;
}

/* The client as the endpoint's sidecar sees it: a Gateway that it trusts tells it whom it found. */
static struct slice remote_of(struct explain *e, const struct explain_call *call,
                              const EX(ClientTraffic) * rules)
{
    struct explain_peer peer = {.ip = call->caller_ip, .principal = call->principal};
    if (!e->from.workload.pod)
        return explain_client_trusts(rules, call->principal) ? e->client : call->caller_ip;
    return explain_client_find(&e->arena, rules, &peer, &e->asked);
}

static bool is_refused(struct explain *e, struct explain_endpoint *end, const EX(Inbound) * in,
                       const EX(ClientTraffic) * rules, struct asked *asked)
{
    struct slice why = explain_client_sift(&e->arena, rules, asked);
    if (!why.len)
        why = explain_client_check(&e->arena, in->authz, in->n_authz, NULL, 0, asked);
    if (why.len)
        end->verdict.text = arena_printf(&e->arena, "refused with 400: %.*s", SLICE_ARG(why));
    return why.len > 0;
}

/* What the sidecar at the endpoint says. */
static void judge(struct explain *e, struct explain_endpoint *end, const EX(Inbound) * in,
                  const EX(ClientTraffic) * rules)
{
    struct slice address = slice_from_cstr(end->endpoint->address);
    struct asked *asked = arena_alloc(&e->arena, sizeof(*asked));
    *asked = e->asked;
    struct explain_call call = {.asked = asked,
                                .local_ip = without_port(address),
                                .port = port_of(end->endpoint->address)};
    if (e->from.workload.pod)
        call.caller_ip = e->from.workload.pod->status.ip;
    if (end->is_mutual_tls) {
        call.principal = e->from.principal;
        call.namespace_name = e->from.workload.namespace_name;
    }
    if (!end->is_mutual_tls &&
        mode_of_port(in, call.port) == WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT) {
        end->verdict.text = SLICE("refused: it takes mutual TLS only (STRICT)");
        return;
    }
    call.remote_ip = remote_of(e, &call, rules);
    if (is_refused(e, end, in, rules, asked))
        return;
    explain_authz_decide(&e->arena, in->authz, in->n_authz, &call, &end->verdict);
}

/* Of what was compiled for the endpoint's own sidecar, only texts in its own arena are used, so the
 * verdict's are copied. */
static void keep_texts(struct explain *e, struct explain_verdict *v)
{
    for (size_t i = 0; i < v->rule_count; i++)
        v->rules[i].policy = arena_strdup(&e->arena, slice_from_cstr(v->rules[i].policy));
}

static void ask_endpoint(struct explain *e, struct explain_endpoint *end)
{
    struct slice ip = without_port(slice_from_cstr(end->endpoint->address));
    const struct pod *pod = policy_addresses_pod(e->set, ip);
    end->is_mutual_tls = e->from.is_meshed && end->endpoint->meshed;
    end->has_sidecar = pod && pod_is_meshed(pod);
    if (!end->has_sidecar) {
        end->verdict = (struct explain_verdict){
            .allowed = true, .text = SLICE("no sidecar there: nothing is checked")};
        return;
    }
    struct compile_target target = {.namespace_name = pod->object.meta.namespace_name,
                                    .workload = pod->object.meta.name};
    EX(Configuration) *theirs = compile_base(e->set, &target, NULL);
    const EX(Inbound) *in = find_inbound(theirs);
    if (in)
        judge(e, end, in, explain_mesh_rules(theirs));
    keep_texts(e, &end->verdict);
    compile_free(theirs);
}

void explain_ends_add(struct explain *e, struct explain_share *share)
{
    const EX(Cluster) *c = share->cluster;
    share->count = c->n_endpoints;
    share->endpoints = arena_zalloc(&e->arena, (share->count + 1) * sizeof(*share->endpoints));
    for (size_t i = 0; i < share->count; i++) {
        share->endpoints[i].endpoint = c->endpoints[i];
        ask_endpoint(e, &share->endpoints[i]);
    }
}

void explain_ends_add_workload(struct explain *e, const EX(Workload) * workload)
{
    EX(Endpoint) *endpoint = arena_alloc(&e->arena, sizeof(*endpoint));
    struct addr addr;
    char text[ADDR_TEXT_MAX];
    weft__config__v1__endpoint__init(endpoint);
    if (addr_parse(slice_from_cstr(workload->ip), &addr) == ERR_OK) {
        addr.port = e->asked.port;
        endpoint->address = arena_strdup(&e->arena, slice_from_cstr(addr_format(&addr, text)));
    }
    endpoint->workload = workload->name;
    endpoint->namespace_ = workload->namespace_;
    endpoint->meshed = workload->meshed;
    endpoint->spiffe_id = workload->spiffe_id;
    endpoint->ready = true;
    e->answer = SLICE("a pod by its own address: no routes apply");
    e->shares = arena_zalloc(&e->arena, sizeof(*e->shares));
    e->shares[e->share_count++] =
        (struct explain_share){.cluster_name = "direct", .weight = 1, .count = 1};
    e->shares[0].endpoints = arena_zalloc(&e->arena, sizeof(*e->shares[0].endpoints));
    e->shares[0].endpoints[0].endpoint = endpoint;
    ask_endpoint(e, &e->shares[0].endpoints[0]);
}
