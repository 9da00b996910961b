/* TLS towards backends: contexts that are kept while nothing about them changes, and none at all
 * where they cannot be made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/backend_tls.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/tls/tls_ctx.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

typedef Weft__Config__V1__UpstreamTls policy;

static struct pki pki;
static char sni[] = "a.example", other_sni[] = "b.example";

static int set_up(void **state)
{
    (void)state;
    pki_init(&pki);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    pki_dispose(&pki);
    return 0;
}

static policy make_policy(void)
{
    policy p = WEFT__CONFIG__V1__UPSTREAM_TLS__INIT;
    p.sni = sni;
    p.ca_pem = pki.root;
    return p;
}

static bool is_usable(const struct backend_tls *t)
{
    unsigned count = 0;
    for (int i = 0; i < BACKEND_SPEECH_COUNT; i++)
        count += backend_tls_context(t, (enum backend_speech)i) != NULL;
    assert_true(count == 0 || count == BACKEND_SPEECH_COUNT);
    return count > 0;
}

/* What each field means to who is kept. */
static void test_kept_while_the_same(void **state)
{
    static char name[] = "c.example", *names[] = {name};
    policy same = make_policy(), changes[4];
    struct backend_tls *first = backend_tls_create(&same, SLICE("c"), NULL);
    assert_true(is_usable(first));
    assert_true(slice_eq_cstr(backend_tls_name(first), sni));
    struct backend_tls *second = backend_tls_create(&same, SLICE("c"), first);
    assert_ptr_equal(first, second);
    for (unsigned i = 0; i < 4; i++)
        changes[i] = make_policy();
    changes[0].sni = other_sni;
    changes[1].ca_pem = pki.mid;
    changes[2].san_dns = names;
    changes[2].n_san_dns = 1;
    changes[3].san_uri = names;
    changes[3].n_san_uri = 1;
    for (unsigned i = 0; i < 4; i++) {
        struct backend_tls *other = backend_tls_create(&changes[i], SLICE("c"), first);
        assert_ptr_not_equal(first, other);
        backend_tls_unref(other);
    }
    backend_tls_unref(first);
    assert_true(is_usable(second));
    backend_tls_unref(second);
    backend_tls_unref(NULL);
}

static void test_not_usable(void **state)
{
    static char nonsense[] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    static char nothing[] = "";
    char *const roots[] = {nonsense, nothing};
    for (unsigned i = 0; i < 2; i++) {
        policy p = make_policy();
        p.ca_pem = roots[i];
        struct backend_tls *t = backend_tls_create(&p, SLICE("c"), NULL);
        assert_false(is_usable(t));
        backend_tls_unref(t);
    }
}

/* What could not be made is tried again with the next configuration. */
static void test_roots_of_the_machine(void **state)
{
    static char nothing[] = "";
    char path[] = "/tmp/weft-roots-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, pki.root, strlen(pki.root)), strlen(pki.root));
    close(fd);
    policy p = make_policy();
    p.ca_pem = nothing;
    p.system_roots = true;
    setenv("SSL_CERT_FILE", path, 1);
    struct backend_tls *t = backend_tls_create(&p, SLICE("c"), NULL);
    assert_true(is_usable(t));
    backend_tls_unref(t);
    assert_int_equal(truncate(path, 0), 0);
    t = backend_tls_create(&p, SLICE("c"), NULL);
    assert_false(is_usable(t));
    FILE *again = fopen(path, "w");
    fputs(pki.root, again);
    fclose(again);
    struct backend_tls *next = backend_tls_create(&p, SLICE("c"), t);
    assert_true(is_usable(next));
    backend_tls_unref(t);
    backend_tls_unref(next);
    unlink(path);
    unsetenv("SSL_CERT_FILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_while_the_same),
        cmocka_unit_test(test_not_usable),
        cmocka_unit_test(test_roots_of_the_machine),
    };
    atomic_store(&log_threshold, -1); /* what is refused here is meant to be */
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
