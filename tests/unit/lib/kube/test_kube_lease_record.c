/* kube_lease_record.c: what a Lease says, whoever wrote it and however odd, and what we write.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/kube/kube_lease_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"

static char mesh[] = "mesh", leader[] = "leader", pod[] = "pod-1";
static struct kube_lease lease = {.namespace_name = mesh, .name = leader, .holder = pod};

static bool read_text(const char *json, struct kube_lease_record *r)
{
    return kube_lease_record_read(&lease, slice_from_cstr(json), r);
}

#define LEASE(version, spec) \
    "{\"metadata\":{\"resourceVersion\":\"" version "\"},\"spec\":{" spec "}}"

static void test_what_it_says(void **state)
{
    struct kube_lease_record r;
    assert_true(read_text(LEASE("7", "\"holderIdentity\":\"pod-1\",\"leaseDurationSeconds\":15,"
                                     "\"acquireTime\":\"2026-01-02T03:04:05.678000Z\","
                                     "\"leaseTransitions\":3"),
                          &r));
    assert_string_equal(r.version, "7");
    assert_string_equal(r.acquired, "2026-01-02T03:04:05.678000Z");
    assert_true(r.is_ours);
    assert_false(r.is_free);
    assert_int_equal(r.duration_ms, 15000);
    assert_int_equal(r.transitions, 3);
    assert_true(read_text(LEASE("8", "\"holderIdentity\":\"pod-10\""), &r));
    assert_false(r.is_ours || r.is_free);
    assert_true(read_text(LEASE("9", "\"holderIdentity\":\"\""), &r));
    assert_false(r.is_ours);
    assert_true(r.is_free);
    assert_true(read_text(LEASE("9", ""), &r));
    assert_true(r.is_free);
    assert_int_equal(r.duration_ms, 1000);
    assert_int_equal(r.transitions, 0);
    assert_string_equal(r.acquired, "");
}

/* What makes no sense holds as long as a lease may: nobody takes it too early. */
static void test_durations(void **state)
{
    static const struct {
        const char *json;
        uint64_t ms;
    } cases[] = {
        {LEASE("1", "\"leaseDurationSeconds\":1"), 1000},
        {LEASE("1", "\"leaseDurationSeconds\":0"), 3600000},
        {LEASE("1", "\"leaseDurationSeconds\":-5"), 3600000},
        {LEASE("1", "\"leaseDurationSeconds\":3599"), 3599000},
        {LEASE("1", "\"leaseDurationSeconds\":3600"), 3600000},
        {LEASE("1", "\"leaseDurationSeconds\":3601"), 3600000},
        {LEASE("1", "\"leaseDurationSeconds\":9223372036854775807"), 3600000},
        {LEASE("1", "\"leaseDurationSeconds\":\"15\""), 1000},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct kube_lease_record r;
        assert_true(read_text(cases[i].json, &r));
        assert_int_equal(r.duration_ms, cases[i].ms);
    }
}

static char *with_lengths(int version, int acquired)
{
    static char digits[200];
    memset(digits, '1', sizeof(digits) - 1);
    return mem_printf("{\"metadata\":{\"resourceVersion\":\"%.*s\"},\"spec\":{\"acquireTime\":"
                      "\"%.*s\"}}",
                      version, digits, acquired, digits);
}

/* A version is taken whole or not at all: half of one would write over somebody else's Lease. */
static void test_long_texts(void **state)
{
    for (int over = -1; over <= 2; over++) {
        struct kube_lease_record r;
        char *json = with_lengths(KUBE_LEASE_VERSION_MAX + over, 20);
        assert_int_equal(read_text(json, &r), over <= 0);
        assert_int_equal(strlen(r.version), over <= 0 ? KUBE_LEASE_VERSION_MAX + over : 0);
        assert_int_equal(strlen(r.acquired), 20);
        mem_free(json);
        json = with_lengths(3, KUBE_TIME_TEXT_MAX - 1 + over);
        assert_true(read_text(json, &r));
        assert_int_equal(strlen(r.acquired), over <= 0 ? KUBE_TIME_TEXT_MAX - 1 + over : 0);
        mem_free(json);
    }
}

static void test_what_is_no_lease(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "null", LEASE("", ""), "{\"metadata\":{\"resourceVersion\":5}}"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct kube_lease_record r;
        assert_false(read_text(texts[i], &r));
        assert_false(r.is_ours);
    }
}

/* ---- what we write */

struct written {
    struct arena arena;
    char *text;
    const struct doc *d;
};

static void write_lease(struct written *w, bool is_new, bool release)
{
    struct doc_error error;
    arena_init(&w->arena, 4096);
    w->text = kube_lease_record_write(&lease, is_new, release);
    assert_int_equal(doc_json_parse(slice_from_cstr(w->text), &w->arena, &w->d, &error), ERR_OK);
}

static void drop(struct written *w)
{
    arena_dispose(&w->arena);
    mem_free(w->text);
}

static void expect(const struct written *w, const char *path, const char *text)
{
    const struct doc *d = doc_find(w->d, path);
    assert_true(d || !text);
    if (text && !slice_eq_cstr(doc_string(d), text))
        fail_msg("%s: %.*s, not %s", path, SLICE_ARG(doc_string(d)), text);
    assert_true(text || !d);
}

static void expect_number(const struct written *w, const char *path, int64_t number)
{
    assert_int_equal(doc_find(w->d, path)->integer, number);
}

static bool is_now(const struct written *w, const char *path)
{
    return slice_starts_with(doc_string(doc_find(w->d, path)), SLICE("20"));
}

static void test_a_new_one(void **state)
{
    struct written w;
    lease.record = (struct kube_lease_record){0};
    lease.duration_ms = 15000;
    write_lease(&w, true, false);
    expect(&w, "kind", "Lease");
    expect(&w, "metadata.namespace", "mesh");
    expect(&w, "metadata.name", "leader");
    expect(&w, "metadata.resourceVersion", NULL);
    expect(&w, "spec.holderIdentity", "pod-1");
    expect_number(&w, "spec.leaseDurationSeconds", 15);
    expect_number(&w, "spec.leaseTransitions", 0);
    assert_true(is_now(&w, "spec.acquireTime") && is_now(&w, "spec.renewTime"));
    drop(&w);
}

#define LONG_AGO "1999-01-02T03:04:05.678000Z"

static void test_renewed_taken_and_released(void **state)
{
    struct written w;
    lease.record = (struct kube_lease_record){
        .version = "41", .acquired = LONG_AGO, .is_ours = true, .transitions = 6};
    lease.duration_ms = 14001; /* never shorter than we count on */
    write_lease(&w, false, false);
    expect(&w, "metadata.resourceVersion", "41");
    expect(&w, "spec.acquireTime", LONG_AGO);
    assert_true(is_now(&w, "spec.renewTime"));
    expect_number(&w, "spec.leaseDurationSeconds", 15);
    expect_number(&w, "spec.leaseTransitions", 6);
    drop(&w);
    lease.record.is_ours = false;
    write_lease(&w, false, false);
    expect(&w, "spec.holderIdentity", "pod-1");
    assert_true(is_now(&w, "spec.acquireTime"));
    expect_number(&w, "spec.leaseTransitions", 7);
    drop(&w);
    lease.record.is_ours = true;
    write_lease(&w, false, true);
    expect(&w, "spec.holderIdentity", "");
    expect(&w, "spec.acquireTime", LONG_AGO);
    expect_number(&w, "spec.leaseDurationSeconds", 1);
    expect_number(&w, "spec.leaseTransitions", 6);
    drop(&w);
    lease.record.acquired[0] = '\0';
    write_lease(&w, false, false);
    assert_true(is_now(&w, "spec.acquireTime"));
    drop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_it_says),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_what_is_no_lease),
        cmocka_unit_test(test_a_new_one),
        cmocka_unit_test(test_renewed_taken_and_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
