/* tls_key_match.c: keys and certificates that belong together, and those that do not, of every type
 * and in every form that files have.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/tls/pem.h"
#include "lib/tls/tls_key_match.h"
#include "lib/tls/tls_priv.h"
#include "lib/tls/x509_key.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/rfc_rsa.h"

#include <wolfssl/wolfcrypt/rsa.h>

static struct pki pki;
static struct pki_leaf one, two, rsa;

static bool fits(const char *chain, const char *key)
{
    return tls_key_match(slice_from_cstr(chain), slice_from_cstr(key));
}

/* ---- RSA: a certificate signed by the intermediate */

enum { DER_MAX = 4096 };

/* byte: of the public key's DER, counted from its end, that is changed; 0: none. */
static struct pki_leaf make_rsa(size_t byte)
{
    ecc_key signer;
    struct pki_spec spec;
    struct pki_leaf l;
    uint8_t *der, spki[DER_MAX];
    size_t len;
    RsaKey key;
    word32 at = 0;
    l.key = mem_printf("-----BEGIN RSA PRIVATE KEY-----\n%s\n-----END RSA PRIVATE KEY-----\n",
                       rfc_rsa_base64);
    assert_int_equal(
        pem_find(slice_from_cstr(l.key), "RSA PRIVATE KEY", NULL, &der, &len), ERR_OK);
    assert_int_equal(wc_InitRsaKey(&key, NULL), 0);
    assert_int_equal(wc_RsaPrivateKeyDecode(der, &at, &key, (word32)len), 0);
    int spki_len = wc_RsaKeyToPublicDer(&key, spki, sizeof(spki));
    assert_true(spki_len > 0);
    if (byte)
        spki[spki_len - (int)byte] ^= 2;
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.public_key = slice_of(spki, (size_t)spki_len);
    assert_int_equal(x509_key_open(slice_from_cstr(pki.mid_key), &signer, NULL), ERR_OK);
    assert_int_equal(x509_build_cert(&spec.x, &signer, &l.chain), ERR_OK);
    wc_ecc_free(&signer);
    wc_FreeRsaKey(&key);
    mem_free(der);
    return l;
}

static char *as_pkcs8(const char *pem, const char *label, int algorithm)
{
    uint8_t *der, out[DER_MAX];
    size_t len;
    word32 out_len = sizeof(out);
    assert_int_equal(pem_find(slice_from_cstr(pem), label, NULL, &der, &len), ERR_OK);
    int n = wc_CreatePKCS8Key(out, &out_len, der, (word32)len, algorithm, NULL, 0);
    assert_true(n > 0);
    mem_free(der);
    return pem_encode("PRIVATE KEY", slice_of(out, (size_t)n));
}

/* ---- EC: the private number with and without the point, as SEC 1 has it (RFC 5915) */

static char *as_sec1(const char *pem, bool with_point)
{
    ecc_key key;
    uint8_t der[DER_MAX];
    assert_int_equal(x509_key_open(slice_from_cstr(pem), &key, NULL), ERR_OK);
    int len = with_point ? wc_EccKeyToDer(&key, der, sizeof(der))
                         : wc_EccPrivateKeyToDer(&key, der, sizeof(der));
    assert_true(len > 0);
    wc_ecc_free(&key);
    return pem_encode("EC PRIVATE KEY", slice_of(der, (size_t)len));
}

static void test_pairs(void **state)
{
    assert_true(fits(one.chain, one.key));
    assert_true(fits(two.chain, two.key));
    assert_true(fits(rsa.chain, rsa.key));
}

static void test_strangers(void **state)
{
    assert_false(fits(one.chain, two.key));
    assert_false(fits(two.chain, one.key));
    assert_false(fits(one.key, one.chain));
    assert_false(fits("", ""));
    assert_false(fits(one.chain, ""));
    assert_false(fits("", one.key));
    assert_false(fits(one.chain, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    assert_false(fits("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", one.key));
    assert_false(fits(rsa.chain, one.key));
    assert_false(fits(one.chain, rsa.key));
}

/* The last byte of an RSA key's DER is its exponent's, the seventh last one is its modulus's. */
static void test_parts_of_rsa_keys(void **state)
{
    for (size_t byte = 1; byte <= 7; byte += 6) {
        struct pki_leaf other = make_rsa(byte);
        assert_false(fits(other.chain, rsa.key));
        pki_leaf_dispose(&other);
    }
}

static void test_forms_of_rsa_keys(void **state)
{
    char *pkcs8 = as_pkcs8(rsa.key, "RSA PRIVATE KEY", RSAk);
    assert_true(fits(rsa.chain, pkcs8));
    assert_false(fits(one.chain, pkcs8));
    mem_free(pkcs8);
}

static void test_forms_of_ec_keys(void **state)
{
    for (int i = 0; i < 2; i++) {
        char *sec1 = as_sec1(one.key, i);
        /* What `openssl ecparam -genkey` writes. */
        char *behind = mem_printf("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                                  "-----END EC PARAMETERS-----\n%s",
                                  sec1);
        assert_true(fits(one.chain, sec1));
        assert_true(fits(one.chain, behind));
        assert_false(fits(two.chain, sec1));
        mem_free(behind);
        mem_free(sec1);
    }
}

/* The first certificate is the one that the key is for; what else is in a file does not matter. */
static void test_what_stands_around(void **state)
{
    char *chain = mem_printf("a comment\n%s%s", one.chain, two.chain);
    char *key = mem_printf("%s%s", one.chain, one.key);
    assert_true(fits(chain, key));
    assert_false(fits(chain, two.key));
    mem_free(chain);
    mem_free(key);
}

/* Memory that is given away again does not hold what it was compared with. */
static void test_no_key_is_left_behind(void **state)
{
    const char *const keys[] = {one.key, rsa.key};
    for (int i = 0; i < 2; i++) {
        uint8_t *der;
        size_t len;
        assert_int_equal(pem_find(slice_from_cstr(keys[i]), "PRIVATE KEY", "RSA PRIVATE KEY", &der,
                                  &len),
                         ERR_OK);
        assert_true(fits(i ? rsa.chain : one.chain, keys[i]));
        void *volatile blocks[8];
        for (int k = 0; k < 8; k++) {
            blocks[k] = mem_alloc(len);
            struct slice found = slice_of(blocks[k], len);
            assert_int_equal(slice_find(found, slice_of(der + len / 2, 16)), len);
        }
        for (int k = 0; k < 8; k++)
            mem_free(blocks[k]);
        mem_free(der);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_parts_of_rsa_keys),
        cmocka_unit_test(test_forms_of_rsa_keys),
        cmocka_unit_test(test_forms_of_ec_keys),
        cmocka_unit_test(test_what_stands_around),
        cmocka_unit_test(test_no_key_is_left_behind),
    };
    if (tls_lib_init())
        return 1;
    pki_init(&pki);
    one = pki_svid(&pki, PKI_CLIENT_ID);
    two = pki_svid(&pki, PKI_SERVER_ID);
    rsa = make_rsa(0);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pki_leaf_dispose(&one);
    pki_leaf_dispose(&two);
    pki_leaf_dispose(&rsa);
    pki_dispose(&pki);
    return failed;
}
