/* The certificates a mesh end must refuse, each from both sides of a real handshake, and those it
 * must take. Every refusal comes with a sentence, and the refused end learns of it by an alert.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_peer.h"

#include <stdio.h>
#include <string.h>

#include "lib/tls/pem.h"
#include "lib/tls/x509_key.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

static struct pki pki, other;

static int set_up(void **state)
{
    pki_init(&pki);
    pki_init(&other);
    return 0;
}

static int tear_down(void **state)
{
    pki_dispose(&pki);
    pki_dispose(&other);
    return 0;
}

/* ---- the table: how the certificate differs from a good one */

struct bad {
    const char *what;
    void (*change)(struct pki_spec *s);
    enum err err; /* ERR_UNTRUSTED or ERR_EXPIRED */
    const char *why;
};

static void set_uri(struct pki_spec *s, const char *uri)
{
    s->names[0].value = slice_from_cstr(uri);
}

#define CHANGE(name, body)               \
    static void name(struct pki_spec *s) \
    {                                    \
        body;                            \
    }
CHANGE(expired, s->x.not_after_ms = s->x.not_before_ms + 1000)
CHANGE(not_yet, s->x.not_before_ms += 3000000)
CHANGE(forged, s->signer_key = other.mid_key)
CHANGE(other_ca, s->signer_key = other.mid_key; s->above = other.mid)
CHANGE(without_chain, s->above = "")
CHANGE(no_uri, s->names[0] = ((struct x509_name){X509_NAME_DNS, SLICE("frontend.shop")}))
CHANGE(no_names, s->x.name_count = 0)
CHANGE(dns_spiffe, s->names[0].kind = X509_NAME_DNS)
CHANGE(email_spiffe, s->names[0].kind = X509_NAME_EMAIL)
CHANGE(cn_spiffe, s->x.name_count = 0;
       s->x.subject = x509_build_name(SLICE(PKI_CLIENT_ID), s->subject, sizeof(s->subject)))
CHANGE(two_uris, s->names[1] = s->names[0]; s->x.name_count = 2)
CHANGE(two_other_uris,
       s->names[1] = ((struct x509_name){X509_NAME_URI, SLICE("https://example.com/x")});
       s->x.name_count = 2)
CHANGE(ca_signing, s->x.is_ca = true;
       s->x.key_usage = X509_USE_DIGITAL_SIGNATURE | X509_USE_CERT_SIGN)
CHANGE(ca_flag, s->x.is_ca = true)
CHANGE(cert_sign, s->x.key_usage = X509_USE_DIGITAL_SIGNATURE | X509_USE_CERT_SIGN)
CHANGE(crl_sign, s->x.key_usage = X509_USE_DIGITAL_SIGNATURE | X509_USE_CRL_SIGN)
CHANGE(no_usage, s->x.key_usage = 0)
CHANGE(wrong_usage, s->x.key_usage = X509_USE_KEY_ENCIPHERMENT)
CHANGE(server_only, s->x.use_client = false)
CHANGE(client_only, s->x.use_server = false)
CHANGE(other_domain, set_uri(s, "spiffe://other.example.com/ns/shop/sa/frontend"))
CHANGE(suffix, set_uri(s, "spiffe://mesh.example.com.evil.example.org/ns/shop/sa/frontend"))
CHANGE(prefix, set_uri(s, "spiffe://evil-mesh.example.com/ns/shop/sa/frontend"))
CHANGE(cut_domain, set_uri(s, "spiffe://esh.example.com/ns/shop/sa/frontend"))
CHANGE(upper_domain, set_uri(s, "spiffe://Mesh.example.com/ns/shop/sa/frontend"))
CHANGE(upper_scheme, set_uri(s, "SPIFFE://mesh.example.com/ns/shop/sa/frontend"))
CHANGE(percent, set_uri(s, "spiffe://mesh.example.com/ns/shop/sa/front%65nd"))
CHANGE(dots, set_uri(s, "spiffe://mesh.example.com/ns/other/../shop/sa/frontend"))
CHANGE(end_slash, set_uri(s, "spiffe://mesh.example.com/ns/shop/sa/frontend/"))
CHANGE(two_slashes, set_uri(s, "spiffe://mesh.example.com//ns/shop/sa/frontend"))
CHANGE(port, set_uri(s, "spiffe://mesh.example.com:443/ns/shop/sa/frontend"))
CHANGE(userinfo, set_uri(s, "spiffe://mesh.example.com@evil/ns/shop/sa/frontend"))
CHANGE(query, set_uri(s, "spiffe://mesh.example.com/ns/shop/sa/frontend?x"))
CHANGE(fragment, set_uri(s, "spiffe://mesh.example.com/ns/shop/sa/frontend#x"))
CHANGE(no_path, set_uri(s, "spiffe://mesh.example.com"))
CHANGE(http, set_uri(s, "https://mesh.example.com/ns/shop/sa/frontend"))
CHANGE(nul_inside, s->names[0].value = slice_of(PKI_CLIENT_ID "\0.evil", strlen(PKI_CLIENT_ID) + 6))
CHANGE(nul_end, s->names[0].value = slice_of(PKI_CLIENT_ID "\0", strlen(PKI_CLIENT_ID) + 1))

static void too_long(struct pki_spec *s)
{
    static char text[2100] = "spiffe://mesh.example.com/ns/shop/sa/";
    memset(text + strlen(text), 'a', 2049 - strlen(text));
    s->names[0].value = slice_of(text, 2049);
}

static const struct bad table[] = {
    {"expired", expired, ERR_EXPIRED, "expired at 20"},
    {"not valid yet", not_yet, ERR_EXPIRED, "not valid yet, but from 20"},
    {"signed with another key", forged, ERR_UNTRUSTED, "does not match its issuer's key"},
    {"other CA", other_ca, ERR_UNTRUSTED, "not among the trusted roots"},
    {"intermediate missing", without_chain, ERR_UNTRUSTED, "not among the trusted roots"},
    {"no URI SAN", no_uri, ERR_UNTRUSTED, "no URI SAN"},
    {"no SAN", no_names, ERR_UNTRUSTED, "no URI SAN"},
    {"DNS SAN that looks like an ID", dns_spiffe, ERR_UNTRUSTED, NULL},
    {"email SAN that looks like an ID", email_spiffe, ERR_UNTRUSTED, NULL},
    {"common name that looks like an ID", cn_spiffe, ERR_UNTRUSTED, "no URI SAN"},
    {"two equal URI SANs", two_uris, ERR_UNTRUSTED, "2 URI SANs"},
    {"two URI SANs", two_other_uris, ERR_UNTRUSTED, "2 URI SANs"},
    {"leaf that is a CA", ca_signing, ERR_UNTRUSTED, "CA certificate"},
    {"leaf with CA:TRUE", ca_flag, ERR_UNTRUSTED, NULL},
    {"leaf with keyCertSign", cert_sign, ERR_UNTRUSTED, NULL},
    {"leaf with cRLSign", crl_sign, ERR_UNTRUSTED, "signing certificates or CRLs"},
    {"no key usage", no_usage, ERR_UNTRUSTED, "digitalSignature"},
    {"key usage without digitalSignature", wrong_usage, ERR_UNTRUSTED, "digital"},
    {"EKU server only", server_only, ERR_UNTRUSTED, "extended key usage"},
    {"EKU client only", client_only, ERR_UNTRUSTED, "extended key usage"},
    {"other trust domain", other_domain, ERR_UNTRUSTED, "another trust domain"},
    {"trust domain as a prefix", suffix, ERR_UNTRUSTED, "another trust domain"},
    {"trust domain as a suffix", prefix, ERR_UNTRUSTED, "another trust domain"},
    {"trust domain cut", cut_domain, ERR_UNTRUSTED, "another trust domain"},
    {"upper-case trust domain", upper_domain, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"upper-case scheme", upper_scheme, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"percent encoding", percent, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"dot segments", dots, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"trailing slash", end_slash, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"empty segment", two_slashes, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"port", port, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"userinfo", userinfo, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"query", query, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"fragment", fragment, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"no path", no_path, ERR_UNTRUSTED, "has no path"},
    {"https URI", http, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
    {"NUL inside", nul_inside, ERR_UNTRUSTED, NULL},
    {"NUL at the end", nul_end, ERR_UNTRUSTED, NULL},
    {"2049 bytes", too_long, ERR_UNTRUSTED, "not a valid SPIFFE ID"},
};

/* ---- the handshake with such a peer */

static void check_refused(const char *what, enum err result, struct tls_conn *honest,
                          enum err expected, const char *why)
{
    const char *detail = tls_conn_detail(honest);
    if (result != expected || !detail || (why && !strstr(detail, why)))
        fprintf(stderr, "%s: %s (%s)\n", what, err_name(result), detail ? detail : "no detail");
    assert_int_equal(result, expected);
    assert_non_null(detail);
    if (why)
        assert_non_null(strstr(detail, why));
    assert_null(tls_conn_peer(honest));
}

/* After TLS 1.3's client has finished it learns of the refusal when it reads. */
static void check_told(const char *what, struct tls_pair *t, struct tls_conn *from,
                       struct tls_conn *rogue)
{
    (void)tls_pair_move(t, from, rogue, NULL);
    const char *detail = tls_conn_detail(rogue);
    if (!detail || !strstr(detail, "alert"))
        fprintf(stderr, "%s: not told: %s\n", what, detail ? detail : "nothing");
    assert_true(detail && strstr(detail, "alert"));
}

static void refused_as_client(const char *what, const struct pki_leaf *leaf, enum err expected,
                              const char *why, bool silent)
{
    struct pki_leaf good = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_ctx *server = pki_server(&pki, &good), *rogue = pki_rogue(&pki, leaf, false);
    struct tls_pair t;
    tls_pair_init(&t, rogue, server, NULL);
    tls_pair_handshake(&t);
    check_refused(what, t.server_result, t.server, expected, why);
    if (!silent)
        check_told(what, &t, t.server, t.client);
    tls_pair_dispose(&t);
    tls_ctx_unref(server);
    tls_ctx_unref(rogue);
    pki_leaf_dispose(&good);
}

static void refused_as_server(const char *what, const struct pki_leaf *leaf, enum err expected,
                              const char *why)
{
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID);
    struct tls_ctx *client = pki_client(&pki, &good), *rogue = pki_rogue(&pki, leaf, true);
    struct tls_pair t;
    tls_pair_init(&t, client, rogue, NULL);
    tls_pair_handshake(&t);
    check_refused(what, t.client_result, t.client, expected, why);
    assert_int_not_equal(t.server_result, ERR_OK);
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(rogue);
    pki_leaf_dispose(&good);
}

static void refused(const char *what, const struct pki_leaf *leaf, enum err expected,
                    const char *why)
{
    refused_as_client(what, leaf, expected, why, false);
    refused_as_server(what, leaf, expected, why);
}

/* wolfSSL itself cannot parse it, and then sends no alert. */
static bool is_silent(const struct bad *b)
{
    return b->change == nul_inside || b->change == nul_end;
}

static void test_table(void **state)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct pki_spec spec;
        pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
        table[i].change(&spec);
        struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
        refused_as_client(table[i].what, &leaf, table[i].err, table[i].why, is_silent(&table[i]));
        refused_as_server(table[i].what, &leaf, table[i].err, table[i].why);
        pki_leaf_dispose(&leaf);
    }
}

/* ---- forgeries that are no single change */

static void test_self_signed(void **state)
{
    struct pki_spec spec;
    char *key;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.signer_key = key;
    spec.above = "";
    spec.x.subject = spec.x.issuer = x509_build_name(SLICE("me"), spec.subject, 256);
    spec.x.authority_key_id = (struct slice){NULL, 0};
    struct pki_leaf leaf = pki_build(&pki, &spec, key);
    refused("self-signed", &leaf, ERR_UNTRUSTED, "root");
    pki_leaf_dispose(&leaf);
    mem_free(key);
}

/* The CA's own certificate and key, used to authenticate. */
static void test_ca_as_leaf(void **state)
{
    struct pki_leaf root = {pki.root_key, pki.root};
    refused("root as leaf", &root, ERR_UNTRUSTED, NULL);
    char *chain = mem_printf("%s%s", pki.mid, pki.root);
    struct pki_leaf mid = {pki.mid_key, chain};
    refused("intermediate as leaf", &mid, ERR_UNTRUSTED, NULL);
    mem_free(chain);
}

/* A copy of a CA certificate, byte for byte but for the public key, with that key's owner behind
 * it. */
static char *clone_with_key(const char *cert, const char *cert_key, const char *evil_key)
{
    uint8_t *der, old_spki[X509_SPKI_MAX], new_spki[X509_SPKI_MAX];
    size_t len, spki_len;
    ecc_key k;
    assert_int_equal(pem_find(slice_from_cstr(cert), "CERTIFICATE", NULL, &der, &len), ERR_OK);
    const char *keys[2] = {cert_key, evil_key};
    uint8_t *spkis[2] = {old_spki, new_spki};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(x509_key_open(slice_from_cstr(keys[i]), &k, NULL), ERR_OK);
        assert_int_equal(x509_key_public(&k, spkis[i], &spki_len), ERR_OK);
        wc_ecc_free(&k);
    }
    uint8_t *at = memmem(der, len, old_spki, spki_len);
    assert_non_null(at);
    memcpy(at, new_spki, spki_len);
    char *pem = pem_encode("CERTIFICATE", slice_of(der, len));
    mem_free(der);
    return pem;
}

static void test_ca_clone(void **state)
{
    char *evil, *chain;
    struct pki_spec spec;
    assert_int_equal(x509_make_key(&evil), ERR_OK);
    char *root = clone_with_key(pki.root, pki.root_key, evil);
    char *mid = clone_with_key(pki.mid, pki.mid_key, evil);
    struct pki_leaf as_root = {evil, root}, as_mid = {evil, mid};
    refused("clone of the root", &as_root, ERR_UNTRUSTED, NULL);
    refused("clone of the intermediate", &as_mid, ERR_UNTRUSTED, NULL);
    /* And a leaf that the clones' key signed, with the clone above it. */
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.signer_key = evil;
    spec.above = mid;
    struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
    refused("leaf of a cloned intermediate", &leaf, ERR_UNTRUSTED, NULL);
    chain = mem_printf("%s%s", leaf.chain, root);
    struct pki_leaf longer = {leaf.key, chain};
    refused("leaf of clones", &longer, ERR_UNTRUSTED, NULL);
    mem_free(chain);
    pki_leaf_dispose(&leaf);
    mem_free(root);
    mem_free(mid);
    mem_free(evil);
}

/* A workload signs for another one. */
static void test_leaf_as_issuer(void **state)
{
    struct pki_spec spec;
    struct pki_leaf good, evil;
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.subject = x509_build_name(SLICE("shop"), spec.subject, sizeof(spec.subject));
    good = pki_build(&pki, &spec, NULL);
    pki_spec_init(&pki, &spec, PKI_SERVER_ID);
    spec.x.issuer = x509_build_name(SLICE("shop"), spec.issuer, sizeof(spec.issuer));
    spec.x.authority_key_id = (struct slice){NULL, 0};
    spec.signer_key = good.key;
    spec.above = good.chain;
    evil = pki_build(&pki, &spec, NULL);
    refused("leaf as issuer", &evil, ERR_UNTRUSTED, NULL);
    pki_leaf_dispose(&good);
    pki_leaf_dispose(&evil);
}

/* The intermediate has path length 0: a CA below it signs nothing. */
static void test_path_length(void **state)
{
    struct pki_spec spec;
    struct pki_leaf sub, leaf;
    pki_spec_init(&pki, &spec, "spiffe://mesh.example.com");
    spec.x.is_ca = true;
    spec.x.use_server = spec.x.use_client = false;
    spec.x.key_usage = X509_USE_CERT_SIGN;
    spec.x.subject = x509_build_name(SLICE("sub"), spec.subject, sizeof(spec.subject));
    sub = pki_build(&pki, &spec, NULL);
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.issuer = x509_build_name(SLICE("sub"), spec.issuer, sizeof(spec.issuer));
    spec.x.authority_key_id = (struct slice){NULL, 0};
    spec.signer_key = sub.key;
    spec.above = sub.chain;
    leaf = pki_build(&pki, &spec, NULL);
    refused("path length exceeded", &leaf, ERR_UNTRUSTED, NULL);
    pki_leaf_dispose(&sub);
    pki_leaf_dispose(&leaf);
}

static void test_expired_intermediate(void **state)
{
    struct pki_spec spec;
    struct pki_leaf sub, leaf;
    pki_spec_init(&pki, &spec, "spiffe://mesh.example.com");
    spec.x.issuer = x509_build_name(SLICE("test root"), spec.issuer, sizeof(spec.issuer));
    spec.x.authority_key_id = (struct slice){NULL, 0};
    spec.signer_key = pki.root_key;
    spec.above = "";
    spec.x.is_ca = true;
    spec.x.use_server = spec.x.use_client = false;
    spec.x.key_usage = X509_USE_CERT_SIGN;
    spec.x.subject = x509_build_name(SLICE("old"), spec.subject, sizeof(spec.subject));
    spec.x.not_after_ms = pki.now_ms - 30000;
    sub = pki_build(&pki, &spec, NULL);
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.issuer = x509_build_name(SLICE("old"), spec.issuer, sizeof(spec.issuer));
    spec.x.authority_key_id = (struct slice){NULL, 0};
    spec.signer_key = sub.key;
    spec.above = sub.chain;
    leaf = pki_build(&pki, &spec, NULL);
    refused("expired intermediate", &leaf, ERR_EXPIRED, "certificate 2 of its chain");
    pki_leaf_dispose(&sub);
    pki_leaf_dispose(&leaf);
}

static void test_chain_too_long(void **state)
{
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID);
    char *chain = mem_strdup(good.chain);
    for (int i = 0; i < 8; i++) {
        char *longer = mem_printf("%s%s", chain, other.mid);
        mem_free(chain);
        chain = longer;
    }
    struct pki_leaf leaf = {good.key, chain};
    /* wolfSSL sends no alert for this one. */
    refused_as_client("chain of ten", &leaf, ERR_UNTRUSTED, "too long", true);
    refused_as_server("chain of ten", &leaf, ERR_UNTRUSTED, "too long");
    mem_free(chain);
    pki_leaf_dispose(&good);
}

/* A good chain shown by somebody who does not have its key. */
static void test_stolen_chain(void **state)
{
    char *key;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID), stolen = {key, good.chain};
    refused("without the key", &stolen, ERR_UNTRUSTED, NULL);
    pki_leaf_dispose(&good);
    mem_free(key);
}

static void test_expected_id(void **state)
{
    struct pki_leaf a = pki_svid(&pki, PKI_CLIENT_ID), b = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_ctx *client = pki_client(&pki, &a), *server = pki_server(&pki, &b);
    static const char *const others[] = {
        "spiffe://mesh.example.com/ns/shop/sa/review",
        "spiffe://mesh.example.com/ns/shop/sa/reviews2",
        "spiffe://mesh.example.com/ns/other/sa/reviews",
        PKI_CLIENT_ID,
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct tls_conn_options options = {.expect_spiffe_id = slice_from_cstr(others[i])};
        struct tls_pair t;
        tls_pair_init(&t, client, server, &options);
        tls_pair_handshake(&t);
        check_refused(others[i], t.client_result, t.client, ERR_UNTRUSTED,
                      "but the peer is '" PKI_SERVER_ID "'");
        assert_int_not_equal(t.server_result, ERR_OK);
        tls_pair_dispose(&t);
    }
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    pki_leaf_dispose(&a);
    pki_leaf_dispose(&b);
}

/* ---- no certificate at all */

static void test_no_certificate(void **state)
{
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *bare, *server;
    struct tls_pair t;
    struct pki_leaf good = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_conn_options options = {.expect_spiffe_id = SLICE(PKI_SERVER_ID)};
    assert_int_equal(
        tls_ctx_create_client(&(struct tls_client_config){.roots_pem = slice_from_cstr(pki.root)},
                              &bare, why),
        ERR_OK);
    server = pki_server(&pki, &good);
    tls_pair_init(&t, bare, server, &options);
    tls_pair_handshake(&t);
    check_refused("no certificate", t.server_result, t.server, ERR_UNTRUSTED, "no certificate");
    check_told("no certificate", &t, t.server, t.client);
    tls_pair_dispose(&t);
    tls_ctx_unref(server);
    /* Where it is optional, the connection stands, without an identity. */
    struct tls_mesh_config config = {
        .is_server = true,
        .cert_chain_pem = slice_from_cstr(good.chain),
        .key_pem = slice_from_cstr(good.key),
        .roots_pem = slice_from_cstr(pki.root),
        .trust_domain = SLICE(PKI_DOMAIN),
        .peer_cert_optional = true,
    };
    assert_int_equal(tls_ctx_create_mesh(&config, &server, why), ERR_OK);
    tls_pair_init(&t, bare, server, &options);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_OK);
    assert_int_equal(t.client_result, ERR_OK);
    assert_null(tls_conn_peer(t.server));
    assert_true(slice_eq_cstr(tls_conn_peer(t.client)->spiffe_id, PKI_SERVER_ID));
    tls_pair_dispose(&t);
    /* But a bad one is still refused there. */
    struct pki_spec spec;
    pki_spec_init(&pki, &spec, "spiffe://other.example.com/ns/a/sa/b");
    struct pki_leaf foreign = pki_build(&pki, &spec, NULL);
    struct tls_ctx *rogue = pki_rogue(&pki, &foreign, false);
    tls_pair_init(&t, rogue, server, NULL);
    tls_pair_handshake(&t);
    check_refused("optional but bad", t.server_result, t.server, ERR_UNTRUSTED, "trust domain");
    tls_pair_dispose(&t);
    tls_ctx_unref(rogue);
    tls_ctx_unref(bare);
    tls_ctx_unref(server);
    pki_leaf_dispose(&foreign);
    pki_leaf_dispose(&good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),          cmocka_unit_test(test_self_signed),
        cmocka_unit_test(test_ca_as_leaf),     cmocka_unit_test(test_ca_clone),
        cmocka_unit_test(test_leaf_as_issuer), cmocka_unit_test(test_path_length),
        cmocka_unit_test(test_chain_too_long), cmocka_unit_test(test_expired_intermediate),
        cmocka_unit_test(test_stolen_chain),   cmocka_unit_test(test_expected_id),
        cmocka_unit_test(test_no_certificate),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
