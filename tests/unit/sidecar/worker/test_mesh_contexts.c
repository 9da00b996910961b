/* Tests of making a certificate into the contexts of the mesh: who is refused, and what is said of
 * roots that are left out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/worker/mesh_contexts.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

#define NO_ROOT "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
#define LEFT_OUT "of the trust bundle is left out: certificate 2: "

struct world {
    struct pki pki;
    struct pki_leaf leaf;
    char roots[8192];
    struct identity_material m;
    struct mesh_identity *made;
    char detail[TLS_DETAIL_MAX], said[2048];
};

static int set_up(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&w.pki);
    w.leaf = pki_svid(&w.pki, PKI_SERVER_ID);
    w.m = (struct identity_material){.key_pem = w.leaf.key,
                                     .chain_pem = w.leaf.chain,
                                     .roots_pem = w.roots,
                                     .not_after_ms = 4711};
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    mesh_identity_unref(w->made);
    pki_leaf_dispose(&w->leaf);
    pki_dispose(&w->pki);
    return 0;
}

/* What is said on the way is kept. */
static enum err make(struct world *w, const char *root, const char *more)
{
    int fd = memfd_create("said", 0), saved = dup(2);
    assert_true(fd >= 0 && saved >= 0);
    snprintf(w->roots, sizeof(w->roots), "%s%s", root, more);
    fflush(stderr);
    dup2(fd, 2);
    enum err e = mesh_contexts_make(7, &w->m, PKI_DOMAIN, PKI_SERVER_ID, &w->made, w->detail);
    fflush(stderr);
    dup2(saved, 2);
    close(saved);
    ssize_t len = pread(fd, w->said, sizeof(w->said) - 1, 0);
    w->said[len > 0 ? len : 0] = 0;
    close(fd);
    return e;
}

static void test_good(void **state)
{
    struct world *w = *state;
    assert_int_equal(make(w, w->pki.root, ""), ERR_OK);
    assert_string_equal(w->said, "");
    assert_string_equal(w->made->spiffe_id, PKI_SERVER_ID);
    assert_int_equal(w->made->generation, 7);
    assert_int_equal(w->made->not_after_ms, 4711);
    assert_non_null(w->made->server);
    for (int i = 0; i < MESH_ALPN_COUNT; i++)
        assert_non_null(w->made->client[i]);
}

/* A root that cannot be used takes nothing from the others, and is named. */
static void test_root_left_out(void **state)
{
    struct world *w = *state;
    assert_int_equal(make(w, w->pki.root, NO_ROOT), ERR_OK);
    assert_non_null(w->made);
    assert_non_null(strstr(w->said, LEFT_OUT));
    assert_null(strstr(strstr(w->said, LEFT_OUT) + 1, LEFT_OUT)); /* once */
}

/* A certificate that peers would not believe is refused here. */
static void test_refused(void **state)
{
    struct world *w = *state;
    struct pki other;
    pki_init(&other);
    assert_int_not_equal(make(w, other.root, ""), ERR_OK);
    assert_null(w->made);
    assert_true(strlen(w->detail) > 0);
    assert_int_not_equal(make(w, NO_ROOT, ""), ERR_OK);
    assert_null(w->made);
    w->m.key_pem = other.root_key;
    assert_int_not_equal(make(w, w->pki.root, ""), ERR_OK);
    assert_null(w->made);
    pki_dispose(&other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_good),
        TEST(test_root_left_out),
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
