/* How TLS ends at a listener: ListenerPolicies, the narrower first, then the older, then the
 * fallbacks of the table; and the message of it. Control thread. Must not know how listeners come
 * about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_layer.h"
#include "lib/tls/tls_suites.h"
#include "policies/compile/compile_gateway_priv.h"
#include "policies/gateway/gateway_refs.h"
#include "policies/kinds/listener_policy.h"

/* *from: the policy that names the authorities, or NULL. False: nobody says anything. */
static bool collect(const struct object_list *policies, struct slice gateway, struct slice listener,
                    struct listener_tls *out, const struct listener_policy **from)
{
    bool any = false;
    *from = NULL;
    schema_layer_clear(&listener_tls_schema, out);
    for (int wanted = 2; wanted > 0; wanted--) {
        for (size_t i = 0; i < policies->count; i++) {
            const struct listener_policy *p = POLICY_AT(policies, struct listener_policy, i);
            int fit = policy_target_fit(&p->spec.targets, "Gateway", gateway, listener);
            if (fit != wanted || !listener_tls_is_said(&p->spec.tls))
                continue;
            schema_layer_inherit(&listener_tls_schema, out, &p->spec.tls);
            if (!*from && p->spec.tls.clients.authorities.present)
                *from = p;
            any = true;
        }
    }
    return any;
}

static PB(TlsVersion) version_of(int version)
{
    return version == LISTENER_TLS_1_3 ? WEFT__CONFIG__V1__TLS_VERSION__TLS_VERSION_1_3
                                       : WEFT__CONFIG__V1__TLS_VERSION__TLS_VERSION_1_2;
}

/* Of two policies one may want what is newer than the other allows. */
static void settle_versions(struct compile *c, const struct gateway_model_listener *l,
                            struct listener_tls *said)
{
    if (said->min_version <= said->max_version)
        return;
    compile_build_note(c, l->owner, l->from->line, "spec.listeners", FINDING_POLICY_CONFLICT,
                       "listener %.*s: of its ListenerPolicies one says tls.maxVersion 1.2 and one "
                       "tls.minVersion 1.3: TLS 1.3 alone is spoken",
                       SLICE_ARG(l->from->name));
    said->max_version = said->min_version;
}

static void push_names(struct compile *c, const struct listener_tls *from, PB(ListenerTls) * to)
{
    for (SCHEMA_EACH(from->ciphers, struct slice, name)) {
        const struct tls_suite *s = tls_suite_find(*name);
        if (s)
            PB_PUSH(c, to, ciphers, compile_build_text(c, slice_from_cstr(s->iana)));
    }
    for (SCHEMA_EACH(from->groups, struct slice, name)) {
        const struct tls_group *g = tls_group_find(*name);
        if (g)
            PB_PUSH(c, to, groups, compile_build_text(c, slice_from_cstr(g->name)));
    }
    for (SCHEMA_EACH(from->alpn, struct slice, name))
        PB_PUSH(c, to, alpn, compile_build_text(c, *name));
    if (!from->alpn.count) {
        PB_PUSH(c, to, alpn, compile_build_text(c, SLICE("h2")));
        PB_PUSH(c, to, alpn, compile_build_text(c, SLICE("http/1.1")));
    }
}

/* Where no policy says whether, the Gateway does. */
static PB(ClientValidation) * make_validation(struct compile *c, struct gateway_model *m,
                                              const struct gateway_model_listener *l,
                                              const struct listener_tls *from,
                                              const struct listener_policy *policy)
{
    struct gateway_finding why;
    if (from->clients.mode == SCHEMA_UNSET)
        return compile_gateway_validation(c, m, l->from->port);
    if (from->clients.mode == LISTENER_TLS_NONE)
        return NULL;
    PB(ClientValidation) *v = PB_NEW(c, ClientValidation, client_validation);
    struct slice pem = policy ? gateway_refs_pem(m, &policy->object,
                                                 &policy->spec.tls.clients.authorities, &why)
                              : SLICE("");
    v->ca_pem = compile_build_text(c, pem);
    v->optional = from->clients.mode == LISTENER_TLS_OPTIONAL;
    v->issuers_max = (uint32_t)from->clients.depth + 1;
    return v;
}

void compile_listener_tls_add(struct compile *c, struct gateway_model *m,
                              const struct gateway_model_listener *l, PB(GatewayListener) * to)
{
    const struct metadata *meta = &m->gateway->object.meta;
    const struct object_list *policies =
        policy_index_group(c->set, POLICY_GROUP_GATEWAY_CLIENTS, meta->namespace_name, meta->name);
    const struct listener_policy *policy;
    struct listener_tls said;
    /* Nobody can name a listener of a ListenerSet. */
    struct slice name = l->owner == &m->gateway->object ? l->from->name : SLICE("");
    if (!gateway_model_ends_tls(l->from) || !collect(policies, meta->name, name, &said, &policy))
        return;
    schema_layer_settle(&listener_tls_schema, &said);
    settle_versions(c, l, &said);
    to->tls = PB_NEW(c, ListenerTls, listener_tls);
    to->tls->min_version = version_of(said.min_version);
    to->tls->max_version = version_of(said.max_version);
    push_names(c, &said, to->tls);
    to->tls->client_validation = make_validation(c, m, l, &said, policy);
}
