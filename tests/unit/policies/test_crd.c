/* The CustomResourceDefinitions and the reference that are checked in are what the tables say, and
 * every kind of ours has one. With WEFT_GENERATED_UPDATE=1 in the environment they are generated
 * again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/codec/doc_yaml.h"
#include "lib/io/file.h"
#include "policies/crd.h"
#include "policies/reference.h"
#include "tests/unit/policies/cases.h"

enum { FILE_MAX = 1 << 20 };

static char *source_path(const char *path)
{
    const char *root = getenv("WEFT_SOURCE");
    return mem_printf("%s/%s", root ? root : ".", path);
}

static void compare(const char *path, struct buf *made)
{
    char *full = source_path(path), *want = cases_text(made), *there = NULL;
    size_t len = 0;
    if (getenv("WEFT_GENERATED_UPDATE")) {
        assert_int_equal(file_write_atomic(full, want, strlen(want), 0644), ERR_OK);
    } else {
        if (file_read(full, FILE_MAX, &there, &len))
            fail_msg("%s cannot be read", path);
        if (!slice_eq_cstr(slice_of(there, len), want))
            fail_msg("%s is not what the tables say: run this with WEFT_GENERATED_UPDATE=1", path);
        mem_free(there);
    }
    mem_free(want);
    mem_free(full);
}

static void test_files(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *k = kind_all[i];
        struct arena arena;
        struct buf made;
        assert_true((k->crd != NULL) == (strcmp(k->group, KIND_GROUP_WEFT) == 0));
        if (!k->crd)
            continue;
        arena_init(&arena, 1024);
        buf_init(&made);
        crd_write(k, &made);
        char *path = mem_printf("k8s/base/crds/%.*s", SLICE_ARG(crd_file_name(k, &arena)));
        compare(path, &made);
        mem_free(path);
        buf_dispose(&made);
        arena_dispose(&arena);
        count++;
    }
    assert_true(count >= 4);
}

static const struct doc *read_crd(const struct kind *k, struct arena *arena)
{
    struct doc_list list;
    struct doc_error error;
    struct buf made;
    buf_init(&made);
    crd_write(k, &made);
    char *text = cases_text(&made);
    assert_int_equal(doc_yaml_parse(slice_from_cstr(text), arena, &list, &error), ERR_OK);
    assert_int_equal(list.count, 1);
    mem_free(text);
    buf_dispose(&made);
    return list.items[0];
}

#define SCHEMA "spec.versions[0].schema.openAPIV3Schema.properties.spec.properties."

static struct slice text_at(const struct doc *d, const char *path)
{
    return doc_string(doc_find(d, path));
}

static int64_t int_at(const struct doc *d, const char *path)
{
    const struct doc *found = doc_find(d, path);
    assert_non_null(found);
    assert_int_equal(found->type, DOC_INT);
    return found->integer;
}

/* What kubectl and the API server make of a policy. */
static void test_traffic_policy(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 65536);
    const struct doc *d = read_crd(kind_all[KIND_TRAFFIC_POLICY], &arena);
    assert_true(slice_eq_cstr(text_at(d, "metadata.name"), "trafficpolicies.policy.weft.dev"));
    assert_true(slice_eq_cstr(text_at(d, "spec.names.shortNames[0]"), "tp"));
    assert_true(slice_eq_cstr(text_at(d, "spec.names.categories[0]"), "weft"));
    assert_non_null(doc_find(d, "spec.versions[0].subresources.status"));
    assert_int_equal(int_at(d, SCHEMA "retries.properties.attempts.maximum"), 10);
    assert_int_equal(int_at(d, SCHEMA "targetRefs.maxItems"), 16);
    assert_true(slice_eq_cstr(text_at(d, SCHEMA "targetRefs.items.required[0]"), "kind"));
    assert_true(
        slice_eq_cstr(text_at(d, SCHEMA "loadBalancing.properties.algorithm.default"), "PeakEWMA"));
    assert_true(slice_starts_with(text_at(d, SCHEMA "timeouts.properties.request.pattern"),
                                  SLICE("^([0-9]")));
    assert_true(slice_find(text_at(d, SCHEMA "timeouts.x-kubernetes-validations[0].rule"),
                           SLICE("self.backend")) > 0);
    arena_dispose(&arena);
}

/* A field that Kubernetes dropped, because it does not know it, could make a policy wider than it
 * was meant: all of them reach the checker. */
static void test_nothing_is_dropped(void **state)
{
    (void)state;
    static const char *const objects[] = {"rules.items", "rules.items.properties.from.items",
                                          "rules.items.properties.from.items.properties.source"};
    struct arena arena;
    arena_init(&arena, 65536);
    const struct doc *d = read_crd(kind_all[KIND_AUTHORIZATION_POLICY], &arena);
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        char *path = mem_printf("%s%s.x-kubernetes-preserve-unknown-fields", SCHEMA, objects[i]);
        const struct doc *kept = doc_find(d, path);
        assert_true(kept && kept->type == DOC_BOOL && kept->boolean);
        mem_free(path);
    }
    /* Refused by the checker, in its words. */
    assert_null(doc_find(d, SCHEMA "provider"));
    arena_dispose(&arena);
}

static void test_reference(void **state)
{
    (void)state;
    struct buf made;
    buf_init(&made);
    reference_write(&made);
    compare("docs/reference/kinds.md", &made);
    buf_dispose(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_traffic_policy),
        cmocka_unit_test(test_nothing_is_dropped),
        cmocka_unit_test(test_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
