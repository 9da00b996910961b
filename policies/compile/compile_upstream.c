/* UpstreamTls messages: how backends with a BackendTLSPolicy are called. Control thread.
 * Must not know which endpoints they have.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/backend_trust.h"
#include "policies/compile/compile_priv.h"

static void add_names(struct compile *c, const struct backend_tls_policy_validation *v,
                      PB(UpstreamTls) * to)
{
    for (SCHEMA_EACH(v->sans, struct backend_tls_policy_san, san)) {
        if (san->type == BACKEND_TLS_POLICY_SAN_DNS)
            PB_PUSH(c, to, san_dns, compile_build_text(c, san->hostname));
        else
            PB_PUSH(c, to, san_uri, compile_build_text(c, san->uri));
    }
}

PB(UpstreamTls) * compile_upstream_tls(struct compile *c, const struct backend_tls_policy *policy)
{
    const struct backend_tls_policy_validation *v = &policy->spec.validation;
    struct backend_trust trust = backend_trust_of(c->set, c->arena, policy);
    bool is_external = policy->object.kind->id == KIND_EXTERNAL_SERVICE;
    const char *path = is_external ? "spec.tls" : "spec.validation";
    if (trust.fault != BACKEND_TRUST_OK)
        compile_build_note(c, &policy->object, trust.line, path,
                           FINDING_BACKEND_TRUST, "%.*s%s",
                           SLICE_ARG(trust.text),
                           trust.is_usable ? ": left out" : ": the backends are answered 500");
    if (trust.left_out.len)
        compile_build_note(c, &policy->object, 0, path, FINDING_BACKEND_TRUST,
                           "%.*s",
                           SLICE_ARG(trust.left_out));
    if (!trust.is_usable)
        return NULL;
    PB(UpstreamTls) *to = PB_NEW(c, UpstreamTls, upstream_tls);
    to->sni = compile_build_text(c, v->hostname);
    to->system_roots = trust.system_roots;
    to->ca_pem = compile_build_text(c, trust.roots_pem);
    add_names(c, v, to);
    if (c->client_certificate) {
        to->client_cert_chain_pem = compile_build_text(c, c->client_certificate->cert_chain_pem);
        to->client_key_pem = compile_build_text(c, c->client_certificate->key_pem);
    }
    return to;
}
