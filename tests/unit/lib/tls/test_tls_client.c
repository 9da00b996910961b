/* Client certificates at a public server, asked for and optional, over TLS 1.2 and 1.3; and what a
 * plain client shows and asks of a server: alternative names instead of the host's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/tls/digest.h"
#include "lib/tls/pem.h"
#include "lib/tls/tls_ctx.h"
#include "lib/tls/tls_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

static struct pki pki, other;
static struct pki_leaf site;
static char why[TLS_DETAIL_MAX];
static const struct tls_conn_options to_site = {.server_name = {"site.example", 12}};

static int set_up(void **state)
{
    struct pki_spec spec;
    pki_init(&pki);
    pki_init(&other);
    pki_spec_init(&pki, &spec, "spiffe://mesh.example.com/ns/a/sa/b");
    spec.names[1] = (struct x509_name){X509_NAME_DNS, SLICE("site.example")};
    spec.names[2] = (struct x509_name){X509_NAME_DNS, SLICE("*.wild.example")};
    spec.x.name_count = 3;
    site = pki_build(&pki, &spec, NULL);
    return 0;
}

static int tear_down(void **state)
{
    pki_leaf_dispose(&site);
    pki_dispose(&pki);
    pki_dispose(&other);
    return 0;
}

/* ---- the two ends */

enum mode { IGNORED, OPTIONAL, REQUIRED };

static struct tls_ctx *server_with(enum mode mode, const char *roots)
{
    struct tls_ctx *c;
    struct tls_public_cert cert = {slice_from_cstr(site.chain), slice_from_cstr(site.key), NULL, 0};
    struct tls_public_config config = {
        .certs = &cert,
        .cert_count = 1,
        .ask_client = mode != IGNORED,
        .client_optional = mode == OPTIONAL,
        .client_roots_pem = slice_from_cstr(roots),
    };
    enum err e = tls_ctx_create_public(&config, &c, why);
    if (e)
        fail_msg("%s", why);
    return c;
}

/* One that shows whatever it is told to, checked by nobody. */
static struct tls_ctx *client_with(const struct pki_leaf *shown, bool tls12)
{
    struct tls_ctx *c;
    struct tls_client_config config = {.roots_pem = slice_from_cstr(pki.root)};
    assert_int_equal(tls_ctx_create_client(&config, &c, why), ERR_OK);
    if (tls12) {
        wolfSSL_CTX_free(c->libs[0]);
        c->libs[0] = wolfSSL_CTX_new(wolfTLSv1_2_client_method());
        assert_int_equal(wolfSSL_CTX_load_verify_buffer(c->libs[0], (const byte *)pki.root,
                                                        (long)strlen(pki.root),
                                                        WOLFSSL_FILETYPE_PEM),
                         WOLFSSL_SUCCESS);
        tls_conn_bind(c, c->libs[0]);
        c->role = TLS_MESH_CLIENT; /* no extra key share, which TLS 1.2 lacks */
    }
    if (shown) {
        assert_int_equal(wolfSSL_CTX_use_certificate_chain_buffer_format(
                             c->libs[0], (const byte *)shown->chain, (long)strlen(shown->chain),
                             WOLFSSL_FILETYPE_PEM),
                         WOLFSSL_SUCCESS);
        assert_int_equal(wolfSSL_CTX_use_PrivateKey_buffer(c->libs[0], (const byte *)shown->key,
                                                           (long)strlen(shown->key),
                                                           WOLFSSL_FILETYPE_PEM),
                         WOLFSSL_SUCCESS);
    }
    return c;
}

static void shake(struct tls_pair *t, struct tls_ctx *server, const struct pki_leaf *shown,
                  bool tls12)
{
    struct tls_ctx *client = client_with(shown, tls12);
    tls_pair_init(t, client, server, &to_site);
    tls_pair_handshake(t);
    tls_ctx_unref(client);
}

static void expect_known(const char *what, struct tls_ctx *server, const struct pki_leaf *shown,
                         bool tls12, bool known)
{
    struct tls_pair t;
    shake(&t, server, shown, tls12);
    const struct tls_identity *peer = tls_conn_peer(t.server);
    if (t.server_result || t.client_result || !peer == known)
        fail_msg("%s, TLS 1.%d: %s (%s), %s, %s", what, tls12 ? 2 : 3, err_name(t.server_result),
                 tls_conn_detail(t.server) ? tls_conn_detail(t.server) : "no detail",
                 err_name(t.client_result), peer ? "known" : "not known");
    assert_true(tls_pair_echo(&t, t.client, t.server, "ping"));
    assert_true(tls_pair_echo(&t, t.server, t.client, "pong"));
    tls_pair_dispose(&t);
}

/* alert: what the client hears; NULL: any. */
static void expect_alert(const char *what, struct tls_ctx *server, const struct pki_leaf *shown,
                         bool tls12, const char *sentence, const char *alert)
{
    struct tls_pair t;
    shake(&t, server, shown, tls12);
    const char *detail = tls_conn_detail(t.server);
    if (t.server_result == ERR_OK || t.server_result == ERR_AGAIN || !detail ||
        (sentence && !strstr(detail, sentence)))
        fail_msg("%s, TLS 1.%d: %s (%s)", what, tls12 ? 2 : 3, err_name(t.server_result),
                 detail ? detail : "no detail");
    (void)tls_pair_move(&t, t.server, t.client, NULL);
    const char *told = tls_conn_detail(t.client);
    if (!told || !strstr(told, alert ? alert : "alert"))
        fail_msg("%s, TLS 1.%d: the client was not told: %s", what, tls12 ? 2 : 3,
                 told ? told : "nothing");
    assert_null(tls_conn_peer(t.server));
    tls_pair_dispose(&t);
}

static void expect_refused(const char *what, struct tls_ctx *server, const struct pki_leaf *shown,
                           bool tls12, const char *sentence)
{
    expect_alert(what, server, shown, tls12, sentence, NULL);
}

/* ---- what clients may show */

#define CHANGE(name, body)               \
    static void name(struct pki_spec *s) \
    {                                    \
        body;                            \
    }
CHANGE(nothing, (void)s)
CHANGE(expired, s->x.not_after_ms = s->x.not_before_ms + 1000)
CHANGE(not_yet, s->x.not_before_ms += 3000000)
CHANGE(forged, s->signer_key = other.mid_key)
CHANGE(other_chain, s->signer_key = other.mid_key; s->above = other.mid)
CHANGE(without_chain, s->above = "")
CHANGE(server_only, s->x.use_client = false)
CHANGE(client_only, s->x.use_server = false)
CHANGE(no_extended_use, s->x.use_client = s->x.use_server = false)
CHANGE(ca, s->x.is_ca = true; s->x.key_usage = X509_USE_DIGITAL_SIGNATURE | X509_USE_CERT_SIGN)
CHANGE(wrong_usage, s->x.key_usage = X509_USE_KEY_ENCIPHERMENT)
CHANGE(no_names, s->x.name_count = 0;
       s->x.subject = x509_build_name(SLICE("somebody"), s->subject, sizeof(s->subject)))

static const struct shown {
    const char *what;
    void (*change)(struct pki_spec *s);
    const char *why; /* NULL: it is good */
    const char *alert;
} table[] = {
    {"good", nothing, NULL, NULL},
    {"for clients only", client_only, NULL, NULL},
    {"no extended use", no_extended_use, NULL, NULL},
    {"a common name alone", no_names, NULL, NULL},
    {"expired", expired, "expired at 20", "certificate_expired"},
    {"not valid yet", not_yet, "not valid yet", "certificate_expired"},
    {"signed with another key", forged, "does not match its issuer's key", "bad_certificate"},
    {"other CA with its chain", other_chain, "not among the trusted roots", "unknown_ca"},
    {"chain missing", without_chain, "not among the trusted roots", "unknown_ca"},
    {"for servers only", server_only, "extended key usage", "bad_certificate"},
    {"a CA", ca, "CA certificate", "bad_certificate"},
    {"key usage", wrong_usage, "digital", "bad_certificate"},
};

static void test_required(void **state)
{
    struct tls_ctx *server = server_with(REQUIRED, pki.root);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) * 2; i++) {
        const struct shown *s = &table[i / 2];
        struct pki_spec spec;
        pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
        s->change(&spec);
        struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
        if (!s->why)
            expect_known(s->what, server, &leaf, i % 2, true);
        else
            expect_alert(s->what, server, &leaf, i % 2, s->why, s->alert);
        pki_leaf_dispose(&leaf);
    }
    expect_refused("nothing shown", server, NULL, false, "certificate");
    expect_refused("nothing shown", server, NULL, true, "certificate");
    tls_ctx_unref(server);
}

static void test_optional(void **state)
{
    struct tls_ctx *server = server_with(OPTIONAL, pki.root);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) * 2; i++) {
        const struct shown *s = &table[i / 2];
        struct pki_spec spec;
        pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
        s->change(&spec);
        struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
        expect_known(s->what, server, &leaf, i % 2, !s->why);
        pki_leaf_dispose(&leaf);
    }
    expect_known("nothing shown", server, NULL, false, false);
    expect_known("nothing shown", server, NULL, true, false);
    tls_ctx_unref(server);
}

/* What was let pass as unknown must not become an anchor: of other certificates, connections, or
 * those that the same roots serve strictly. */
static void test_no_issuer_stays(void **state)
{
    struct tls_ctx *server = server_with(OPTIONAL, pki.root);
    struct pki_spec spec;
    pki_spec_init(&other, &spec, PKI_CLIENT_ID);
    struct pki_leaf with = pki_build(&other, &spec, NULL);
    pki_spec_init(&other, &spec, PKI_CLIENT_ID);
    spec.above = "";
    struct pki_leaf without = pki_build(&other, &spec, NULL);
    for (int tls12 = 0; tls12 < 2; tls12++) {
        expect_known("its own chain", server, &with, tls12, false);
        expect_known("its own chain, again", server, &with, tls12, false);
        expect_known("the leaf alone", server, &without, tls12, false);
    }
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID);
    expect_known("a good one after them", server, &good, false, true);
    pki_leaf_dispose(&good);
    pki_leaf_dispose(&with);
    pki_leaf_dispose(&without);
    tls_ctx_unref(server);
}

/* A good chain shown by somebody who does not have its key is no peer, nor let pass. */
static void test_stolen_chain(void **state)
{
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID), stolen = {NULL, good.chain};
    assert_int_equal(x509_make_key(&stolen.key), ERR_OK);
    for (int i = 0; i < 4; i++) {
        struct tls_ctx *server = server_with(i % 2 ? OPTIONAL : REQUIRED, pki.root);
        expect_refused("without the key", server, &stolen, i / 2, NULL);
        tls_ctx_unref(server);
    }
    mem_free(stolen.key);
    pki_leaf_dispose(&good);
}

static void test_without_roots(void **state)
{
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID);
    struct tls_ctx *strict = server_with(REQUIRED, ""), *lenient = server_with(OPTIONAL, "");
    for (int tls12 = 0; tls12 < 2; tls12++) {
        expect_refused("no roots", strict, &good, tls12, "not among the trusted roots");
        expect_known("no roots", lenient, &good, tls12, false);
    }
    tls_ctx_unref(strict);
    tls_ctx_unref(lenient);
    pki_leaf_dispose(&good);
}

static void test_not_asked(void **state)
{
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID);
    struct tls_ctx *server = server_with(IGNORED, "");
    expect_known("not asked for", server, &good, false, false);
    expect_known("not asked for", server, &good, true, false);
    tls_ctx_unref(server);
    pki_leaf_dispose(&good);
}

/* Its issuer may write what it likes, but nobody's name in the mesh. */
static void test_what_is_known(void **state)
{
    struct pki_spec spec;
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.subject = x509_build_name(SLICE("somebody"), spec.subject, sizeof(spec.subject));
    struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
    struct tls_ctx *server = server_with(REQUIRED, pki.root);
    struct tls_pair t;
    uint8_t *der, digest[DIGEST_SIZE];
    size_t len;
    shake(&t, server, &leaf, false);
    const struct tls_identity *peer = tls_conn_peer(t.server);
    assert_non_null(peer);
    assert_int_equal(peer->spiffe_id.len, 0);
    assert_true(slice_eq(peer->subject, SLICE("CN=somebody")));
    assert_true(peer->not_after_ms > pki.now_ms);
    assert_int_equal(pem_find(slice_from_cstr(leaf.chain), "CERTIFICATE", NULL, &der, &len),
                     ERR_OK);
    digest_sha256(slice_of(der, len), digest);
    assert_memory_equal(peer->cert_sha256, digest, DIGEST_SIZE);
    mem_free(der);
    tls_pair_dispose(&t);
    tls_ctx_unref(server);
    pki_leaf_dispose(&leaf);
}

/* ---- what a plain client shows */

static void test_shown_by_config(void **state)
{
    struct pki_leaf good = pki_svid(&pki, PKI_CLIENT_ID), another = pki_svid(&pki, PKI_CLIENT_ID);
    struct tls_ctx *server = server_with(REQUIRED, pki.root), *client;
    struct tls_client_config config = {
        .roots_pem = slice_from_cstr(pki.root),
        .cert_chain_pem = slice_from_cstr(good.chain),
        .key_pem = slice_from_cstr(good.key),
    };
    struct tls_pair t;
    assert_int_equal(tls_ctx_create_client(&config, &client, why), ERR_OK);
    tls_pair_init(&t, client, server, &to_site);
    tls_pair_handshake(&t);
    assert_int_equal(t.server_result, ERR_OK);
    assert_non_null(tls_conn_peer(t.server));
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    config.key_pem = slice_from_cstr(another.key);
    assert_int_equal(tls_ctx_create_client(&config, &client, why), ERR_INVALID);
    assert_non_null(strstr(why, "private key"));
    config.key_pem = slice_from_cstr("");
    assert_int_not_equal(tls_ctx_create_client(&config, &client, why), ERR_OK);
    config.key_pem = slice_from_cstr(good.key);
    config.cert_chain_pem = slice_from_cstr("");
    assert_int_not_equal(tls_ctx_create_client(&config, &client, why), ERR_OK);
    tls_ctx_unref(server);
    pki_leaf_dispose(&good);
    pki_leaf_dispose(&another);
}

/* ---- what it asks of a server */

static void check_sans(const char *dns, const char *dns2, const char *uri, bool good)
{
    struct slice names[] = {slice_from_cstr(dns), slice_from_cstr(dns2)};
    struct slice uris[] = {slice_from_cstr(uri)};
    struct tls_client_config config = {
        .roots_pem = slice_from_cstr(pki.root),
        .san_dns = names,
        .san_dns_count = (dns != NULL) + (dns2 != NULL),
        .san_uri = uris,
        .san_uri_count = uri != NULL,
    };
    /* What it carries, but not what is asked for, and the other way round. */
    struct tls_conn_options options = {.server_name = good ? SLICE("elsewhere.example")
                                                           : SLICE("site.example")};
    struct tls_ctx *client, *server = server_with(IGNORED, "");
    struct tls_pair t;
    assert_int_equal(tls_ctx_create_client(&config, &client, why), ERR_OK);
    tls_pair_init(&t, client, server, &options);
    tls_pair_handshake(&t);
    if ((t.client_result == ERR_OK) != good)
        fail_msg("%s %s %s: %s", dns ? dns : "", dns2 ? dns2 : "", uri ? uri : "",
                 err_name(t.client_result));
    if (!good) {
        assert_int_equal(t.client_result, ERR_UNTRUSTED);
        assert_non_null(strstr(tls_conn_detail(t.client), "none of the names"));
        assert_int_not_equal(t.server_result, ERR_OK);
    }
    tls_pair_dispose(&t);
    tls_ctx_unref(client);
    tls_ctx_unref(server);
}

static void test_alternative_names(void **state)
{
    check_sans("site.example", NULL, NULL, true);
    check_sans("SITE.example", NULL, NULL, true);
    check_sans("other.example", "site.example", NULL, true);
    check_sans("a.wild.example", NULL, NULL, true);
    check_sans("*.wild.example", NULL, NULL, true);
    check_sans(NULL, NULL, "spiffe://mesh.example.com/ns/a/sa/b", true);
    check_sans("other.example", NULL, "spiffe://mesh.example.com/ns/a/sa/b", true);
    check_sans("other.example", NULL, NULL, false);
    check_sans("wild.example", NULL, NULL, false);
    check_sans("a.b.wild.example", NULL, NULL, false);
    check_sans("spiffe://mesh.example.com/ns/a/sa/b", NULL, NULL, false);
    check_sans(NULL, NULL, "site.example", false);
    check_sans(NULL, NULL, "spiffe://mesh.example.com/ns/a/sa/bb", false);
    check_sans(NULL, NULL, "spiffe://mesh.example.com/ns/a/sa", false);
}

/* Only who says so believes anybody, for a name that the server does not have and without roots;
 * and learns nothing of whom it has before it. */
static void test_any_server(void **state)
{
    static const struct tls_conn_options elsewhere = {.server_name = SLICE("elsewhere.example")};
    for (unsigned any = 0; any < 2; any++) {
        struct tls_client_config config = {.any_server = any};
        struct tls_ctx *server = server_with(IGNORED, ""), *client;
        struct tls_pair t;
        if (!any)
            config.roots_pem = slice_from_cstr(other.root);
        assert_int_equal(tls_ctx_create_client(&config, &client, why), ERR_OK);
        tls_pair_init(&t, client, server, &elsewhere);
        tls_pair_handshake(&t);
        assert_int_equal(t.client_result, any ? ERR_OK : ERR_UNTRUSTED);
        if (any)
            assert_true(tls_pair_echo(&t, t.client, t.server, "ping"));
        assert_null(tls_conn_peer(t.client));
        tls_pair_dispose(&t);
        tls_ctx_unref(client);
        tls_ctx_unref(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_required),          cmocka_unit_test(test_optional),
        cmocka_unit_test(test_no_issuer_stays),   cmocka_unit_test(test_stolen_chain),
        cmocka_unit_test(test_without_roots),     cmocka_unit_test(test_not_asked),
        cmocka_unit_test(test_what_is_known),     cmocka_unit_test(test_shown_by_config),
        cmocka_unit_test(test_alternative_names), cmocka_unit_test(test_any_server),
    };
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
