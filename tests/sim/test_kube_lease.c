/* lib/kube/kube_lease.c: who leads, candidates against an API server in memory: taken, renewed,
 * given back, lost to silence and to others, and closed while something is under way.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_lease.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
#define LEASE LEASES "/boss"

/* Durations of the default configuration. */
enum { RENEW_MS = 5000, GOOD_FOR_MS = 12000, DURATION_MS = 15000, STEP_MS = 50 };

struct candidate {
    struct kube_lease *lease;
    const char *name;
    bool leads;
    unsigned changes, closed;
    struct candidate *close; /* as soon as something changes */
};

static struct loop *loop;
static struct fake_kube *kube;
static struct candidate one, other;

static void on_closed(void *owner)
{
    struct candidate *c = owner;
    c->closed++;
}

static void close_lease(struct candidate *c)
{
    struct kube_lease *l = c->lease;
    c->lease = NULL;
    if (l)
        kube_lease_close(l, on_closed, c);
}

static void on_changed(void *owner, bool leads)
{
    struct candidate *c = owner;
    assert_true(c->leads != leads);
    c->leads = leads;
    c->changes++;
    if (c->close)
        close_lease(c->close);
}

static void open_lease_of(struct candidate *c, const char *name, uint32_t duration_ms,
                          uint32_t renew_ms)
{
    struct kube_lease_config config = {.namespace_name = SLICE("shop"),
                                       .name = SLICE("boss"),
                                       .holder = slice_from_cstr(name),
                                       .duration_ms = duration_ms,
                                       .renew_ms = renew_ms};
    *c = (struct candidate){.name = name};
    c->lease = kube_lease_open(fake_kube_client(kube), &config, on_changed, c);
}

static void open_lease(struct candidate *c, const char *name)
{
    open_lease_of(c, name, 0, 0);
}

static void turn(void)
{
    assert_true(loop_sim_turn(loop));
}

static void pass(uint64_t ms)
{
    for (uint64_t at = 0; at < ms; at += STEP_MS) {
        loop_sim_advance(loop, STEP_MS);
        /* Never two at once. */
        assert_false(one.lease && other.lease && kube_lease_is_held(one.lease) &&
                     kube_lease_is_held(other.lease));
    }
}

/* The milliseconds until c has been told something more. */
static uint64_t until_change(const struct candidate *c)
{
    unsigned before = c->changes;
    for (uint64_t at = 0; at <= 120000; at += STEP_MS) {
        if (c->changes != before)
            return at;
        pass(STEP_MS);
    }
    fail_msg("%s: nothing changed", c->name);
    return 0;
}

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    one = other = (struct candidate){0};
    return 0;
}

static int tear_down(void **state)
{
    close_lease(&one);
    close_lease(&other);
    fake_kube_close(kube);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

static int64_t number(const char *inside)
{
    const struct doc *d = doc_find(fake_kube_get(kube, LEASE), inside);
    assert_non_null(d);
    assert_int_equal(d->type, DOC_INT);
    return d->integer;
}

#define assert_holder(name) \
    assert_string_equal(fake_kube_text(kube, LEASE, "spec.holderIdentity"), name)

/* ---- taken, renewed, given back */

static void test_the_first_takes_it_and_keeps_it(void **state)
{
    open_lease(&one, "a");
    assert_false(kube_lease_is_held(one.lease));
    turn();
    assert_true(one.leads && kube_lease_is_held(one.lease));
    assert_holder("a");
    assert_int_equal(number("spec.leaseDurationSeconds"), DURATION_MS / 1000);
    assert_int_equal(number("spec.leaseTransitions"), 0);
    assert_int_equal(fake_kube_count(kube, "POST", LEASES), 1);
    pass(RENEW_MS - STEP_MS);
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), 0);
    pass(STEP_MS);
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), 1);
    pass(10 * RENEW_MS);
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), 11);
    assert_int_equal(one.changes, 1);
    assert_true(kube_lease_is_held(one.lease));
    assert_int_equal(number("spec.leaseTransitions"), 0);
}

static void test_given_back_it_is_free_at_once(void **state)
{
    open_lease(&one, "a");
    turn();
    open_lease(&other, "b");
    pass(60000);
    assert_int_equal(other.changes, 0);
    assert_holder("a");

    unsigned writes = fake_kube_count(kube, "PUT", LEASE);
    close_lease(&one);
    assert_int_equal(one.closed, 0); /* never from inside */
    turn();
    assert_int_equal(one.closed, 1);
    assert_holder("");
    assert_int_equal(number("spec.leaseDurationSeconds"), 1);
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), writes + 1);
    /* What is its own wish is not told. */
    assert_int_equal(one.changes, 1);

    assert_true(until_change(&other) <= RENEW_MS / 4 * 3 / 2 + STEP_MS);
    assert_holder("b");
    assert_int_equal(number("spec.leaseTransitions"), 1);
    assert_true(kube_lease_is_held(other.lease));
    assert_int_equal(one.closed, 1);
}

static void test_who_does_not_lead_goes_without_a_word(void **state)
{
    open_lease(&one, "a");
    turn();
    open_lease(&other, "b");
    close_lease(&other); /* while it asks */
    turn();
    assert_int_equal(other.closed, 1);
    open_lease(&other, "b");
    turn();
    close_lease(&other);
    turn();
    assert_int_equal(other.closed, 1);
    assert_int_equal(other.changes, 0);
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), 0);
    assert_holder("a");
}

/* ---- lost */

static void test_without_answers_it_is_given_up_before_others_may_take_it(void **state)
{
    open_lease(&one, "a");
    turn();
    open_lease(&other, "b");
    pass(RENEW_MS);
    fake_kube_hold(kube, true, false);
    assert_int_equal(until_change(&one), GOOD_FOR_MS);
    assert_false(kube_lease_is_held(one.lease));
    assert_int_equal(other.changes, 0);
    fake_kube_hold(kube, false, false);
    pass(2 * DURATION_MS);
    assert_true(one.leads != other.leads);
}

static void test_refused_renewals_are_tried_again(void **state)
{
    open_lease(&one, "a");
    turn();
    pass(RENEW_MS);
    fake_kube_refuse(kube, "PUT", LEASES, 503);
    unsigned writes = fake_kube_count(kube, "PUT", LEASE);
    pass(RENEW_MS + RENEW_MS / 4 * 3 / 2);
    assert_true(fake_kube_count(kube, "PUT", LEASE) >= writes + 2);
    assert_true(kube_lease_is_held(one.lease));
    fake_kube_refuse(kube, "PUT", LEASES, 0);
    pass(60000);
    assert_int_equal(one.changes, 1);

    fake_kube_refuse(kube, "PUT", LEASES, 503);
    until_change(&one);
    assert_false(kube_lease_is_held(one.lease));
    fake_kube_refuse(kube, "PUT", LEASES, 0);
    until_change(&one);
    assert_true(kube_lease_is_held(one.lease));
    /* It was its own all the time. */
    assert_int_equal(number("spec.leaseTransitions"), 0);
}

static void put_foreign(const char *holder, const char *seconds)
{
    char text[400];
    snprintf(text, sizeof text,
             "apiVersion: coordination.k8s.io/v1\nkind: Lease\n"
             "metadata: {namespace: shop, name: boss}\n"
             "spec: {holderIdentity: '%s', leaseDurationSeconds: %s, leaseTransitions: 7,\n"
             "  acquireTime: '2020-01-01T00:00:00.000000Z'}\n",
             holder, seconds);
    fake_kube_put(kube, LEASE, text);
}

static void test_who_was_overruled_steps_back(void **state)
{
    open_lease(&one, "a");
    turn();
    put_foreign("x", "15");
    pass(RENEW_MS);
    assert_int_equal(one.changes, 2);
    assert_false(kube_lease_is_held(one.lease));
    assert_holder("x");
}

static void test_a_lease_that_is_not_renewed_is_taken_after_its_duration(void **state)
{
    put_foreign("x", "20");
    open_lease(&one, "a");
    turn();
    pass(20000 - STEP_MS);
    assert_int_equal(one.changes, 0);
    assert_true(until_change(&one) <= RENEW_MS / 4 * 3 / 2 + 2 * STEP_MS);
    assert_holder("a");
    assert_int_equal(number("spec.leaseTransitions"), 8);
    assert_string_not_equal(fake_kube_text(kube, LEASE, "spec.acquireTime"),
                            "2020-01-01T00:00:00.000000Z");
}

static void test_every_renewal_of_its_holder_is_waited_for(void **state)
{
    open_lease(&one, "a");
    for (int i = 0; i < 6; i++) {
        put_foreign("x", "15");
        pass(10000);
    }
    assert_int_equal(one.changes, 0);
}

static void test_one_of_our_name_is_ours_and_one_of_nobody_is_free(void **state)
{
    put_foreign("a", "15");
    open_lease(&one, "a");
    turn();
    assert_true(one.leads);
    /* After a restart under the same name the time of before stays. */
    assert_int_equal(number("spec.leaseTransitions"), 7);
    assert_string_equal(fake_kube_text(kube, LEASE, "spec.acquireTime"),
                        "2020-01-01T00:00:00.000000Z");
    put_foreign("", "15");
    open_lease(&other, "b");
    turn();
    assert_true(other.leads);
    assert_int_equal(number("spec.leaseTransitions"), 8);
}

static void test_durations_beyond_an_hour_are_an_hour(void **state)
{
    static const char *const said[] = {"3601", "0", "-5"};
    for (size_t i = 0; i < 3; i++) {
        put_foreign("x", said[i]);
        open_lease_of(&one, "a", 240000, 0); /* asks every 20 to 30 s */
        turn();
        pass(3600000 - STEP_MS);
        assert_int_equal(one.changes, 0);
        assert_true(until_change(&one) <= 30000 + STEP_MS);
        close_lease(&one);
        turn();
    }
    put_foreign("x", "1");
    open_lease(&one, "a");
    turn();
    assert_int_equal(one.changes, 0);
    assert_true(until_change(&one) <= RENEW_MS / 4 * 3 / 2 + STEP_MS);
}

/* A renewal comes at least twice in a duration, and a duration is at least a second. */
static void test_durations_of_our_own(void **state)
{
    static const struct {
        uint32_t duration_ms, renew_ms, seconds, first_ms;
    } cases[] = {
        {30000, 2000, 30, 2000}, {30000, 15000, 30, 15000}, {30000, 15001, 30, 15000},
        {30000, 0, 30, 10000},   {1001, 0, 2, 333},         {999, 900, 1, 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_lease_of(&one, "a", cases[i].duration_ms, cases[i].renew_ms);
        turn();
        assert_true(one.leads);
        assert_int_equal(number("spec.leaseDurationSeconds"), cases[i].seconds);
        unsigned writes = fake_kube_count(kube, "PUT", LEASE);
        loop_sim_advance(loop, cases[i].first_ms - 10);
        assert_int_equal(fake_kube_count(kube, "PUT", LEASE), writes);
        loop_sim_advance(loop, 20);
        assert_int_equal(fake_kube_count(kube, "PUT", LEASE), writes + 1);
        close_lease(&one);
        turn();
        fake_kube_remove(kube, LEASE);
    }
}

static void test_a_lease_that_was_deleted_is_made_again(void **state)
{
    open_lease(&one, "a");
    turn();
    fake_kube_remove(kube, LEASE);
    pass(RENEW_MS);
    assert_int_equal(fake_kube_count(kube, "POST", LEASES), 2);
    assert_int_equal(one.changes, 1);
    assert_holder("a");
    assert_true(kube_lease_is_held(one.lease));
}

static void test_made_again_after_others_had_it_it_begins_anew(void **state)
{
    put_foreign("x", "15");
    open_lease(&one, "a");
    pass(RENEW_MS);
    assert_int_equal(one.changes, 0);
    fake_kube_remove(kube, LEASE);
    until_change(&one);
    assert_int_equal(number("spec.leaseTransitions"), 0);
    assert_string_not_equal(fake_kube_text(kube, LEASE, "spec.acquireTime"),
                            "2020-01-01T00:00:00.000000Z");
}

static void test_a_server_without_leases_is_asked_again(void **state)
{
    fake_kube_refuse(kube, "GET", LEASES, 500);
    open_lease(&one, "a");
    turn();
    assert_int_equal(fake_kube_count(kube, "POST", LEASES), 0);
    pass(RENEW_MS);
    assert_true(fake_kube_count(kube, "GET", LEASE) >= 2);
    fake_kube_refuse(kube, "GET", LEASES, 0);
    fake_kube_refuse(kube, "POST", LEASES, 404); /* no such namespace */
    pass(10 * RENEW_MS);
    /* Now and then: neither given up nor at once. */
    assert_in_range(fake_kube_count(kube, "POST", LEASES), 2, 12);
    fake_kube_refuse(kube, "POST", LEASES, 0);
    until_change(&one);
    assert_true(one.leads);
}

/* ---- closed while something is under way */

static void test_closed_while_it_is_being_taken_it_is_given_back(void **state)
{
    fake_kube_hold(kube, true, false);
    open_lease(&one, "a");
    turn();
    close_lease(&one);
    turn();
    assert_int_equal(one.closed, 0);
    fake_kube_hold(kube, false, false);
    turn();
    assert_int_equal(one.closed, 1);
    assert_int_equal(one.changes, 0);
    assert_holder("");
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), 1);
}

static void test_closed_while_it_is_refused_there_is_nothing_to_give_back(void **state)
{
    fake_kube_hold(kube, true, false);
    open_lease(&one, "a");
    turn();
    close_lease(&one);
    fake_kube_refuse(kube, "POST", LEASES, 403);
    fake_kube_hold(kube, false, false);
    turn();
    assert_int_equal(one.closed, 1);
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), 0);
    pass(60000);
    assert_int_equal(one.closed, 1);
}

static void test_a_release_that_is_refused_is_the_end_as_well(void **state)
{
    open_lease(&one, "a");
    turn();
    fake_kube_refuse(kube, "PUT", LEASES, 503);
    close_lease(&one);
    turn();
    assert_int_equal(one.closed, 1);
    pass(60000);
    assert_int_equal(fake_kube_count(kube, "PUT", LEASE), 1);
    assert_int_equal(one.closed, 1);
}

static void test_closed_by_whom_it_tells(void **state)
{
    open_lease(&one, "a");
    one.close = &one;
    turn();
    assert_int_equal(one.closed, 1);
    assert_holder("");

    open_lease(&one, "a");
    turn();
    one.close = &one;
    put_foreign("x", "1");
    pass(RENEW_MS);
    assert_int_equal(one.changes, 2);
    assert_int_equal(one.closed, 1);
    pass(60000);
    assert_holder("x");
}

static void test_without_its_client_it_ends(void **state)
{
    fake_kube_hold(kube, true, false);
    open_lease(&one, "a");
    turn();
    close_lease(&one);
    fake_kube_close(kube);
    assert_int_equal(one.closed, 1);
    kube = fake_kube_open(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_first_takes_it_and_keeps_it),
        TEST(test_given_back_it_is_free_at_once),
        TEST(test_who_does_not_lead_goes_without_a_word),
        TEST(test_without_answers_it_is_given_up_before_others_may_take_it),
        TEST(test_refused_renewals_are_tried_again),
        TEST(test_who_was_overruled_steps_back),
        TEST(test_a_lease_that_is_not_renewed_is_taken_after_its_duration),
        TEST(test_every_renewal_of_its_holder_is_waited_for),
        TEST(test_one_of_our_name_is_ours_and_one_of_nobody_is_free),
        TEST(test_durations_beyond_an_hour_are_an_hour),
        TEST(test_durations_of_our_own),
        TEST(test_a_lease_that_was_deleted_is_made_again),
        TEST(test_made_again_after_others_had_it_it_begins_anew),
        TEST(test_a_server_without_leases_is_asked_again),
        TEST(test_closed_while_it_is_being_taken_it_is_given_back),
        TEST(test_closed_while_it_is_refused_there_is_nothing_to_give_back),
        TEST(test_a_release_that_is_refused_is_the_end_as_well),
        TEST(test_closed_by_whom_it_tells),
        TEST(test_without_its_client_it_ends),
    };
    log_threshold = LOG_ERROR;
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
