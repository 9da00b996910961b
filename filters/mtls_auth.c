/* mtlsAuth: whose certificate it is that the client has shown. The Gateway's listener asks for one
 * and verifies it (spec.tls.frontend); which names count is said in lib/tls/tls_verify.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "filters/refusal.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

struct mtls_auth_spec {
    struct schema_ref consumers;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct mtls_auth_spec, consumers, "consumerNamespaces", INLINE,
                 "Whose Consumers are accepted.", .object = &schema_ref_consumers),
    {0},
};

static const struct schema spec_schema = {
    .name = "MTLSAuth",
    .doc = "Who may call: Consumers, by their certificate.",
    .size = sizeof(struct mtls_auth_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct consumer_scope scope;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct mtls_auth_spec *s = spec;
    ((struct conf *)conf)->scope = consumer_scope_read(b->arena, s->consumers.value);
    return ERR_OK;
}

/* ---- hooks ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("certificate_missing"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("No required TLS certificate was sent"),
     .is_public = true,
     .is_absence = true},
    {.label = FAIL_TEXT("certificate_unknown"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("TLS certificate failed verification"),
     .is_public = true},
};
enum { MISSING, UNKNOWN };

static enum filter_verdict refuse(struct filter_exchange *x, int why)
{
    return refusal_challenge(x, &fails[why], (struct slice){0}, SLICE("mTLS"));
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct slice rest = x->downstream->client_names, name;
    (void)ctx;
    consumer_headers_drop(x);
    if (!rest.len)
        return refuse(x, MISSING);
    while (rest.len && slice_split(&rest, '\0', &name)) {
        const struct consumer_credential *found =
            name.len ? consumer_find(x->consumers, CREDENTIAL_MTLS_AUTH, &c->scope, name) : NULL;
        if (!found)
            continue;
        consumer_accept(x, "mtlsAuth", found);
        return FILTER_NEXT;
    }
    return refuse(x, UNKNOWN);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    (void)arena, (void)conf, (void)prefix;
    return SLICE("accepts consumers by their certificate");
}

const struct filter filter_mtls_auth = {
    .name = "mtlsAuth",
    .doc = "Lets in Consumers by the certificate that the Gateway has verified (401 without).",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
