/* reach.c: which answers a change can reach, by facts. What each kind reaches is in test_answers.c.
 * Pure. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/invalidation.h"

#include <stdio.h>

#include "policies/kinds/pod.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum fact { POD, SERVICE, IP };

static void add(struct invalidation_facts *f, enum fact what, const char *space, const char *name)
{
    if (what == POD)
        invalidation_facts_pod(f, slice_from_cstr(space), slice_from_cstr(name));
    else if (what == SERVICE)
        invalidation_facts_service(f, slice_from_cstr(space), slice_from_cstr(name));
    else
        invalidation_facts_ip(f, slice_from_cstr(name));
}

/* An answer that mentions the one is reached by a change of the other. */
static bool meets(enum fact what, const char *space, const char *name, enum fact changed,
                  const char *changed_space, const char *changed_name)
{
    struct invalidation_facts mentioned = {0};
    struct invalidation r = {0};
    add(&mentioned, what, space, name);
    invalidation_facts_settle(&mentioned);
    add(&r.facts, changed, changed_space, changed_name);
    bool yes = invalidation_touches(&r, INVALIDATION_WORKLOAD, &mentioned);
    invalidation_facts_dispose(&mentioned);
    invalidation_dispose(&r);
    return yes;
}

static void test_facts_are_equal_by_sort_namespace_and_name(void **state)
{
    assert_true(meets(POD, "a", "one", POD, "a", "one"));
    assert_false(meets(POD, "a", "one", POD, "a", "two"));
    assert_false(meets(POD, "a", "one", POD, "b", "one"));
    assert_false(meets(POD, "a", "one", SERVICE, "a", "one"));
    assert_true(meets(SERVICE, "a", "one", SERVICE, "a", "one"));
    assert_false(meets(SERVICE, "a", "one", SERVICE, "b", "one"));
    assert_false(meets(SERVICE, "a", "one", SERVICE, "a", "two"));
    assert_true(meets(IP, "", "10.0.0.1", IP, "", "10.0.0.1"));
    assert_true(meets(IP, "", "10.0.0.1:80", IP, "", "10.0.0.1"));
    assert_true(meets(IP, "", "fd00::1", IP, "", "fd00:0:0::1"));
    assert_false(meets(IP, "", "10.0.0.1", IP, "", "10.0.0.2"));
}

/* An endpoint that is no pod, a slice of no Service, a pod without an address: no facts, or all of
 * them would be the same one. */
static void test_what_has_no_name_is_no_fact(void **state)
{
    for (enum fact what = POD; what <= IP; what++) {
        struct invalidation r = {0};
        add(&r.facts, what, "a", "");
        assert_int_equal(r.facts.count, 0);
        assert_true(invalidation_is_empty(&r));
        add(&r.facts, what, "a", "10.0.0.1");
        assert_int_equal(r.facts.count, 1);
        assert_false(invalidation_is_empty(&r));
        invalidation_reset(&r);
        assert_true(invalidation_is_empty(&r));
        invalidation_dispose(&r);
    }
}

/* Any one of many facts is found again; doubles are kept once; what was not said is not found. */
static void test_many_facts(void **state)
{
    char name[20];
    for (unsigned count = 0; count < 70; count++) {
        struct invalidation_facts f = {0};
        for (unsigned i = 0; i < count * 2; i++) {
            snprintf(name, sizeof name, "pod-%u", i % count);
            add(&f, POD, "a", name);
        }
        invalidation_facts_settle(&f);
        assert_int_equal(f.count, count);
        for (unsigned i = 0; i < count + 5; i++) {
            struct invalidation r = {0};
            snprintf(name, sizeof name, "pod-%u", i);
            add(&r.facts, POD, "a", name);
            assert_int_equal(invalidation_touches(&r, INVALIDATION_ADDRESS, &f), i < count);
            /* Not the first fact of a change alone. */
            add(&r.facts, POD, "a", "pod-0");
            assert_int_equal(invalidation_touches(&r, INVALIDATION_ADDRESS, &f), count > 0);
            invalidation_dispose(&r);
        }
        invalidation_facts_dispose(&f);
    }
}

static void test_sorts(void **state)
{
    struct invalidation_facts none = {0};
    struct invalidation r = {.sorts = INVALIDATION_GATEWAY};
    assert_false(invalidation_is_empty(&r));
    assert_true(invalidation_touches(&r, INVALIDATION_GATEWAY, &none));
    assert_false(invalidation_touches(&r, INVALIDATION_WORKLOAD, &none));
    assert_false(invalidation_touches(&r, INVALIDATION_ADDRESS, &none));
    invalidation_note_all(&r);
    assert_true(invalidation_touches(&r, INVALIDATION_WORKLOAD, &none));
    assert_true(invalidation_touches(&r, INVALIDATION_ADDRESS, &none));
    invalidation_reset(&r);
    assert_false(invalidation_touches(&r, INVALIDATION_GATEWAY, &none));
}

/* Before and after both count; more changes than are noted one by one reach everything. */
static void test_pods_that_change(void **state)
{
    struct pod before = {.object = {.kind = kind_find(SLICE("v1"), SLICE("Pod"))}}, after = before;
    struct invalidation_facts mentioned = {0};
    struct invalidation r = {0};
    before.object.meta.namespace_name = after.object.meta.namespace_name = SLICE("a");
    before.object.meta.name = after.object.meta.name = SLICE("one");
    before.status.ip = SLICE("10.0.0.1");
    after.status.ip = SLICE("10.0.0.2");
    invalidation_note(&r, &before.object, &after.object);
    assert_int_equal(r.sorts, 0);
    for (int i = 1; i <= 3; i++) {
        char ip[20];
        snprintf(ip, sizeof ip, "10.0.0.%d", i);
        add(&mentioned, IP, "", ip);
        assert_int_equal(invalidation_touches(&r, INVALIDATION_ADDRESS, &mentioned), i < 3);
        invalidation_facts_dispose(&mentioned);
    }
    for (int i = 1; i < 1024; i++)
        invalidation_note(&r, &before.object, &after.object);
    assert_int_equal(r.sorts, 0); /* 4096 facts */
    invalidation_note(&r, NULL, &after.object);
    assert_int_equal(r.sorts, INVALIDATION_ALL);
    assert_int_equal(r.facts.count, 0);
    invalidation_dispose(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts_are_equal_by_sort_namespace_and_name),
        cmocka_unit_test(test_what_has_no_name_is_no_fact),
        cmocka_unit_test(test_many_facts),
        cmocka_unit_test(test_sorts),
        cmocka_unit_test(test_pods_that_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
