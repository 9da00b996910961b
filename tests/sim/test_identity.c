/* lib/identity/identity.c: when a certificate is asked for, with which proof, what is done with the
 * answer, and that what there is goes on being used. The request to the CA, file watches and the
 * clock are the test's.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/identity/identity.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/identity/identity_request.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/watch.h"
#include "tests/sim/fake_clock.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"
#include "tests/unit/lib/tls/pki.h"

enum { HOUR_MS = 3600000 };

static struct loop *loop;
static struct folder dir;
static struct pki pki;
static struct identity *identity;
static struct identity_config config;

/* What the identity did. */
static struct {
    unsigned requests, used, closed;
    bool by_certificate; /* the last request */
    enum err refuse;     /* what `use` says */
    enum err cannot_open;
} seen;

/* ---- instead of identity_request.c ---- */

struct identity_request {
    identity_request_fn done;
    void *owner;
};

static struct identity_request *open_request;

enum err identity_request_open(struct loop *l, const struct identity_config *c,
                               const char *spiffe_id, const struct identity_material *current,
                               identity_request_fn done, void *owner, struct identity_request **out,
                               char detail[TLS_DETAIL_MAX])
{
    assert_null(open_request); /* one at a time */
    assert_string_equal(spiffe_id, PKI_CLIENT_ID);
    seen.requests++;
    seen.by_certificate = current != NULL;
    snprintf(detail, TLS_DETAIL_MAX, "the test says no");
    if (seen.cannot_open)
        return seen.cannot_open;
    open_request = mem_zalloc(sizeof *open_request);
    *open_request = (struct identity_request){done, owner};
    *out = open_request;
    return ERR_OK;
}

void identity_request_close(struct identity_request *r)
{
    assert_ptr_equal(r, open_request);
    open_request = NULL;
    mem_free(r);
}

/* ---- instead of watch.c ---- */

struct watch {
    watch_fn changed;
    void *owner;
};

static struct watch *watches[2];

enum err watch_open(struct loop *l, const char *path, watch_fn changed, void *owner,
                    struct watch **out)
{
    *out = mem_zalloc(sizeof **out);
    **out = (struct watch){changed, owner};
    watches[watches[0] != NULL] = *out;
    return ERR_OK;
}

void watch_close(struct watch *w)
{
    for (int i = 0; i < 2; i++)
        if (watches[i] == w)
            watches[i] = NULL;
    mem_free(w);
}

static void touch_files(void)
{
    for (int i = 0; i < 2; i++)
        if (watches[i])
            watches[i]->changed(watches[i]->owner);
    assert_true(loop_sim_turn(loop));
}

/* ---- the test ---- */

static enum err use(void *owner, const char *spiffe_id, const struct identity_material *m,
                    char detail[TLS_DETAIL_MAX])
{
    assert_string_equal(spiffe_id, PKI_CLIENT_ID);
    snprintf(detail, TLS_DETAIL_MAX, "the owner says no");
    if (!seen.refuse)
        seen.used++;
    return seen.refuse;
}

static int set_up(void **state)
{
    static char roots[100], token[100];
    assert_int_equal(tls_lib_init(), ERR_OK);
    memset(&seen, 0, sizeof seen);
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    pki_init(&pki);
    folder_init(&dir);
    folder_put(&dir, "roots.pem", pki.root);
    folder_put(&dir, "token", "a.b.c");
    snprintf(roots, sizeof roots, "%s", folder_at(&dir, "roots.pem"));
    snprintf(token, sizeof token, "%s", folder_at(&dir, "token"));
    config = (struct identity_config){.trust_domain = PKI_DOMAIN,
                                      .namespace_name = "shop",
                                      .service_account = "frontend",
                                      .certd_address = "certd:15012",
                                      .trust_bundle_file = roots,
                                      .token_file = token,
                                      .use = use};
    return 0;
}

static int tear_down(void **state)
{
    if (identity)
        identity_close(identity);
    identity = NULL;
    assert_null(open_request);
    assert_null(watches[0]);
    assert_null(watches[1]);
    folder_dispose(&dir);
    pki_dispose(&pki);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

static void begin(void)
{
    assert_int_equal(identity_open(loop, &config, &identity), ERR_OK);
    loop_sim_advance(loop, 10);
}

static struct identity_material material_for(const char *id)
{
    struct pki_leaf leaf = pki_svid(&pki, id);
    return (struct identity_material){
        .key_pem = leaf.key, .chain_pem = leaf.chain, .roots_pem = mem_strdup(pki.root)};
}

/* The CA answers with a certificate for that identity, good for an hour. */
static void answer(const char *id)
{
    struct identity_material m = material_for(id);
    assert_non_null(open_request);
    open_request->done(open_request->owner, ERR_OK, &m, "");
    assert_true(loop_sim_turn(loop));
}

static void refuse(enum err e)
{
    assert_non_null(open_request);
    open_request->done(open_request->owner, e, NULL, "the CA says no");
    assert_true(loop_sim_turn(loop));
}

static void test_the_first_is_asked_for_at_once_by_token(void **state)
{
    begin();
    assert_int_equal(seen.requests, 1);
    assert_false(seen.by_certificate);
    assert_int_equal(identity_not_after_ms(identity), 0);
    answer(PKI_CLIENT_ID);
    assert_int_equal(seen.used, 1);
    assert_int_equal(identity_renewals(identity), 1);
    assert_true(identity_not_after_ms(identity) > clock_wall_ms());
}

static void test_it_is_renewed_at_half_its_life_by_itself(void **state)
{
    begin();
    answer(PKI_CLIENT_ID);
    loop_sim_advance(loop, HOUR_MS * 45 / 100);
    assert_int_equal(seen.requests, 1);
    loop_sim_advance(loop, HOUR_MS / 10);
    assert_int_equal(seen.requests, 2);
    assert_true(seen.by_certificate);
}

static void test_while_the_ca_is_away_what_there_is_is_used(void **state)
{
    begin();
    answer(PKI_CLIENT_ID);
    int64_t until = identity_not_after_ms(identity);
    loop_sim_advance(loop, HOUR_MS * 55 / 100);
    refuse(ERR_IO);
    assert_int_equal(identity_not_after_ms(identity), until);
    unsigned before = seen.requests;
    for (int i = 0; i < 10; i++) {
        loop_sim_advance(loop, 31000);
        assert_true(seen.requests > before);
        assert_true(seen.by_certificate);
        before = seen.requests;
        refuse(ERR_IO);
    }
    assert_int_equal(seen.used, 1);
}

static void test_pauses_grow_and_end_at_half_a_minute(void **state)
{
    begin();
    for (int i = 0; i < 30; i++) {
        refuse(ERR_IO);
        loop_sim_advance(loop, 31000);
    }
    assert_true(seen.requests == 31);
    refuse(ERR_IO);
    loop_sim_advance(loop, 10);
    assert_int_equal(seen.requests, 31);
}

/* A CA that knows nobody any more is shown the token, and then the certificate again. */
static void test_a_certificate_that_proves_nothing(void **state)
{
    begin();
    answer(PKI_CLIENT_ID);
    loop_sim_advance(loop, HOUR_MS * 55 / 100);
    assert_true(seen.by_certificate);
    refuse(ERR_DENIED);
    loop_sim_advance(loop, 31000);
    assert_false(seen.by_certificate);
    refuse(ERR_DENIED);
    loop_sim_advance(loop, 31000);
    assert_true(seen.by_certificate);
}

static void test_an_expired_certificate_is_no_proof(void **state)
{
    begin();
    answer(PKI_CLIENT_ID);
    loop_sim_advance(loop, HOUR_MS * 55 / 100);
    fake_clock_jump(HOUR_MS);
    refuse(ERR_IO);
    loop_sim_advance(loop, 31000);
    assert_false(seen.by_certificate);
}

static void test_a_certificate_for_somebody_else_is_not_used(void **state)
{
    begin();
    answer(PKI_SERVER_ID);
    assert_int_equal(seen.used, 0);
    assert_int_equal(identity_not_after_ms(identity), 0);
    loop_sim_advance(loop, 31000);
    assert_int_equal(seen.requests, 2);
}

static void test_a_certificate_that_the_owner_cannot_use(void **state)
{
    begin();
    seen.refuse = ERR_CRYPTO;
    answer(PKI_CLIENT_ID);
    assert_int_equal(identity_renewals(identity), 0);
    seen.refuse = ERR_OK;
    loop_sim_advance(loop, 31000);
    answer(PKI_CLIENT_ID);
    assert_int_equal(identity_renewals(identity), 1);
}

static void test_a_request_that_cannot_be_made_is_tried_again(void **state)
{
    seen.cannot_open = ERR_NOT_FOUND;
    begin();
    assert_int_equal(seen.requests, 1);
    seen.cannot_open = ERR_OK;
    loop_sim_advance(loop, 31000);
    answer(PKI_CLIENT_ID);
    assert_int_equal(seen.used, 1);
}

static void test_what_was_kept_is_used_at_the_start(void **state)
{
    struct stat st;
    config.keep_dir = dir.path;
    begin();
    answer(PKI_CLIENT_ID);
    identity_close(identity);
    assert_int_equal(stat(folder_at(&dir, "identity.pem"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    begin();
    assert_int_equal(seen.used, 2);
    assert_int_equal(seen.requests, 1);
    identity_close(identity);
    fake_clock_jump(2 * HOUR_MS);
    begin();
    assert_int_equal(seen.used, 2);
    assert_int_equal(seen.requests, 2);
    assert_false(seen.by_certificate);
}

/* ---- the trust bundle ---- */

static void test_more_roots_are_used_at_once(void **state)
{
    struct pki more;
    begin();
    answer(PKI_CLIENT_ID);
    pki_init(&more);
    char *both = mem_printf("%s%s", pki.root, more.root);
    touch_files();
    assert_int_equal(seen.used, 1); /* the same as before */
    folder_put(&dir, "roots.pem", both);
    touch_files();
    assert_int_equal(seen.used, 2);
    assert_int_equal(seen.requests, 1);
    mem_free(both);
    pki_dispose(&more);
}

static void test_roots_that_our_certificate_has_nothing_to_do_with(void **state)
{
    begin();
    answer(PKI_CLIENT_ID);
    seen.refuse = ERR_UNTRUSTED;
    folder_put(&dir, "roots.pem", "other roots");
    touch_files();
    loop_sim_advance(loop, 10);
    assert_int_equal(seen.requests, 2);
    assert_false(seen.by_certificate);
    assert_true(identity_not_after_ms(identity) > 0);
}

/* ---- files of somebody else ---- */

static void put_files(const char *id)
{
    struct identity_material m = material_for(id);
    folder_put(&dir, "cert.pem", m.chain_pem);
    folder_put(&dir, "own.pem", m.key_pem);
    chmod(folder_at(&dir, "own.pem"), 0600);
    identity_material_dispose(&m);
}

static int set_up_files(void **state)
{
    static char cert[100], key[100];
    set_up(state);
    snprintf(cert, sizeof cert, "%s", folder_at(&dir, "cert.pem"));
    snprintf(key, sizeof key, "%s", folder_at(&dir, "own.pem"));
    config.cert_file = cert;
    config.key_file = key;
    config.certd_address = NULL;
    put_files(PKI_CLIENT_ID);
    return 0;
}

static void test_files_are_read_and_read_again(void **state)
{
    begin();
    assert_int_equal(seen.used, 1);
    assert_int_equal(seen.requests, 0);
    put_files(PKI_SERVER_ID);
    touch_files();
    assert_int_equal(seen.used, 1);
    put_files(PKI_CLIENT_ID);
    touch_files();
    assert_true(seen.used >= 2);
}

static void test_a_key_that_everybody_may_read(void **state)
{
    chmod(config.key_file, 0644);
    assert_int_equal(identity_open(loop, &config, &identity), ERR_DENIED);
    identity = NULL;
    assert_int_equal(seen.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define FILES(name) cmocka_unit_test_setup_teardown(name, set_up_files, tear_down)
        TEST(test_the_first_is_asked_for_at_once_by_token),
        TEST(test_it_is_renewed_at_half_its_life_by_itself),
        TEST(test_while_the_ca_is_away_what_there_is_is_used),
        TEST(test_pauses_grow_and_end_at_half_a_minute),
        TEST(test_a_certificate_that_proves_nothing),
        TEST(test_an_expired_certificate_is_no_proof),
        TEST(test_a_certificate_for_somebody_else_is_not_used),
        TEST(test_a_certificate_that_the_owner_cannot_use),
        TEST(test_a_request_that_cannot_be_made_is_tried_again),
        TEST(test_what_was_kept_is_used_at_the_start),
        TEST(test_more_roots_are_used_at_once),
        TEST(test_roots_that_our_certificate_has_nothing_to_do_with),
        FILES(test_files_are_read_and_read_again),
        FILES(test_a_key_that_everybody_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
