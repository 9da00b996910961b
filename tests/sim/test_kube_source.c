/* kube_source.c: when everything is read that decides, on an API server in memory. Kinds of others
 * may be missing for good; our own may not, since what they would deny must not pass meanwhile.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/kube_source.h"

#include <stdio.h>

#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "policies/kinds/config_map.h"
#include "policies/kinds/selector.h"
#include "policies/policyd/object_store.h"
#include "policies/store/policy_index.h"
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

/* ---- Secrets and ConfigMaps ---- */

#define SECRET_PATH(name_) "/api/v1/namespaces/shop/secrets/" name_
#define MAP_PATH(name_) "/api/v1/namespaces/shop/configmaps/" name_

static void put(struct bed *b, const char *path, const char *kind, const char *name,
                const char *labels, const char *rest)
{
    char text[512];
    snprintf(text, sizeof text,
             "{apiVersion: v1, kind: %s, metadata: {name: %s, namespace: shop, labels: {%s}}, %s}",
             kind, name, labels, rest);
    fake_kube_put(b->kube, path, text);
    loop_sim_advance(b->loop, 1000);
}

static const void *kept(struct bed *b, enum kind_id kind, const char *name)
{
    return policy_index_find(object_store_set(b->store), kind, SLICE("shop"),
                             slice_from_cstr(name));
}

static void test_secrets_without_a_label_are_dropped_at_the_door(void **state)
{
    struct bed b;
    open_bed(&b, KIND_TLS_ROUTE, 0);
    assert_true(is_ready_after(&b, 1000));
    put(&b, SECRET_PATH("anybodys"), "Secret", "anybodys", "a: b", "data: {key: aHVzaA==}");
    put(&b, SECRET_PATH("ours"), "Secret", "ours", "policy.weft.dev/credential: x",
        "data: {key: aHVzaA==}");
    put(&b, SECRET_PATH("kongs"), "Secret", "kongs", "konghq.com/credential: key-auth",
        "type: kubernetes.io/basic-auth, data: {key: aHVzaA==}");
    put(&b, MAP_PATH("anybodys"), "ConfigMap", "anybodys", "", "data: {key: value}");
    put(&b, MAP_PATH("roots"), "ConfigMap", "roots", "", "data: {ca.crt: pem}");
    put(&b, MAP_PATH("ours"), "ConfigMap", "ours", "policy.weft.dev/credential: x",
        "data: {key: value}");
    assert_null(kept(&b, KIND_SECRET, "anybodys"));
    assert_non_null(kept(&b, KIND_SECRET, "ours"));
    assert_non_null(kept(&b, KIND_SECRET, "kongs"));
    assert_null(kept(&b, KIND_CONFIG_MAP, "anybodys"));
    assert_non_null(kept(&b, KIND_CONFIG_MAP, "roots"));
    const struct config_map *map = kept(&b, KIND_CONFIG_MAP, "ours");
    assert_true(slice_eq_cstr(selector_label(&map->data, SLICE("key")), "value"));
    close_bed(&b);
}

static void test_a_secret_is_forgotten_with_its_label(void **state)
{
    struct bed b;
    open_bed(&b, KIND_TLS_ROUTE, 0);
    assert_true(is_ready_after(&b, 1000));
    put(&b, SECRET_PATH("s"), "Secret", "s", "policy.weft.dev/credential: x",
        "data: {k: aHVzaA==}");
    assert_non_null(kept(&b, KIND_SECRET, "s"));
    put(&b, SECRET_PATH("s"), "Secret", "s", "", "data: {k: aHVzaA==}");
    assert_null(kept(&b, KIND_SECRET, "s"));
    close_bed(&b);
}

/* They are many, and large. */
static void test_releases_and_tokens_are_not_even_asked_for(void **state)
{
    struct bed b;
    open_bed(&b, KIND_TLS_ROUTE, 0);
    assert_true(is_ready_after(&b, 1000));
    put(&b, SECRET_PATH("h"), "Secret", "h", "policy.weft.dev/credential: x",
        "type: helm.sh/release.v1, data: {k: aHVzaA==}");
    put(&b, SECRET_PATH("t"), "Secret", "t", "policy.weft.dev/credential: x",
        "type: kubernetes.io/service-account-token, data: {k: aHVzaA==}");
    assert_null(kept(&b, KIND_SECRET, "h"));
    assert_null(kept(&b, KIND_SECRET, "t"));
    close_bed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything_is_there),
        cmocka_unit_test(test_a_kind_of_others_is_missing),
        cmocka_unit_test(test_one_of_ours_is_missing),
        cmocka_unit_test(test_a_kind_of_others_may_not_be_read),
        cmocka_unit_test(test_secrets_without_a_label_are_dropped_at_the_door),
        cmocka_unit_test(test_a_secret_is_forgotten_with_its_label),
        cmocka_unit_test(test_releases_and_tokens_are_not_even_asked_for),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
