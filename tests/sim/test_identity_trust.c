/* lib/identity/identity.c: roots that change under a certificate: by the bundle's file or by the
 * owner's word, appended, removed, replaced, broken, and put back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/identity_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

static void test_more_roots_are_used_at_once(void **state)
{
    struct pki more;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    pki_init(&more);
    char *both = mem_printf("%s%s", pki.root, more.root);
    identity_bed_touch_files();
    assert_int_equal(seen.used, 1); /* the same as before */
    folder_put(&dir, "roots.pem", both);
    identity_bed_touch_files();
    assert_int_equal(seen.used, 2);
    assert_int_equal(seen.requests, 1);
    mem_free(both);
    pki_dispose(&more);
}

static void test_roots_that_our_certificate_has_nothing_to_do_with(void **state)
{
    struct pki before;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    assert_true(identity_bed_state().is_trusted);
    identity_bed_replace_ca(&before);
    folder_put(&dir, "roots.pem", pki.root);
    identity_bed_touch_files();
    loop_sim_advance(loop, 10);
    assert_int_equal(seen.requests, 2);
    assert_false(seen.by_certificate);
    assert_null(seen.by_roots);
    assert_int_equal(seen.used, 1); /* what there is stays in use, and that it is no good is said */
    assert_false(identity_bed_state().is_trusted);
    assert_true(identity_bed_state().not_after_ms > 0);
    identity_bed_answer(PKI_CLIENT_ID);
    assert_int_equal(seen.used, 2);
    assert_true(identity_bed_state().is_trusted);
    loop_sim_advance(loop, HOUR_MS * 40 / 100);
    assert_int_equal(seen.requests, 2);
    identity_bed_restore_ca(&before);
}

/* Who is right, the bundle or the CA that we know, is not known: both are tried, with pauses. */
static void test_a_misfit_while_the_ca_cannot_be_had(void **state)
{
    struct pki before;
    unsigned by_new = 0, by_old = 0;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    identity_bed_replace_ca(&before);
    folder_put(&dir, "roots.pem", pki.root);
    identity_bed_touch_files();
    loop_sim_advance(loop, 10);
    for (int i = 0; i < 20; i++) {
        by_new += !seen.by_certificate && !seen.by_roots;
        by_old += seen.by_certificate && strcmp(seen.by_roots, before.root) == 0;
        identity_bed_refuse(ERR_IO);
        assert_false(identity_bed_state().is_trusted);
        assert_int_equal(identity_bed_state().failures, i + 1);
        loop_sim_advance(loop, 31000);
    }
    assert_int_equal(by_new, 10);
    assert_int_equal(by_old, 10);
    assert_int_equal(seen.requests, 22);
    identity_bed_answer(PKI_CLIENT_ID);
    assert_true(identity_bed_state().is_trusted);
    assert_int_equal(identity_bed_state().failures, 0);
    identity_bed_restore_ca(&before);
}

static void test_roots_that_come_back(void **state)
{
    struct pki before;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    identity_bed_replace_ca(&before);
    folder_put(&dir, "roots.pem", pki.root);
    identity_bed_touch_files();
    loop_sim_advance(loop, 10);
    identity_bed_refuse(ERR_IO);
    folder_put(&dir, "roots.pem", before.root);
    identity_bed_touch_files();
    assert_true(identity_bed_state().is_trusted);
    loop_sim_advance(loop, HOUR_MS * 40 / 100);
    assert_int_equal(seen.requests, 2);
    identity_bed_restore_ca(&before);
}

/* Appended, then the old one taken out. */
static void test_a_root_that_is_removed(void **state)
{
    struct pki before;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    identity_bed_replace_ca(&before);
    char *both = mem_printf("%s%s", before.root, pki.root);
    folder_put(&dir, "roots.pem", both);
    identity_bed_touch_files();
    assert_int_equal(seen.requests, 1);
    assert_true(identity_bed_state().is_trusted);
    folder_put(&dir, "roots.pem", pki.root);
    identity_bed_touch_files();
    loop_sim_advance(loop, 10);
    assert_int_equal(seen.requests, 2);
    assert_false(identity_bed_state().is_trusted);
    mem_free(both);
    identity_bed_restore_ca(&before);
}

static void test_a_bundle_without_roots_changes_nothing(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    folder_put(&dir, "roots.pem", "half of a");
    identity_bed_touch_files();
    loop_sim_advance(loop, HOUR_MS * 40 / 100);
    assert_int_equal(seen.requests, 1);
    assert_true(identity_bed_state().is_trusted);
}

static void test_a_certificate_that_the_roots_do_not_vouch_for_is_not_used(void **state)
{
    struct pki before;
    identity_bed_begin();
    identity_bed_replace_ca(&before);
    struct identity_material m = identity_bed_material(PKI_CLIENT_ID);
    mem_free(m.roots_pem);
    m.roots_pem = mem_strdup(before.root);
    open_request->done(open_request->owner, ERR_OK, &m, "");
    assert_true(loop_sim_turn(loop));
    assert_int_equal(seen.used, 0);
    assert_int_equal(identity_bed_state().failures, 1);
    identity_bed_restore_ca(&before);
}

/* By a source that is ahead of the file. */
static void test_roots_that_we_are_told(void **state)
{
    struct pki before;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    identity_bed_replace_ca(&before);
    identity_trust(identity, "none");
    assert_true(identity_bed_state().is_trusted);
    identity_trust(identity, pki.root);
    loop_sim_advance(loop, 10);
    assert_int_equal(seen.requests, 2);
    assert_string_equal(seen.by_roots, pki.root);
    assert_false(seen.by_certificate);
    identity_bed_answer(PKI_CLIENT_ID);
    assert_true(identity_bed_state().is_trusted);
    identity_bed_touch_files(); /* what the file says is of yesterday */
    loop_sim_advance(loop, 10);
    assert_int_equal(seen.requests, 2);
    assert_true(identity_bed_state().is_trusted);
    identity_bed_restore_ca(&before);
}

static void test_what_was_kept_is_of_another_root(void **state)
{
    struct pki before;
    config.keep_dir = dir.path;
    config.token_file = NULL;
    config.join_token_file = NULL;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    identity_close(identity);
    identity_bed_replace_ca(&before);
    char bundle[100];
    folder_put(&dir, "bundle.pem", pki.root);
    snprintf(bundle, sizeof bundle, "%s", folder_at(&dir, "bundle.pem"));
    config.trust_bundle_file = bundle;
    identity_bed_begin();
    assert_int_equal(seen.requests, 2);
    assert_false(identity_bed_state().is_trusted);
    assert_true(seen.by_certificate); /* which is all that there is */
    identity_bed_restore_ca(&before);
}

static void test_files_of_another_root(void **state)
{
    struct pki before;
    identity_bed_begin();
    assert_true(identity_bed_state().is_trusted);
    identity_bed_replace_ca(&before);
    folder_put(&dir, "roots.pem", pki.root);
    identity_bed_touch_files();
    assert_false(identity_bed_state().is_trusted);
    assert_int_equal(seen.used, 1);
    identity_bed_put_files(PKI_CLIENT_ID);
    identity_bed_touch_files();
    assert_true(identity_bed_state().is_trusted);
    identity_bed_restore_ca(&before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name)                                                 \
    cmocka_unit_test_setup_teardown(name, identity_bed_set_up, \
                                    identity_bed_tear_down)
#define FILES(name)                                                      \
    cmocka_unit_test_setup_teardown(name, identity_bed_set_up_files, \
                                    identity_bed_tear_down)
        TEST(test_more_roots_are_used_at_once),
        TEST(test_roots_that_our_certificate_has_nothing_to_do_with),
        TEST(test_a_misfit_while_the_ca_cannot_be_had),
        TEST(test_roots_that_come_back),
        TEST(test_a_root_that_is_removed),
        TEST(test_a_bundle_without_roots_changes_nothing),
        TEST(test_a_certificate_that_the_roots_do_not_vouch_for_is_not_used),
        TEST(test_roots_that_we_are_told),
        TEST(test_what_was_kept_is_of_another_root),
        FILES(test_files_of_another_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
