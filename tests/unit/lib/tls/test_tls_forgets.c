/* Nothing of one handshake is left for the next: over TLS 1.2 and 1.3, from both ends, for every
 * kind of context, and when time passes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_peer.h"

#include <stdio.h>
#include <string.h>

#include "lib/tls/tls_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

#include <wolfssl/error-ssl.h>

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

/* wolfSSL has nothing that would vouch for a leaf. */
static void check_keeps_nothing(const struct tls_ctx *c, const struct pki_leaf *l)
{
    WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(c->libs[0]);
    assert_non_null(manager);
    assert_int_equal(wolfSSL_CertManagerVerifyBuffer(manager, (const byte *)l->chain,
                                                     (long)strlen(l->chain), WOLFSSL_FILETYPE_PEM),
                     ASN_NO_SIGNER_E);
}

static void check_forgets(const char *what, struct tls_ctx *judge, bool judge_is_server, bool tls12)
{
    struct shown s = make_shown(), next = make_shown();
    check_shown(what, judge, judge_is_server, &s.without, tls12, false);
    check_shown(what, judge, judge_is_server, &s.with, tls12, true);
    check_shown(what, judge, judge_is_server, &s.without, tls12, false);
    check_shown(what, judge, judge_is_server, &next.without, tls12, false);
    check_shown(what, judge, judge_is_server, &next.with, tls12, true);
    check_keeps_nothing(judge, &s.without);
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

/* ---- time passes */

static time_t later_s;

static time_t later(time_t *out)
{
    time_t now = (time_t)(pki.now_ms / 1000) + later_s;
    if (out)
        *out = now;
    return now;
}

/* A client that shows l when so many hours have passed. sentence: NULL when it is let in. */
static void check_at(time_t hours, struct tls_ctx *server, const struct pki_leaf *l,
                     const char *sentence)
{
    static const struct tls_conn_options none;
    struct tls_ctx *client = pki_rogue(&pki, l, false);
    struct tls_pair t;
    later_s = hours * 3600;
    client->any_server = true;
    wolfSSL_CTX_set_verify(client->libs[0], WOLFSSL_VERIFY_NONE, NULL);
    tls_pair_init(&t, client, server, &none);
    tls_pair_handshake(&t);
    const char *detail = tls_conn_detail(t.server);
    if (!t.server_result == !!sentence || (sentence && !strstr(detail, sentence)))
        fail_msg("%s (%s) instead of %s", err_name(t.server_result), detail ? detail : "",
                 sentence ? sentence : "good");
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
}

/* The intermediate, then the root expires while the context lives. */
static void test_expiry(void **state)
{
    int64_t hour = 3600000;
    char *root_key, *mid_key;
    assert_int_equal(x509_make_key(&root_key), ERR_OK);
    assert_int_equal(x509_make_key(&mid_key), ERR_OK);
    char *root = pki_make_ca(&pki, "r", root_key, "r", root_key, -1, pki.now_ms + 4 * hour);
    char *mid = pki_make_ca(&pki, "m", mid_key, "r", root_key, -1, pki.now_ms + 2 * hour);
    char *fresh = pki_make_ca(&pki, "m", mid_key, "r", root_key, -1, pki.now_ms + 9 * hour);
    struct pki_leaf own = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_public_cert cert = {slice_from_cstr(own.chain), slice_from_cstr(own.key), NULL, 0};
    struct tls_public_config config = {.certs = &cert,
                                       .cert_count = 1,
                                       .ask_client = true,
                                       .client_roots_pem = slice_from_cstr(root)};
    struct pki_spec spec;
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.issuer = x509_build_name(SLICE("m"), spec.issuer, sizeof(spec.issuer));
    spec.x.authority_key_id = (struct slice){NULL, 0};
    spec.x.not_after_ms = pki.now_ms + 9 * hour;
    spec.signer_key = mid_key;
    const struct {
        time_t at_h;
        const char *above, *why;
    } rows[] = {
        {0, mid, NULL},
        {0, "", "not among the trusted roots"},
        {3, mid, "certificate 2 of its chain: the certificate has expired"},
        {3, "", "not among the trusted roots"},
        {3, fresh, NULL},
        {5, fresh, "the root that vouches for it: the certificate has expired"},
    };
    struct tls_ctx *server;
    assert_int_equal(tls_ctx_create_public(&config, &server, why), ERR_OK);
    assert_int_equal(wc_SetTimeCb(later), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        spec.above = rows[i].above;
        struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
        check_at(rows[i].at_h, server, &leaf, rows[i].why);
        pki_leaf_dispose(&leaf);
    }
    assert_int_equal(wc_SetTimeCb(NULL), 0);
    tls_ctx_unref(server);
    pki_leaf_dispose(&own);
    mem_free(root);
    mem_free(mid);
    mem_free(fresh);
    mem_free(root_key);
    mem_free(mid_key);
}

/* ---- what wolfSSL finds besides */

/* It knows no roots, and that is no finding; what is wrong with the leaf itself is. */
static void test_findings_count(void **state)
{
    struct pki_leaf own = pki_svid(&pki, PKI_SERVER_ID);
    struct tls_ctx *server = pki_server(&pki, &own);
    const struct {
        int depth, error, passed;
    } rows[] = {
        {0, ASN_NO_SIGNER_E, 1},  {0, ASN_SELF_SIGNED_E, 1},  {1, ASN_NO_SIGNER_E, 1},
        {1, ASN_AFTER_DATE_E, 1}, {0, KEYUSE_SIGNATURE_E, 0}, {0, EXTKEYUSE_AUTH_E, 0},
        {0, ASN_VERSION_E, 0},    {0, RSA_KEY_SIZE_E, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tls_peer_check p;
        tls_peer_init(&p, server, SLICE(""), SLICE(""));
        p.is_judged = p.leaf_accepted = true;
        WOLFSSL_X509_STORE_CTX store = {
            .error = rows[i].error, .error_depth = rows[i].depth, .totalCerts = 2, .userCtx = &p};
        assert_int_equal(tls_peer_verify(0, &store), rows[i].passed);
        assert_int_equal(tls_peer_finish(&p), rows[i].passed ? ERR_OK : ERR_UNTRUSTED);
        tls_peer_dispose(&p);
    }
    tls_ctx_unref(server);
    pki_leaf_dispose(&own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_public_server_forgets), cmocka_unit_test(test_client_forgets),
        cmocka_unit_test(test_mesh_ends_forget),      cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_findings_count),
    };
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
