/* FetchBundle and CreateCertificate, one after the other on one connection. The CA's own
 * certificate is checked against the roots we already trust and must name certd. On the owner's
 * loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/identity/identity_request.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/http/bearer.h"
#include "lib/io/file.h"
#include "lib/net/grpc_client.h"
#include "lib/proto/istio_ca.pb-c.h"
#include "lib/proto/weft_ca.pb-c.h"
#include "lib/tls/x509.h"

#define CALL_MS 10000
#define CONNECT_MS 3000
#define FILE_MAX (1024u * 1024)
#define CREATE_PATH "/istio.v1.auth.IstioCertificateService/CreateCertificate"
#define BUNDLE_PATH "/weft.ca.v1.Trust/FetchBundle"

struct identity_request {
    const struct identity_config *config;
    struct grpc_client *client;
    identity_request_fn done;
    void *owner;
    struct identity_material material; /* being gathered */
    char *csr_pem;
    char *authorization; /* "Bearer …", or NULL: the certificate proves it */
};

static void fail(struct identity_request *r, const char *what, const struct grpc_result *result)
{
    char detail[TLS_DETAIL_MAX];
    snprintf(detail, sizeof(detail), "%s: %s: %.*s", what, grpc_status_name(result->status),
             SLICE_ARG(result->text));
    bool denied =
        result->status == GRPC_UNAUTHENTICATED || result->status == GRPC_PERMISSION_DENIED;
    r->done(r->owner, denied ? ERR_DENIED : ERR_IO, NULL, detail);
}

static bool is_root(const char *pem)
{
    struct x509_facts facts;
    if (x509_read(slice_from_cstr(pem), &facts))
        return false;
    bool yes = facts.is_self_issued;
    x509_facts_dispose(&facts);
    return yes;
}

/* The chain without the root that usually ends it: that one everybody has. */
static char *join_chain(const Istio__V1__Auth__IstioCertificateResponse *response)
{
    char *chain = mem_strdup("");
    for (size_t i = 0; i < response->n_cert_chain; i++) {
        if (i > 0 && is_root(response->cert_chain[i]))
            continue;
        char *longer = mem_printf("%s%s\n", chain, response->cert_chain[i]);
        mem_free(chain);
        chain = longer;
    }
    return chain;
}

static void on_certificate(void *owner, const struct grpc_result *result)
{
    struct identity_request *r = owner;
    if (result->status != GRPC_OK) {
        fail(r, "asking the CA for a certificate", result);
        return;
    }
    Istio__V1__Auth__IstioCertificateResponse *response =
        istio__v1__auth__istio_certificate_response__unpack(NULL, result->response.len,
                                                            (const uint8_t *)result->response.ptr);
    if (!response || response->n_cert_chain == 0) {
        r->done(r->owner, ERR_SYNTAX, NULL, "the CA's answer has no certificate");
    } else {
        r->material.chain_pem = join_chain(response);
        struct identity_material material = r->material;
        r->material = (struct identity_material){0};
        r->done(r->owner, ERR_OK, &material, "");
    }
    if (response)
        istio__v1__auth__istio_certificate_response__free_unpacked(response, NULL);
}

static void ask_for_certificate(struct identity_request *r)
{
    Istio__V1__Auth__IstioCertificateRequest request =
        ISTIO__V1__AUTH__ISTIO_CERTIFICATE_REQUEST__INIT;
    request.csr = r->csr_pem;
    size_t len = istio__v1__auth__istio_certificate_request__get_packed_size(&request);
    uint8_t *packed = mem_alloc(len);
    istio__v1__auth__istio_certificate_request__pack(&request, packed);
    struct grpc_metadata token = {SLICE("authorization"), slice_from_cstr(r->authorization), true};
    grpc_client_call(r->client, CREATE_PATH, &token, r->authorization ? 1 : 0,
                     slice_of(packed, len), CALL_MS, on_certificate, r);
    mem_free(packed);
}

static void on_bundle(void *owner, const struct grpc_result *result)
{
    struct identity_request *r = owner;
    Weft__Ca__V1__TrustBundle *bundle = NULL;
    if (result->status == GRPC_OK)
        bundle = weft__ca__v1__trust_bundle__unpack(NULL, result->response.len,
                                                    (const uint8_t *)result->response.ptr);
    else if (result->status != GRPC_UNIMPLEMENTED) {
        fail(r, "asking the CA for its roots", result);
        return;
    }
    /* A CA of another make has no such call: then the roots we were given are all there are. */
    if (bundle && bundle->roots_pem[0]) {
        mem_free(r->material.roots_pem);
        r->material.roots_pem = mem_strdup(bundle->roots_pem);
    }
    if (bundle)
        weft__ca__v1__trust_bundle__free_unpacked(bundle, NULL);
    ask_for_certificate(r);
}

static enum err read_token(struct identity_request *r, char detail[TLS_DETAIL_MAX])
{
    const char *path = r->config->token_file ? r->config->token_file : r->config->join_token_file;
    char *token;
    size_t len;
    if (!path) {
        snprintf(detail, TLS_DETAIL_MAX, "no certificate yet, and no token to get one with");
        return ERR_INVALID;
    }
    enum err e = file_read(path, 65536, &token, &len);
    if (e != ERR_OK) {
        snprintf(detail, TLS_DETAIL_MAX, "token file %s: %s", path, err_text(e));
        return e;
    }
    const char *problem;
    struct slice word = bearer_token(slice_of(token, len), &problem);
    if (word.len)
        r->authorization = mem_printf("Bearer %.*s", SLICE_ARG(word));
    else
        snprintf(detail, TLS_DETAIL_MAX, "token file %s %s", path, problem);
    explicit_bzero(token, len);
    mem_free(token);
    return word.len ? ERR_OK : ERR_SYNTAX;
}

static enum err make_context(const struct identity_request *r,
                             const struct identity_material *current, struct tls_ctx **ctx,
                             char detail[TLS_DETAIL_MAX])
{
    static const char *const alpn[] = {"h2", NULL};
    if (!current)
        return tls_ctx_create_client(
            &(struct tls_client_config){.roots_pem = slice_from_cstr(r->material.roots_pem),
                                        .alpn = alpn},
            ctx, detail);
    struct tls_mesh_config config = {
        .cert_chain_pem = slice_from_cstr(current->chain_pem),
        .key_pem = slice_from_cstr(current->key_pem),
        .roots_pem = slice_from_cstr(r->material.roots_pem),
        .trust_domain = slice_from_cstr(r->config->trust_domain),
        .alpn = alpn,
    };
    return tls_ctx_create_mesh(&config, ctx, detail);
}

static enum err connect_client(struct identity_request *r, struct loop *l,
                               const struct identity_material *current, char detail[TLS_DETAIL_MAX])
{
    const char *space = r->config->control_namespace;
    char *ca_id = mem_printf("spiffe://%s/ns/%s/sa/weft-certd", r->config->trust_domain,
                             space ? space : "weft-system");
    struct grpc_client_config config = {.server_name = slice_from_cstr(r->config->certd_name),
                                        .expect_spiffe_id = slice_from_cstr(ca_id),
                                        .fallback = r->config->certd_ip,
                                        .connect_timeout_ms = CONNECT_MS,
                                        .idle_ms = CALL_MS};
    struct tls_ctx *ctx = NULL;
    enum err e = addr_split(slice_from_cstr(r->config->certd_address), &config.host, &config.port);
    if (e != ERR_OK)
        snprintf(detail, TLS_DETAIL_MAX, "--certd %s: a host name or address and a port",
                 r->config->certd_address);
    else
        e = make_context(r, current, &ctx, detail);
    if (e == ERR_OK) {
        config.tls = ctx;
        r->client = grpc_client_create(l, &config);
        tls_ctx_unref(ctx);
    }
    mem_free(ca_id);
    return e;
}

static enum err prepare(struct identity_request *r, struct loop *l, const char *spiffe_id,
                        const char *roots, const struct identity_material *current,
                        char detail[TLS_DETAIL_MAX])
{
    size_t len;
    enum err e = ERR_OK;
    if (roots)
        r->material.roots_pem = mem_strdup(roots);
    else
        e = file_read(r->config->trust_bundle_file, FILE_MAX, &r->material.roots_pem, &len);
    if (e != ERR_OK) {
        snprintf(detail, TLS_DETAIL_MAX, "trust bundle %s: %s", r->config->trust_bundle_file,
                 err_text(e));
        return e;
    }
    if (!current)
        e = read_token(r, detail);
    if (e == ERR_OK)
        e = x509_make_key(&r->material.key_pem);
    if (e == ERR_OK)
        e = x509_make_csr(slice_from_cstr(r->material.key_pem), slice_from_cstr(spiffe_id),
                          &r->csr_pem);
    return e == ERR_OK ? connect_client(r, l, current, detail) : e;
}

enum err identity_request_open(struct loop *l, const struct identity_config *config,
                               const char *spiffe_id, const char *roots,
                               const struct identity_material *current, identity_request_fn done,
                               void *owner, struct identity_request **out,
                               char detail[TLS_DETAIL_MAX])
{
    struct identity_request *r = mem_zalloc(sizeof(*r));
    r->config = config;
    r->done = done;
    r->owner = owner;
    snprintf(detail, TLS_DETAIL_MAX, "the request cannot be made");
    enum err e = prepare(r, l, spiffe_id, roots, current, detail);
    if (e != ERR_OK) {
        identity_request_close(r);
        return e;
    }
    *out = r;
    grpc_client_call(r->client, BUNDLE_PATH, NULL, 0, (struct slice){0}, CALL_MS, on_bundle, r);
    return ERR_OK;
}

void identity_request_close(struct identity_request *r)
{
    if (r->client)
        grpc_client_destroy(r->client);
    identity_material_dispose(&r->material);
    mem_free(r->csr_pem);
    mem_free(r->authorization);
    mem_free(r);
}
