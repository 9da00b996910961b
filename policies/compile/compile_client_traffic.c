/* What holds for connections from clients: ListenerPolicies, the narrower first, then the older,
 * then MeshConfig, then the fallbacks of the table; and the message of it. Control thread. Must not
 * know how listeners come about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "policies/compile/compile_priv.h"
#include "policies/gateway/gateway_model.h"
#include "policies/gateway/gateway_names.h"
#include "policies/kinds/listener_policy.h"
#include "lib/schema/schema_layer.h"
#include "lib/schema/schema_write.h"

/* ---- who says what ---- */

/* 2: names one of the listeners; 1: the whole Gateway; 0: neither. */
static int fit(const struct listener_policy *p, struct slice gateway, const struct slice *names,
               size_t count)
{
    int best = policy_target_fit(&p->spec.targets, "Gateway", gateway, (struct slice){0});
    for (size_t i = 0; i < count && best < 2; i++)
        best = policy_target_fit(&p->spec.targets, "Gateway", gateway, names[i]);
    return best;
}

static bool collect(const struct object_list *policies, struct slice gateway,
                    const struct slice *names, size_t count, struct client_traffic *out)
{
    bool any = false;
    schema_layer_clear(&client_traffic_schema, out);
    for (int wanted = 2; wanted > 0; wanted--) {
        for (size_t i = 0; i < policies->count; i++) {
            const struct listener_policy *p = POLICY_AT(policies, struct listener_policy, i);
            if (fit(p, gateway, names, count) != wanted)
                continue;
            schema_layer_inherit(&client_traffic_schema, out, &p->spec.traffic);
            any = true;
        }
    }
    return any;
}

static bool says_the_same(const struct listener_policy *a, const struct listener_policy *b,
                          char path[SCHEMA_PATH_MAX])
{
    char below[SCHEMA_PATH_MAX];
    if (schema_layer_overlap(&client_traffic_schema, &a->spec.traffic, &b->spec.traffic, path))
        return true;
    if (!schema_layer_overlap(&listener_tls_schema, &a->spec.tls, &b->spec.tls, below))
        return false;
    snprintf(path, SCHEMA_PATH_MAX, "tls.%.*s", SCHEMA_PATH_MAX / 2, below);
    return true;
}

void compile_client_traffic_note_conflicts(struct compile *c, const struct object_list *policies)
{
    char path[SCHEMA_PATH_MAX];
    for (size_t i = 1; i < policies->count; i++) {
        const struct listener_policy *late = POLICY_AT(policies, struct listener_policy, i);
        for (size_t j = 0; j < i; j++) {
            const struct listener_policy *early = POLICY_AT(policies, struct listener_policy, j);
            if (policy_target_is_shared(&early->spec.targets, &late->spec.targets) &&
                says_the_same(early, late, path))
                compile_build_note(c, &late->object, 0, "spec", FINDING_POLICY_CONFLICT,
                                   "%s not in force: %.*s says it for the same target and comes "
                                   "first",
                                   path, SLICE_ARG(early->object.text));
        }
    }
}

/* ---- messages ---- */

/* "x", "x*", "*x" or "*". */
static PB(StringMatch) * match_of(struct compile *c, struct slice pattern)
{
    PB(StringMatch) *m = PB_NEW(c, StringMatch, string_match);
    if (slice_eq_cstr(pattern, "*")) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PRESENT;
        m->present = true;
    } else if (slice_ends_with(pattern, SLICE("*"))) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PREFIX;
        m->prefix = compile_build_text(c, slice_sub(pattern, 0, pattern.len - 1));
    } else if (slice_starts_with(pattern, SLICE("*"))) {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_SUFFIX;
        m->suffix = compile_build_text(c, slice_sub(pattern, 1, pattern.len));
    } else {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
        m->exact = compile_build_text(c, pattern);
    }
    return m;
}

static void push_trust(struct compile *c, const struct client_traffic *from, PB(ClientTrust) * to)
{
    to->hops = (uint32_t)from->trusted_hops;
    for (SCHEMA_EACH(from->trusted_addresses, struct slice, text)) {
        PB(Cidr) *cidr = PB_NEW(c, Cidr, cidr);
        cidr->text = compile_build_text(c, *text);
        PB_PUSH(c, to, addresses, cidr);
    }
    for (SCHEMA_EACH(from->trusted_identities, struct slice, pattern))
        PB_PUSH(c, to, identities, match_of(c, *pattern));
}

/* The service accounts that policyd makes for Gateways: what they say was judged by the rules that
 * hold there. */
static void push_gateways(struct compile *c, PB(ClientTrust) * to)
{
    const struct object_list *all = &c->set->all[KIND_GATEWAY];
    for (size_t i = 0; i < all->count; i++) {
        const struct gateway *g = POLICY_AT(all, struct gateway, i);
        char name[GATEWAY_NAMES_MAX];
        if (!gateway_model_is_ours(c->set, g))
            continue;
        PB(StringMatch) *m = PB_NEW(c, StringMatch, string_match);
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
        m->exact = compile_build_format(c, "%.*s/ns/%.*s/sa/%s", SLICE_ARG(c->trust_domain),
                                        SLICE_ARG(g->object.meta.namespace_name),
                                        gateway_names_managed(g, name));
        PB_PUSH(c, to, identities, m);
    }
}

static struct slice write_connection(struct arena *arena, const struct client_connection *from)
{
    struct buf text;
    buf_init(&text);
    schema_write(&client_connection_schema, from, &text);
    struct slice whole = buf_take_into(&text, arena);
    buf_dispose(&text);
    return whole;
}

/* Empty where nothing is said. */
static char *connection_spec(struct arena *arena, const struct client_connection *said)
{
    struct client_connection none;
    schema_layer_clear(&client_connection_schema, &none);
    struct slice text = write_connection(arena, said);
    return slice_eq(text, write_connection(arena, &none)) ? NULL : arena_strdup(arena, text);
}

/* Each field of the table has its line here, but those of client_connection.h. */
static PB(ClientTraffic) * make_message(struct arena *arena, const struct client_traffic *from)
{
    PB(ClientTraffic) *to = arena_alloc(arena, sizeof *to);
    weft__config__v1__client_traffic__init(to);
    to->limits = arena_alloc(arena, sizeof *to->limits);
    weft__config__v1__client_limits__init(to->limits);
    to->limits->max_target_bytes = (uint32_t)from->limits.max_target_bytes;
    to->limits->max_header_bytes = (uint32_t)from->limits.max_header_bytes;
    to->limits->max_headers = (uint32_t)from->limits.max_headers;
    to->keepalive = compile_traffic_keepalive(arena, &from->keepalive);
    to->http2_keepalive = compile_traffic_http2_keepalive(arena, &from->http2_keepalive);
    struct compile c = {.arena = arena};
    to->trust = PB_NEW(&c, ClientTrust, client_trust);
    push_trust(&c, from, to->trust);
    to->underscores = (PB(UnderscoresAction))from->underscores;
    to->failure_details = (PB(FailureDetails))from->details;
    return to;
}

static PB(ClientTraffic) * complete(struct compile *c, struct client_traffic *said)
{
    if (c->mesh)
        schema_layer_inherit(&client_traffic_schema, said, &c->mesh->spec.clients);
    char *connection = connection_spec(c->arena, &said->connection);
    schema_layer_settle(&client_traffic_schema, said);
    PB(ClientTraffic) *to = make_message(c->arena, said);
    if (connection)
        to->spec = connection;
    if (!c->is_gateway && said->trusted_gateways == CLIENT_TRAFFIC_GATEWAYS_ALL)
        push_gateways(c, to->trust);
    return to;
}

PB(ClientTraffic) * compile_client_traffic_mesh(struct compile *c)
{
    struct client_traffic none;
    schema_layer_clear(&client_traffic_schema, &none);
    return complete(c, &none);
}

PB(ClientTraffic) *
    compile_client_traffic_listeners(struct compile *c, const struct object *gateway,
                                     const struct slice *names, size_t count)
{
    struct client_traffic said;
    const struct object_list *policies = policy_index_group(
        c->set, POLICY_GROUP_GATEWAY_CLIENTS, gateway->meta.namespace_name, gateway->meta.name);
    if (!collect(policies, gateway->meta.name, names, count, &said))
        return NULL;
    return complete(c, &said);
}

PB(ClientTraffic) * compile_client_traffic_fallback(struct arena *arena)
{
    struct client_traffic none;
    schema_layer_clear(&client_traffic_schema, &none);
    schema_layer_settle(&client_traffic_schema, &none);
    return make_message(arena, &none);
}
