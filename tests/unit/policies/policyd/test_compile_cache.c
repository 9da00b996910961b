/* answers.c, packed resource.c, reach.c, holding.c and update_write.c: what is compiled how often,
 * what a change reaches, what a data plane could not build, and what an update says.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/compile_cache.h"

#include "lib/base/mem.h"
#include "policies/compile/discovery.h"
#include "policies/store/policy_index.h"
#include "policies/store/policy_set_priv.h"
#include "policies/policyd/version_set.h"
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
    struct compile_cache *cache;
    struct invalidation reach;
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
    w->cache = compile_cache_create(set_of, w, SLICE("cluster.local"), SLICE(""));
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    compile_cache_destroy(w->cache);
    invalidation_dispose(&w->reach);
    policy_set_destroy(w->set);
    policy_set_destroy(w->next);
    mem_free(w);
    return 0;
}

static struct answer *address(struct world *w, const char *text)
{
    struct answer *a = compile_cache_hold_address(w->cache, SLICE("a"), slice_from_cstr(text));
    compile_cache_refresh(a);
    return a;
}

static uint64_t compiled(const struct world *w)
{
    struct answers_count n;
    compile_cache_measure(w->cache, &n);
    return n.compiled;
}

/* The objects of that name changed, and all that is around them. */
static void change(struct world *w, enum kind_id kind, const char *name)
{
    struct slice text = slice_from_cstr(name);
    invalidation_reset(&w->reach);
    invalidation_note(&w->reach, policy_index_find(w->set, kind, SLICE("a"), text),
                      policy_index_find(w->next, kind, SLICE("a"), text));
    struct policy_set *old = w->set;
    w->set = w->next;
    w->next = old;
    compile_cache_mark(w->cache, &w->reach);
}

static void test_one_answer_for_all_who_ask(void **state)
{
    struct world *w = *state;
    struct answer *a = address(w, "10.0.0.1:80"), *b = address(w, "10.0.0.1:80");
    assert_ptr_equal(a, b);
    assert_int_equal(compiled(w), 1);
    assert_int_equal(a->count, 2);
    struct answer *other = compile_cache_hold_address(w->cache, SLICE("b"), SLICE("10.0.0.1:80"));
    assert_ptr_not_equal(a, other);
    compile_cache_drop(other);
    compile_cache_drop(b);
    compile_cache_drop(a);
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
    a.general = compile_cache_hold_address(w->cache, SLICE("a"), SLICE("10.0.0.9:80"));
    b.general = compile_cache_hold_address(w->cache, SLICE("a"), SLICE("10.0.0.9:80"));
    c.general = compile_cache_hold_address(w->cache, SLICE("a"), SLICE("10.0.0.9:80"));
    one.general = compile_cache_hold_address(w->cache, SLICE("a"), SLICE("10.0.0.1:80"));
    assert_true(compile_cache_refresh_at(&a, n1, none));
    assert_false(compile_cache_refresh_at(&a, n1, none));
    assert_true(compile_cache_refresh_at(&b, n1, SLICE("z1"))); /* the zone does not matter here */
    assert_true(compile_cache_refresh_at(&c, n2, none));
    assert_ptr_equal(answer_of(&a), answer_of(&b));
    assert_ptr_not_equal(answer_of(&a), answer_of(&c));
    assert_int_equal(compiled(w), 3); /* in general, and for two nodes */
    assert_false(compile_cache_refresh_at(&one, n1, none));
    assert_ptr_equal(answer_of(&one), one.general);
    /* A pod of which no node is known yet. */
    assert_true(compile_cache_refresh_at(&b, none, none));
    assert_ptr_equal(answer_of(&b), b.general);
    compile_cache_drop_at(&a);
    compile_cache_drop_at(&b);
    compile_cache_drop_at(&c);
    compile_cache_drop_at(&one);
}

static void test_equal_resources_are_packed_once(void **state)
{
    struct world *w = *state;
    struct answers_count n;
    struct answer *a = address(w, "10.0.0.1:80");
    compile_cache_measure(w->cache, &n);
    size_t bytes = n.packed_resource_bytes;
    struct answer *b = compile_cache_hold_address(w->cache, SLICE("b"), SLICE("10.0.0.1:80"));
    compile_cache_refresh(b);
    compile_cache_measure(w->cache, &n);
    /* The destination differs by the short name of the own namespace; the cluster is the same. */
    assert_true(n.packed_resource_bytes < 2 * bytes);
    compile_cache_drop(a);
    compile_cache_drop(b);
    compile_cache_measure(w->cache, &n);
    assert_int_equal(n.answers, 0);
    assert_int_equal(n.packed_resource_bytes, 0);
}

static void test_endpoints_reach_only_who_calls_them(void **state)
{
    struct world *w = *state;
    struct answer *one = address(w, "10.0.0.1:80"), *two = address(w, "10.0.0.2:80");
    uint64_t first = one->changed, names = two->names;
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    assert_false(one->is_stale);
    assert_true(two->is_stale);
    compile_cache_refresh(two);
    assert_int_equal(one->changed, first);
    assert_int_equal(two->changed, compile_cache_round(w->cache));
    assert_int_equal(two->names, names);
    compile_cache_drop(one);
    compile_cache_drop(two);
}

static void test_what_is_the_same_again_has_not_changed(void **state)
{
    struct world *w = *state;
    struct answer *one = address(w, "10.0.0.1:80");
    uint64_t first = one->changed;
    change(w, KIND_SERVICE, "two");
    assert_true(one->is_stale);
    compile_cache_refresh(one);
    assert_int_equal(one->changed, first);
    compile_cache_drop(one);
}

static void test_a_pod_reaches_its_own_and_its_callers(void **state)
{
    struct world *w = *state;
    struct answer *one = address(w, "10.0.0.1:80"), *two = address(w, "10.0.0.2:80");
    struct answer *direct = address(w, "10.1.0.1:8080");
    struct answer *own = compile_cache_hold_workload(w->cache, SLICE("a"), SLICE("default"),
                                                     SLICE("p"), SLICE("10.1.0.1"));
    struct answer *stranger = compile_cache_hold_workload(w->cache, SLICE("a"), SLICE("default"),
                                                          SLICE("q"), SLICE("10.1.0.9"));
    compile_cache_refresh(own);
    compile_cache_refresh(stranger);
    change(w, KIND_POD, "p");
    assert_true(one->is_stale && direct->is_stale && own->is_stale);
    assert_false(two->is_stale || stranger->is_stale);
    compile_cache_drop(one);
    compile_cache_drop(two);
    compile_cache_drop(direct);
    compile_cache_drop(own);
    compile_cache_drop(stranger);
}

static void test_kinds_reach_the_sorts_they_go_into(void **state)
{
    static const struct {
        enum kind_id kind;
        unsigned sorts;
    } cases[] = {
        {KIND_GATEWAY_CLASS, INVALIDATION_GATEWAY | INVALIDATION_WORKLOAD},
        {KIND_GATEWAY, INVALIDATION_GATEWAY | INVALIDATION_WORKLOAD},
        {KIND_LISTENER_SET, INVALIDATION_GATEWAY},
        {KIND_LISTENER_POLICY, INVALIDATION_GATEWAY},
        {KIND_INGRESS, INVALIDATION_GATEWAY},
        {KIND_TLS_ROUTE, INVALIDATION_GATEWAY},
        {KIND_TCP_ROUTE, INVALIDATION_GATEWAY},
        {KIND_HTTP_ROUTE, INVALIDATION_GATEWAY | INVALIDATION_ADDRESS},
        {KIND_GRPC_ROUTE, INVALIDATION_GATEWAY | INVALIDATION_ADDRESS},
        {KIND_BACKEND_TLS_POLICY, INVALIDATION_GATEWAY | INVALIDATION_ADDRESS},
        {KIND_SECRET, INVALIDATION_ALL},
        {KIND_CONFIG_MAP, INVALIDATION_ALL},
        {KIND_AUTHORIZATION_POLICY, INVALIDATION_GATEWAY | INVALIDATION_WORKLOAD},
        {KIND_REQUEST_AUTHENTICATION, INVALIDATION_GATEWAY | INVALIDATION_WORKLOAD},
        {KIND_PEER_AUTHENTICATION, INVALIDATION_ALL},
        {KIND_TRAFFIC_POLICY, INVALIDATION_ALL},
        {KIND_REFERENCE_GRANT, INVALIDATION_ALL},
        {KIND_HTTP_FILTER, INVALIDATION_ALL},
        {KIND_NAMESPACE, INVALIDATION_ALL},
        {KIND_MESH_CONFIG, INVALIDATION_ALL},
        {KIND_SERVICE, INVALIDATION_ALL},
    };
    struct invalidation_facts none = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct invalidation r = {0};
        struct object o = {.kind = kind_all[cases[i].kind]};
        invalidation_note(&r, NULL, &o);
        for (unsigned sort = INVALIDATION_ADDRESS; sort <= INVALIDATION_GATEWAY; sort *= 2)
            assert_int_equal(invalidation_touches(&r, (enum invalidation_sort)sort, &none),
                             (cases[i].sorts & sort) != 0);
        invalidation_dispose(&r);
    }
}

/* ---- what cannot be built ---- */

static size_t refused(const struct world *w)
{
    struct answers_count n;
    compile_cache_measure(w->cache, &n);
    return n.refused;
}

#define TWO "cluster/outbound|80||two.a.svc.cluster.local"

static const struct packed_resource *sent_as(const struct answer *a, const char *name)
{
    for (size_t i = 0; i < a->count; i++)
        if (slice_eq_cstr(packed_resource_name_text(a->packed[i]->name), name))
            return a->packed[i];
    fail_msg("nothing is sent as %s", name);
    return NULL;
}

static void test_each_version_is_checked_once(void **state)
{
    struct world *w = *state;
    struct answer *two = address(w, "10.0.0.2:80");
    assert_int_equal(fake_fit_checks, 2);
    struct answer *other = compile_cache_hold_address(w->cache, SLICE("b"), SLICE("10.0.0.2:80"));
    compile_cache_refresh(other);
    assert_int_equal(fake_fit_checks, 3); /* the cluster is the same */
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    compile_cache_refresh(two);
    compile_cache_refresh(other);
    assert_int_equal(fake_fit_checks, 4); /* the destinations are the same */
    compile_cache_drop(two);
    compile_cache_drop(other);
}

/* The last version that could be built goes on being sent, and nothing else waits for it. */
static void test_what_cannot_be_built_is_not_sent(void **state)
{
    struct world *w = *state;
    struct answer *two = address(w, "10.0.0.2:80");
    const struct packed_resource *good = sent_as(two, TWO);
    uint64_t first = two->changed;
    assert_null(compile_cache_refusal(two));
    fake_fit_bad = "10.1.0.3";
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    compile_cache_refresh(two);
    assert_ptr_equal(sent_as(two, TWO), good);
    assert_int_equal(two->changed, first);
    assert_string_equal(compile_cache_refusal(two), TWO ": it has 10.1.0.3");
    assert_int_equal(refused(w), 1);
    unsigned checks = fake_fit_checks;
    invalidation_note_all(&w->reach);
    compile_cache_mark(w->cache, &w->reach);
    compile_cache_refresh(two); /* it is what it was */
    assert_int_equal(fake_fit_checks, checks);
    assert_ptr_equal(sent_as(two, TWO), good);
    change(w, KIND_ENDPOINT_SLICE, "two-1"); /* back again */
    compile_cache_refresh(two);
    assert_null(compile_cache_refusal(two));
    assert_int_equal(refused(w), 0);
    assert_int_equal(two->changed, first);
    compile_cache_drop(two);
}

/* One question is older than the fault and has the good version, the other is not. */
static void test_the_version_that_can_be_built_is_preferred(void **state)
{
    struct world *w = *state;
    struct version_set wanted = {0};
    struct answer *two = address(w, "10.0.0.2:80");
    const struct packed_resource *good = sent_as(two, TWO);
    fake_fit_bad = "10.1.0.3";
    change(w, KIND_ENDPOINT_SLICE, "two-1");
    compile_cache_refresh(two);
    struct answer *later = compile_cache_hold_address(w->cache, SLICE("b"), SLICE("10.0.0.2:80"));
    compile_cache_refresh(later);
    assert_ptr_not_equal(sent_as(later, TWO), good);
    for (int i = 0; i < 2; i++) {
        version_set_add_answer(&wanted, i ? two : later);
        version_set_add_answer(&wanted, i ? later : two);
        version_set_settle(&wanted);
        assert_int_equal(wanted.count, 2);
        bool is_second = wanted.items[0].name != good->name;
        assert_ptr_equal(wanted.items[is_second].packed, good);
        uint64_t digest = wanted.digest;
        version_set_settle(&wanted); /* changes nothing a second time */
        assert_true(wanted.digest == digest);
        version_set_dispose(&wanted);
        wanted = (struct version_set){0};
    }
    compile_cache_drop(later);
    compile_cache_drop(two);
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
    assert_non_null(strstr(compile_cache_refusal(two), "it has 10.0.0.2"));
    assert_int_equal(refused(w), 1);
    compile_cache_drop(two);
    assert_int_equal(refused(w), 0);
}

/* ---- filters ---- */

#define LIMITED(max)                                                                              \
    SERVICE("one", "10.0.0.1")                                                                    \
    "{apiVersion: policy.weft.dev/v1alpha1, kind: HTTPFilter, metadata: {namespace: a, name: "    \
    "f}, spec: {requestSize: {max: " max "}}}\n---\n"                                             \
    "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {namespace: a, name: " \
    "r}, spec: {parentRefs: [{group: '', kind: Service, name: one}], rules: [{filters: [{type: "  \
    "ExtensionRef, extensionRef: {group: policy.weft.dev, kind: HTTPFilter, name: f}}], "         \
    "backendRefs: [{name: one, port: 80}]}]}}\n---\n"

/* The routes that name it are what they were. */
static void test_a_changed_filter_is_sent_alone(void **state)
{
    static const char filter[] = "filter/a/f/requestSize", routes[] = "destination/a/one:80";
    struct world *w = *state;
    policy_set_destroy(w->set);
    policy_set_destroy(w->next);
    w->set = policy_text_set(LIMITED("5"));
    w->next = policy_text_set(LIMITED("6"));
    struct answer *one = address(w, "10.0.0.1:80");
    uint64_t limit = sent_as(one, filter)->version, rest = sent_as(one, routes)->version;
    size_t count = one->count;
    change(w, KIND_HTTP_FILTER, "f");
    compile_cache_refresh(one);
    assert_int_equal(one->count, count);
    assert_true(sent_as(one, filter)->version != limit);
    assert_true(sent_as(one, routes)->version == rest);
    compile_cache_drop(one);
}

/* ---- updates ---- */

struct seen {
    size_t fresh, gone;
};

static void count_new(void *owner, const struct held *wanted)
{
    ((struct seen *)owner)->fresh++;
    assert_non_null(wanted->packed);
}

static void count_gone(void *owner, const struct held *had)
{
    ((struct seen *)owner)->gone++;
    assert_true(slice_eq_cstr(packed_resource_name_text(had->name), "old"));
}

static void test_what_leads_from_one_state_to_another(void **state)
{
    static const struct version_set_events events = {count_new, count_gone};
    struct world *w = *state;
    struct version_set had = {0}, wanted = {0};
    struct seen seen = {0};
    struct answer *one = address(w, "10.0.0.1:80");
    struct packed_resource_table *names = compile_cache_packed(w->cache);
    version_set_add(&had, packed_resource_name_make(names, SLICE("old")), 1);
    version_set_add(&had, packed_resource_name_ref(one->packed[0]->name), one->packed[0]->version);
    version_set_add(&had, packed_resource_name_ref(one->packed[1]->name), 7);
    version_set_settle(&had);
    version_set_add_answer(&wanted, one);
    version_set_add_answer(&wanted, one);
    version_set_settle(&wanted);
    assert_int_equal(wanted.count, 2);
    assert_true(wanted.digest ==
                (discovery_digest_part(packed_resource_name_text(one->packed[0]->name),
                                       one->packed[0]->version) ^
                 discovery_digest_part(packed_resource_name_text(one->packed[1]->name),
                                       one->packed[1]->version)));
    assert_true(version_set_has_answer(&wanted, one));
    assert_false(version_set_has_answer(&had, one)); /* one of them in another version */
    assert_false(version_set_has_answer(&(struct version_set){0}, one));
    version_set_compare(&had, &wanted, &events, &seen);
    assert_int_equal(seen.fresh, 1);
    assert_int_equal(seen.gone, 1);
    version_set_dispose(&had);
    version_set_dispose(&wanted);
    compile_cache_drop(one);
}

static void test_an_update_reads_as_it_was_written(void **state)
{
    struct world *w = *state;
    struct update_write u;
    struct answer *one = address(w, "10.0.0.1:80");
    update_write_init(&u);
    update_write_serial(&u, 300);
    for (size_t i = 0; i < one->count; i++)
        update_write_resource(&u, one->packed[i]);
    update_write_removed(&u, SLICE("cluster/gone"));
    update_write_answer(&u, SLICE("10.0.0.1:80"), one);
    update_write_digest(&u, UINT64_MAX);
    Weft__Discovery__V1__Update *m = weft__discovery__v1__update__unpack(NULL, u.len, u.data);
    assert_non_null(m);
    assert_int_equal(m->serial, 300);
    assert_true(m->digest == UINT64_MAX);
    assert_int_equal(m->n_resources, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(
            slice_eq_cstr(packed_resource_name_text(one->packed[i]->name), m->resources[i]->name));
        assert_true(one->packed[i]->version == m->resources[i]->version);
    }
    assert_string_equal(m->removed[0], "cluster/gone");
    assert_string_equal(m->answers[0]->address, "10.0.0.1:80");
    assert_int_equal(m->answers[0]->n_resources, 2);
    weft__discovery__v1__update__free_unpacked(m, NULL);
    update_write_dispose(&u);
    compile_cache_drop(one);
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
        TEST(test_a_changed_filter_is_sent_alone),
        TEST(test_what_leads_from_one_state_to_another),
        TEST(test_an_update_reads_as_it_was_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
