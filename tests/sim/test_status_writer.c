/* policyd's status_writer.c (and feed_kube.c, world.c): what is written to an API server in memory,
 * how often, and when not.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "tests/sim/policyd_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define EVENTS "/apis/events.k8s.io/v1/namespaces/shop/events"
#define POLICY "/apis/policy.weft.dev/v1alpha1/namespaces/shop/authorizationpolicies/p"

static struct policyd_bed bed;

static int set_up(void **state)
{
    policyd_bed_open(&bed);
    policyd_bed_gateway(&bed, "door", "");
    return 0;
}

static int tear_down(void **state)
{
    policyd_bed_close(&bed);
    return 0;
}

static unsigned writes(const char *path)
{
    return fake_kube_count(bed.kube, "PATCH", path);
}

static void expect_accepted(const char *path, const char *status)
{
    assert_string_equal(policyd_bed_condition(&bed, path, "Accepted", "status"), status);
}

static void test_a_status_is_written_once(void **state)
{
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 1000);
    expect_accepted(POLICYD_ROUTES "r", "True");
    policyd_bed_advance(&bed, 600000);
    assert_int_equal(writes(POLICYD_ROUTES "r"), 1);
    assert_true(status_writer_count(bed.writer) >= 1);
}

static void test_what_others_write_is_put_right(void **state)
{
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 1000);
    policyd_bed_route(&bed, "r", "door"); /* without its status */
    expect_accepted(POLICYD_ROUTES "r", "");
    policyd_bed_advance(&bed, 10000);
    expect_accepted(POLICYD_ROUTES "r", "True");
    assert_int_equal(writes(POLICYD_ROUTES "r"), 2);
}

static void test_a_status_follows_what_it_is_about(void **state)
{
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 1000);
    fake_kube_put(bed.kube, POLICYD_GATEWAYS "door",
                  "{metadata: {name: door, namespace: shop}, spec: {gatewayClassName: weft, "
                  "listeners: [{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}]}}");
    policyd_bed_advance(&bed, 10000);
    expect_accepted(POLICYD_ROUTES "r", "False");
}

static void test_only_the_leader_writes(void **state)
{
    policyd_bed_lead(&bed, false);
    unsigned before = writes("");
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 60000);
    assert_int_equal(writes(""), before);
    policyd_bed_lead(&bed, true);
    expect_accepted(POLICYD_ROUTES "r", "True");
}

/* A write under way when the lease is lost: its answer changes nothing. */
static void test_who_stops_leading_stops_writing(void **state)
{
    for (int i = 0; i < 60; i++) {
        char name[20];
        snprintf(name, sizeof name, "r%d", i);
        policyd_bed_route(&bed, name, "door");
    }
    while (writes(POLICYD_ROUTES) == 0)
        policyd_bed_advance(&bed, 1);
    bed.is_leader = false;
    status_writer_set_active(bed.writer, false);
    unsigned before = writes(POLICYD_ROUTES);
    assert_true(before < 60);
    policyd_bed_advance(&bed, 60000);
    assert_int_equal(writes(POLICYD_ROUTES), before);
}

/* A few at a time, at a bounded rate, each once. */
static void test_many(void **state)
{
    enum { COUNT = 100, BURST = 24 };
    for (int i = 0; i < COUNT; i++) {
        char name[20];
        snprintf(name, sizeof name, "r%d", i);
        policyd_bed_route(&bed, name, "door");
    }
    while (writes(POLICYD_ROUTES) == 0)
        policyd_bed_advance(&bed, 1);
    assert_true(writes(POLICYD_ROUTES) <= BURST);
    policyd_bed_advance(&bed, 20);
    assert_true(writes(POLICYD_ROUTES) <= BURST);
    policyd_bed_advance(&bed, 30000);
    assert_int_equal(writes(POLICYD_ROUTES), COUNT);
    expect_accepted(POLICYD_ROUTES "r99", "True");
}

static void test_a_write_that_fails_is_tried_again(void **state)
{
    static const unsigned statuses[] = {403, 422, 429, 500, 503, 404};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char name[20], path[200];
        snprintf(name, sizeof name, "r%zu", i);
        snprintf(path, sizeof path, POLICYD_ROUTES "%s", name);
        fake_kube_refuse(bed.kube, "PATCH", path, statuses[i]);
        policyd_bed_route(&bed, name, "door");
        policyd_bed_advance(&bed, 5000);
        expect_accepted(path, "");
        assert_in_range(writes(path), 3, 6);
        policyd_bed_advance(&bed, 1200000);
        unsigned before = writes(path);
        policyd_bed_advance(&bed, 600000);
        assert_in_range(writes(path) - before, 1, 5);
        fake_kube_refuse(bed.kube, "PATCH", path, 0);
        policyd_bed_advance(&bed, 400000);
        expect_accepted(path, "True");
    }
}

/* One write of an object is under way at a time, whatever else happens. */
static void test_a_server_that_is_slow(void **state)
{
    fake_kube_hold(bed.kube, true, false);
    policyd_bed_route(&bed, "r", "door");
    for (int i = 0; i < 10; i++) {
        policyd_bed_advance(&bed, 500);
        status_writer_set_active(bed.writer, true);
    }
    assert_int_equal(writes(POLICYD_ROUTES "r"), 1);
    fake_kube_hold(bed.kube, false, false);
    expect_accepted(POLICYD_ROUTES "r", "True");
}

/* What was written is waited for, before it is written again; but not for ever. */
static void test_a_watch_that_lags(void **state)
{
    policyd_bed_route(&bed, "r", "door");
    fake_kube_hold(bed.kube, false, true);
    for (int i = 0; i < 8; i++) {
        policyd_bed_advance(&bed, 500);
        status_writer_set_active(bed.writer, true);
    }
    assert_int_equal(writes(POLICYD_ROUTES "r"), 1);
    policyd_bed_advance(&bed, 2000);
    status_writer_set_active(bed.writer, true);
    policyd_bed_advance(&bed, 500);
    assert_int_equal(writes(POLICYD_ROUTES "r"), 2);
    fake_kube_hold(bed.kube, false, false);
    policyd_bed_advance(&bed, 10000);
    unsigned before = writes(POLICYD_ROUTES "r");
    policyd_bed_advance(&bed, 60000);
    assert_int_equal(writes(POLICYD_ROUTES "r"), before);
}

/* One object that cannot be written does not hold up the others. */
static void test_one_that_fails_holds_up_nobody(void **state)
{
    fake_kube_refuse(bed.kube, "PATCH", POLICYD_ROUTES "r", 500);
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 100);
    assert_int_equal(writes(POLICYD_ROUTES "r"), 1);
    policyd_bed_route(&bed, "s", "door");
    policyd_bed_advance(&bed, 100);
    expect_accepted(POLICYD_ROUTES "s", "True");
    assert_true(writes(POLICYD_ROUTES "r") <= 2);
}

/* Somebody changed it after it was looked at: what is written is about the newer one. */
static void test_a_conflict(void **state)
{
    policyd_bed_route(&bed, "r", "nowhere");
    policyd_bed_advance(&bed, 10);
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 10000);
    expect_accepted(POLICYD_ROUTES "r", "True");
}

/* Until the watch shows another version, the same would be refused again. */
static void test_a_conflict_that_lasts(void **state)
{
    fake_kube_refuse(bed.kube, "PATCH", POLICYD_ROUTES, 409);
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 12000);
    assert_true(writes(POLICYD_ROUTES "r") <= 3);
    fake_kube_refuse(bed.kube, "PATCH", POLICYD_ROUTES, 0);
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 1000);
    expect_accepted(POLICYD_ROUTES "r", "True");
}

static void test_what_is_more_urgent_goes_first_but_not_for_ever(void **state)
{
    bed.is_busy = true;
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 800);
    assert_int_equal(writes(POLICYD_ROUTES), 0);
    policyd_bed_advance(&bed, 1000);
    expect_accepted(POLICYD_ROUTES "r", "True");
}

static void test_an_object_that_is_refused_is_told_of_once(void **state)
{
    fake_kube_put(bed.kube, POLICY,
                  "{metadata: {name: p, namespace: shop}, spec: {action: SOMETHING}}");
    policyd_bed_advance(&bed, 5000);
    assert_int_equal(fake_kube_count(bed.kube, "POST", EVENTS), 1);
    expect_accepted(POLICY, "False");
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 900000);
    assert_int_equal(fake_kube_count(bed.kube, "POST", EVENTS), 1);
}

static void test_after_a_restart_of_the_server_nothing_is_written_again(void **state)
{
    policyd_bed_route(&bed, "r", "door");
    policyd_bed_advance(&bed, 1000);
    unsigned before = writes("");
    fake_kube_restart(bed.kube);
    policyd_bed_advance(&bed, 60000);
    assert_int_equal(writes(""), before);
    policyd_bed_route(&bed, "s", "door");
    policyd_bed_advance(&bed, 10000);
    expect_accepted(POLICYD_ROUTES "s", "True");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_status_is_written_once),
        TEST(test_what_others_write_is_put_right),
        TEST(test_a_status_follows_what_it_is_about),
        TEST(test_only_the_leader_writes),
        TEST(test_who_stops_leading_stops_writing),
        TEST(test_many),
        TEST(test_a_write_that_fails_is_tried_again),
        TEST(test_a_server_that_is_slow),
        TEST(test_a_watch_that_lags),
        TEST(test_one_that_fails_holds_up_nobody),
        TEST(test_a_conflict),
        TEST(test_a_conflict_that_lasts),
        TEST(test_what_is_more_urgent_goes_first_but_not_for_ever),
        TEST(test_an_object_that_is_refused_is_told_of_once),
        TEST(test_after_a_restart_of_the_server_nothing_is_written_again),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
