/* Tests of trying contexts on each other: the sentence of the end that refuses is told.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_check.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

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

static void test_good(void **state)
{
    char why[TLS_DETAIL_MAX];
    struct pki_leaf leaf = pki_svid(&pki, PKI_CLIENT_ID);
    struct tls_ctx *client = pki_client(&pki, &leaf), *server = pki_server(&pki, &leaf);
    struct tls_conn_options expect = {.expect_spiffe_id = SLICE(PKI_CLIENT_ID)};
    assert_int_equal(tls_check_pair(client, server, NULL, why), ERR_OK);
    assert_int_equal(tls_check_pair(client, server, &expect, why), ERR_OK);
    expect.expect_spiffe_id = SLICE(PKI_SERVER_ID);
    assert_int_equal(tls_check_pair(client, server, &expect, why), ERR_UNTRUSTED);
    assert_non_null(strstr(why, "but the peer is '" PKI_CLIENT_ID "'"));
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    pki_leaf_dispose(&leaf);
}

/* Our own files, but the roots of somebody else: no peer could be talked to. */
static void test_other_roots(void **state)
{
    char why[TLS_DETAIL_MAX];
    struct pki_leaf leaf = pki_svid(&pki, PKI_CLIENT_ID);
    struct tls_ctx *client = pki_client(&other, &leaf), *server = pki_server(&other, &leaf);
    assert_int_equal(tls_check_pair(client, server, NULL, why), ERR_UNTRUSTED);
    assert_non_null(strstr(why, "not among the trusted roots"));
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    pki_leaf_dispose(&leaf);
}

/* The client's certificate is the bad one: TLS 1.3's client would have thought all was well. */
static void test_server_refuses(void **state)
{
    char why[TLS_DETAIL_MAX];
    struct pki_spec spec;
    struct pki_leaf good = pki_svid(&pki, PKI_SERVER_ID);
    pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
    spec.x.not_after_ms = spec.x.not_before_ms + 1000;
    struct pki_leaf old = pki_build(&pki, &spec, NULL);
    struct tls_ctx *client = pki_client(&pki, &old), *server = pki_server(&pki, &good);
    assert_int_equal(tls_check_pair(client, server, NULL, why), ERR_EXPIRED);
    assert_non_null(strstr(why, "client certificate '" PKI_CLIENT_ID "'"));
    assert_non_null(strstr(why, "has expired at"));
    tls_ctx_unref(client);
    tls_ctx_unref(server);
    pki_leaf_dispose(&good);
    pki_leaf_dispose(&old);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_other_roots),
        cmocka_unit_test(test_server_refuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
