/* Makes the certificates of the TLS tests, good and bad. Whatever fails here aborts the test.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/tls/pki.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "lib/tls/x509_key.h"

static const int64_t hour = 3600000;

static void must(enum err e, const char *what, const char *detail)
{
    if (!e)
        return;
    fprintf(stderr, "%s: %s: %s\n", what, err_name(e), detail ? detail : "");
    abort();
}

void pki_init(struct pki *p)
{
    char why[TLS_DETAIL_MAX] = "";
    must(tls_lib_init(), "tls_lib_init", NULL);
    p->now_ms = clock_wall_ms();
    int64_t from = p->now_ms - hour, to = p->now_ms + 24 * hour;
    must(x509_make_key(&p->root_key), "root key", NULL);
    must(x509_make_root(SLICE("test root"), slice_from_cstr(p->root_key), from, to, &p->root),
         "root", NULL);
    must(x509_authority_load(slice_from_cstr(p->root), slice_from_cstr(p->root_key), &p->root_ca,
                             why),
         "root", why);
    must(x509_make_key(&p->mid_key), "intermediate key", NULL);
    must(x509_make_intermediate(p->root_ca, SLICE("test intermediate"), SLICE(PKI_DOMAIN),
                                slice_from_cstr(p->mid_key), from, to, &p->mid),
         "intermediate", NULL);
    must(x509_authority_load(slice_from_cstr(p->mid), slice_from_cstr(p->mid_key), &p->mid_ca, why),
         "intermediate", why);
}

void pki_dispose(struct pki *p)
{
    x509_authority_destroy(p->root_ca);
    x509_authority_destroy(p->mid_ca);
    mem_free(p->root_key);
    mem_free(p->root);
    mem_free(p->mid_key);
    mem_free(p->mid);
}

static void public_of(const char *key, uint8_t spki[X509_SPKI_MAX], size_t *len)
{
    ecc_key k;
    must(x509_key_open(slice_from_cstr(key), &k, NULL), "key", NULL);
    must(x509_key_public(&k, spki, len), "public key", NULL);
    wc_ecc_free(&k);
}

struct pki_leaf pki_svid(const struct pki *p, const char *spiffe_id)
{
    struct pki_leaf l = {0};
    char why[TLS_DETAIL_MAX] = "", *cert;
    uint8_t spki[X509_SPKI_MAX];
    size_t len;
    must(x509_make_key(&l.key), "key", NULL);
    public_of(l.key, spki, &len);
    must(x509_issue_svid(p->mid_ca, slice_of(spki, len), slice_from_cstr(spiffe_id), NULL,
                         p->now_ms - 60000, p->now_ms + hour, &cert, why),
         spiffe_id, why);
    l.chain = mem_printf("%s%s", cert, p->mid);
    mem_free(cert);
    return l;
}

void pki_spec_init(const struct pki *p, struct pki_spec *s, const char *spiffe_id)
{
    uint8_t spki[X509_SPKI_MAX];
    size_t len;
    memset(s, 0, sizeof(*s));
    rand_secure(s->serial, sizeof(s->serial));
    s->serial[0] = 0x55;
    public_of(p->mid_key, spki, &len);
    x509_key_id(slice_of(spki, len), s->authority_id);
    s->names[0] = (struct x509_name){X509_NAME_URI, slice_from_cstr(spiffe_id)};
    s->x = (struct x509_spec){
        .serial = slice_of(s->serial, sizeof(s->serial)),
        .issuer = x509_build_name(SLICE("test intermediate"), s->issuer, sizeof(s->issuer)),
        .subject = x509_build_name((struct slice){NULL, 0}, s->subject, sizeof(s->subject)),
        .not_before_ms = p->now_ms - 60000,
        .not_after_ms = p->now_ms + hour,
        .path_len = -1,
        .key_usage = X509_USE_DIGITAL_SIGNATURE,
        .use_server = true,
        .use_client = true,
        .names = s->names,
        .name_count = 1,
        .names_critical = true,
        .authority_key_id = slice_of(s->authority_id, 20),
    };
}

struct pki_leaf pki_build(const struct pki *p, struct pki_spec *s, const char *key)
{
    struct pki_leaf l = {0};
    ecc_key signer;
    char *cert;
    size_t len;
    if (key)
        l.key = mem_strdup(key);
    else
        must(x509_make_key(&l.key), "key", NULL);
    public_of(l.key, s->spki, &len);
    s->x.public_key = slice_of(s->spki, len);
    x509_key_id(s->x.public_key, s->key_id);
    s->x.subject_key_id = slice_of(s->key_id, 20);
    const char *signer_key = s->signer_key ? s->signer_key : p->mid_key;
    must(x509_key_open(slice_from_cstr(signer_key), &signer, NULL), "signer", NULL);
    must(x509_build_cert(&s->x, &signer, &cert), "build", NULL);
    wc_ecc_free(&signer);
    l.chain = mem_printf("%s%s", cert, s->above ? s->above : p->mid);
    mem_free(cert);
    return l;
}

char *pki_make_ca(const struct pki *p, const char *subject, const char *key, const char *issuer,
                  const char *issuer_key, int path_len, int64_t not_after_ms)
{
    struct pki_spec spec;
    pki_spec_init(p, &spec, "spiffe://mesh.example.com");
    spec.x.subject = x509_build_name(slice_from_cstr(subject), spec.subject, sizeof(spec.subject));
    spec.x.issuer = x509_build_name(slice_from_cstr(issuer), spec.issuer, sizeof(spec.issuer));
    spec.x.authority_key_id = (struct slice){NULL, 0};
    spec.x.is_ca = true;
    spec.x.path_len = path_len;
    spec.x.use_server = spec.x.use_client = false;
    spec.x.key_usage = X509_USE_CERT_SIGN;
    spec.x.not_after_ms = not_after_ms;
    spec.signer_key = issuer_key;
    spec.above = "";
    struct pki_leaf l = pki_build(p, &spec, key);
    mem_free(l.key);
    return l.chain;
}

void pki_leaf_dispose(struct pki_leaf *l)
{
    mem_free(l->key);
    mem_free(l->chain);
}

static struct tls_ctx *make(const struct pki *p, const struct pki_leaf *l, bool is_server)
{
    static const char *const alpn[] = {"weft-h2", "weft-h1", NULL};
    char why[TLS_DETAIL_MAX] = "";
    struct tls_ctx *c;
    struct tls_mesh_config config = {
        .is_server = is_server,
        .cert_chain_pem = slice_from_cstr(l->chain),
        .key_pem = slice_from_cstr(l->key),
        .roots_pem = slice_from_cstr(p->root),
        .trust_domain = SLICE(PKI_DOMAIN),
        .alpn = alpn,
    };
    must(tls_ctx_create_mesh(&config, &c, why), "context", why);
    return c;
}

struct tls_ctx *pki_server(const struct pki *p, const struct pki_leaf *l)
{
    return make(p, l, true);
}

struct tls_ctx *pki_client(const struct pki *p, const struct pki_leaf *l)
{
    return make(p, l, false);
}

/* A fresh library context in place of the checked one: loading a second chain would keep parts of
 * the first. */
struct tls_ctx *pki_rogue(const struct pki *p, const struct pki_leaf *l, bool is_server)
{
    struct pki_leaf good = pki_svid(p, PKI_CLIENT_ID);
    struct tls_ctx *c = make(p, &good, is_server);
    pki_leaf_dispose(&good);
    wolfSSL_CTX_free(c->libs[0]);
    WOLFSSL_CTX *lib =
        wolfSSL_CTX_new(is_server ? wolfTLSv1_3_server_method() : wolfTLSv1_3_client_method());
    c->libs[0] = lib;
    tls_conn_bind(c, lib);
    int trusted = wolfSSL_CTX_load_verify_buffer(lib, (const unsigned char *)p->root,
                                                 (long)strlen(p->root), WOLFSSL_FILETYPE_PEM);
    int loaded = wolfSSL_CTX_use_certificate_chain_buffer_format(
        lib, (const unsigned char *)l->chain, (long)strlen(l->chain), WOLFSSL_FILETYPE_PEM);
    int keyed = wolfSSL_CTX_use_PrivateKey_buffer(lib, (const unsigned char *)l->key,
                                                  (long)strlen(l->key), WOLFSSL_FILETYPE_PEM);
    if (trusted != WOLFSSL_SUCCESS || loaded != WOLFSSL_SUCCESS || keyed != WOLFSSL_SUCCESS) {
        fprintf(stderr, "rogue: roots %d, chain %d, key %d\n", trusted, loaded, keyed);
        abort();
    }
    return c;
}
