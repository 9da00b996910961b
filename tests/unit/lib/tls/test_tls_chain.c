/* Paths from what a peer sends to the roots: in any order, with more than is needed, and where
 * there is none. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_chain.h"

#include <stdio.h>
#include <string.h>

#include "lib/tls/pem.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/x509_key.h"
#include "lib/tls/x509_spki.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/odd_roots.h"
#include "tests/unit/lib/tls/pki.h"

#include <wolfssl/error-ssl.h>

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

/* ---- certificates by name: subject, issuer, whose key */

static char *make_ca(const char *subject, const char *key, const char *issuer,
                     const char *issuer_key, int path_len, int64_t not_after_ms)
{
    return pki_make_ca(&pki, subject, key, issuer, issuer_key, path_len, not_after_ms);
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
    if (v.code == 0) /* there is one root here: it is told */
        assert_memory_equal(v.anchor, tls_roots_at(roots, 0)->digest, sizeof(v.anchor));
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

/* Nothing to check, nothing to check it by, and more than is looked at: none of it is good. */
static void test_too_few_and_too_many(void **state)
{
    int64_t later = pki.now_ms + 3600000;
    struct slice none = {NULL, 0}, cert;
    uint8_t *der;
    size_t len;
    char *ca = make_ca("a", pki.mid_key, "test root", pki.root_key, -1, later);
    char *l = make_leaf("a", pki.mid_key), *x = other.mid;
    struct tls_chain_verdict v = VERIFY(pki.root, l, ca, x, x, x, x, x, x, x, x);
    expect("as many as may be", v, 0, 0);
    v = VERIFY(pki.root, l, ca, x, x, x, x, x, x, x, x, x);
    expect("one more", v, MAX_CHAIN_ERROR, 0);
    assert_int_equal(pem_find(slice_from_cstr(l), "CERTIFICATE", NULL, &der, &len), ERR_OK);
    cert = slice_of(der, len);
    expect("no roots", tls_chain_verify(NULL, &cert, 1, false), ASN_NO_SIGNER_E, 0);
    expect("no certificate", tls_chain_verify(NULL, &none, 0, false), NO_PEER_CERT, 0);
    mem_free(der);
    mem_free(ca);
    mem_free(l);
}

/* What nobody of the path is issued by costs nothing, whatever stands between: not the work that is
 * kept for certificates of one name. */
static void test_strangers_between(void **state)
{
    int64_t later = pki.now_ms + 3600000;
    char *a_key, *b_key;
    assert_int_equal(x509_make_key(&a_key), ERR_OK);
    assert_int_equal(x509_make_key(&b_key), ERR_OK);
    char *a = make_ca("a", a_key, "test root", pki.root_key, -1, later);
    char *b = make_ca("b", b_key, "a", a_key, -1, later);
    char *leaf = make_leaf("b", b_key);
    /* One whose issuer is named by its key as well, and one that has but a name. */
    char *plain = make_ca("far", b_key, "farther", other.root_key, -1, later);
    char *list[] = {other.mid, plain};
    for (size_t i = 0; i < 2; i++) {
        char *x = list[i];
        expect("between", VERIFY(pki.root, leaf, x, x, x, x, x, x, x, a, b), 0, 0);
        expect("around", VERIFY(pki.root, leaf, b, x, x, x, x, x, x, x, a), 0, 0);
        expect("only them", VERIFY(pki.root, leaf, x, x, x, x, x, x, x, x), ASN_NO_SIGNER_E, 0);
    }
    mem_free(plain);
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

/* What may not sign vouches for nobody, though its key has signed. */
static void test_issuers_that_are_none(void **state)
{
    char *key;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    char *leaf = make_leaf("i", key);
    for (int i = 0; i < 3; i++) {
        struct pki_spec spec;
        pki_spec_init(&pki, &spec, "spiffe://mesh.example.com");
        spec.x.subject = x509_build_name(SLICE("i"), spec.subject, sizeof(spec.subject));
        spec.x.is_ca = i > 0;
        spec.x.key_usage = i == 2 ? X509_USE_CERT_SIGN : X509_USE_DIGITAL_SIGNATURE;
        spec.above = "";
        struct pki_leaf issuer = pki_build(&pki, &spec, key);
        struct tls_chain_verdict v = VERIFY(pki.root, leaf, issuer.chain, pki.mid);
        /* The intermediate's path length is 0. */
        expect("issuer", v, i == 2 ? ASN_PATHLEN_INV_E : NOT_CA_ERROR, 1);
        spec.x.issuer = x509_build_name(SLICE("test root"), spec.issuer, sizeof(spec.issuer));
        spec.x.authority_key_id = (struct slice){NULL, 0};
        spec.signer_key = pki.root_key;
        struct pki_leaf below_root = pki_build(&pki, &spec, key);
        v = VERIFY(pki.root, leaf, below_root.chain);
        expect("issuer below the root", v, i == 2 ? 0 : NOT_CA_ERROR, i == 2 ? 0 : 1);
        pki_leaf_dispose(&issuer);
        pki_leaf_dispose(&below_root);
    }
    mem_free(leaf);
    mem_free(key);
}

/* A certificate that the intermediate signed for the key of another one. */
static char *with_key_of(const char *other_pem)
{
    struct pki_spec spec;
    struct slice spki;
    ecc_key signer;
    uint8_t *der;
    size_t len;
    char *pem;
    assert_int_equal(pem_find(slice_from_cstr(other_pem), "CERTIFICATE", NULL, &der, &len), ERR_OK);
    assert_true(x509_spki_find(slice_of(der, len), &spki));
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.public_key = spki;
    assert_int_equal(x509_key_open(slice_from_cstr(pki.mid_key), &signer, NULL), ERR_OK);
    assert_int_equal(x509_build_cert(&spec.x, &signer, &pem), ERR_OK);
    wc_ecc_free(&signer);
    mem_free(der);
    return pem;
}

static void test_weak_keys(void **state)
{
    const char *const others[] = {odd_rsa_4096, odd_p384, odd_rsa_1024, odd_p224};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        char *leaf = with_key_of(others[i]);
        expect("key", VERIFY(pki.root, leaf, pki.mid), i < 2 ? 0 : PEER_KEY_ERROR, 0);
        mem_free(leaf);
    }
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

/* ---- how much of it is looked at */

/* An authority of this name below the root, with a key of its own. */
static char *make_namesake(const char *subject)
{
    char *key;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    char *ca = make_ca(subject, key, "test root", pki.root_key, -1, pki.now_ms + 3600000);
    mem_free(key);
    return ca;
}

/* Of eight whole paths all are checked, and no ninth; a leaf that names the key of its issuer has
 * but one, whoever else is called like that. */
static void test_namesakes(void **state)
{
    char *key, *others[8];
    uint8_t spki[X509_SPKI_MAX];
    size_t len;
    ecc_key opened;
    struct pki_spec spec;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    for (int i = 0; i < 8; i++)
        others[i] = make_namesake("n");
    char *right = make_ca("n", key, "test root", pki.root_key, -1, pki.now_ms + 3600000);
    char *leaf = make_leaf("n", key), **x = others;
    expect("the eighth", VERIFY(pki.root, leaf, x[0], x[1], x[2], x[3], x[4], x[5], x[6], right), 0,
           0);
    struct tls_chain_verdict v =
        VERIFY(pki.root, leaf, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], right);
    expect("the ninth", v, ASN_SIG_CONFIRM_E, 0);
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.issuer = x509_build_name(SLICE("n"), spec.issuer, sizeof(spec.issuer));
    assert_int_equal(x509_key_open(slice_from_cstr(key), &opened, NULL), ERR_OK);
    assert_int_equal(x509_key_public(&opened, spki, &len), ERR_OK);
    x509_key_id(slice_of(spki, len), spec.authority_id);
    wc_ecc_free(&opened);
    spec.signer_key = key;
    spec.above = "";
    struct pki_leaf named = pki_build(&pki, &spec, NULL);
    v = VERIFY(pki.root, named.chain, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7], right);
    expect("by its key", v, 0, 0);
    for (int i = 0; i < 8; i++)
        mem_free(others[i]);
    pki_leaf_dispose(&named);
    mem_free(right);
    mem_free(leaf);
    mem_free(key);
}

/* Authority m, which says by whose key it was issued. */
static char *make_answer(const char *key, const char *issuer_key)
{
    struct pki_spec spec;
    uint8_t spki[X509_SPKI_MAX];
    size_t len;
    ecc_key opened;
    assert_int_equal(x509_key_open(slice_from_cstr(issuer_key), &opened, NULL), ERR_OK);
    assert_int_equal(x509_key_public(&opened, spki, &len), ERR_OK);
    wc_ecc_free(&opened);
    pki_spec_init(&pki, &spec, "spiffe://mesh.example.com");
    x509_key_id(slice_of(spki, len), spec.authority_id);
    spec.x.subject = x509_build_name(SLICE("m"), spec.subject, sizeof(spec.subject));
    spec.x.issuer = x509_build_name(SLICE("n"), spec.issuer, sizeof(spec.issuer));
    spec.x.is_ca = true;
    spec.x.key_usage = X509_USE_CERT_SIGN;
    spec.signer_key = issuer_key;
    spec.above = "";
    struct pki_leaf l = pki_build(&pki, &spec, key);
    mem_free(l.key);
    return l.chain;
}

/* Two of one name and five of another vouch for each other in circles. Walking through all of it
 * takes 63 steps, with the leaf's and without going around in any circle; the good one behind them
 * is the 64th, which is the last that is taken. */
static void test_circles(void **state)
{
    int64_t later = pki.now_ms + 3600000;
    char *a_key, *m_key, *key, *m[5];
    assert_int_equal(x509_make_key(&a_key), ERR_OK);
    assert_int_equal(x509_make_key(&m_key), ERR_OK);
    assert_int_equal(x509_make_key(&key), ERR_OK);
    char *a = make_ca("n", a_key, "m", m_key, -1, later);
    char *b = make_ca("n", a_key, "m", m_key, -1, later);
    for (int i = 0; i < 5; i++)
        m[i] = make_answer(m_key, a_key);
    char *alone = make_ca("n", m_key, "nobody", m_key, -1, later);
    char *good = make_ca("n", key, "test root", pki.root_key, -1, later);
    char *leaf = make_leaf("n", key);
    struct tls_chain_verdict v =
        VERIFY(pki.root, leaf, a, b, m[0], m[1], m[2], m[3], m[4], good);
    expect("64 steps", v, 0, 0);
    v = VERIFY(pki.root, leaf, a, b, m[0], m[1], m[2], m[3], m[4], alone, good);
    assert_int_equal(v.code, ASN_NO_SIGNER_E);
    for (int i = 0; i < 5; i++)
        mem_free(m[i]);
    mem_free(a);
    mem_free(b);
    mem_free(alone);
    mem_free(good);
    mem_free(leaf);
    mem_free(a_key);
    mem_free(m_key);
    mem_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_too_few_and_too_many),
        cmocka_unit_test(test_strangers_between),
        cmocka_unit_test(test_cross_signed),
        cmocka_unit_test(test_path_lengths),
        cmocka_unit_test(test_many_of_one_name),
        cmocka_unit_test(test_namesakes),
        cmocka_unit_test(test_circles),
        cmocka_unit_test(test_issuers_that_are_none),
        cmocka_unit_test(test_weak_keys),
    };
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
