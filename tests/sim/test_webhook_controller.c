/* The injector's webhook_controller.c: caBundle of its own webhooks in an API server in memory, and
 * of no others. SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/webhook_controller.h"

#include <stdio.h>
#include <string.h>

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define GROUP "/apis/admissionregistration.k8s.io/v1/"
#define MUTATING GROUP "mutatingwebhookconfigurations/"
#define VALIDATING GROUP "validatingwebhookconfigurations/"
#define FIRST "webhooks[0].clientConfig.caBundle"
#define SECOND "webhooks[1].clientConfig.caBundle"

static struct loop *loop;
static struct fake_kube *kube;
static struct webhook_controller *controller;

static void add(const char *kind, const char *name)
{
    char path[200], text[300];
    snprintf(path, sizeof path, "%s%s", kind, name);
    snprintf(text, sizeof text,
             "{metadata: {name: %s}, webhooks: [{name: one, clientConfig: {service: {name: i}}}, "
             "{name: two, clientConfig: {caBundle: old}}]}",
             name);
    fake_kube_put(kube, path, text);
}

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    add(MUTATING, "weft-injector");
    add(VALIDATING, "weft-injector");
    add(MUTATING, "other");
    controller = webhook_controller_open(loop, fake_kube_client(kube), SLICE("weft-injector"));
    webhook_controller_set_active(controller, true);
    loop_sim_advance(loop, 1000);
    return 0;
}

static int tear_down(void **state)
{
    webhook_controller_close(controller);
    fake_kube_close(kube);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

static void set_roots(const char *roots)
{
    webhook_controller_set(controller, slice_from_cstr(roots));
    loop_sim_advance(loop, 2000);
}

static void expect(const char *kind, const char *inside, const char *bundle)
{
    char path[200];
    snprintf(path, sizeof path, "%sweft-injector", kind);
    assert_string_equal(fake_kube_text(kube, path, inside), bundle);
}

static void test_it_waits_for_the_roots(void **state)
{
    assert_int_equal(fake_kube_count(kube, "PATCH", ""), 0);
    assert_false(webhook_controller_is_right(controller));
}

static void test_both_kinds_get_them(void **state)
{
    set_roots("abc");
    expect(MUTATING, FIRST, "YWJj");
    expect(MUTATING, SECOND, "YWJj");
    expect(VALIDATING, FIRST, "YWJj");
    assert_true(webhook_controller_is_right(controller));
    assert_string_equal(fake_kube_text(kube, MUTATING "other", SECOND), "old");
    assert_string_equal(fake_kube_text(kube, MUTATING "other", FIRST), "");
    loop_sim_advance(loop, 600000);
    assert_int_equal(fake_kube_count(kube, "PATCH", ""), 2);
}

static void test_what_others_write_is_put_right(void **state)
{
    set_roots("abc");
    add(MUTATING, "weft-injector");
    assert_false(webhook_controller_is_right(controller));
    loop_sim_advance(loop, 2000);
    expect(MUTATING, FIRST, "YWJj");
    assert_true(webhook_controller_is_right(controller));
}

static void test_new_roots(void **state)
{
    set_roots("abc");
    set_roots("xyz");
    expect(MUTATING, FIRST, "eHl6");
    expect(VALIDATING, SECOND, "eHl6");
}

static void test_a_write_that_is_refused_is_tried_again(void **state)
{
    fake_kube_refuse(kube, "PATCH", MUTATING, 403);
    set_roots("abc");
    loop_sim_advance(loop, 60000);
    expect(VALIDATING, FIRST, "YWJj");
    expect(MUTATING, FIRST, "");
    assert_false(webhook_controller_is_right(controller));
    fake_kube_refuse(kube, "PATCH", MUTATING, 0);
    loop_sim_advance(loop, 60000);
    expect(MUTATING, FIRST, "YWJj");
}

/* What is written is about the object that was looked at, and no later one. */
static void test_one_that_changes_at_the_same_time(void **state)
{
    webhook_controller_set(controller, SLICE("abc"));
    add(MUTATING, "weft-injector"); /* before the write arrives */
    loop_sim_advance(loop, 5000);
    assert_int_equal(fake_kube_count(kube, "PATCH", MUTATING), 2);
    assert_int_equal(fake_kube_count(kube, "PATCH", VALIDATING), 1);
    expect(MUTATING, SECOND, "YWJj");
}

static void test_one_that_is_not_there(void **state)
{
    set_roots("abc");
    fake_kube_remove(kube, VALIDATING "weft-injector");
    assert_false(webhook_controller_is_right(controller));
    add(VALIDATING, "weft-injector");
    loop_sim_advance(loop, 2000);
    expect(VALIDATING, FIRST, "YWJj");
    assert_true(webhook_controller_is_right(controller));
}

/* A second replica whose own mount is older than what is in force. */
static void test_only_the_leader_writes(void **state)
{
    struct webhook_controller *other =
        webhook_controller_open(loop, fake_kube_client(kube), SLICE("weft-injector"));
    webhook_controller_set(other, SLICE("abc"));
    set_roots("abc");
    unsigned before = fake_kube_count(kube, "PATCH", "");
    set_roots("abcxyz");
    loop_sim_advance(loop, 600000);
    assert_int_equal(fake_kube_count(kube, "PATCH", ""), before + 2);
    expect(MUTATING, FIRST, "YWJjeHl6");
    assert_true(webhook_controller_is_right(controller));
    assert_false(webhook_controller_is_right(other));
    webhook_controller_set_active(controller, false);
    webhook_controller_set_active(other, true);
    loop_sim_advance(loop, 2000);
    expect(MUTATING, FIRST, "YWJj");
    webhook_controller_close(other);
}

static void test_refusals_that_last(void **state)
{
    static const unsigned statuses[] = {403, 409, 422, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char roots[10];
        snprintf(roots, sizeof roots, "R%zu", i + 1);
        fake_kube_refuse(kube, "PATCH", MUTATING, statuses[i]);
        unsigned before = fake_kube_count(kube, "PATCH", MUTATING);
        set_roots(roots);
        loop_sim_advance(loop, 58000);
        assert_in_range(fake_kube_count(kube, "PATCH", MUTATING) - before, 2, 20);
        loop_sim_advance(loop, 1200000);
        before = fake_kube_count(kube, "PATCH", MUTATING);
        loop_sim_advance(loop, 600000);
        assert_in_range(fake_kube_count(kube, "PATCH", MUTATING) - before, 1, 8);
        fake_kube_refuse(kube, "PATCH", MUTATING, 0);
        loop_sim_advance(loop, 400000);
        assert_true(webhook_controller_is_right(controller));
    }
}

/* Somebody undoes every write, at once and for ever. */
static void test_somebody_who_will_not_have_it(void **state)
{
    set_roots("abc");
    unsigned before = 0;
    for (int i = 0; i < 3600; i++) {
        add(MUTATING, "weft-injector");
        loop_sim_advance(loop, 1000);
        if (i == 3000)
            before = fake_kube_count(kube, "PATCH", MUTATING);
    }
    assert_in_range(fake_kube_count(kube, "PATCH", MUTATING) - before, 8, 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_it_waits_for_the_roots),
        TEST(test_both_kinds_get_them),
        TEST(test_what_others_write_is_put_right),
        TEST(test_new_roots),
        TEST(test_a_write_that_is_refused_is_tried_again),
        TEST(test_one_that_changes_at_the_same_time),
        TEST(test_one_that_is_not_there),
        TEST(test_only_the_leader_writes),
        TEST(test_refusals_that_last),
        TEST(test_somebody_who_will_not_have_it),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
