/* Paths from what a peer sends to the roots, and that nothing of one handshake is left for the
 * next: over TLS 1.2 and 1.3, from both ends, and for every kind of context.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_chain.h"

#include <stdio.h>
#include <string.h>

#include "lib/tls/pem.h"
#include "lib/tls/tls_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

#include <wolfssl/error-ssl.h>

static struct pki pki, other;
static char why[TLS_DETAIL_MAX];

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

/* ---- certificates by name: subject, issuer, whose key */

/* A CA certificate for key, alone. */
static char *make_ca(const char *subject, const char *key, const char *issuer,
                     const char *issuer_key, int path_len, int64_t not_after_ms)
{
    struct pki_spec spec;
    pki_spec_init(&pki, &spec, "spiffe://mesh.example.com");
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
    struct pki_leaf l = pki_build(&pki, &spec, key);
    mem_free(l.key);
    return l.chain;
}

/* A leaf alone. */
static char *make_leaf(const char *issuer, const char *issuer_key)
{
    struct pki_spec spec;
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.issuer = x509_build_name(slice_from_cstr(issuer), spec.issuer, sizeof(spec.issuer));
    spec.x.authority_key_id = (struct slice){NULL, 0};
    spec.signer_key = issuer_key;
    spec.above = "";
    struct pki_leaf l = pki_build(&pki, &spec, NULL);
    mem_free(l.key);
    return l.chain;
}

/* certs: PEM, as the peer sends them, NULL-terminated. */
static struct tls_chain_verdict verify(const char *roots_pem, const char *const *certs,
                                       bool any_date)
{
    struct slice list[TLS_CHAIN_MAX + 1];
    struct tls_roots *roots;
    size_t count = 0;
    assert_int_equal(tls_roots_create(slice_from_cstr(roots_pem), &roots, NULL), ERR_OK);
    for (; certs[count]; count++) {
        uint8_t *der;
        size_t len;
        assert_true(count <= TLS_CHAIN_MAX);
        assert_int_equal(pem_find(slice_from_cstr(certs[count]), "CERTIFICATE", NULL, &der, &len),
                         ERR_OK);
        list[count] = slice_of(der, len);
    }
    struct tls_chain_verdict v = tls_chain_verify(roots, list, count, any_date);
    for (size_t i = 0; i < count; i++)
        mem_free((char *)list[i].ptr);
    tls_roots_unref(roots);
    return v;
}

static void expect(const char *what, struct tls_chain_verdict v, int code, size_t depth)
{
    if (v.code != code || v.depth != depth)
        fail_msg("%s: %d at %zu instead of %d at %zu", what, v.code, v.depth, code, depth);
}

#define VERIFY(roots, ...) verify(roots, (const char *const[]){__VA_ARGS__, NULL}, false)

static void test_paths(void **state)
{
    int64_t later = pki.now_ms + 3600000;
    char *a_key, *b_key;
    assert_int_equal(x509_make_key(&a_key), ERR_OK);
    assert_int_equal(x509_make_key(&b_key), ERR_OK);
    char *a = make_ca("a", a_key, "test root", pki.root_key, -1, later);
    char *b = make_ca("b", b_key, "a", a_key, -1, later);
    char *leaf = make_leaf("b", b_key);
    expect("in order", VERIFY(pki.root, leaf, b, a), 0, 0);
    expect("with the root", VERIFY(pki.root, leaf, b, a, pki.root), 0, 0);
    expect("in another order", VERIFY(pki.root, leaf, a, b), 0, 0);
    expect("root first", VERIFY(pki.root, leaf, pki.root, a, b), 0, 0);
    expect("with what is nobody's", VERIFY(pki.root, leaf, other.mid, b, other.root, a), 0, 0);
    expect("twice", VERIFY(pki.root, leaf, b, b, a, a), 0, 0);
    expect("an intermediate as the root", VERIFY(a, leaf, b), 0, 0);
    expect("the nearest as the root", VERIFY(b, leaf), 0, 0);
    expect("a gap", VERIFY(pki.root, leaf, b), ASN_NO_SIGNER_E, 1);
    expect("the leaf alone", VERIFY(pki.root, leaf), ASN_NO_SIGNER_E, 0);
    expect("a gap above the leaf", VERIFY(pki.root, leaf, a), ASN_NO_SIGNER_E, 0);
    char *far = make_ca("far", b_key, "far", b_key, -1, later);
    expect("other roots", VERIFY(far, leaf, b, a), ASN_NO_SIGNER_E, 2);
    expect("and theirs sent along", VERIFY(far, leaf, b, a, pki.root), ASN_SELF_SIGNED_E, 3);
    expect("a root of the same name", VERIFY(other.root, leaf, b, a), ASN_SIG_CONFIRM_E, 2);
    mem_free(far);
    mem_free(a);
    mem_free(b);
    mem_free(leaf);
    mem_free(a_key);
    mem_free(b_key);
}

/* An authority that two others vouch for: whichever is among the roots is found, also when the
 * other way up has expired or ends nowhere. */
static void test_cross_signed(void **state)
{
    int64_t later = pki.now_ms + 3600000, before = pki.now_ms - 30000;
    char *key;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    char *here = make_ca("x", key, "test root", pki.root_key, -1, later);
    char *there = make_ca("x", key, "elsewhere", other.root_key, -1, later);
    char *old = make_ca("x", key, "test root", pki.root_key, -1, before);
    char *self = make_ca("x", key, "x", key, -1, later), *leaf = make_leaf("x", key);
    expect("first", VERIFY(pki.root, leaf, here, there), 0, 0);
    expect("second", VERIFY(pki.root, leaf, there, here), 0, 0);
    expect("beside an expired one", VERIFY(pki.root, leaf, old, here), 0, 0);
    expect("beside itself", VERIFY(pki.root, leaf, self, here), 0, 0);
    expect("itself the root", VERIFY(self, leaf, there, old), 0, 0);
    expect("only the expired one", VERIFY(pki.root, leaf, old), ASN_AFTER_DATE_E, 1);
    expect("only elsewhere", VERIFY(pki.root, leaf, there), ASN_NO_SIGNER_E, 1);
    expect("any date", verify(pki.root, (const char *const[]){leaf, old, NULL}, true), 0, 0);
    mem_free(here);
    mem_free(there);
    mem_free(old);
    mem_free(self);
    mem_free(leaf);
    mem_free(key);
}

/* What a root or an intermediate allows below it holds however far up it stands. */
static void test_path_lengths(void **state)
{
    int64_t later = pki.now_ms + 3600000;
    char *keys[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(x509_make_key(&keys[i]), ERR_OK);
    for (int allowed = 0; allowed < 3; allowed++) {
        char *root = make_ca("r", keys[0], "r", keys[0], allowed, later);
        char *a = make_ca("a", keys[1], "r", keys[0], -1, later);
        char *b = make_ca("b", keys[2], "a", keys[1], -1, later);
        char *below_root = make_leaf("r", keys[0]), *below_a = make_leaf("a", keys[1]),
             *below_b = make_leaf("b", keys[2]);
        expect("the root's own", VERIFY(root, below_root), 0, 0);
        expect("one below", VERIFY(root, below_a, a), allowed < 1 ? ASN_PATHLEN_INV_E : 0,
               allowed < 1 ? 1 : 0);
        struct tls_chain_verdict v = VERIFY(root, below_b, b, a);
        assert_int_equal(v.code, allowed < 2 ? ASN_PATHLEN_INV_E : 0);
        mem_free(root);
        mem_free(a);
        mem_free(b);
        mem_free(below_root);
        mem_free(below_a);
        mem_free(below_b);
    }
    for (int i = 0; i < 3; i++)
        mem_free(keys[i]);
}

/* Nine authorities of one name and key that end nowhere, and a root of that name: bounded work. */
static void test_many_of_one_name(void **state)
{
    int64_t later = pki.now_ms + 3600000;
    char *key, *list[9];
    assert_int_equal(x509_make_key(&key), ERR_OK);
    for (int i = 0; i < 9; i++)
        list[i] = make_ca("n", key, "m", other.root_key, -1, later + i * 1000);
    char *evil = make_ca("m", key, "n", pki.root_key, -1, later), *leaf = make_leaf("n", key);
    struct tls_chain_verdict v = VERIFY(pki.root, leaf, list[0], list[1], list[2], list[3], list[4],
                                        list[5], list[6], evil, list[8]);
    assert_int_not_equal(v.code, 0);
    for (int i = 0; i < 9; i++)
        mem_free(list[i]);
    mem_free(evil);
    mem_free(leaf);
    mem_free(key);
}

/* ---- nothing is left for the next handshake */

/* The same leaf with its intermediate, and without. */
struct shown {
    struct pki_leaf with, without;
};

static struct shown make_shown(void)
{
    struct pki_spec spec;
    struct shown s;
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.names[1] = (struct x509_name){X509_NAME_DNS, SLICE("site.example")};
    spec.x.name_count = 2;
    spec.above = "";
    s.without = pki_build(&pki, &spec, NULL);
    s.with =
        (struct pki_leaf){mem_strdup(s.without.key), mem_printf("%s%s", s.without.chain, pki.mid)};
    return s;
}

static void dispose_shown(struct shown *s)
{
    pki_leaf_dispose(&s->with);
    pki_leaf_dispose(&s->without);
}

/* An end that shows a certificate as it is, in this version of TLS. */
static struct tls_ctx *make_end(const struct pki_leaf *l, bool is_server, bool tls12)
{
    struct tls_ctx *c = pki_rogue(&pki, l, is_server);
    if (!tls12)
        return c;
    wolfSSL_CTX_free(c->libs[0]);
    c->libs[0] =
        wolfSSL_CTX_new(is_server ? wolfTLSv1_2_server_method() : wolfTLSv1_2_client_method());
    tls_conn_bind(c, c->libs[0]);
    assert_int_equal(
        wolfSSL_CTX_use_certificate_chain_buffer_format(
            c->libs[0], (const byte *)l->chain, (long)strlen(l->chain), WOLFSSL_FILETYPE_PEM),
        WOLFSSL_SUCCESS);
    assert_int_equal(wolfSSL_CTX_use_PrivateKey_buffer(c->libs[0], (const byte *)l->key,
                                                       (long)strlen(l->key), WOLFSSL_FILETYPE_PEM),
                     WOLFSSL_SUCCESS);
    return c;
}

static void check_shown(const char *what, struct tls_ctx *judge, bool judge_is_server,
                        const struct pki_leaf *l, bool tls12, bool good)
{
    static const struct tls_conn_options to_site = {.server_name = {"site.example", 12}};
    struct tls_ctx *end = make_end(l, !judge_is_server, tls12);
    struct tls_pair t;
    tls_pair_init(&t, judge_is_server ? end : judge, judge_is_server ? judge : end, &to_site);
    tls_pair_handshake(&t);
    enum err e = judge_is_server ? t.server_result : t.client_result;
    const char *detail = tls_conn_detail(judge_is_server ? t.server : t.client);
    if (e != (good ? ERR_OK : ERR_UNTRUSTED) ||
        (!good && !strstr(detail ? detail : "", "not among the trusted roots")))
        fail_msg("%s, TLS 1.%d: %s (%s)", what, tls12 ? 2 : 3, err_name(e),
                 detail ? detail : "no detail");
    tls_pair_dispose(&t);
    tls_ctx_unref(end);
}

static void check_forgets(const char *what, struct tls_ctx *judge, bool judge_is_server, bool tls12)
{
    struct shown s = make_shown(), next = make_shown();
    check_shown(what, judge, judge_is_server, &s.without, tls12, false);
    check_shown(what, judge, judge_is_server, &s.with, tls12, true);
    check_shown(what, judge, judge_is_server, &s.without, tls12, false);
    check_shown(what, judge, judge_is_server, &next.without, tls12, false);
    check_shown(what, judge, judge_is_server, &next.with, tls12, true);
    dispose_shown(&s);
    dispose_shown(&next);
}

static void test_public_server_forgets(void **state)
{
    struct shown own = make_shown();
    struct tls_public_cert cert = {slice_from_cstr(own.with.chain), slice_from_cstr(own.with.key),
                                   NULL, 0};
    struct tls_public_config config = {.certs = &cert,
                                       .cert_count = 1,
                                       .ask_client = true,
                                       .client_roots_pem = slice_from_cstr(pki.root)};
    for (int tls12 = 0; tls12 < 2; tls12++) {
        struct tls_ctx *server;
        assert_int_equal(tls_ctx_create_public(&config, &server, why), ERR_OK);
        check_forgets("public server", server, true, tls12);
        tls_ctx_unref(server);
    }
    dispose_shown(&own);
}

static void test_client_forgets(void **state)
{
    const struct slice names[] = {SLICE("site.example")};
    struct pki_leaf own = pki_svid(&pki, PKI_CLIENT_ID);
    for (int i = 0; i < 4; i++) {
        struct tls_client_config config = {.roots_pem = slice_from_cstr(pki.root),
                                           .cert_chain_pem = slice_from_cstr(own.chain),
                                           .key_pem = slice_from_cstr(own.key),
                                           .san_dns = names,
                                           .san_dns_count = i / 2};
        struct tls_ctx *client;
        assert_int_equal(tls_ctx_create_client(&config, &client, why), ERR_OK);
        check_forgets("client", client, false, i % 2);
        tls_ctx_unref(client);
    }
    pki_leaf_dispose(&own);
}

static void test_mesh_ends_forget(void **state)
{
    struct pki_leaf own = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_ctx *server = pki_server(&pki, &own), *client = pki_client(&pki, &own);
    struct pki_spec spec;
    struct shown s;
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.above = "";
    s.without = pki_build(&pki, &spec, NULL);
    s.with =
        (struct pki_leaf){mem_strdup(s.without.key), mem_printf("%s%s", s.without.chain, pki.mid)};
    for (int i = 0; i < 4; i++) {
        check_shown("mesh", i / 2 ? server : client, i / 2, &s.with, false, true);
        check_shown("mesh", i / 2 ? server : client, i / 2, &s.without, false, false);
    }
    dispose_shown(&s);
    tls_ctx_unref(server);
    tls_ctx_unref(client);
    pki_leaf_dispose(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_cross_signed),
        cmocka_unit_test(test_path_lengths),
        cmocka_unit_test(test_many_of_one_name),
        cmocka_unit_test(test_public_server_forgets),
        cmocka_unit_test(test_client_forgets),
        cmocka_unit_test(test_mesh_ends_forget),
    };
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
