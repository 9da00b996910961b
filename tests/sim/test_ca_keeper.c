/* certd's ca_keeper.c: the CA in a Secret of an API server in memory: made, found, agreed upon, put
 * back, replaced in time, and left alone where somebody made it unusable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_keeper.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define SECRETS "/api/v1/namespaces/shop/secrets"
#define SECRET SECRETS "/weft-ca"
#define EVENTS "/apis/events.k8s.io/v1/namespaces/shop/events"

enum { HOUR_MS = 3600000 };

/* One replica. */
struct replica {
    struct ca_keeper *keeper;
    struct ca ca;
    unsigned changes;
};

static struct loop *loop;
static struct fake_kube *kube;
static struct replica one, other;

static void on_changed(void *owner, struct ca *ca)
{
    struct replica *r = owner;
    ca_close(&r->ca);
    r->ca = *ca;
    r->changes++;
}

static void open_replica(struct replica *r)
{
    static const struct ca_keeper_config config = {
        {"shop", 4}, "mesh.example.com", 1000 * (uint64_t)HOUR_MS, 12 * (uint64_t)HOUR_MS};
    *r = (struct replica){0};
    r->keeper = ca_keeper_open(loop, fake_kube_client(kube), &config, on_changed, r);
}

static void close_replica(struct replica *r)
{
    ca_keeper_close(r->keeper);
    ca_close(&r->ca);
    *r = (struct replica){0};
}

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    return 0;
}

static int tear_down(void **state)
{
    close_replica(&one);
    close_replica(&other);
    fake_kube_close(kube);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

static void turn(void)
{
    assert_true(loop_sim_turn(loop));
}

static void test_a_ca_is_made_where_there_is_none(void **state)
{
    open_replica(&one);
    turn();
    assert_int_equal(one.changes, 1);
    assert_int_equal(fake_kube_count(kube, "POST", SECRETS), 1);
    assert_true(strlen(fake_kube_text(kube, SECRET, "data[\"root.pem\"]")) > 100);
    assert_true(strlen(fake_kube_text(kube, SECRET, "data[\"intermediate.key\"]")) > 100);
    loop_sim_advance(loop, HOUR_MS);
    assert_int_equal(one.changes, 1);
    assert_int_equal(fake_kube_count(kube, "PATCH", SECRETS), 0);
}

static void test_a_ca_that_is_there_is_used(void **state)
{
    open_replica(&one);
    turn();
    open_replica(&other);
    turn();
    assert_int_equal(other.changes, 1);
    assert_string_equal(other.ca.root_pem, one.ca.root_pem);
    assert_string_equal(other.ca.signer_pem, one.ca.signer_pem);
    assert_int_equal(fake_kube_count(kube, "POST", SECRETS), 1);
}

static void test_two_that_make_one_at_the_same_time_agree(void **state)
{
    open_replica(&one);
    open_replica(&other);
    turn();
    loop_sim_advance(loop, 60000);
    assert_int_equal(fake_kube_count(kube, "POST", SECRETS), 2);
    assert_int_equal(one.changes, 1);
    assert_int_equal(other.changes, 1);
    assert_string_equal(other.ca.signer_pem, one.ca.signer_pem);
}

/* One write at a time, and nothing is used before it is written. */
static void test_a_server_that_is_slow(void **state)
{
    fake_kube_hold(kube, true, false);
    open_replica(&one);
    turn();
    fake_kube_put(kube, SECRET "-2", "{metadata: {name: weft-ca-2, namespace: shop}}");
    fake_kube_restart(kube);
    loop_sim_advance(loop, 20000);
    assert_int_equal(one.changes, 0);
    assert_int_equal(fake_kube_count(kube, "POST", SECRETS), 1);
    fake_kube_hold(kube, false, false);
    assert_int_equal(one.changes, 1);
}

/* What was not written is not used either. */
static void test_a_ca_that_cannot_be_written_is_not_handed_on(void **state)
{
    fake_kube_refuse(kube, "POST", SECRETS, 403);
    open_replica(&one);
    turn();
    loop_sim_advance(loop, 60000);
    assert_int_equal(one.changes, 0);
    assert_true(fake_kube_count(kube, "POST", SECRETS) > 1);
    fake_kube_refuse(kube, "POST", SECRETS, 0);
    loop_sim_advance(loop, 60000);
    assert_int_equal(one.changes, 1);
}

static void test_a_secret_that_is_deleted_comes_back_as_it_was(void **state)
{
    char root[4000];
    open_replica(&one);
    turn();
    snprintf(root, sizeof root, "%s", fake_kube_text(kube, SECRET, "data[\"root.pem\"]"));
    fake_kube_remove(kube, SECRET);
    loop_sim_advance(loop, 60000);
    assert_string_equal(fake_kube_text(kube, SECRET, "data[\"root.pem\"]"), root);
}

static void test_a_secret_that_cannot_be_used_changes_nothing(void **state)
{
    char was[9000];
    open_replica(&one);
    turn();
    snprintf(was, sizeof was, "%s", one.ca.signer_pem);
    fake_kube_put(kube, SECRET, "{metadata: {name: weft-ca, namespace: shop}, data: {root.pem: "
                                "\"?\"}}");
    loop_sim_advance(loop, 9 * HOUR_MS); /* also when another intermediate is due */
    assert_int_equal(one.changes, 1);
    assert_string_equal(one.ca.signer_pem, was);
    assert_int_equal(fake_kube_count(kube, "PATCH", SECRETS), 0);
    assert_int_equal(fake_kube_count(kube, "POST", EVENTS), 1);
    assert_string_equal(fake_kube_text(kube, SECRET, "data[\"root.pem\"]"), "?");
}

static void test_the_intermediate_is_replaced_in_time(void **state)
{
    char root[4000], signer[4000];
    open_replica(&one);
    turn();
    snprintf(root, sizeof root, "%s", one.ca.root_pem);
    snprintf(signer, sizeof signer, "%s", one.ca.signer_pem);
    loop_sim_advance(loop, 7 * HOUR_MS);
    assert_int_equal(one.changes, 1);
    loop_sim_advance(loop, 2 * HOUR_MS);
    assert_int_equal(one.changes, 2);
    assert_int_equal(fake_kube_count(kube, "PATCH", SECRETS), 1);
    assert_string_equal(one.ca.root_pem, root);
    assert_string_not_equal(one.ca.signer_pem, signer);
}

/* The other one wrote first, so the write is refused, and what is in the Secret counts. */
static void test_two_that_replace_it_at_the_same_time_agree(void **state)
{
    open_replica(&one);
    open_replica(&other);
    turn();
    loop_sim_advance(loop, 9 * HOUR_MS);
    assert_int_equal(one.changes, 2);
    assert_int_equal(other.changes, 2);
    assert_string_equal(one.ca.signer_pem, other.ca.signer_pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_ca_is_made_where_there_is_none),
        TEST(test_a_ca_that_is_there_is_used),
        TEST(test_two_that_make_one_at_the_same_time_agree),
        TEST(test_a_server_that_is_slow),
        TEST(test_a_ca_that_cannot_be_written_is_not_handed_on),
        TEST(test_a_secret_that_is_deleted_comes_back_as_it_was),
        TEST(test_a_secret_that_cannot_be_used_changes_nothing),
        TEST(test_the_intermediate_is_replaced_in_time),
        TEST(test_two_that_replace_it_at_the_same_time_agree),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
