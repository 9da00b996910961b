/* The certificates a mesh end must take, by real handshakes; those it must refuse are in
 * test_tls_peer.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/lib/tls/tls_pair.h"

static struct pki pki;

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

static void set_uri(struct pki_spec *s, const char *uri)
{
    s->names[0].value = slice_from_cstr(uri);
}

#define CHANGE(name, body)               \
    static void name(struct pki_spec *s) \
    {                                    \
        body;                            \
    }
CHANGE(as_it_is, (void)s)
CHANGE(no_eku, s->x.use_server = s->x.use_client = false)
CHANGE(dns_beside, s->names[1] = ((struct x509_name){X509_NAME_DNS, SLICE("frontend.shop")});
       s->x.name_count = 2)
CHANGE(other_path, set_uri(s, "spiffe://mesh.example.com/some/other/Path-1_2.3"))
CHANGE(with_subject, s->x.subject = x509_build_name(SLICE("a,b=\"c"), s->subject, 256);
       s->x.names_critical = false)
CHANGE(usage_not_critical, s->x.key_usage_not_critical = true)
CHANGE(no_constraints, s->x.no_basic_constraints = true)
CHANGE(by_root, s->x.issuer = x509_build_name(SLICE("test root"), s->issuer, 256);
       s->signer_key = pki.root_key; s->above = ""; s->x.authority_key_id.len = 0)

static void longest(struct pki_spec *s)
{
    static char text[2049] = "spiffe://mesh.example.com/ns/shop/sa/";
    memset(text + strlen(text), 'a', 2048 - strlen(text));
    s->names[0].value = slice_of(text, 2048);
}

static void test_good(void **state)
{
    static void (*const changes[])(struct pki_spec *) = {
        as_it_is,           no_eku,         dns_beside, other_path, with_subject, by_root,
        usage_not_critical, no_constraints, longest,
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct pki_spec spec;
        pki_spec_init(&pki, &spec, PKI_CLIENT_ID);
        changes[i](&spec);
        struct pki_leaf leaf = pki_build(&pki, &spec, NULL);
        struct tls_ctx *client = pki_client(&pki, &leaf), *server = pki_server(&pki, &leaf);
        struct tls_pair t;
        tls_pair_init(&t, client, server, NULL);
        tls_pair_handshake(&t);
        assert_int_equal(t.client_result, ERR_OK);
        assert_int_equal(t.server_result, ERR_OK);
        assert_true(slice_eq(tls_conn_peer(t.server)->spiffe_id, spec.names[0].value));
        assert_true(tls_pair_echo(&t, t.client, t.server, "fine"));
        if (changes[i] == with_subject)
            assert_true(slice_eq_cstr(tls_conn_peer(t.server)->subject, "CN=a\\2Cb\\3D\\22c"));
        tls_pair_dispose(&t);
        tls_ctx_unref(client);
        tls_ctx_unref(server);
        pki_leaf_dispose(&leaf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
