/* Issues certd's own SVID, spiffe://<trust domain>/ns/weft-system/sa/weft-certd. On certd's only
 * thread. Must not know connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/serving.h"

#include <string.h>

#include "certd/options.h"
#include "lib/base/mem.h"
#include "lib/tls/digest.h"
#include "lib/tls/tls_check.h"

enum { USUAL_NAMES = 5, MORE_NAMES_MAX = OPTIONS_DNS_NAMES_MAX + 1 };

static const int64_t lifetime_ms = 86400000, back_date_ms = 60000;
static const char *const usual_names[USUAL_NAMES] = {
    "weft-certd.weft-system.svc", "weft-certd.weft-system.svc.cluster.local",
    "weft-certd.weft-system", "weft-certd", "localhost"};

/* A fresh key and a certificate for it, through the same listener as everybody's: a request. */
static enum err make_leaf(const struct ca *ca, const char *spiffe_id, const char *const *names,
                          int64_t now_ms, char **key, char **cert, char detail[TLS_DETAIL_MAX])
{
    struct x509_csr csr;
    char *request = NULL;
    enum err e = x509_make_key(key);
    if (!e)
        e = x509_make_csr(slice_from_cstr(*key), slice_from_cstr(spiffe_id), &request);
    if (!e)
        e = x509_parse_csr(slice_from_cstr(request), &csr, detail);
    mem_free(request);
    if (e)
        return e;
    e = x509_issue_svid(ca->signer, csr.public_key_der, slice_from_cstr(spiffe_id), names,
                        now_ms - back_date_ms, now_ms + lifetime_ms, cert, detail);
    x509_csr_dispose(&csr);
    return e;
}

static enum err make_ctx(const struct ca *ca, const char *trust_domain, const char *chain,
                         const char *key, struct tls_ctx **out, char detail[TLS_DETAIL_MAX])
{
    static const char *const alpn[] = {"h2", NULL};
    struct tls_mesh_config config = {
        .is_server = true,
        .cert_chain_pem = slice_from_cstr(chain),
        .key_pem = slice_from_cstr(key),
        .roots_pem = slice_from_cstr(ca->bundle_pem),
        .trust_domain = slice_from_cstr(trust_domain),
        .alpn = alpn,
        .peer_cert_optional = true,
    };
    return tls_ctx_create_mesh(&config, out, detail);
}

/* As a workload will see us at first contact. */
static enum err try_ctx(const struct ca *ca, struct tls_ctx *server, char detail[TLS_DETAIL_MAX])
{
    struct tls_ctx *client;
    struct tls_client_config trusting = {.roots_pem = slice_from_cstr(ca->bundle_pem)};
    struct tls_conn_options options = {.server_name = slice_from_cstr(usual_names[0])};
    enum err e = tls_ctx_create_client(&trusting, &client, detail);
    if (e)
        return e;
    e = tls_check_pair(client, server, &options, detail);
    tls_ctx_unref(client);
    return e;
}

static void gather_names(const char *const *more, const char *out[])
{
    size_t n = 0;
    for (size_t i = 0; i < USUAL_NAMES; i++)
        out[n++] = usual_names[i];
    for (size_t i = 0; more && more[i] && i < MORE_NAMES_MAX; i++)
        out[n++] = more[i];
    out[n] = NULL;
}

enum err serving_renew(struct serving *s, const struct ca *ca, const char *trust_domain,
                       const char *const *dns_names, int64_t now_ms, char detail[TLS_DETAIL_MAX])
{
    const char *names[USUAL_NAMES + MORE_NAMES_MAX + 1];
    char *key = NULL, *cert = NULL, *chain = NULL;
    struct tls_ctx *ctx = NULL;
    struct x509_facts facts = {0};
    char *id = mem_printf("spiffe://%s/ns/weft-system/sa/weft-certd", trust_domain);
    gather_names(dns_names, names);
    enum err e = make_leaf(ca, id, names, now_ms, &key, &cert, detail);
    if (!e)
        e = x509_read(slice_from_cstr(cert), &facts);
    if (!e) {
        chain = mem_printf("%s%s", cert, ca->signer_pem);
        e = make_ctx(ca, trust_domain, chain, key, &ctx, detail);
    }
    if (!e)
        e = try_ctx(ca, ctx, detail);
    if (e) {
        tls_ctx_unref(ctx);
    } else {
        tls_ctx_unref(s->ctx);
        *s = (struct serving){ctx, now_ms + (facts.not_after_ms - now_ms) / 2};
    }
    x509_facts_dispose(&facts);
    if (key)
        digest_wipe(key, strlen(key));
    mem_free(key);
    mem_free(cert);
    mem_free(chain);
    mem_free(id);
    return e;
}

void serving_dispose(struct serving *s)
{
    tls_ctx_unref(s->ctx);
    *s = (struct serving){0};
}
