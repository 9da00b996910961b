/* lib/kube's kube_lease.c where a Lease may not be written, for ever: how often it is tried. An API
 * server in memory. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_lease.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define LEASES "/apis/coordination.k8s.io/v1/namespaces/shop/leases"

static struct loop *loop;
static struct fake_kube *kube;
static struct kube_lease *lease;
static bool leads;

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    leads = false;
    return 0;
}

static int tear_down(void **state)
{
    kube_lease_close(lease, NULL, NULL);
    assert_true(loop_sim_turn(loop));
    fake_kube_close(kube);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

static void on_changed(void *owner, bool is_leader)
{
    leads = is_leader;
}

static void open_lease(void)
{
    static const struct kube_lease_config config = {
        .namespace_name = {"shop", 4}, .name = {"boss", 4}, .holder = {"a", 1}};
    lease = kube_lease_open(fake_kube_client(kube), &config, on_changed, NULL);
}

static unsigned writes(const char *method)
{
    return fake_kube_count(kube, method, LEASES);
}

static void test_one_that_may_not_be_made(void **state)
{
    static const unsigned statuses[] = {403, 409, 422, 429, 500, 503};
    fake_kube_refuse(kube, "POST", LEASES, 403);
    open_lease();
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        fake_kube_refuse(kube, "POST", LEASES, statuses[i]);
        loop_sim_advance(loop, 120000);
        unsigned before = writes("POST");
        loop_sim_advance(loop, 600000);
        assert_in_range(writes("POST") - before, 18, 45);
        assert_false(leads);
    }
    fake_kube_refuse(kube, "POST", LEASES, 0);
    loop_sim_advance(loop, 40000);
    assert_true(leads);
}

/* Somebody is faster each time: a conflict is asked about at once, but not for ever. */
static void test_one_that_may_not_be_renewed(void **state)
{
    open_lease();
    loop_sim_advance(loop, 1000);
    assert_true(leads);
    fake_kube_refuse(kube, "PUT", LEASES, 409);
    loop_sim_advance(loop, 120000);
    assert_false(leads);
    unsigned before = writes("PUT");
    loop_sim_advance(loop, 600000);
    assert_in_range(writes("PUT") - before, 18, 45);
    fake_kube_refuse(kube, "PUT", LEASES, 0);
    loop_sim_advance(loop, 40000);
    assert_true(leads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_one_that_may_not_be_made),
        TEST(test_one_that_may_not_be_renewed),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
