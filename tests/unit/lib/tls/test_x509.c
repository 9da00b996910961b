/* Tests of making and reading certificates: requests, issuing, authorities, and what each refuses.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/x509.h"

#include <stdio.h>
#include <string.h>

#include "lib/tls/der.h"
#include "lib/tls/pem.h"
#include "lib/tls/x509_build.h"
#include "lib/tls/x509_key.h"
#include "lib/tls/x509_subject.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

static struct pki pki;
static char why[TLS_DETAIL_MAX];
static const struct slice none = {NULL, 0};

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

/* ---- requests */

static void test_csr(void **state)
{
    char *key, *pem;
    struct x509_csr csr;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    assert_int_equal(x509_make_csr(slice_from_cstr(key), SLICE(PKI_CLIENT_ID), &pem), ERR_OK);
    assert_int_equal(x509_parse_csr(slice_from_cstr(pem), &csr, why), ERR_OK);
    assert_string_equal(csr.uri_san, PKI_CLIENT_ID);
    assert_true(csr.public_key_der.len > 64);
    x509_csr_dispose(&csr);
    assert_int_equal(x509_make_csr(slice_from_cstr(key), SLICE("spiffe://X/a"), &pem), ERR_INVALID);
    mem_free(pem);
    mem_free(key);
}

static void check_csr(const char *pem, enum err expected, const char *sentence)
{
    struct x509_csr csr;
    why[0] = 0;
    enum err e = x509_parse_csr(slice_from_cstr(pem), &csr, why);
    if (e != expected || !strstr(why, sentence))
        fprintf(stderr, "wanted %s '%s', got %s '%s'\n", err_name(expected), sentence, err_name(e),
                why);
    assert_int_equal(e, expected);
    assert_non_null(strstr(why, sentence));
    assert_null(csr.storage);
    assert_null(csr.uri_san);
}

static void check_built_csr(const struct x509_name *names, size_t count, bool ca, enum err expected,
                            const char *sentence)
{
    char *key, *pem;
    ecc_key k;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    assert_int_equal(x509_key_open(slice_from_cstr(key), &k, NULL), ERR_OK);
    assert_int_equal(x509_build_csr(&k, names, count, ca, &pem), ERR_OK);
    check_csr(pem, expected, sentence);
    wc_ecc_free(&k);
    mem_free(pem);
    mem_free(key);
}

static void test_bad_csr(void **state)
{
    const struct x509_name two[2] = {{X509_NAME_URI, SLICE(PKI_CLIENT_ID)},
                                     {X509_NAME_URI, SLICE(PKI_SERVER_ID)}};
    check_built_csr(two, 2, false, ERR_DENIED, "asks for 2 URI SANs");
    check_built_csr(two, 1, true, ERR_DENIED, "asks for a CA");
    check_csr("", ERR_SYNTAX, "not a PEM block");
    check_csr(pki.root, ERR_SYNTAX, "not a PEM block");
    check_csr("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
              ERR_SYNTAX, "cannot be read");
    check_csr("-----BEGIN CERTIFICATE REQUEST-----\n!!!!\n-----END CERTIFICATE REQUEST-----\n",
              ERR_SYNTAX, "not a PEM block");
}

/* The proof of possession: every flipped byte of what is signed breaks it, or its syntax. */
static void test_csr_signature(void **state)
{
    char *key, *pem;
    uint8_t *der;
    size_t len;
    struct x509_csr csr;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    assert_int_equal(x509_make_csr(slice_from_cstr(key), SLICE(PKI_CLIENT_ID), &pem), ERR_OK);
    assert_int_equal(pem_find(slice_from_cstr(pem), "CERTIFICATE REQUEST", NULL, &der, &len),
                     ERR_OK);
    struct slice rest = slice_of(der, len);
    struct der_item request, body;
    assert_true(der_next(&rest, &request) && der_next(&request.content, &body));
    size_t denied = 0, end = (size_t)(body.content.ptr + body.content.len - (const char *)der);
    for (size_t i = 0; i < end; i++) {
        der[i] ^= 1;
        char *bad = pem_encode("CERTIFICATE REQUEST", slice_of(der, len));
        enum err e = x509_parse_csr(slice_from_cstr(bad), &csr, why);
        assert_int_not_equal(e, ERR_OK);
        denied += e == ERR_DENIED && strstr(why, "not signed by the key");
        mem_free(bad);
        der[i] ^= 1;
    }
    assert_true(denied > 40);
    mem_free(der);
    mem_free(pem);
    mem_free(key);
}

static void test_csr_size(void **state)
{
    static char big[20000];
    memset(big, 'A', sizeof(big) - 1);
    check_csr(big, ERR_LIMIT, "larger than");
}

static void test_csr_key_kind(void **state)
{
    WC_RNG rng;
    ecc_key k;
    char *pem;
    struct x509_name name = {X509_NAME_URI, SLICE(PKI_CLIENT_ID)};
    assert_int_equal(wc_InitRng(&rng), 0);
    assert_int_equal(wc_ecc_init(&k), 0);
    assert_int_equal(wc_ecc_make_key_ex(&rng, 48, &k, ECC_SECP384R1), 0);
    assert_int_equal(x509_build_csr(&k, &name, 1, false, &pem), ERR_OK);
    check_csr(pem, ERR_UNSUPPORTED, "not ECDSA P-256");
    mem_free(pem);
    wc_ecc_free(&k);
    wc_FreeRng(&rng);
}

/* ---- issuing */

static struct slice fresh_public(uint8_t out[X509_SPKI_MAX], char **key)
{
    ecc_key k;
    size_t len;
    assert_int_equal(x509_make_key(key), ERR_OK);
    assert_int_equal(x509_key_open(slice_from_cstr(*key), &k, NULL), ERR_OK);
    assert_int_equal(x509_key_public(&k, out, &len), ERR_OK);
    wc_ecc_free(&k);
    return slice_of(out, len);
}

static void test_issue(void **state)
{
    uint8_t spki[X509_SPKI_MAX];
    char *key, *cert;
    struct x509_facts facts;
    const char *const dns[] = {"certd.weft-system.svc", "localhost", NULL};
    struct slice public = fresh_public(spki, &key);
    int64_t from = pki.now_ms - 30000, to = pki.now_ms + 600000;
    assert_int_equal(
        x509_issue_svid(pki.mid_ca, public, SLICE(PKI_SERVER_ID), dns, from, to, &cert, why),
        ERR_OK);
    assert_int_equal(x509_read(slice_from_cstr(cert), &facts), ERR_OK);
    assert_string_equal(facts.spiffe_id, PKI_SERVER_ID);
    assert_int_equal(facts.not_before_ms, from / 1000 * 1000);
    assert_int_equal(facts.not_after_ms, to / 1000 * 1000);
    assert_false(facts.is_ca);
    assert_int_equal(strlen(facts.serial), 32);
    assert_true(facts.serial[0] >= '4' && facts.serial[0] <= '7');
    x509_facts_dispose(&facts);
    mem_free(cert);
    mem_free(key);
}

static void test_never_outlives_issuer(void **state)
{
    uint8_t spki[X509_SPKI_MAX];
    char *key, *cert;
    struct x509_facts facts;
    struct slice public = fresh_public(spki, &key);
    int64_t end = x509_authority_not_after_ms(pki.mid_ca);
    assert_int_equal(x509_issue_svid(pki.mid_ca, public, SLICE(PKI_SERVER_ID), NULL, pki.now_ms,
                                     end + 86400000, &cert, why),
                     ERR_OK);
    assert_int_equal(x509_read(slice_from_cstr(cert), &facts), ERR_OK);
    assert_int_equal(facts.not_after_ms, end);
    x509_facts_dispose(&facts);
    mem_free(cert);
    assert_int_equal(x509_issue_svid(pki.mid_ca, public, SLICE(PKI_SERVER_ID), NULL, end,
                                     end + 1000, &cert, why),
                     ERR_INVALID);
    assert_non_null(strstr(why, "lifetime"));
    mem_free(key);
}

static void test_issue_refuses(void **state)
{
    static const char *const ids[] = {"spiffe://mesh.example.com", "spiffe://mesh.example.com/",
                                      "x", "", "spiffe://Mesh.example.com/a"};
    uint8_t spki[X509_SPKI_MAX];
    char *key, *cert;
    struct slice public = fresh_public(spki, &key);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_int_equal(x509_issue_svid(pki.mid_ca, public, slice_from_cstr(ids[i]), NULL,
                                         pki.now_ms, pki.now_ms + 1000, &cert, why),
                         ERR_INVALID);
    assert_int_equal(x509_issue_svid(pki.mid_ca, SLICE("no key"), SLICE(PKI_SERVER_ID), NULL,
                                     pki.now_ms, pki.now_ms + 1000, &cert, why),
                     ERR_UNSUPPORTED);
    spki[public.len - 1] ^= 1; /* off the curve */
    assert_int_equal(x509_issue_svid(pki.mid_ca, public, SLICE(PKI_SERVER_ID), NULL, pki.now_ms,
                                     pki.now_ms + 1000, &cert, why),
                     ERR_UNSUPPORTED);
    mem_free(key);
}

static void test_serials_differ(void **state)
{
    uint8_t spki[X509_SPKI_MAX];
    char *key, *cert;
    char seen[64][65];
    struct slice public = fresh_public(spki, &key);
    for (int i = 0; i < 64; i++) {
        struct x509_facts facts;
        assert_int_equal(x509_issue_svid(pki.mid_ca, public, SLICE(PKI_SERVER_ID), NULL, pki.now_ms,
                                         pki.now_ms + 1000, &cert, why),
                         ERR_OK);
        assert_int_equal(x509_read(slice_from_cstr(cert), &facts), ERR_OK);
        memcpy(seen[i], facts.serial, sizeof(seen[i]));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(seen[k], seen[i]);
        x509_facts_dispose(&facts);
        mem_free(cert);
    }
    mem_free(key);
}

/* ---- authorities */

static void check_authority(const char *cert, const char *key, const char *sentence)
{
    struct x509_authority *a = NULL;
    why[0] = 0;
    enum err e = x509_authority_load(slice_from_cstr(cert), slice_from_cstr(key), &a, why);
    if (!e || !strstr(why, sentence))
        fprintf(stderr, "wanted '%s', got '%s'\n", sentence, why);
    assert_int_not_equal(e, ERR_OK);
    assert_null(a);
    assert_non_null(strstr(why, sentence));
}

static void test_bad_authorities(void **state)
{
    struct pki_leaf leaf = pki_svid(&pki, PKI_SERVER_ID);
    check_authority(leaf.chain, leaf.key, "lack CA:TRUE");
    check_authority(pki.root, pki.mid_key, "does not belong to the private key");
    check_authority(pki.root, "nothing", "private key");
    check_authority("nothing", pki.root_key, "no readable PEM block CERTIFICATE");
    check_authority(pki.root, pki.root, "private key");
    pki_leaf_dispose(&leaf);
}

static void test_facts_of_authorities(void **state)
{
    struct x509_facts facts;
    assert_int_equal(x509_read(slice_from_cstr(pki.root), &facts), ERR_OK);
    assert_true(facts.is_ca);
    assert_null(facts.spiffe_id);
    x509_facts_dispose(&facts);
    assert_int_equal(x509_read(slice_from_cstr(pki.mid), &facts), ERR_OK);
    assert_true(facts.is_ca);
    assert_string_equal(facts.spiffe_id, "spiffe://mesh.example.com");
    x509_facts_dispose(&facts);
    assert_int_equal(x509_read(none, &facts), ERR_SYNTAX);
}

static void test_bad_cas(void **state)
{
    char *pem;
    struct slice key = slice_from_cstr(pki.root_key);
    assert_int_equal(x509_make_root(none, key, 0, 1000, &pem), ERR_INVALID);
    assert_int_equal(x509_make_root(SLICE("r"), key, 2000, 1000, &pem), ERR_INVALID);
    assert_int_equal(x509_make_root(SLICE("r"), SLICE("x"), 0, 1000, &pem), ERR_SYNTAX);
    assert_int_equal(x509_make_intermediate(pki.root_ca, SLICE("i"), SLICE("Not/A/Domain"), key,
                                            pki.now_ms, pki.now_ms + 1000, &pem),
                     ERR_INVALID);
    /* The intermediate has path length 0: no CA below it. */
    assert_int_equal(x509_make_intermediate(pki.mid_ca, SLICE("i"), SLICE(PKI_DOMAIN), key,
                                            pki.now_ms, pki.now_ms + 1000, &pem),
                     ERR_INVALID);
}

/* ---- names as text */

static void check_subject(const char *common_name, const char *text)
{
    uint8_t buffer[300];
    char got[X509_SUBJECT_MAX];
    struct slice raw = x509_build_name(slice_from_cstr(common_name), buffer, sizeof(buffer));
    struct der_item name;
    assert_true(der_next(&raw, &name));
    size_t len = x509_subject_text(name.content, got);
    assert_true(slice_eq(slice_of(got, len), slice_from_cstr(text)));
}

/* Nothing of what a name holds passes for the signs between names, and every plain letter is left
 * as it is. */
static void test_subjects(void **state)
{
    check_subject("azAZ09", "CN=azAZ09");
    check_subject("b-._:/@()'&*! y", "CN=b-._:/@()'&*! y");
    check_subject("`{", "CN=\\60\\7B");
    check_subject("[\\]^", "CN=\\5B\\5C\\5D\\5E");
    check_subject(";<=>?", "CN=\\3B\\3C\\3D\\3E\\3F");
    check_subject("a,O=b+c", "CN=a\\2CO\\3Db\\2Bc");
    check_subject(" a b ", "CN=\\20a b\\20");
    check_subject("\x7f\n\xc3\xa9", "CN=\\7F\\0A\\C3\\A9");
    check_subject("", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_subjects),
        cmocka_unit_test(test_csr),
        cmocka_unit_test(test_bad_csr),
        cmocka_unit_test(test_csr_signature),
        cmocka_unit_test(test_csr_size),
        cmocka_unit_test(test_csr_key_kind),
        cmocka_unit_test(test_issue),
        cmocka_unit_test(test_never_outlives_issuer),
        cmocka_unit_test(test_issue_refuses),
        cmocka_unit_test(test_serials_differ),
        cmocka_unit_test(test_bad_authorities),
        cmocka_unit_test(test_facts_of_authorities),
        cmocka_unit_test(test_bad_cas),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
