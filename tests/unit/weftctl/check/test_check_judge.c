/* check_judge.c: objects as Kubernetes writes them, and what is read out of them.
 * Pure, as the file itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/codec/doc/doc_json.h"
#include "weftctl/check/check_priv.h"

static struct arena arena;

static const struct doc *parse(const char *json)
{
    const struct doc *d;
    struct doc_error error;
    assert_int_equal(doc_json_parse(slice_from_cstr(json), &arena, &d, &error), ERR_OK);
    return d;
}

static void expect_text(struct slice got, const char *wanted)
{
    char text[400];
    snprintf(text, sizeof(text), "%.*s", SLICE_ARG(got));
    assert_string_equal(text, wanted);
}

static void times(void **state)
{
    (void)state;
    assert_int_equal(judge_time_ms(SLICE("1970-01-01T00:00:01Z")), 1000);
    assert_int_equal(judge_time_ms(SLICE("2026-01-02T03:04:05.678000Z")), 1767323045678);
    assert_int_equal(judge_time_ms(SLICE("yesterday")), 0);
    assert_int_equal(judge_time_ms((struct slice){NULL, 0}), 0);
}

static void rollouts(void **state)
{
    static const struct {
        const char *json;
        bool is_done;
    } cases[] = {
        {"{\"metadata\":{\"generation\":2},\"spec\":{\"replicas\":1},\"status\":{"
         "\"observedGeneration\":2,\"updatedReplicas\":1,\"replicas\":1,\"availableReplicas\":1}}",
         true},
        {"{\"metadata\":{\"generation\":3},\"spec\":{\"replicas\":1},\"status\":{"
         "\"observedGeneration\":2,\"updatedReplicas\":1,\"replicas\":1,\"availableReplicas\":1}}",
         false},
        {"{\"metadata\":{\"generation\":2},\"spec\":{\"replicas\":1},\"status\":{"
         "\"observedGeneration\":2,\"updatedReplicas\":1,\"replicas\":2,\"availableReplicas\":1}}",
         false},
        {"{\"metadata\":{\"generation\":2},\"spec\":{\"replicas\":1},\"status\":{"
         "\"observedGeneration\":2,\"updatedReplicas\":1,\"replicas\":1}}",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(judge_is_rolled_out(parse(cases[i].json)), cases[i].is_done);
}

static void parts(void **state)
{
    static const struct {
        const char *part, *whole, *path; /* NULL: it is one */
    } cases[] = {
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":1,\"c\":2},\"d\":3}", NULL},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2}}", "a.b"},
        {"{\"a\":[{\"x\":true}]}", "{\"a\":[{\"x\":true,\"y\":\"by default\"}]}", NULL},
        {"{\"a\":[1]}", "{\"a\":[1,2]}", "a"},
        {"{\"a\":[1,{\"x\":\"y\"}]}", "{\"a\":[1,{\"x\":\"z\"}]}", "a[1].x"},
        {"{\"a\":1}", "{}", "a"},
        {"{\"a\":1}", "{\"a\":\"1\"}", "a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice path;
        bool is = judge_is_part(&arena, parse(cases[i].part), parse(cases[i].whole), &path);
        assert_int_equal(is, cases[i].path == NULL);
        if (!is)
            expect_text(path, cases[i].path);
    }
}

static void troubles(void **state)
{
    static const struct {
        const char *json, *why, *image;
    } cases[] = {
        {"{\"status\":{\"containerStatuses\":[{\"name\":\"app\",\"image\":\"r/x:1\",\"state\":{"
         "\"waiting\":{\"reason\":\"ImagePullBackOff\"}}}]}}",
         "container app: ImagePullBackOff, image r/x:1", "r/x:1"},
        {"{\"status\":{\"initContainerStatuses\":[{\"name\":\"weft-redirect\",\"state\":{"
         "\"waiting\":{\"reason\":\"CrashLoopBackOff\"}},\"lastState\":{\"terminated\":{"
         "\"exitCode\":2,\"reason\":\"Error\"}}}]}}",
         "container weft-redirect: CrashLoopBackOff, it ended with status 2 (Error)", ""},
        {"{\"status\":{\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"False\","
         "\"message\":\"0/1 nodes are available\"}]}}",
         "it finds no node: 0/1 nodes are available", ""},
        {"{\"status\":{\"containerStatuses\":[{\"name\":\"app\",\"state\":{\"waiting\":{"
         "\"reason\":\"ContainerCreating\"}}}]}}",
         "", ""},
        {"{\"status\":{\"containerStatuses\":[{\"name\":\"app\",\"state\":{\"running\":{}}}]}}", "",
         ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice image;
        expect_text(judge_pod_trouble(&arena, parse(cases[i].json), &image), cases[i].why);
        expect_text(image, cases[i].image);
    }
}

static void cures(void **state)
{
    static const char *const cases[][2] = {
        {"pods \"a\" is forbidden: exceeded quota: small, requested: pods=1",
         "kubectl -n web edit resourcequota small"},
        {"pods \"a\" is forbidden: failed quota: small: must specify limits.cpu for: weft-sidecar",
         "kubectl -n web edit resourcequota small"},
        {"pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": x",
         "kubectl label namespace web pod-security.kubernetes.io/enforce=privileged --overwrite "
         "# or annotate the pods weft.dev/redirect: none"},
        {"failed calling webhook \"namespace.inject.weft.dev\": connection refused",
         "weftctl install"},
        {"admission webhook \"namespace.inject.weft.dev\" denied the request: x",
         "kubectl -n web edit deployment/a"},
        {"pods \"a\" is forbidden: minimum memory usage per Container is 64Mi",
         "kubectl -n web edit limitrange"},
        {"something new", "kubectl -n web describe deployment/a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_text(judge_refusal_cure(&arena, slice_from_cstr(cases[i][0]), SLICE("web"),
                                       SLICE("deployment/a")),
                    cases[i][1]);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 8192);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_dispose(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times),    cmocka_unit_test(rollouts), cmocka_unit_test(parts),
        cmocka_unit_test(troubles), cmocka_unit_test(cures),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
