/* Lists of authorities as people have them: one good member and odd ones beside it, in any order;
 * and lists without any that is of use.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_roots.h"

#include <string.h>

#include "lib/tls/pem.h"
#include "lib/tls/x509_spki.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/odd_roots.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

static struct pki pki;
static struct pki_leaf svid;
static char *expired, *future, *no_sign, *leaf_alone;

static char *root_between(int64_t from_ms, int64_t to_ms)
{
    char *pem;
    assert_int_equal(
        x509_make_root(SLICE("dated"), slice_from_cstr(pki.root_key), from_ms, to_ms, &pem),
        ERR_OK);
    return pem;
}

static int set_up(void **state)
{
    struct pki_spec spec;
    pki_init(&pki);
    svid = pki_svid(&pki, PKI_SERVER_ID);
    expired = root_between(pki.now_ms - 7200000, pki.now_ms - 3600000);
    future = root_between(pki.now_ms + 3600000, pki.now_ms + 7200000);
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.above = "";
    struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
    leaf_alone = mem_strdup(leaf.chain);
    pki_leaf_dispose(&leaf);
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.above = "";
    spec.x.is_ca = true;
    spec.x.use_server = spec.x.use_client = false;
    leaf = pki_build(&pki, &spec, NULL);
    no_sign = mem_strdup(leaf.chain);
    pki_leaf_dispose(&leaf);
    return 0;
}

static int tear_down(void **state)
{
    mem_free(expired);
    mem_free(future);
    mem_free(no_sign);
    mem_free(leaf_alone);
    pki_leaf_dispose(&svid);
    pki_dispose(&pki);
    return 0;
}

/* ---- one odd member */

static const char not_base64[] = "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n";
static const char not_der[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
static const char cut[] = "-----BEGIN CERTIFICATE-----\nMIIB\n";
static const char headers[] =
    "-----BEGIN CERTIFICATE-----\nX-Note: odd\n\nAAAA\n-----END CERTIFICATE-----\n";

struct odd {
    const char *what, *pem, *why;
    enum err alone;
};

static size_t list_odd(struct odd list[16])
{
    const struct odd all[] = {
        {"Ed25519", odd_ed25519, "its key is Ed25519, which is not supported", ERR_UNSUPPORTED},
        {"Ed448", odd_ed448, "its key is Ed448, which is not supported", ERR_UNSUPPORTED},
        {"RSA-1024", odd_rsa_1024, "its key has 1024 bits (RSA); at least 2048", ERR_UNSUPPORTED},
        {"a curve that is too small", odd_p224, "its key is on an elliptic curve", ERR_UNSUPPORTED},
        {"a workload's certificate", leaf_alone, "it is not a CA certificate", ERR_INVALID},
        {"a CA that may not sign", no_sign, "its key usage lacks keyCertSign", ERR_INVALID},
        {"expired", expired, "it has expired at 20", ERR_EXPIRED},
        {"not valid yet", future, "it is not valid yet, but from 20", ERR_EXPIRED},
        {"no Base64", not_base64, "it is not Base64", ERR_SYNTAX},
        {"no certificate inside", not_der, "it is malformed", ERR_SYNTAX},
        {"cut short", cut, "it is malformed PEM", ERR_SYNTAX},
        {"with headers", headers, "it is malformed PEM", ERR_SYNTAX},
        {"a key", svid.key, "it is no CERTIFICATE, but ", ERR_SYNTAX},
    };
    memcpy(list, all, sizeof(all));
    return sizeof(all) / sizeof(all[0]);
}

static void check_beside_good(const struct odd *o, bool first)
{
    struct tls_roots_report report;
    struct tls_roots *roots = NULL;
    char *list =
        first ? mem_printf("%s%s", o->pem, pki.root) : mem_printf("%s%s", pki.root, o->pem);
    enum err e = tls_roots_create(slice_from_cstr(list), &roots, &report);
    if (e || report.usable != 1 || report.skipped != 1 || !strstr(report.text, o->why) ||
        !strstr(report.text, first ? "certificate 1: " : "certificate 2: "))
        fail_msg("%s: %s, %u of use, %u left out: %s", o->what, err_name(e), report.usable,
                 report.skipped, report.text);
    assert_int_equal(tls_roots_count(roots), 1);
    tls_roots_unref(roots);
    mem_free(list);
}

static void test_one_odd_member(void **state)
{
    struct odd list[16];
    size_t count = list_odd(list);
    for (size_t i = 0; i < count; i++) {
        check_beside_good(&list[i], true);
        check_beside_good(&list[i], false);
    }
}

/* And the good one among all of them vouches for its own in a handshake. */
static void test_good_among_odd(void **state)
{
    struct odd odd[16];
    size_t count = list_odd(odd);
    struct tls_roots_report report;
    char *list = mem_strdup("text that people write between blocks\n"), why[TLS_DETAIL_MAX];
    for (size_t i = 0; i < count; i++) {
        char *longer = mem_printf("%s%s%s", list, odd[i].pem, i == count / 2 ? pki.root : "");
        mem_free(list);
        list = longer;
    }
    struct tls_ctx *client, *server = pki_server(&pki, &svid);
    struct tls_client_config config = {.roots_pem = slice_from_cstr(list),
                                       .cert_chain_pem = slice_from_cstr(svid.chain),
                                       .key_pem = slice_from_cstr(svid.key),
                                       .roots_report = &report};
    struct tls_conn_options options = {.expect_spiffe_id = SLICE(PKI_SERVER_ID)};
    struct tls_pair t;
    assert_int_equal(tls_ctx_create_client(&config, &client, why), ERR_OK);
    assert_int_equal(report.usable, 1);
    assert_int_equal(report.skipped, count);
    tls_pair_init(&t, client, server, &options);
    tls_pair_handshake(&t);
    assert_int_equal(t.client_result, ERR_OK);
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    mem_free(list);
}

/* ---- none that is of use */

static void check_useless(const char *what, const char *list, enum err expected, const char *why)
{
    struct tls_roots_report report;
    struct tls_roots *roots = NULL;
    enum err e = tls_roots_create(slice_from_cstr(list), &roots, &report);
    if (e != expected || roots || report.usable || !strstr(report.text, why))
        fail_msg("%s: %s: %s", what, err_name(e), report.text);
}

static void test_none_of_use(void **state)
{
    struct odd odd[16];
    size_t count = list_odd(odd);
    for (size_t i = 0; i < count; i++)
        check_useless(odd[i].what, odd[i].pem, odd[i].alone, odd[i].why);
    check_useless("nothing", "", ERR_SYNTAX, "no PEM block CERTIFICATE");
    check_useless("text", "no certificates\n", ERR_SYNTAX, "no PEM block CERTIFICATE");
    char *two = mem_printf("%s%s", expired, odd_ed25519),
         *old = mem_printf("%s%s", expired, future);
    check_useless("two kinds", two, ERR_EXPIRED, "none of the 2 is of use: certificate 1: it has");
    check_useless("dates", old, ERR_EXPIRED, "none of the 2 is of use");
    mem_free(two);
    mem_free(old);
}

/* ---- those that are of use */

static void test_supported_keys(void **state)
{
    const char *const good[] = {odd_p384, odd_p521, odd_rsa_4096, pki.root, pki.mid};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct tls_roots_report report;
        struct tls_roots *roots = NULL;
        if (tls_roots_create(slice_from_cstr(good[i]), &roots, &report))
            fail_msg("%zu: %s", i, report.text);
        assert_string_equal(report.text, "");
        tls_roots_unref(roots);
    }
}

static void test_too_many(void **state)
{
    size_t len = strlen(pki.root);
    struct tls_roots_report report;
    struct tls_roots *roots;
    char *list = mem_alloc((TLS_ROOTS_MAX + 3) * len + 1);
    for (size_t i = 0; i < TLS_ROOTS_MAX + 3; i++)
        memcpy(list + i * len, pki.root, len + 1);
    assert_int_equal(tls_roots_create(slice_from_cstr(list), &roots, &report), ERR_OK);
    assert_int_equal(report.usable, TLS_ROOTS_MAX);
    assert_int_equal(report.skipped, 1);
    assert_non_null(strstr(report.text, "certificate 1025: this and what follows is left out"));
    tls_roots_unref(roots);
    mem_free(list);
}

static void test_members(void **state)
{
    char *list = mem_printf("%s%s%s", pki.mid, odd_p384, pki.root);
    uint8_t *der, digest[DIGEST_SIZE];
    size_t len;
    struct tls_roots *roots;
    assert_int_equal(tls_roots_create(slice_from_cstr(list), &roots, NULL), ERR_OK);
    assert_int_equal(tls_roots_count(roots), 3);
    for (int i = 0; i < 2; i++) {
        const char *member = i ? pki.root : pki.mid;
        assert_int_equal(pem_find(slice_from_cstr(member), "CERTIFICATE", NULL, &der, &len),
                         ERR_OK);
        digest_sha256(slice_of(der, len), digest);
        assert_true(tls_roots_have(roots, digest));
        digest[31] ^= 1;
        assert_false(tls_roots_have(roots, digest));
        mem_free(der);
    }
    tls_roots_unref(roots);
    mem_free(list);
}

static void test_keys(void **state)
{
    const struct {
        const char *pem, *kind, *flaw;
    } rows[] = {
        {odd_rsa_1024, "RSA", "has 1024 bits"},
        {odd_rsa_4096, "RSA", NULL},
        {odd_p384, "ECDSA", NULL},
        {pki.root, "ECDSA", NULL},
        {odd_p224, "ECDSA", "curve"},
        {odd_ed25519, "Ed25519", "is Ed25519"},
        {odd_ed448, "Ed448", "is Ed448"},
    };
    char text[X509_SPKI_FLAW_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t *der;
        size_t len;
        assert_int_equal(pem_find(slice_from_cstr(rows[i].pem), "CERTIFICATE", NULL, &der, &len),
                         ERR_OK);
        assert_string_equal(x509_spki_kind(slice_of(der, len)), rows[i].kind);
        const char *flaw = x509_spki_flaw(slice_of(der, len), text);
        if (!flaw != !rows[i].flaw || (flaw && !strstr(flaw, rows[i].flaw)))
            fail_msg("%s: %s", rows[i].kind, flaw ? flaw : "of use");
        for (size_t cut_at = 0; cut_at < len; cut_at++) { /* never beyond its bytes */
            char *part = mem_strndup((const char *)der, cut_at);
            (void)x509_spki_flaw(slice_of(part, cut_at), text);
            mem_free(part);
        }
        mem_free(der);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_odd_member), cmocka_unit_test(test_good_among_odd),
        cmocka_unit_test(test_none_of_use),    cmocka_unit_test(test_supported_keys),
        cmocka_unit_test(test_too_many),       cmocka_unit_test(test_members),
        cmocka_unit_test(test_keys),
    };
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
