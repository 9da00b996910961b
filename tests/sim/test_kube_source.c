/* kube_source.c: when everything is read that decides, on an API server in memory. Kinds of others
 * may be missing for good; our own may not, since what they would deny must not pass meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/kube_source.h"

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "policies/kinds/kind.h"
#include "policies/policyd/object_store.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

struct bed {
    struct loop *loop;
    struct fake_kube *kube;
    struct object_store *store;
    struct kube_source *source;
};

static void on_changed(void *owner, const struct invalidation *reach, uint64_t changed_ns)
{
}

static void on_touched(void *owner)
{
}

static void open_bed(struct bed *b, enum kind_id kind, unsigned status)
{
    *b = (struct bed){.loop = loop_sim_create(1000)};
    fake_clock_follow(b->loop);
    b->kube = fake_kube_open(b->loop);
    fake_kube_refuse(b->kube, "GET", kind_path(kind_all[kind]), status);
    struct object_store_config config = {b->loop, on_changed, on_touched, b};
    b->store = object_store_create(&config);
    b->source = kube_source_open(b->loop, fake_kube_client(b->kube), b->store);
    assert_true(loop_sim_turn(b->loop));
}

static void close_bed(struct bed *b)
{
    kube_source_close(b->source);
    fake_kube_close(b->kube);
    object_store_destroy(b->store);
    fake_clock_follow(NULL);
    loop_destroy(b->loop);
}

static bool is_ready_after(struct bed *b, uint64_t ms)
{
    loop_sim_advance(b->loop, ms);
    return object_store_is_ready(b->store);
}

static void test_everything_is_there(void **state)
{
    struct bed b;
    open_bed(&b, KIND_TLS_ROUTE, 0);
    assert_true(is_ready_after(&b, 1000));
    close_bed(&b);
}

static void test_a_kind_of_others_is_missing(void **state)
{
    struct bed b;
    open_bed(&b, KIND_TLS_ROUTE, 404);
    assert_false(is_ready_after(&b, 2500));
    assert_true(is_ready_after(&b, 10000));
    close_bed(&b);
}

static void test_one_of_ours_is_missing(void **state)
{
    struct bed b;
    open_bed(&b, KIND_AUTHORIZATION_POLICY, 404);
    assert_false(is_ready_after(&b, 300000));
    fake_kube_refuse(b.kube, "GET", kind_path(kind_all[KIND_AUTHORIZATION_POLICY]), 0);
    assert_true(is_ready_after(&b, 300000));
    close_bed(&b);
}

/* May not be read is another thing than not there. */
static void test_a_kind_of_others_may_not_be_read(void **state)
{
    struct bed b;
    open_bed(&b, KIND_TLS_ROUTE, 403);
    assert_false(is_ready_after(&b, 300000));
    close_bed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_there),
        cmocka_unit_test(test_a_kind_of_others_is_missing),
        cmocka_unit_test(test_one_of_ours_is_missing),
        cmocka_unit_test(test_a_kind_of_others_may_not_be_read),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
