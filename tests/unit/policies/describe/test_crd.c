/* The CustomResourceDefinitions, the rights on kinds and the reference that are checked in are what
 * the tables say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_yaml.h"
#include "policies/describe/crd.h"
#include "policies/describe/reference.h"
#include "tests/unit/policies/cases.h"
#include "tests/unit/policies/generated.h"

static void test_files(void **state)
{
    (void)state;
    size_t count = 0;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *k = kind_all[i];
        struct arena arena;
        struct buf made;
        if (!kind_is_own(k))
            continue;
        arena_init(&arena, 1024);
        buf_init(&made);
        crd_write(k, &made);
        char *path = mem_printf("k8s/base/crds/%.*s", SLICE_ARG(crd_file_name(k, &arena)));
        generated_compare(path, &made);
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
    arena_dispose(&arena);
}

static void test_reference(void **state)
{
    (void)state;
    struct buf made;
    buf_init(&made);
    reference_write(&made);
    generated_compare("docs/reference/kinds.md", &made);
    buf_dispose(&made);
}

/* ---- what manifests say of kinds ---- */

#define POLICYD "k8s/base/policyd-rbac.yaml"
#define USERS "k8s/base/user-roles.yaml"
#define WEBHOOKS "k8s/base/webhooks.yaml"

typedef bool choose_fn(const struct kind *k);

static bool is_any(const struct kind *k)
{
    return k != NULL;
}

static bool has_status_of_ours(const struct kind *k)
{
    return k->status == KIND_STATUS_WRITTEN;
}

static bool is_admitted(const struct kind *k)
{
    return k->is_admitted;
}

static void say(struct buf *to, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct buf *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[256];
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_append_slice(to, slice_of(text, (size_t)len));
}

static bool is_first_of_group(size_t index, choose_fn *choose)
{
    for (size_t i = 0; i < index; i++)
        if (choose(kind_all[i]) && strcmp(kind_all[i]->group, kind_all[index]->group) == 0)
            return false;
    return choose(kind_all[index]);
}

/* A rule for each group, with the kinds of it that are chosen. */
static void say_rules(struct buf *to, choose_fn *choose, const char *suffix, const char *verbs)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (!is_first_of_group(i, choose))
            continue;
        const char *group = kind_all[i]->group;
        say(to, "  - apiGroups: [%s]\n    resources:\n", *group ? group : "\"\"");
        for (size_t j = i; j < KIND_COUNT; j++)
            if (choose(kind_all[j]) && strcmp(kind_all[j]->group, group) == 0)
                say(to, "      - %s%s\n", kind_all[j]->plural, suffix);
        say(to, "    verbs: [%s]\n", verbs);
    }
}

/* What policyd watches it may read, what it writes a status of it may write, and no more. */
static void test_rights_of_policyd(void **state)
{
    (void)state;
    struct buf made;
    buf_init(&made);
    say_rules(&made, is_any, "", "get, list, watch");
    generated_compare_part(POLICYD, "kinds that are read", &made);
    say_rules(&made, has_status_of_ours, "/status", "patch, update");
    generated_compare_part(POLICYD, "kinds with a status", &made);
    buf_dispose(&made);
}

static void test_rights_of_users(void **state)
{
    (void)state;
    struct buf made;
    buf_init(&made);
    say_rules(&made, kind_is_own, "", "create, update, patch, delete, deletecollection");
    generated_compare_part(USERS, "kinds of our own", &made);
    buf_dispose(&made);
}

static void test_webhooks(void **state)
{
    (void)state;
    struct buf made;
    buf_init(&made);
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (is_admitted(kind_all[i]))
            say(&made, "          - %s\n", kind_all[i]->plural);
    generated_compare_part(WEBHOOKS, "kinds that are admitted", &made);
    buf_dispose(&made);
}

static void test_list_of_crds(void **state)
{
    (void)state;
    struct buf made;
    buf_init(&made);
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kind_is_own(kind_all[i]))
            say(&made, "  - %s_%s.yaml\n", kind_all[i]->group, kind_all[i]->plural);
    generated_compare_part("k8s/base/crds/kustomization.yaml", "kinds of our own", &made);
    buf_dispose(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_traffic_policy),
        cmocka_unit_test(test_nothing_is_dropped),
        cmocka_unit_test(test_reference),
        cmocka_unit_test(test_rights_of_policyd),
        cmocka_unit_test(test_rights_of_users),
        cmocka_unit_test(test_webhooks),
        cmocka_unit_test(test_list_of_crds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
