/* lib/identity/identity.c: when a certificate is asked for, with which proof, what is done with the
 * answer, and that what there is goes on being used.
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

static void test_the_first_is_asked_for_at_once_by_token(void **state)
{
    identity_bed_begin();
    assert_int_equal(seen.requests, 1);
    assert_false(seen.by_certificate);
    assert_int_equal(identity_bed_state().not_after_ms, 0);
    identity_bed_answer(PKI_CLIENT_ID);
    assert_int_equal(seen.used, 1);
    assert_int_equal(identity_bed_state().renewals, 1);
    assert_true(identity_bed_state().not_after_ms > clock_wall_ms());
}

static void test_it_is_renewed_at_half_its_life_by_itself(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    loop_sim_advance(loop, HOUR_MS * 45 / 100);
    assert_int_equal(seen.requests, 1);
    loop_sim_advance(loop, HOUR_MS / 10);
    assert_int_equal(seen.requests, 2);
    assert_true(seen.by_certificate);
}

static void test_while_the_ca_is_away_what_there_is_is_used(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    int64_t until = identity_bed_state().not_after_ms;
    loop_sim_advance(loop, HOUR_MS * 55 / 100);
    identity_bed_refuse(ERR_IO);
    assert_int_equal(identity_bed_state().not_after_ms, until);
    unsigned before = seen.requests;
    for (int i = 0; i < 10; i++) {
        loop_sim_advance(loop, 31000);
        assert_true(seen.requests > before);
        assert_true(seen.by_certificate);
        before = seen.requests;
        identity_bed_refuse(ERR_IO);
    }
    assert_int_equal(seen.used, 1);
}

static void test_pauses_grow_and_end_at_half_a_minute(void **state)
{
    identity_bed_begin();
    for (int i = 0; i < 30; i++) {
        identity_bed_refuse(ERR_IO);
        loop_sim_advance(loop, 31000);
    }
    assert_true(seen.requests == 31);
    identity_bed_refuse(ERR_IO);
    loop_sim_advance(loop, 10);
    assert_int_equal(seen.requests, 31);
}

/* A CA that knows nobody any more is shown the token, and then the certificate again. */
static void test_a_certificate_that_proves_nothing(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    loop_sim_advance(loop, HOUR_MS * 55 / 100);
    assert_true(seen.by_certificate);
    identity_bed_refuse(ERR_DENIED);
    loop_sim_advance(loop, 31000);
    assert_false(seen.by_certificate);
    identity_bed_refuse(ERR_DENIED);
    loop_sim_advance(loop, 31000);
    assert_true(seen.by_certificate);
}

/* A machine that slept: what the timers count is not what the certificate's dates are about. */
static void test_a_wall_clock_that_jumps_ahead(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    fake_clock_jump(HOUR_MS * 55 / 100);
    loop_sim_advance(loop, 61000);
    assert_int_equal(seen.requests, 2);
    assert_true(seen.by_certificate);
}

static void test_a_wall_clock_that_jumps_back(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    fake_clock_jump(-24 * HOUR_MS);
    loop_sim_advance(loop, HOUR_MS * 55 / 100);
    assert_int_equal(seen.requests, 2);
}

static void test_an_expired_certificate_is_no_proof(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    loop_sim_advance(loop, HOUR_MS * 55 / 100);
    fake_clock_jump(HOUR_MS);
    identity_bed_refuse(ERR_IO);
    loop_sim_advance(loop, 31000);
    assert_false(seen.by_certificate);
}

static void test_a_certificate_for_somebody_else_is_not_used(void **state)
{
    identity_bed_begin();
    identity_bed_answer(PKI_SERVER_ID);
    assert_int_equal(seen.used, 0);
    assert_int_equal(identity_bed_state().not_after_ms, 0);
    loop_sim_advance(loop, 31000);
    assert_int_equal(seen.requests, 2);
}

static void test_a_certificate_that_the_owner_cannot_use(void **state)
{
    identity_bed_begin();
    seen.refuse = ERR_CRYPTO;
    identity_bed_answer(PKI_CLIENT_ID);
    assert_int_equal(identity_bed_state().renewals, 0);
    seen.refuse = ERR_OK;
    loop_sim_advance(loop, 31000);
    identity_bed_answer(PKI_CLIENT_ID);
    assert_int_equal(identity_bed_state().renewals, 1);
}

static void test_a_request_that_cannot_be_made_is_tried_again(void **state)
{
    seen.cannot_open = ERR_NOT_FOUND;
    identity_bed_begin();
    assert_int_equal(seen.requests, 1);
    seen.cannot_open = ERR_OK;
    loop_sim_advance(loop, 31000);
    identity_bed_answer(PKI_CLIENT_ID);
    assert_int_equal(seen.used, 1);
}

static void test_what_was_kept_is_used_at_the_start(void **state)
{
    struct stat st;
    config.keep_dir = dir.path;
    identity_bed_begin();
    identity_bed_answer(PKI_CLIENT_ID);
    identity_close(identity);
    assert_int_equal(stat(folder_at(&dir, "identity.pem"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    identity_bed_begin();
    assert_int_equal(seen.used, 2);
    assert_int_equal(seen.requests, 1);
    identity_close(identity);
    fake_clock_jump(2 * HOUR_MS);
    identity_bed_begin();
    assert_int_equal(seen.used, 2);
    assert_int_equal(seen.requests, 2);
    assert_false(seen.by_certificate);
}

/* ---- files of somebody else ---- */

static void test_files_are_read_and_read_again(void **state)
{
    identity_bed_begin();
    assert_int_equal(seen.used, 1);
    assert_int_equal(seen.requests, 0);
    identity_bed_put_files(PKI_SERVER_ID);
    identity_bed_touch_files();
    assert_int_equal(seen.used, 1);
    identity_bed_put_files(PKI_CLIENT_ID);
    identity_bed_touch_files();
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
#define TEST(name)                                                 \
    cmocka_unit_test_setup_teardown(name, identity_bed_set_up, \
                                    identity_bed_tear_down)
#define FILES(name)                                                      \
    cmocka_unit_test_setup_teardown(name, identity_bed_set_up_files, \
                                    identity_bed_tear_down)
        TEST(test_the_first_is_asked_for_at_once_by_token),
        TEST(test_it_is_renewed_at_half_its_life_by_itself),
        TEST(test_while_the_ca_is_away_what_there_is_is_used),
        TEST(test_pauses_grow_and_end_at_half_a_minute),
        TEST(test_a_certificate_that_proves_nothing),
        TEST(test_a_wall_clock_that_jumps_ahead),
        TEST(test_a_wall_clock_that_jumps_back),
        TEST(test_an_expired_certificate_is_no_proof),
        TEST(test_a_certificate_for_somebody_else_is_not_used),
        TEST(test_a_certificate_that_the_owner_cannot_use),
        TEST(test_a_request_that_cannot_be_made_is_tried_again),
        TEST(test_what_was_kept_is_used_at_the_start),
        FILES(test_files_are_read_and_read_again),
        FILES(test_a_key_that_everybody_may_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
