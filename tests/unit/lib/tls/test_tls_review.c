/* Asking about an open connection's peer again, by other roots and rules than those that let it in;
 * and what is kept of peers for that, once for all that show the same.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/tls/tls_evidence.h"
#include "lib/tls/tls_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

static struct pki pki, other;
static struct pki_leaf mine, theirs;
static char why[TLS_DETAIL_MAX];

static int set_up(void **state)
{
    pki_init(&pki);
    pki_init(&other);
    mine = pki_svid(&pki, PKI_SERVER_ID);
    theirs = pki_svid(&pki, PKI_CLIENT_ID);
    return 0;
}

static int tear_down(void **state)
{
    pki_leaf_dispose(&mine);
    pki_leaf_dispose(&theirs);
    pki_dispose(&pki);
    pki_dispose(&other);
    return 0;
}

/* ---- contexts of each kind by other roots */

static struct tls_ctx *public_by(const char *roots, bool ask, bool optional)
{
    struct tls_public_cert cert = {slice_from_cstr(mine.chain), slice_from_cstr(mine.key), NULL, 0};
    struct tls_public_config config = {.certs = &cert,
                                       .cert_count = 1,
                                       .ask_client = ask,
                                       .client_optional = optional,
                                       .client_roots_pem = slice_from_cstr(roots)};
    struct tls_ctx *c;
    assert_int_equal(tls_ctx_create_public(&config, &c, why), ERR_OK);
    return c;
}

static struct tls_ctx *mesh_by(const char *roots, bool is_server, const char *domain)
{
    struct tls_mesh_config config = {.is_server = is_server,
                                     .cert_chain_pem = slice_from_cstr(mine.chain),
                                     .key_pem = slice_from_cstr(mine.key),
                                     .roots_pem = slice_from_cstr(roots),
                                     .trust_domain = SLICE(PKI_DOMAIN)};
    struct tls_ctx *c;
    assert_int_equal(tls_ctx_create_mesh(&config, &c, why), ERR_OK);
    if (domain) {
        mem_free(c->trust_domain);
        c->trust_domain = mem_strdup(domain);
    }
    return c;
}

static struct tls_ctx *client_by(const char *roots)
{
    struct tls_client_config config = {.roots_pem = slice_from_cstr(roots),
                                       .cert_chain_pem = slice_from_cstr(theirs.chain),
                                       .key_pem = slice_from_cstr(theirs.key)};
    struct tls_ctx *c;
    assert_int_equal(tls_ctx_create_client(&config, &c, why), ERR_OK);
    return c;
}

/* Takes over `by`. sentence: NULL when the peer is still good. */
static void check(struct tls_conn *c, struct tls_ctx *by, const struct tls_conn_options *options,
                  const char *sentence)
{
    enum err e = tls_conn_review(c, by, options, why);
    if (e != (sentence ? ERR_UNTRUSTED : ERR_OK) || (sentence && !strstr(why, sentence)))
        fail_msg("%s instead of %s", e ? why : "good", sentence ? sentence : "good");
    tls_ctx_unref(by);
}

static const char unknown[] = "not among the trusted roots";

/* A root with the same key and name and other dates. */
static char *renewed_root(void)
{
    char *pem;
    assert_int_equal(x509_make_root(SLICE("test root"), slice_from_cstr(pki.root_key),
                                    pki.now_ms - 1000, pki.now_ms + 3600000, &pem),
                     ERR_OK);
    return pem;
}

static void test_client_of_public_server(void **state)
{
    struct tls_ctx *server = public_by(pki.root, true, false), *client = client_by(pki.root);
    struct tls_conn_options id = {.expect_spiffe_id = SLICE(PKI_SERVER_ID)};
    char *both = mem_printf("%s%s", other.root, pki.root), *renewed = renewed_root();
    struct tls_pair t;
    tls_pair_init(&t, client, server, &id);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_OK);
    check(t.server, tls_ctx_ref(server), NULL, NULL);
    check(t.server, public_by(pki.root, true, false), NULL, NULL);
    check(t.server, public_by(both, true, false), NULL, NULL);
    check(t.server, public_by(renewed, true, false), NULL, NULL);
    check(t.server, public_by(pki.mid, true, false), NULL, NULL);
    check(t.server, public_by(other.root, false, false), NULL, NULL);
    check(t.server, public_by(other.root, true, false), NULL, unknown);
    check(t.server, public_by(other.root, true, true), NULL, unknown);
    check(t.server, public_by("", true, false), NULL, unknown);
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    mem_free(both);
    mem_free(renewed);
}

static void test_client_that_showed_nothing(void **state)
{
    struct tls_ctx *server = public_by("", false, false), *client = client_by(pki.root);
    struct tls_conn_options id = {.expect_spiffe_id = SLICE(PKI_SERVER_ID)};
    struct tls_pair t;
    tls_pair_init(&t, client, server, &id);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_OK);
    check(t.server, public_by("", false, false), NULL, NULL);
    check(t.server, public_by(pki.root, true, true), NULL, NULL);
    check(t.server, public_by(pki.root, true, false), NULL, "showed no certificate");
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
}

static void test_mesh(void **state)
{
    struct tls_ctx *server = pki_server(&pki, &mine), *client = pki_client(&pki, &theirs);
    struct tls_conn_options same = {.expect_spiffe_id = SLICE(PKI_SERVER_ID)};
    struct tls_conn_options another = {.expect_spiffe_id = SLICE(PKI_CLIENT_ID)};
    char *both = mem_printf("%s%s", pki.root, other.root);
    struct tls_pair t;
    tls_pair_init(&t, client, server, NULL);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_OK);
    for (int at_server = 0; at_server < 2; at_server++) {
        struct tls_conn *c = at_server ? t.server : t.client;
        check(c, mesh_by(both, at_server, NULL), NULL, NULL);
        check(c, mesh_by(other.root, at_server, NULL), NULL, unknown);
        check(c, mesh_by(pki.root, at_server, "elsewhere.example"), NULL, "another trust domain");
    }
    check(t.client, mesh_by(both, false, NULL), &same, NULL);
    check(t.client, mesh_by(both, false, NULL), &another, "but the peer is");
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    mem_free(both);
}

static time_t tomorrow(time_t *out)
{
    time_t then = (time_t)(pki.now_ms / 1000) + 23 * 3600 + 1800;
    if (out)
        *out = then;
    return then;
}

/* Its dates were judged at the handshake; a change of roots is no reason to ask again. */
static void test_dates_do_not_count(void **state)
{
    struct tls_ctx *server = pki_server(&pki, &mine), *client = pki_client(&pki, &theirs);
    struct tls_pair t;
    char *renewed;
    tls_pair_init(&t, client, server, NULL);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_OK);
    assert_int_equal(wc_SetTimeCb(tomorrow), 0);
    assert_int_equal(x509_make_root(SLICE("test root"), slice_from_cstr(pki.root_key), pki.now_ms,
                                    pki.now_ms + 48 * 3600000, &renewed),
                     ERR_OK);
    check(t.server, mesh_by(renewed, true, NULL), NULL, NULL);
    assert_int_equal(wc_SetTimeCb(NULL), 0);
    mem_free(renewed);
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
}

static void test_server_outside(void **state)
{
    struct pki_spec spec;
    struct tls_conn_options site = {.server_name = SLICE("site.example")};
    struct tls_conn_options elsewhere = {.server_name = SLICE("elsewhere.example")};
    pki_spec_init(&pki, &spec, "");
    spec.names[0] = (struct x509_name){X509_NAME_DNS, SLICE("site.example")};
    struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
    struct tls_public_cert cert = {slice_from_cstr(leaf.chain), slice_from_cstr(leaf.key), NULL, 0};
    struct tls_public_config config = {.certs = &cert, .cert_count = 1};
    struct tls_ctx *server, *client = client_by(pki.root);
    struct tls_pair t;
    assert_int_equal(tls_ctx_create_public(&config, &server, why), ERR_OK);
    tls_pair_init(&t, client, server, &site);
    tls_pair_handshake(&t);
    assert_int_equal(t.client_result, ERR_OK);
    check(t.client, client_by(pki.root), &site, NULL);
    check(t.client, client_by(pki.root), NULL, NULL);
    check(t.client, client_by(pki.root), &elsewhere, "does not carry the name");
    check(t.client, client_by(other.root), &site, unknown);
    check(t.client, client_by(other.root), NULL, unknown);
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    pki_leaf_dispose(&leaf);
}

/* ---- what is kept */

static void test_evidence_is_shared(void **state)
{
    enum { COUNT = 100 };
    const struct slice a[] = {SLICE("one"), SLICE("two")}, b[] = {SLICE("one")};
    struct tls_evidence *first = tls_evidence_take(a, 2), *again = tls_evidence_take(a, 2);
    struct tls_evidence *alone = tls_evidence_take(b, 1), *many[COUNT];
    assert_ptr_equal(first, again);
    assert_ptr_not_equal(first, alone);
    assert_int_equal(first->count, 2);
    assert_true(slice_eq(first->certs[1], SLICE("two")));
    for (int i = 0; i < COUNT; i++) {
        const struct slice one[] = {slice_of(&i, sizeof(i))};
        many[i] = tls_evidence_take(one, 1);
    }
    assert_ptr_equal(tls_evidence_take(a, 2), first);
    for (int i = 0; i < COUNT; i++) {
        const struct slice one[] = {slice_of(&i, sizeof(i))};
        assert_ptr_equal(tls_evidence_take(one, 1), many[i]);
        tls_evidence_release(many[i]);
        tls_evidence_release(many[i]);
    }
    for (int i = 0; i < 3; i++)
        tls_evidence_release(first);
    tls_evidence_release(alone);
    tls_evidence_release(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_of_public_server),
        cmocka_unit_test(test_client_that_showed_nothing),
        cmocka_unit_test(test_mesh),
        cmocka_unit_test(test_dates_do_not_count),
        cmocka_unit_test(test_server_outside),
        cmocka_unit_test(test_evidence_is_shared),
    };
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
