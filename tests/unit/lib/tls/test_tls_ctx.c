/* Tests of contexts: what makes one, what refuses one, versions, and certificates by server name.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_ctx.h"

#include <stdio.h>
#include <string.h>

#include "lib/tls/pem.h"
#include "lib/tls/tls_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/odd_roots.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

static struct pki pki;
static char why[TLS_DETAIL_MAX];

static int set_up(void **state)
{
    pki_init(&pki);
    return 0;
}

static int tear_down(void **state)
{
    pki_dispose(&pki);
    return 0;
}

/* A web certificate: DNS names, no SPIFFE ID. */
static struct pki_leaf web_cert(const char *name, const char *name2)
{
    struct pki_spec spec;
    pki_spec_init(&pki, &spec, "");
    spec.names[0] = (struct x509_name){X509_NAME_DNS, slice_from_cstr(name)};
    spec.names[1] = (struct x509_name){X509_NAME_DNS, slice_from_cstr(name2)};
    spec.x.name_count = name2 ? 2 : 1;
    return pki_build(&pki, &spec, NULL);
}

static struct tls_ctx *plain_client(void)
{
    struct tls_ctx *c;
    assert_int_equal(
        tls_ctx_create_client(&(struct tls_client_config){.roots_pem = slice_from_cstr(pki.root)},
                              &c, why),
        ERR_OK);
    return c;
}

/* ---- public servers */

struct site {
    struct pki_leaf leaves[3];
    struct tls_ctx *ctx;
};

static void open_site(struct site *s, bool strict)
{
    static const struct slice names[3][2] = {
        {{"first.example", 13}, {NULL, 0}},
        {{"*.shop.example", 14}, {"shop.example", 12}},
        {{"*.example", 9}, {"exact.shop.example", 18}},
    };
    static const char *const alpn[] = {"h2", "http/1.1", NULL};
    struct tls_public_cert certs[3];
    s->leaves[0] = web_cert("first.example", NULL);
    s->leaves[1] = web_cert("*.shop.example", "shop.example");
    s->leaves[2] = web_cert("*.example", "exact.shop.example");
    for (int i = 0; i < 3; i++) {
        certs[i] =
            (struct tls_public_cert){slice_from_cstr(s->leaves[i].chain),
                                     slice_from_cstr(s->leaves[i].key), names[i], i == 0 ? 1 : 2};
    }
    struct tls_public_config config = {
        .certs = certs, .cert_count = 3, .alpn = alpn, .strict_sni = strict};
    enum err e = tls_ctx_create_public(&config, &s->ctx, why);
    if (e)
        fprintf(stderr, "%s\n", why);
    assert_int_equal(e, ERR_OK);
}

static void close_site(struct site *s)
{
    tls_ctx_unref(s->ctx);
    for (int i = 0; i < 3; i++)
        pki_leaf_dispose(&s->leaves[i]);
}

static void test_sni(void **state)
{
    static const struct {
        const char *host;
        int cert; /* -1: none of them is for it */
    } cases[] = {
        {"first.example", 0},
        {"FIRST.example", 0},
        {"shop.example", 1},
        {"www.shop.example", 1},
        {"a.b.shop.example", 1},
        {"exact.shop.example", 2},
        {"other.example", 2},
        {"deep.other.example", 2},
        {"example", -1},
        {"other.test", -1},
        {"", -1},
    };
    struct site lax, strict;
    open_site(&lax, false);
    open_site(&strict, true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char lower[64];
        size_t n = strlen(cases[i].host);
        for (size_t k = 0; k <= n; k++)
            lower[k] = (char)(cases[i].host[k] | (cases[i].host[k] >= 'A' ? 32 : 0));
        int want = cases[i].cert;
        assert_ptr_equal(tls_sni_pick(lax.ctx, lower, TLS_KEY_ANY),
                         lax.ctx->libs[want < 0 ? 0 : want]);
        assert_ptr_equal(tls_sni_pick(strict.ctx, lower, TLS_KEY_ANY),
                         want < 0 ? NULL : strict.ctx->libs[want]);
    }
    close_site(&lax);
    close_site(&strict);
}

/* All of one listener. Which name it has chooses among those that the client can verify. */
static void test_several_for_one_name(void **state)
{
    static const struct {
        const char *host;
        unsigned keys;
        size_t cert;
    } cases[] = {
        {"first.example", TLS_KEY_ANY, 0},
        {"www.shop.example", TLS_KEY_ANY, 1},
        {"shop.example", TLS_KEY_ANY, 1},
        {"exact.shop.example", TLS_KEY_ANY, 2},
        {"exact.shop.example", TLS_KEY_RSA | TLS_KEY_P384, 2},
        {"exact.shop.example", TLS_KEY_RSA | TLS_KEY_P256, 1},
        {"first.example", TLS_KEY_P384, 2},
        {"first.example", TLS_KEY_RSA, 1},
        {"nobody.test", TLS_KEY_ANY, 0},
        {"nobody.test", TLS_KEY_RSA, 1},
        {"", TLS_KEY_P384, 2},
        {"", 0, 0},
    };
    static const char *const alpn[] = {"h2", NULL};
    struct slice any = SLICE("*");
    struct pki_leaf leaves[3] = {web_cert("first.example", NULL),
                                 web_cert("*.shop.example", "shop.example"),
                                 web_cert("*.example", "exact.shop.example")};
    struct tls_public_cert certs[3];
    for (int i = 0; i < 3; i++)
        certs[i] = (struct tls_public_cert){slice_from_cstr(leaves[i].chain),
                                            slice_from_cstr(leaves[i].key), &any, 1};
    struct tls_public_config config = {.certs = certs, .cert_count = 3, .alpn = alpn};
    struct tls_ctx *ctx;
    assert_int_equal(tls_ctx_create_public(&config, &ctx, why), ERR_OK);
    assert_int_equal(ctx->own[0].key, TLS_KEY_P256);
    ctx->own[1].key = TLS_KEY_RSA;
    ctx->own[2].key = TLS_KEY_P384;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (tls_sni_pick(ctx, cases[i].host, cases[i].keys) != ctx->libs[cases[i].cert])
            fail_msg("case %zu", i);
    tls_ctx_unref(ctx);
    for (int i = 0; i < 3; i++)
        pki_leaf_dispose(&leaves[i]);
}

static enum err visit(struct tls_ctx *client, struct tls_ctx *server, const char *host)
{
    struct tls_pair t;
    struct tls_conn_options options = {.server_name = slice_from_cstr(host)};
    tls_pair_init(&t, client, server, &options);
    tls_pair_handshake(&t);
    if (t.client_result == ERR_OK)
        assert_true(tls_pair_echo(&t, t.client, t.server, "GET /"));
    const char *detail = tls_conn_detail(t.client);
    snprintf(why, sizeof(why), "%s", detail ? detail : "");
    enum err e = t.client_result;
    tls_pair_dispose(&t);
    return e;
}

static void test_public_handshakes(void **state)
{
    struct site site, strict;
    struct tls_ctx *client = plain_client();
    open_site(&site, false);
    open_site(&strict, true);
    assert_int_equal(visit(client, site.ctx, "first.example"), ERR_OK);
    assert_int_equal(visit(client, site.ctx, "www.Shop.example"), ERR_OK);
    assert_int_equal(visit(client, site.ctx, "exact.shop.example"), ERR_OK);
    /* The wildcard answers, but stands for one label only. */
    assert_int_equal(visit(client, site.ctx, "a.b.shop.example"), ERR_UNTRUSTED);
    assert_non_null(strstr(why, "does not carry the name 'a.b.shop.example'"));
    assert_int_equal(visit(client, site.ctx, "other.test"), ERR_UNTRUSTED);
    /* "*.example" is no certificate for a whole top-level domain. */
    assert_int_equal(visit(client, site.ctx, "other.example"), ERR_UNTRUSTED);
    assert_int_equal(visit(client, site.ctx, ""), ERR_UNTRUSTED);
    assert_non_null(strstr(why, "no name was given"));
    assert_int_equal(visit(client, strict.ctx, "other.test"), ERR_PROTOCOL);
    assert_non_null(strstr(why, "unrecognized_name"));
    tls_ctx_unref(client);
    close_site(&site);
    close_site(&strict);
}

static void test_address_names(void **state)
{
    struct pki_spec spec;
    struct tls_ctx *client = plain_client(), *server;
    pki_spec_init(&pki, &spec, "");
    spec.names[0] = (struct x509_name){X509_NAME_IP, slice_of("\x7f\0\0\1", 4)};
    spec.names[1] = (struct x509_name){X509_NAME_DNS, SLICE("10.0.0.1")};
    spec.names[2] =
        (struct x509_name){X509_NAME_IP, slice_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16)};
    spec.x.name_count = 3;
    struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
    struct tls_public_cert cert = {slice_from_cstr(leaf.chain), slice_from_cstr(leaf.key), NULL, 0};
    struct tls_public_config config = {.certs = &cert, .cert_count = 1};
    assert_int_equal(tls_ctx_create_public(&config, &server, why), ERR_OK);
    assert_int_equal(visit(client, server, "127.0.0.1"), ERR_OK);
    assert_int_equal(visit(client, server, "::1"), ERR_OK);
    assert_int_equal(visit(client, server, "127.0.0.2"), ERR_UNTRUSTED);
    /* A DNS name that looks like an address is not one. */
    assert_int_equal(visit(client, server, "10.0.0.1"), ERR_UNTRUSTED);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    pki_leaf_dispose(&leaf);
}

/* ---- versions */

static struct tls_ctx *client12(void)
{
    struct tls_ctx *c = plain_client();
    wolfSSL_CTX_free(c->libs[0]);
    c->libs[0] = wolfSSL_CTX_new(wolfTLSv1_2_client_method());
    assert_int_equal(wolfSSL_CTX_load_verify_buffer(c->libs[0], (const unsigned char *)pki.root,
                                                    (long)strlen(pki.root), WOLFSSL_FILETYPE_PEM),
                     WOLFSSL_SUCCESS);
    tls_conn_bind(c, c->libs[0]);
    c->role = TLS_MESH_CLIENT; /* no extra key share, which TLS 1.2 lacks */
    return c;
}

static void test_tls12(void **state)
{
    struct site site;
    struct tls_pair t;
    struct tls_ctx *old = client12();
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_ctx *mesh = pki_server(&pki, &leaf);
    struct tls_conn_options options = {.server_name = SLICE("first.example")};
    open_site(&site, false);
    assert_int_equal(visit(old, site.ctx, "first.example"), ERR_OK);
    tls_pair_init(&t, old, mesh, &options);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_PROTOCOL);
    assert_non_null(strstr(tls_conn_detail(t.server), "version"));
    assert_non_null(strstr(tls_conn_detail(t.client), "protocol_version"));
    tls_pair_dispose(&t);
    tls_ctx_unref(mesh);
    tls_ctx_unref(old);
    pki_leaf_dispose(&leaf);
    close_site(&site);
}

/* A mesh server sends nothing after its handshake: no ticket that a later connection could use. */
static void test_no_tickets(void **state)
{
    struct tls_pair t;
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_ctx *client = pki_client(&pki, &leaf), *server = pki_server(&pki, &leaf);
    for (int i = 0; i < 3; i++) {
        tls_pair_init(&t, client, server, NULL);
        tls_pair_handshake(&t);
        assert_int_equal(t.server_result, ERR_OK);
        assert_true(buf_is_empty(tls_conn_out(t.server)));
        assert_true(tls_pair_echo(&t, t.client, t.server, "ping"));
        assert_true(buf_is_empty(tls_conn_out(t.server)));
        assert_non_null(tls_conn_peer(t.server));
        tls_pair_dispose(&t);
    }
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    pki_leaf_dispose(&leaf);
}

/* ---- refused configurations, each with a sentence */

static void check_mesh(const struct tls_mesh_config *config, const char *sentence)
{
    struct tls_ctx *c = NULL;
    why[0] = 0;
    enum err e = tls_ctx_create_mesh(config, &c, why);
    if (!e || !strstr(why, sentence))
        fprintf(stderr, "wanted '%s', got '%s'\n", sentence, why);
    assert_int_not_equal(e, ERR_OK);
    assert_null(c);
    assert_non_null(strstr(why, sentence));
}

static void test_bad_mesh_configs(void **state)
{
    static const char *const comma[] = {"a,b", NULL};
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID), second = pki_svid(&pki, PKI_SERVER_ID);
    struct pki_leaf web = web_cert("a.example", NULL);
    struct tls_mesh_config good = {
        .is_server = true,
        .cert_chain_pem = slice_from_cstr(leaf.chain),
        .key_pem = slice_from_cstr(leaf.key),
        .roots_pem = slice_from_cstr(pki.root),
        .trust_domain = SLICE(PKI_DOMAIN),
    };
    struct tls_mesh_config c = good;
    c.trust_domain = SLICE("Mesh/example");
    check_mesh(&c, "not a trust domain");
    c.trust_domain = SLICE("other.example.com");
    check_mesh(&c, "our certificate: 'spiffe://mesh.example.com/ns/shop/sa/reviews' is of another");
    c = good;
    c.key_pem = slice_from_cstr(second.key);
    check_mesh(&c, "private key: it does not belong");
    c.key_pem = SLICE("no key");
    check_mesh(&c, "private key: ");
    c = good;
    c.cert_chain_pem = slice_from_cstr(web.chain);
    check_mesh(&c, "our certificate: it has no URI SAN");
    c.cert_chain_pem = SLICE("");
    check_mesh(&c, "no PEM block CERTIFICATE");
    c.cert_chain_pem = slice_sub(good.cert_chain_pem, 0, good.cert_chain_pem.len - 20);
    check_mesh(&c, "certificate chain: block 2 is malformed");
    c = good;
    c.roots_pem = slice_sub(slice_from_cstr(leaf.chain), 0, strlen(leaf.chain) - strlen(pki.mid));
    check_mesh(&c, "roots: certificate 1: it is not a CA certificate");
    c.roots_pem = SLICE("");
    check_mesh(&c, "roots: no PEM block");
    c.roots_pem = slice_from_cstr(leaf.key);
    check_mesh(&c, "roots: certificate 1: it is no CERTIFICATE, but ");
    c = good;
    c.alpn = comma;
    check_mesh(&c, "ALPN: 'a,b' is not usable");
    pki_leaf_dispose(&web);
    pki_leaf_dispose(&leaf);
    pki_leaf_dispose(&second);
}

/* An expired root beside a good one is left out; alone it refuses the context. */
/* As many as we can send, and one more. */
static void test_long_chains(void **state)
{
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID); /* with the one that issued it: two */
    struct tls_mesh_config c = {.is_server = true,
                                .key_pem = slice_from_cstr(leaf.key),
                                .roots_pem = slice_from_cstr(pki.root),
                                .trust_domain = SLICE(PKI_DOMAIN)};
    char *chain = mem_strdup(leaf.chain);
    struct tls_ctx *ctx;
    for (int count = 3; count <= 9; count++) {
        char *longer = mem_printf("%s%s", chain, pki.mid);
        mem_free(chain);
        chain = longer;
    }
    c.cert_chain_pem = slice_from_cstr(chain);
    if (tls_ctx_create_mesh(&c, &ctx, why))
        fail_msg("%s", why);
    tls_ctx_unref(ctx);
    char *too_long = mem_printf("%s%s", chain, pki.mid);
    c.cert_chain_pem = slice_from_cstr(too_long);
    check_mesh(&c, "certificate chain: more than 9 certificates");
    mem_free(too_long);
    mem_free(chain);
    pki_leaf_dispose(&leaf);
}

static void test_expired_roots(void **state)
{
    char *old, *both;
    struct tls_ctx *c;
    assert_int_equal(x509_make_root(SLICE("old"), slice_from_cstr(pki.root_key),
                                    pki.now_ms - 7200000, pki.now_ms - 3600000, &old),
                     ERR_OK);
    assert_int_equal(tls_ctx_create_client(
                         &(struct tls_client_config){.roots_pem = slice_from_cstr(old)}, &c, why),
                     ERR_EXPIRED);
    assert_non_null(strstr(why, "expired"));
    both = mem_printf("%s%s", old, pki.root);
    assert_int_equal(tls_ctx_create_client(
                         &(struct tls_client_config){.roots_pem = slice_from_cstr(both)}, &c, why),
                     ERR_OK);
    tls_ctx_unref(c);
    mem_free(old);
    mem_free(both);
}

/* Of a key that cannot be served it is said what it is, and what can. */
static void test_keys_of_other_kinds(void **state)
{
    /* PKCS #8 of a key of zeros. */
    static const uint8_t pkcs8[48] = {0x30, 0x2e, 2,    1,    0, 0x30, 5, 6,
                                      3,    0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};
    static const char *const no_alpn[] = {NULL};
    struct pki_leaf good = web_cert("a.example", NULL);
    char *ed25519_key = pem_encode("PRIVATE KEY", slice_of(pkcs8, sizeof(pkcs8)));
    const struct {
        const char *chain, *key, *sentence;
    } rows[] = {
        {odd_ed25519, ed25519_key,
         "the key of its first certificate is Ed25519, which is not supported; of use are ECDSA"},
        {odd_rsa_1024, good.key, "the key of its first certificate has 1024 bits (RSA)"},
        {good.chain, ed25519_key, "private key: it is Ed25519, which is not supported; of use"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_public_cert cert = {slice_from_cstr(rows[i].chain), slice_from_cstr(rows[i].key),
                                       NULL, 0};
        struct tls_public_config config = {.certs = &cert, .cert_count = 1, .alpn = no_alpn};
        struct tls_client_config client = {.roots_pem = slice_from_cstr(pki.root),
                                           .cert_chain_pem = cert.cert_chain_pem,
                                           .key_pem = cert.key_pem};
        struct tls_ctx *c = NULL;
        assert_int_equal(tls_ctx_create_public(&config, &c, why), ERR_UNSUPPORTED);
        if (!strstr(why, rows[i].sentence))
            fail_msg("%s", why);
        assert_int_equal(tls_ctx_create_client(&client, &c, why), ERR_UNSUPPORTED);
        if (!strstr(why, rows[i].sentence))
            fail_msg("%s", why);
    }
    mem_free(ed25519_key);
    pki_leaf_dispose(&good);
}

/* Names that we would take from no peer are our user's own business in a certificate to serve. */
static void test_odd_names_may_be_served(void **state)
{
    struct pki_spec spec;
    struct tls_ctx *c = NULL;
    pki_spec_init(&pki, &spec, "");
    spec.names[0] = (struct x509_name){X509_NAME_DNS, SLICE("*.example")};
    spec.names[1] = (struct x509_name){X509_NAME_URI, SLICE("*")};
    spec.x.name_count = 2;
    struct pki_leaf leaf = pki_build(&pki, &spec, NULL), other = web_cert("a.example", NULL);
    struct tls_public_cert cert = {slice_from_cstr(leaf.chain), slice_from_cstr(leaf.key), NULL, 0};
    struct tls_public_config config = {.certs = &cert, .cert_count = 1};
    assert_int_equal(tls_ctx_create_public(&config, &c, why), ERR_OK);
    tls_ctx_unref(c);
    cert.key_pem = slice_from_cstr(other.key);
    assert_int_equal(tls_ctx_create_public(&config, &c, why), ERR_INVALID);
    pki_leaf_dispose(&other);
    pki_leaf_dispose(&leaf);
}

static void test_bad_public_configs(void **state)
{
    static const struct slice names[] = {{"a.example", 9}};
    struct pki_leaf leaf = web_cert("a.example", NULL), second = web_cert("b.example", NULL);
    struct tls_public_cert certs[2] = {
        {slice_from_cstr(leaf.chain), slice_from_cstr(leaf.key), names, 1},
        {slice_from_cstr(second.chain), slice_from_cstr(second.key), names, 1},
    };
    struct tls_public_config config = {.certs = certs, .cert_count = 2};
    struct tls_ctx *c;
    certs[1].name_count = 0;
    certs[1].key_pem = slice_from_cstr(leaf.key);
    assert_int_equal(tls_ctx_create_public(&config, &c, why), ERR_INVALID);
    assert_non_null(strstr(why, "certificate 2: private key: it does not belong"));
    config.cert_count = 0;
    assert_int_equal(tls_ctx_create_public(&config, &c, why), ERR_INVALID);
    pki_leaf_dispose(&leaf);
    pki_leaf_dispose(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sni),
        cmocka_unit_test(test_several_for_one_name),
        cmocka_unit_test(test_public_handshakes),
        cmocka_unit_test(test_address_names),
        cmocka_unit_test(test_tls12),
        cmocka_unit_test(test_no_tickets),
        cmocka_unit_test(test_bad_mesh_configs),
        cmocka_unit_test(test_long_chains),
        cmocka_unit_test(test_expired_roots),
        cmocka_unit_test(test_bad_public_configs),
        cmocka_unit_test(test_keys_of_other_kinds),
        cmocka_unit_test(test_odd_names_may_be_served),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
