/* answers.c, parcel.c, reach.c, holding.c and update_write.c: what is compiled how often, what a
 * change reaches, what a data plane could not build, and what an update says.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/answers.h"

#include "lib/base/mem.h"
#include "policies/compile/discovery.h"
#include "policies/store/policy_index.h"
#include "policies/store/policy_set_priv.h"
#include "policies/policyd/holding.h"
#include "policies/policyd/update_write.h"
#include "policies/proto/discovery.pb-c.h"
#include "tests/unit/policies/policyd/fake_fit.h"
#include "tests/unit/policies/policyd/policy_text.h"

#define SERVICE(name, ip)                                                              \
    "{apiVersion: v1, kind: Service, metadata: {namespace: a, name: " name "}, spec: " \
    "{clusterIP: " ip ", ports: [{name: http, port: 80}]}}\n---\n"
#define SLICE_OF(name, ip)                                                                        \
    "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {namespace: a, name: " name \
    "-1, labels: {kubernetes.io/service-name: " name "}}, addressType: IPv4, ports: [{name: "     \
    "http, port: 80}], endpoints: [{addresses: [" ip "]}]}\n---\n"
#define POD(name, ip)                                                              \
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: " name "}, spec: " \
    "{containers: [{name: c}]}, status: {phase: Running, podIP: " ip "}}\n---\n"

static const char before[] = SERVICE("one", "10.0.0.1") SERVICE("two", "10.0.0.2")
    SLICE_OF("one", "10.1.0.1") SLICE_OF("two", "10.1.0.2") POD("p", "10.1.0.1");
static const char after[] = SERVICE("one", "10.0.0.1") SERVICE("two", "10.0.0.2")
    SLICE_OF("one", "10.1.0.1") SLICE_OF("two", "10.1.0.3") POD("p", "10.1.0.1");

struct world {
    struct policy_set *set, *next;
    struct answers *answers;
    struct reach reach;
};

static const struct policy_set *set_of(void *owner)
{
    return ((struct world *)owner)->set;
}

static int set_up(void **state)
{
    struct world *w = mem_zalloc(sizeof *w);
    fake_fit_bad = NULL;
    fake_fit_checks = 0;
    w->set = policy_text_set(before);
    w->next = policy_text_set(after);
    w->answers = answers_create(set_of, w, SLICE("cluster.local"), SLICE(""));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    answers_destroy(w->answers);
    reach_dispose(&w->reach);
    policy_set_destroy(w->set);
    policy_set_destroy(w->next);
    mem_free(w);
    return 0;
}

static struct answer *address(struct world *w, const char *text)
{
    struct answer *a = answers_hold_address(w->answers, SLICE("a"), slice_from_cstr(text));
    answers_refresh(a);
    return a;
}

static uint64_t compiled(const struct world *w)
{
    struct answers_count n;
    answers_measure(w->answers, &n);
    return n.compiled;
}

/* The objects of that name changed, and all that is around them. */
static void change(struct world *w, enum kind_id kind, const char *name)
{
    struct slice text = slice_from_cstr(name);
    reach_reset(&w->reach);
    reach_note(&w->reach, policy_index_find(w->set, kind, SLICE("a"), text),
               policy_index_find(w->next, kind, SLICE("a"), text));
    struct policy_set *old = w->set;
    w->set = w->next;
    w->next = old;
    answers_mark(w->answers, &w->reach);
}

static void test_one_answer_for_all_who_ask(void **state)
{
    struct world *w = *state;
    struct answer *a = address(w, "10.0.0.1:80"), *b = address(w, "10.0.0.1:80");
    assert_ptr_equal(a, b);
    assert_int_equal(compiled(w), 1);
    assert_int_equal(a->count, 2);
    struct answer *other = answers_hold_address(w->answers, SLICE("b"), SLICE("10.0.0.1:80"));
    assert_ptr_not_equal(a, other);
    answers_drop(other);
    answers_drop(b);
    answers_drop(a);
}

#define NEAR                                                                                    \
    "{apiVersion: v1, kind: Service, metadata: {namespace: a, name: n}, spec: {clusterIP: "     \
    "10.0.0.9, internalTrafficPolicy: Local, ports: [{name: http, port: 80}]}}\n---\n"          \
    "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {namespace: a, name: n, " \
    "labels: {kubernetes.io/service-name: n}}, addressType: IPv4, ports: [{name: http, port: "  \
    "80}], endpoints: [{addresses: [10.9.0.1], nodeName: n1}, {addresses: [10.9.0.2], "         \
    "nodeName: n2}]}\n---\n"

/* One for each node that somebody asks from, not for each who asks; all else is for everybody. */
static void test_answers_by_node(void **state)
{
    struct world *w = *state;
    policy_set_destroy(w->set);
    w->set = policy_text_set(NEAR SERVICE("one", "10.0.0.1"));
    struct answer_at a = {0}, b = {0}, c = {0}, one = {0};
    struct slice n1 = SLICE("n1"), n2 = SLICE("n2"), none = SLICE("");
    a.general = answers_hold_address(w->answers, SLICE("a"), SLICE("10.0.0.9:80"));
    b.general = answers_hold_address(w->answers, SLICE("a"), SLICE("10.0.0.9:80"));
    c.general = answers_hold_address(w->answers, SLICE("a"), SLICE("10.0.0.9:80"));
    one.general = answers_hold_address(w->answers, SLICE("a"), SLICE("10.0.0.1:80"));
    assert_true(answers_refresh_at(&a, n1, none));
    assert_false(answers_refresh_at(&a, n1, none));
    assert_true(answers_refresh_at(&b, n1, SLICE("z1"))); /* the zone does not matter here */
    assert_true(answers_refresh_at(&c, n2, none));
    assert_ptr_equal(answer_of(&a), answer_of(&b));
    assert_ptr_not_equal(answer_of(&a), answer_of(&c));
    assert_int_equal(compiled(w), 3); /* in general, and for two nodes */
    assert_false(answers_refresh_at(&one, n1, none));
    assert_ptr_equal(answer_of(&one), one.general);
    /* A pod of which no node is known yet. */
    assert_true(answers_refresh_at(&b, none, none));
    assert_ptr_equal(answer_of(&b), b.general);
    answers_drop_at(&a);
    answers_drop_at(&b);
    answers_drop_at(&c);
    answers_drop_at(&one);
}

static void test_equal_resources_are_packed_once(void **state)
{
    struct world *w = *state;
    struct answers_count n;
    struct answer *a = address(w, "10.0.0.1:80");
    answers_measure(w->answers, &n);
    size_t bytes = n.parcel_bytes;
    struct answer *b = answers_hold_address(w->answers, SLICE("b"), SLICE("10.0.0.1:80"));
    answers_refresh(b);
    answers_measure(w->answers, &n);
    /* The destination differs by the short name of the own namespace; the cluster is the same. */
    assert_true(n.parcel_bytes < 2 * bytes);
    answers_drop(a);
    answers_drop(b);
    answers_measure(w->answers, &n);
    assert_int_equal(n.answers, 0);
    assert_int_equal(n.parcel_bytes, 0);
}

static void test_endpoints_reach_only_who_calls_them(void **state)
{
    struct world *w = *state;
    struct answer *one = address(w, "10.0.0.1:80"), *two = address(w, "10.0.0.2:80");
    uint64_t first = one->changed, names = two->names;
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    assert_false(one->is_stale);
    assert_true(two->is_stale);
    answers_refresh(two);
    assert_int_equal(one->changed, first);
    assert_int_equal(two->changed, answers_round(w->answers));
    assert_int_equal(two->names, names);
    answers_drop(one);
    answers_drop(two);
}

static void test_what_is_the_same_again_has_not_changed(void **state)
{
    struct world *w = *state;
    struct answer *one = address(w, "10.0.0.1:80");
    uint64_t first = one->changed;
    change(w, KIND_SERVICE, "two");
    assert_true(one->is_stale);
    answers_refresh(one);
    assert_int_equal(one->changed, first);
    answers_drop(one);
}

static void test_a_pod_reaches_its_own_and_its_callers(void **state)
{
    struct world *w = *state;
    struct answer *one = address(w, "10.0.0.1:80"), *two = address(w, "10.0.0.2:80");
    struct answer *direct = address(w, "10.1.0.1:8080");
    struct answer *own = answers_hold_workload(w->answers, SLICE("a"), SLICE("default"), SLICE("p"),
                                               SLICE("10.1.0.1"));
    struct answer *stranger = answers_hold_workload(w->answers, SLICE("a"), SLICE("default"),
                                                    SLICE("q"), SLICE("10.1.0.9"));
    answers_refresh(own);
    answers_refresh(stranger);
    change(w, KIND_POD, "p");
    assert_true(one->is_stale && direct->is_stale && own->is_stale);
    assert_false(two->is_stale || stranger->is_stale);
    answers_drop(one);
    answers_drop(two);
    answers_drop(direct);
    answers_drop(own);
    answers_drop(stranger);
}

static void test_kinds_reach_the_sorts_they_go_into(void **state)
{
    static const struct {
        enum kind_id kind;
        unsigned sorts;
    } cases[] = {
        {KIND_GATEWAY, REACH_GATEWAY | REACH_WORKLOAD},
        {KIND_HTTP_ROUTE, REACH_GATEWAY | REACH_ADDRESS},
        {KIND_AUTHORIZATION_POLICY, REACH_GATEWAY | REACH_WORKLOAD},
        {KIND_PEER_AUTHENTICATION, REACH_ALL},
        {KIND_MESH_CONFIG, REACH_ALL},
        {KIND_SERVICE, REACH_ALL},
    };
    struct reach_facts none = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reach r = {0};
        struct object o = {.kind = kind_all[cases[i].kind]};
        reach_note(&r, NULL, &o);
        for (unsigned sort = REACH_ADDRESS; sort <= REACH_GATEWAY; sort *= 2)
            assert_int_equal(reach_touches(&r, (enum reach_sort)sort, &none),
                             (cases[i].sorts & sort) != 0);
        reach_dispose(&r);
    }
}

/* ---- what cannot be built ---- */

static size_t refused(const struct world *w)
{
    struct answers_count n;
    answers_measure(w->answers, &n);
    return n.refused;
}

#define TWO "cluster/outbound|80||two.a.svc.cluster.local"

static const struct parcel *sent_as(const struct answer *a, const char *name)
{
    for (size_t i = 0; i < a->count; i++)
        if (slice_eq_cstr(parcel_name_text(a->parcels[i]->name), name))
            return a->parcels[i];
    fail_msg("nothing is sent as %s", name);
    return NULL;
}

static void test_each_version_is_checked_once(void **state)
{
    struct world *w = *state;
    struct answer *two = address(w, "10.0.0.2:80");
    assert_int_equal(fake_fit_checks, 2);
    struct answer *other = answers_hold_address(w->answers, SLICE("b"), SLICE("10.0.0.2:80"));
    answers_refresh(other);
    assert_int_equal(fake_fit_checks, 3); /* the cluster is the same */
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    answers_refresh(two);
    answers_refresh(other);
    assert_int_equal(fake_fit_checks, 4); /* the destinations are the same */
    answers_drop(two);
    answers_drop(other);
}

/* The last version that could be built goes on being sent, and nothing else waits for it. */
static void test_what_cannot_be_built_is_not_sent(void **state)
{
    struct world *w = *state;
    struct answer *two = address(w, "10.0.0.2:80");
    const struct parcel *good = sent_as(two, TWO);
    uint64_t first = two->changed;
    assert_null(answers_refusal(two));
    fake_fit_bad = "10.1.0.3";
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    answers_refresh(two);
    assert_ptr_equal(sent_as(two, TWO), good);
    assert_int_equal(two->changed, first);
    assert_string_equal(answers_refusal(two), TWO ": it has 10.1.0.3");
    assert_int_equal(refused(w), 1);
    unsigned checks = fake_fit_checks;
    reach_note_all(&w->reach);
    answers_mark(w->answers, &w->reach);
    answers_refresh(two); /* it is what it was */
    assert_int_equal(fake_fit_checks, checks);
    assert_ptr_equal(sent_as(two, TWO), good);
    change(w, KIND_ENDPOINT_SLICE, "two-1"); /* back again */
    answers_refresh(two);
    assert_null(answers_refusal(two));
    assert_int_equal(refused(w), 0);
    assert_int_equal(two->changed, first);
    answers_drop(two);
}

/* One question is older than the fault and has the good version, the other is not. */
static void test_the_version_that_can_be_built_is_preferred(void **state)
{
    struct world *w = *state;
    struct holding wanted = {0};
    struct answer *two = address(w, "10.0.0.2:80");
    const struct parcel *good = sent_as(two, TWO);
    fake_fit_bad = "10.1.0.3";
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    answers_refresh(two);
    struct answer *later = answers_hold_address(w->answers, SLICE("b"), SLICE("10.0.0.2:80"));
    answers_refresh(later);
    assert_ptr_not_equal(sent_as(later, TWO), good);
    holding_add_answer(&wanted, later);
    holding_add_answer(&wanted, two);
    holding_settle(&wanted);
    assert_int_equal(wanted.count, 2);
    const struct parcel *kept = wanted.items[wanted.items[0].name != good->name].parcel;
    assert_ptr_equal(kept, good);
    holding_dispose(&wanted);
    answers_drop(later);
    answers_drop(two);
}

/* A data plane closes what it cannot build; what is not there at all it would take for somebody
 * else's, and let pass. */
static void test_what_never_could_be_built_is_left_to_the_data_plane(void **state)
{
    struct world *w = *state;
    fake_fit_bad = "10.0.0.2";
    struct answer *two = address(w, "10.0.0.2:80");
    assert_int_equal(two->count, 2);
    assert_non_null(sent_as(two, TWO));
    assert_non_null(strstr(answers_refusal(two), "it has 10.0.0.2"));
    assert_int_equal(refused(w), 1);
    answers_drop(two);
    assert_int_equal(refused(w), 0);
}

/* ---- updates ---- */

struct seen {
    size_t fresh, gone;
};

static void count_new(void *owner, const struct held *wanted)
{
    ((struct seen *)owner)->fresh++;
    assert_non_null(wanted->parcel);
}

static void count_gone(void *owner, const struct held *had)
{
    ((struct seen *)owner)->gone++;
    assert_true(slice_eq_cstr(parcel_name_text(had->name), "old"));
}

static void test_what_leads_from_one_state_to_another(void **state)
{
    static const struct holding_events events = {count_new, count_gone};
    struct world *w = *state;
    struct holding had = {0}, wanted = {0};
    struct seen seen = {0};
    struct answer *one = address(w, "10.0.0.1:80");
    struct parcel_table *names = answers_parcels(w->answers);
    holding_add(&had, parcel_name_make(names, SLICE("old")), 1);
    holding_add(&had, parcel_name_ref(one->parcels[0]->name), one->parcels[0]->version);
    holding_add(&had, parcel_name_ref(one->parcels[1]->name), 7);
    holding_settle(&had);
    holding_add_answer(&wanted, one);
    holding_add_answer(&wanted, one);
    holding_settle(&wanted);
    assert_int_equal(wanted.count, 2);
    assert_true(
        wanted.digest ==
        (discovery_digest_part(parcel_name_text(one->parcels[0]->name), one->parcels[0]->version) ^
         discovery_digest_part(parcel_name_text(one->parcels[1]->name), one->parcels[1]->version)));
    assert_true(holding_has_answer(&wanted, one));
    assert_false(holding_has_answer(&had, one)); /* one of them in another version */
    assert_false(holding_has_answer(&(struct holding){0}, one));
    holding_compare(&had, &wanted, &events, &seen);
    assert_int_equal(seen.fresh, 1);
    assert_int_equal(seen.gone, 1);
    holding_dispose(&had);
    holding_dispose(&wanted);
    answers_drop(one);
}

static void test_an_update_reads_as_it_was_written(void **state)
{
    struct world *w = *state;
    struct update_write u;
    struct answer *one = address(w, "10.0.0.1:80");
    update_write_init(&u);
    update_write_serial(&u, 300);
    for (size_t i = 0; i < one->count; i++)
        update_write_resource(&u, one->parcels[i]);
    update_write_removed(&u, SLICE("cluster/gone"));
    update_write_answer(&u, SLICE("10.0.0.1:80"), one);
    update_write_digest(&u, UINT64_MAX);
    Weft__Discovery__V1__Update *m = weft__discovery__v1__update__unpack(NULL, u.len, u.data);
    assert_non_null(m);
    assert_int_equal(m->serial, 300);
    assert_true(m->digest == UINT64_MAX);
    assert_int_equal(m->n_resources, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(slice_eq_cstr(parcel_name_text(one->parcels[i]->name), m->resources[i]->name));
        assert_true(one->parcels[i]->version == m->resources[i]->version);
    }
    assert_string_equal(m->removed[0], "cluster/gone");
    assert_string_equal(m->answers[0]->address, "10.0.0.1:80");
    assert_int_equal(m->answers[0]->n_resources, 2);
    weft__discovery__v1__update__free_unpacked(m, NULL);
    update_write_dispose(&u);
    answers_drop(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_one_answer_for_all_who_ask),
        TEST(test_answers_by_node),
        TEST(test_equal_resources_are_packed_once),
        TEST(test_endpoints_reach_only_who_calls_them),
        TEST(test_what_is_the_same_again_has_not_changed),
        TEST(test_a_pod_reaches_its_own_and_its_callers),
        TEST(test_kinds_reach_the_sorts_they_go_into),
        TEST(test_each_version_is_checked_once),
        TEST(test_what_cannot_be_built_is_not_sent),
        TEST(test_the_version_that_can_be_built_is_preferred),
        TEST(test_what_never_could_be_built_is_left_to_the_data_plane),
        TEST(test_what_leads_from_one_state_to_another),
        TEST(test_an_update_reads_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
