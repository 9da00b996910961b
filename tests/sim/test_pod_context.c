/* The injector's pod_context.c: what an API server in memory says of namespaces, their LimitRanges
 * and the mesh, as it is and as it changes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/pod_context.h"

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define SPACES "/api/v1/namespaces/"
#define RANGE "/api/v1/namespaces/shop/limitranges/"
#define MESH "/apis/policy.weft.dev/v1alpha1/namespaces/weft-system/meshconfigs/default"

static struct loop *loop;
static struct fake_kube *kube;
static struct pod_context *context;
static struct arena arena;
static struct inject_config config;

static int set_up(void **state)
{
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    arena_init(&arena, 4096);
    fake_kube_put(kube, SPACES "shop",
                  "{metadata: {name: shop, annotations: {weft.dev/proxy-workers: \"3\", x: y}, "
                  "labels: {pod-security.kubernetes.io/enforce: baseline}}}");
    fake_kube_put(kube, SPACES "other", "{metadata: {name: other, annotations: {x: y}}}");
    fake_kube_put(kube, RANGE "one",
                  "{metadata: {name: one, namespace: shop}, spec: {limits: [{type: Container}]}}");
    context = pod_context_open(fake_kube_client(kube), SLICE("weft-system"));
    return 0;
}

static int tear_down(void **state)
{
    pod_context_close(context);
    fake_kube_close(kube);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    arena_dispose(&arena);
    return 0;
}

static const struct inject_namespace *look(const char *name)
{
    loop_sim_advance(loop, 1000);
    config = (struct inject_config){0};
    pod_context_fill(context, slice_from_cstr(name), &arena, &config);
    return config.space;
}

static struct slice workers(const struct doc *from)
{
    return doc_string(doc_get(from, SLICE("weft.dev/proxy-workers")));
}

static void test_what_is_there(void **state)
{
    assert_false(pod_context_is_known(context));
    const struct inject_namespace *shop = look("shop");
    assert_true(pod_context_is_known(context));
    assert_true(slice_eq(workers(shop->annotations), SLICE("3")));
    assert_int_equal(shop->annotations->count, 1);
    assert_int_equal(shop->labels->count, 1);
    assert_int_equal(shop->limit_range_count, 1);
    assert_non_null(doc_find(shop->limit_ranges[0], "limits[0].type"));
    assert_null(config.defaults);
    const struct inject_namespace *other = look("other");
    assert_null(other->annotations);
    assert_int_equal(other->limit_range_count, 0);
    assert_null(look("nowhere")->annotations);
}

static void test_what_changes(void **state)
{
    look("shop");
    fake_kube_put(kube, SPACES "shop",
                  "{metadata: {name: shop, annotations: {weft.dev/proxy-workers: \"4\"}}}");
    fake_kube_put(kube, RANGE "two",
                  "{metadata: {name: two, namespace: shop}, spec: {limits: []}}");
    fake_kube_put(kube, MESH, "{metadata: {name: default, namespace: weft-system}, spec: "
                              "{sidecarDefaults: {weft.dev/proxy-workers: \"5\"}}}");
    const struct inject_namespace *shop = look("shop");
    assert_true(slice_eq(workers(shop->annotations), SLICE("4")));
    assert_int_equal(shop->limit_range_count, 2);
    assert_true(slice_eq(workers(config.defaults), SLICE("5")));
    fake_kube_remove(kube, RANGE "one");
    fake_kube_remove(kube, SPACES "shop");
    fake_kube_remove(kube, MESH);
    shop = look("shop");
    assert_null(shop->annotations);
    assert_int_equal(shop->limit_range_count, 1);
    assert_null(config.defaults);
}

/* Pods are made all the same: what nobody could check is left out, the rest counts. */
static void test_defaults_that_cannot_be(void **state)
{
    fake_kube_put(kube, MESH, "{metadata: {name: default, namespace: weft-system}, spec: "
                              "{sidecarDefaults: {weft.dev/proxy-workers: \"5\", "
                              "weft.dev/proxy-log-level: loud, weft.dev/unknown: x}}}");
    look("shop");
    assert_int_equal(config.defaults->count, 1);
    assert_true(slice_eq(workers(config.defaults), SLICE("5")));
}

/* Without the right to read one kind, pods are made without it. */
static void test_what_cannot_be_read(void **state)
{
    fake_kube_refuse(kube, "GET", "/api/v1/limitranges", 403);
    fake_kube_restart(kube);
    look("shop");
    assert_true(pod_context_is_known(context));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_defaults_that_cannot_be, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
