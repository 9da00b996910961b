/* certd's bundle_controller.c: the trust bundle in every namespace of an API server in memory,
 * whatever others do to it. SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/bundle_controller.h"

#include <stdio.h>
#include <string.h>

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define MAP(namespace) "/api/v1/namespaces/" namespace "/configmaps/weft-trust-bundle"

static struct loop *loop;
static struct fake_kube *kube;
static struct bundle_controller *controller;
static unsigned watched;

static void add_namespace(const char *name, const char *phase)
{
    char path[100], text[200];
    snprintf(path, sizeof path, "/api/v1/namespaces/%s", name);
    snprintf(text, sizeof text, "{metadata: {name: %s}, status: {phase: %s}}", name, phase);
    fake_kube_put(kube, path, text);
}

static void on_watched(void *owner)
{
    watched++;
}

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    add_namespace("a", "Active");
    add_namespace("b", "Active");
    watched = 0;
    controller = bundle_controller_open(loop, fake_kube_client(kube), SLICE("a"), on_watched, NULL);
    bundle_controller_set_active(controller, true);
    assert_true(loop_sim_turn(loop));
    return 0;
}

static int tear_down(void **state)
{
    bundle_controller_close(controller);
    fake_kube_close(kube);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

static void set_roots(const char *roots)
{
    bundle_controller_set(controller, slice_from_cstr(roots));
    loop_sim_advance(loop, 1000);
}

static void expect_bundle(const char *map, const char *roots)
{
    assert_string_equal(fake_kube_text(kube, map, "data[\"ca.crt\"]"), roots);
}

static void test_nothing_is_written_before_the_roots_are_known(void **state)
{
    loop_sim_advance(loop, 60000);
    assert_int_equal(fake_kube_count(kube, "PATCH", ""), 0);
}

static void test_every_namespace_has_it(void **state)
{
    set_roots("R1");
    expect_bundle(MAP("a"), "R1");
    expect_bundle(MAP("b"), "R1");
    add_namespace("c", "Active");
    loop_sim_advance(loop, 1000);
    expect_bundle(MAP("c"), "R1");
    loop_sim_advance(loop, 600000);
    assert_int_equal(fake_kube_count(kube, "PATCH", ""), 3);
}

static void test_new_roots_go_everywhere(void **state)
{
    set_roots("R1");
    set_roots("R2");
    expect_bundle(MAP("a"), "R2");
    expect_bundle(MAP("b"), "R2");
}

static void test_what_others_change_is_put_right(void **state)
{
    set_roots("R1");
    fake_kube_put(kube, MAP("a"), "{metadata: {name: weft-trust-bundle, namespace: a}, data: "
                                  "{ca.crt: theirs}}");
    fake_kube_remove(kube, MAP("b"));
    loop_sim_advance(loop, 1000);
    expect_bundle(MAP("a"), "R1");
    expect_bundle(MAP("b"), "R1");
}

static void test_a_namespace_on_its_way_out_gets_none(void **state)
{
    add_namespace("c", "Terminating");
    set_roots("R1");
    assert_null(fake_kube_get(kube, MAP("c")));
    fake_kube_put(kube, "/api/v1/namespaces/d",
                  "{metadata: {name: d, deletionTimestamp: \"2026-01-01T00:00:00Z\"}, status: "
                  "{phase: Active}}");
    loop_sim_advance(loop, 1000);
    assert_null(fake_kube_get(kube, MAP("d")));
    add_namespace("a", "Terminating");
    fake_kube_remove(kube, MAP("a"));
    loop_sim_advance(loop, 60000);
    assert_null(fake_kube_get(kube, MAP("a")));
}

/* A namespace that is gone is nobody's business any more, whatever was under way for it; and when
 * there is one of that name again it is like any other. */
static void test_a_namespace_that_goes(void **state)
{
    fake_kube_refuse(kube, "PATCH", MAP("a"), 403);
    set_roots("R1");
    assert_int_equal(bundle_controller_outdated(controller), 1);
    fake_kube_remove(kube, "/api/v1/namespaces/a");
    loop_sim_advance(loop, 1000);
    unsigned before = fake_kube_count(kube, "PATCH", MAP("a"));
    assert_true(before > 0);
    loop_sim_advance(loop, 3600000);
    assert_int_equal(fake_kube_count(kube, "PATCH", MAP("a")), before);
    assert_int_equal(bundle_controller_outdated(controller), 0);
    fake_kube_refuse(kube, "PATCH", MAP("a"), 0);
    fake_kube_hold(kube, true, false);
    set_roots("R2");
    fake_kube_remove(kube, "/api/v1/namespaces/b");
    add_namespace("a", "Active");
    loop_sim_advance(loop, 1000);
    fake_kube_hold(kube, false, false);
    loop_sim_advance(loop, 60000);
    expect_bundle(MAP("a"), "R2");
    assert_int_equal(bundle_controller_outdated(controller), 0);
}

/* The same where nobody saw it go: the list that is read anew does not have it. */
static void test_a_namespace_that_went_unseen(void **state)
{
    set_roots("R1");
    fake_kube_hold(kube, false, true);
    fake_kube_remove(kube, "/api/v1/namespaces/b");
    fake_kube_refuse(kube, "GET", "/api/v1/namespaces", 410);
    fake_kube_restart(kube);
    fake_kube_hold(kube, false, false);
    loop_sim_advance(loop, 2000);
    fake_kube_refuse(kube, "GET", "/api/v1/namespaces", 0);
    loop_sim_advance(loop, 60000);
    unsigned before = fake_kube_count(kube, "PATCH", MAP("b"));
    set_roots("R2");
    loop_sim_advance(loop, 60000);
    expect_bundle(MAP("a"), "R2");
    assert_int_equal(fake_kube_count(kube, "PATCH", MAP("b")), before);
}

/* One namespace that refuses holds up none of the others, and is tried again. */
static void test_one_that_refuses(void **state)
{
    fake_kube_refuse(kube, "PATCH", MAP("a"), 403);
    set_roots("R1");
    loop_sim_advance(loop, 60000);
    expect_bundle(MAP("b"), "R1");
    assert_null(fake_kube_get(kube, MAP("a")));
    fake_kube_refuse(kube, "PATCH", MAP("a"), 0);
    loop_sim_advance(loop, 60000);
    expect_bundle(MAP("a"), "R1");
}

static void test_after_a_restart_of_the_server_it_goes_on(void **state)
{
    set_roots("R1");
    fake_kube_restart(kube);
    fake_kube_remove(kube, MAP("a"));
    loop_sim_advance(loop, 60000);
    expect_bundle(MAP("a"), "R1");
}

static void test_only_the_leader_writes(void **state)
{
    bundle_controller_set_active(controller, false);
    set_roots("R1");
    loop_sim_advance(loop, 600000);
    assert_int_equal(fake_kube_count(kube, "PATCH", ""), 0);
    assert_int_equal(bundle_controller_outdated(controller), 2);
    bundle_controller_set_active(controller, true);
    loop_sim_advance(loop, 1000);
    expect_bundle(MAP("b"), "R1");
    assert_int_equal(bundle_controller_outdated(controller), 0);
}

/* Two replicas, of which one has not heard of the newer roots: each namespace is written once. */
static void test_replicas_that_do_not_know_the_same(void **state)
{
    set_roots("R1");
    struct bundle_controller *other =
        bundle_controller_open(loop, fake_kube_client(kube), SLICE("a"), NULL, NULL);
    bundle_controller_set(other, SLICE("R1"));
    loop_sim_advance(loop, 1000);
    unsigned before = fake_kube_count(kube, "PATCH", "");
    set_roots("R1R2");
    loop_sim_advance(loop, 60000);
    assert_int_equal(fake_kube_count(kube, "PATCH", ""), before + 2);
    expect_bundle(MAP("a"), "R1R2");
    bundle_controller_close(other);
}

static void expect_published(const char *roots, bool from_own)
{
    struct slice text;
    bool is_own;
    assert_true(bundle_controller_published(controller, &text, &is_own));
    assert_true(slice_eq_cstr(text, roots));
    assert_int_equal(is_own, from_own);
}

static void test_what_was_published_before_bears_witness(void **state)
{
    assert_int_equal(watched, 1);
    expect_published("", false);
    fake_kube_put(kube, MAP("b"), "{metadata: {name: weft-trust-bundle, namespace: b}, data: "
                                  "{ca.crt: theirs}}");
    expect_published("theirs", false);
    fake_kube_put(kube, MAP("a"), "{metadata: {name: weft-trust-bundle, namespace: a}, data: "
                                  "{ca.crt: ours}}");
    expect_published("ours", true);
}

/* Whatever the server says, for ever: the pauses grow, of each namespace by itself. */
static void test_refusals_that_last(void **state)
{
    static const unsigned statuses[] = {403, 409, 422, 429, 500, 503};
    set_roots("R0");
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char roots[10];
        snprintf(roots, sizeof roots, "R%zu", i + 1);
        fake_kube_refuse(kube, "PATCH", MAP("a"), statuses[i]);
        unsigned before = fake_kube_count(kube, "PATCH", MAP("a"));
        set_roots(roots);
        loop_sim_advance(loop, 59000);
        assert_in_range(fake_kube_count(kube, "PATCH", MAP("a")) - before, 3, 13);
        loop_sim_advance(loop, 1200000);
        before = fake_kube_count(kube, "PATCH", MAP("a"));
        loop_sim_advance(loop, 600000);
        assert_in_range(fake_kube_count(kube, "PATCH", MAP("a")) - before, 1, 5);
        expect_bundle(MAP("b"), roots);
        fake_kube_refuse(kube, "PATCH", MAP("a"), 0);
        loop_sim_advance(loop, 400000);
        expect_bundle(MAP("a"), roots);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_nothing_is_written_before_the_roots_are_known),
        TEST(test_every_namespace_has_it),
        TEST(test_new_roots_go_everywhere),
        TEST(test_what_others_change_is_put_right),
        TEST(test_a_namespace_on_its_way_out_gets_none),
        TEST(test_a_namespace_that_goes),
        TEST(test_a_namespace_that_went_unseen),
        TEST(test_one_that_refuses),
        TEST(test_after_a_restart_of_the_server_it_goes_on),
        TEST(test_only_the_leader_writes),
        TEST(test_replicas_that_do_not_know_the_same),
        TEST(test_what_was_published_before_bears_witness),
        TEST(test_refusals_that_last),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
