/* certd's ca_controller.c: the CA in a Secret of an API server in memory: made, found, agreed upon,
 * put back, replaced in time, and left alone where somebody made it unusable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_controller.h"

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
    struct ca_controller *controller;
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

/* What the cluster trusts. */
static struct {
    bool is_known, is_own;
    char roots[4000];
} published;

static bool published_roots(void *owner, struct slice *roots, bool *is_own)
{
    *roots = slice_from_cstr(published.roots);
    *is_own = published.is_own;
    return published.is_known;
}

static void open_standby(struct replica *r)
{
    static const struct ca_controller_config config = {{"shop", 4},
                                                       "mesh.example.com",
                                                       1000 * (uint64_t)HOUR_MS,
                                                       12 * (uint64_t)HOUR_MS,
                                                       published_roots,
                                                       NULL};
    *r = (struct replica){0};
    r->controller = ca_controller_open(loop, fake_kube_client(kube), &config, on_changed, r);
}

static void open_replica(struct replica *r)
{
    open_standby(r);
    ca_controller_set_active(r->controller, true);
}

static void close_replica(struct replica *r)
{
    ca_controller_close(r->controller);
    ca_close(&r->ca);
    *r = (struct replica){0};
}

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    published.is_known = true;
    published.is_own = false;
    published.roots[0] = 0;
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

/* It is told once for each version of the Secret, however long nobody puts it right; and when
 * somebody has, it is used. */
static void test_a_secret_whose_parts_do_not_fit(void **state)
{
    char *stranger;
    open_replica(&one);
    turn();
    char *good = mem_strdup(fake_kube_text(kube, SECRET, "data[\"root.key\"]"));
    char *bad = mem_strdup(fake_kube_text(kube, SECRET, "data[\"intermediate.key\"]"));
    const char *const keys[] = {bad, good};
    for (int i = 0; i < 2; i++) {
        stranger = mem_printf("{metadata: {name: weft-ca, namespace: shop}, data: {root.pem: "
                              "\"%s\", root.key: \"%s\"}}",
                              fake_kube_text(kube, SECRET, "data[\"root.pem\"]"), keys[i]);
        fake_kube_put(kube, SECRET, stranger);
        mem_free(stranger);
        loop_sim_advance(loop, 26 * HOUR_MS);
        assert_int_equal(fake_kube_count(kube, "POST", EVENTS), 1);
    }
    assert_true(one.changes > 1);
    mem_free(good);
    mem_free(bad);
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

/* ---- who writes ---- */

static void test_only_the_leader_makes_one(void **state)
{
    open_standby(&one);
    loop_sim_advance(loop, HOUR_MS);
    assert_int_equal(fake_kube_count(kube, "POST", SECRETS), 0);
    ca_controller_set_active(one.controller, true);
    turn();
    assert_int_equal(one.changes, 1);
    open_standby(&other);
    turn();
    assert_int_equal(other.changes, 1);
    loop_sim_advance(loop, 9 * HOUR_MS);
    assert_int_equal(fake_kube_count(kube, "PATCH", SECRETS), 1);
    assert_int_equal(other.changes, 2);
}

/* What the cluster trusts is known a little later than the Secret: then it goes on at once. */
static void test_it_looks_when_it_is_told(void **state)
{
    published.is_known = false;
    open_replica(&one);
    turn();
    assert_int_equal(one.changes, 0);
    published.is_known = true;
    ca_controller_look(one.controller);
    turn();
    assert_int_equal(one.changes, 1);
}

static void test_who_has_it_in_mind_puts_it_back_for_a_leader_who_has_not(void **state)
{
    char root[4000];
    open_replica(&one);
    turn();
    snprintf(root, sizeof root, "%s", one.ca.root_pem);
    ca_controller_set_active(one.controller, false);
    snprintf(published.roots, sizeof published.roots, "%s", root);
    published.is_own = true;
    fake_kube_remove(kube, SECRET);
    open_replica(&other); /* it has just started */
    loop_sim_advance(loop, 60000);
    assert_int_equal(fake_kube_count(kube, "POST", SECRETS), 2);
    assert_string_equal(other.ca.root_pem, root);
    assert_string_equal(one.ca.root_pem, root);
}

static struct ca_controller_state state_of(const struct replica *r)
{
    struct ca_controller_state state;
    ca_controller_read(r->controller, &state);
    return state;
}

static const char *note(void)
{
    return fake_kube_text(kube, SECRET, "metadata.annotations[\"weft.dev/root-replaced\"]");
}

static void test_a_deletion_is_told(void **state)
{
    open_replica(&one);
    turn();
    fake_kube_remove(kube, SECRET);
    loop_sim_advance(loop, 60000);
    assert_int_equal(state_of(&one).restored, 1);
    assert_int_equal(fake_kube_count(kube, "POST", EVENTS), 1);
    assert_non_null(strstr(fake_kube_body(kube, "POST", EVENTS), "SecretRestored"));
    assert_string_equal(note(), "");
}

/* ---- the root is another one ---- */

/* Of another cluster, as it were: what was published, and no Secret. */
static void publish_another_root(bool is_own)
{
    open_replica(&one);
    turn();
    snprintf(published.roots, sizeof published.roots, "%s", one.ca.root_pem);
    published.is_own = is_own;
    close_replica(&one);
    fake_kube_remove(kube, SECRET);
}

static void test_a_root_that_is_lost(void **state)
{
    publish_another_root(true);
    published.is_known = false;
    open_replica(&one);
    loop_sim_advance(loop, 60000);
    assert_int_equal(one.changes, 0); /* what the cluster had is not known yet */
    published.is_known = true;
    open_replica(&other);
    loop_sim_advance(loop, 4000);
    assert_int_equal(other.changes, 0); /* somebody may have it */
    loop_sim_advance(loop, 2000);
    assert_int_equal(other.changes, 1);
    assert_string_not_equal(other.ca.root_pem, published.roots);
    assert_string_equal(note(), "lost");
    assert_true(state_of(&other).replaced_ms > 0);
    assert_non_null(strstr(fake_kube_body(kube, "POST", EVENTS), "RootReplaced"));
    /* It is one for as long as nobody took it away, also for who comes later. */
    close_replica(&one);
    open_standby(&one);
    loop_sim_advance(loop, HOUR_MS);
    assert_true(state_of(&one).replaced_ms > 0);
    assert_string_equal(note(), "lost");
}

static void test_an_alarm_that_is_acknowledged(void **state)
{
    publish_another_root(true);
    open_replica(&one);
    loop_sim_advance(loop, 10000);
    assert_string_equal(note(), "lost");
    char *text = mem_printf("{metadata: {name: weft-ca, namespace: shop}, data: {root.pem: \"%s\", "
                            "root.key: \"%s\", intermediate.pem: \"%s\", intermediate.key: \"%s\", "
                            "bundle.version: \"%s\"}}",
                            fake_kube_text(kube, SECRET, "data[\"root.pem\"]"),
                            fake_kube_text(kube, SECRET, "data[\"root.key\"]"),
                            fake_kube_text(kube, SECRET, "data[\"intermediate.pem\"]"),
                            fake_kube_text(kube, SECRET, "data[\"intermediate.key\"]"),
                            fake_kube_text(kube, SECRET, "data[\"bundle.version\"]"));
    fake_kube_put(kube, SECRET, text);
    mem_free(text);
    loop_sim_advance(loop, HOUR_MS);
    assert_int_equal(state_of(&one).replaced_ms, 0);
    assert_string_equal(note(), "");
}

/* The namespace of the control plane was deleted, and made again. */
static void test_a_mesh_that_is_installed_anew(void **state)
{
    publish_another_root(false);
    open_replica(&one);
    loop_sim_advance(loop, 1000);
    assert_int_equal(one.changes, 1);
    assert_string_equal(note(), "reinstalled");
    assert_int_equal(state_of(&one).replaced_ms, 0);
}

/* Somebody puts another root into the Secret, in one step. */
static void test_a_root_that_is_replaced(void **state)
{
    char keep[4000];
    publish_another_root(true);
    snprintf(keep, sizeof keep, "%s", published.roots);
    published.roots[0] = 0;
    open_replica(&one);
    turn();
    assert_int_equal(one.changes, 1);
    assert_string_equal(note(), "");
    close_replica(&one);
    snprintf(published.roots, sizeof published.roots, "%s", keep);
    open_replica(&one);
    turn();
    assert_int_equal(one.changes, 1); /* it is used, and said to be another */
    loop_sim_advance(loop, 1000);
    assert_string_equal(note(), "replaced");
    assert_true(state_of(&one).replaced_ms > 0);
}

static void test_refusals_that_last(void **state)
{
    static const unsigned statuses[] = {403, 409, 422, 429, 500, 503};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        fake_kube_refuse(kube, "POST", SECRETS, statuses[i]);
        open_replica(&one);
        unsigned before = fake_kube_count(kube, "POST", SECRETS);
        loop_sim_advance(loop, 60000);
        assert_in_range(fake_kube_count(kube, "POST", SECRETS) - before, 3, 13);
        loop_sim_advance(loop, 1200000);
        before = fake_kube_count(kube, "POST", SECRETS);
        loop_sim_advance(loop, 600000);
        assert_in_range(fake_kube_count(kube, "POST", SECRETS) - before, 1, 5);
        close_replica(&one);
    }
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
        TEST(test_a_secret_whose_parts_do_not_fit),
        TEST(test_the_intermediate_is_replaced_in_time),
        TEST(test_two_that_replace_it_at_the_same_time_agree),
        TEST(test_only_the_leader_makes_one),
        TEST(test_it_looks_when_it_is_told),
        TEST(test_who_has_it_in_mind_puts_it_back_for_a_leader_who_has_not),
        TEST(test_a_deletion_is_told),
        TEST(test_a_root_that_is_lost),
        TEST(test_an_alarm_that_is_acknowledged),
        TEST(test_a_mesh_that_is_installed_anew),
        TEST(test_a_root_that_is_replaced),
        TEST(test_refusals_that_last),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
