/* Tests of injecting documents: where pods are found, and what is left as it is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/inject_document.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/inject/pod_text.h"

#define POD "{spec: {containers: [{name: a}]}}"

struct seen {
    char text[600];
};

static void note(void *owner, struct slice object, const struct inject_result *result)
{
    struct seen *s = owner;
    size_t len = strlen(s->text);
    snprintf(s->text + len, sizeof(s->text) - len, "%.*s %d;", SLICE_ARG(object),
             (int)result->verdict);
}

static void check(const char *yaml, const char *seen, const char *path, const char *json)
{
    struct arena arena;
    struct seen s = {""};
    arena_init(&arena, 65536);
    const struct doc *before = pod_text_parse(&arena, yaml);
    const struct inject_files files = {&pod_text_config, SLICE("shop"), {0}};
    const struct doc *after = inject_document(&files, before, &arena, note, &s);
    assert_string_equal(s.text, seen);
    const struct doc *at = doc_find(after, path);
    assert_string_equal(at ? pod_text_json(&arena, at) : "", json);
    arena_dispose(&arena);
}

static void test_kinds(void **state)
{
    static const char *const versions[] = {"apps/v1", "apps/v1",  "apps/v1",
                                           "apps/v1", "batch/v1", "v1"};
    static const char *const kinds[] = {"Deployment", "StatefulSet", "DaemonSet",
                                        "ReplicaSet", "Job",         "ReplicationController"};
    char yaml[300], seen[100];
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        snprintf(yaml, sizeof(yaml),
                 "{apiVersion: %s, kind: %s, metadata: {name: x}, spec: {template: " POD "}}",
                 versions[i], kinds[i]);
        snprintf(seen, sizeof(seen), "%s shop/x 0;", kinds[i]);
        check(yaml, seen, "spec.template.spec.initContainers[1].name", "\"weft-sidecar\"");
    }
    check("{apiVersion: batch/v1, kind: CronJob, metadata: {name: x, namespace: n}, spec: "
          "{jobTemplate: {spec: {template: " POD "}}}}",
          "CronJob n/x 0;",
          "spec.jobTemplate.spec.template.metadata.annotations"
          "[\"weft.dev/status\"]",
          "\"injected\"");
    check("{apiVersion: v1, kind: Pod, metadata: {name: x}, spec: {containers: [{name: a}]}}",
          "Pod shop/x 0;", "metadata.annotations[\"weft.dev/status\"]", "\"injected\"");
}

static void test_lists(void **state)
{
    check("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Service, metadata: {name: "
          "s}}, {apiVersion: v1, kind: List, items: [{apiVersion: apps/v1, kind: Deployment, "
          "metadata: {name: x}, spec: {template: " POD "}}]}]}",
          "Deployment shop/x 0;", "items[1].items[0].spec.template.spec.initContainers[0].name",
          "\"weft-redirect\"");
}

static void test_what_has_no_pods(void **state)
{
    check("{apiVersion: v1, kind: Service, spec: {x: 1}}", "", "spec.x", "1");
    check("{apiVersion: other/v1, kind: Deployment, spec: {template: " POD "}}", "",
          "spec.template.spec", "{\"containers\":[{\"name\":\"a\"}]}");
    check("{}", "", "spec", "");
    check("[1, 2]", "", "[0]", "1");
}

static void test_broken(void **state)
{
    check("{apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {}}",
          "Deployment shop/x 2;", "spec", "{}");
    check("{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, namespace: kube-system}, "
          "spec: {template: " POD "}}",
          "Deployment kube-system/x 1;", "spec.template.spec.initContainers", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_what_has_no_pods),
        cmocka_unit_test(test_broken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
