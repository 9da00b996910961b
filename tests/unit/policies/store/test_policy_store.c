/* policy_store.c, stored_object.c, fingerprint.c from outside: objects that come and go one at a
 * time, what counts as a change, what is refused and what is in force instead.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_yaml.h"
#include "policies/compile/compile.h"
#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/http_filter.h"
#include "policies/kinds/listener_policy.h"
#include "policies/kinds/peer_authentication.h"
#include "policies/kinds/service.h"
#include "policies/store/policy_index.h"
#include "policies/store/policy_store.h"
#include "policies/kinds/selector.h"

struct world {
    struct policy_store *store;
    unsigned born, gone, replaced;
};

static void count(void *owner, const struct object *before, const struct object *after)
{
    struct world *w = owner;
    w->born += !before && after;
    w->gone += before && !after;
    w->replaced += before && after;
}

static int set_up(void **state)
{
    struct world *w = mem_zalloc(sizeof *w);
    w->store = policy_store_create();
    policy_store_observe(w->store, count, w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    policy_store_destroy(w->store);
    mem_free(w);
    return 0;
}

/* One document of YAML. */
static bool put(struct world *w, const char *text)
{
    struct arena arena;
    struct doc_list list;
    struct doc_error error;
    arena_init(&arena, 4096);
    assert_int_equal(doc_yaml_parse(slice_from_cstr(text), &arena, &list, &error), ERR_OK);
    assert_int_equal(list.count, 1);
    const struct kind *kind = kind_find(doc_string(doc_get(list.items[0], SLICE("apiVersion"))),
                                        doc_string(doc_get(list.items[0], SLICE("kind"))));
    assert_non_null(kind);
    bool changed = policy_store_put(w->store, kind, list.items[0]);
    arena_dispose(&arena);
    return changed;
}

static const struct object *get(struct world *w, enum kind_id kind, const char *ns,
                                const char *name)
{
    return policy_index_find(policy_store_set(w->store), kind, slice_from_cstr(ns),
                             slice_from_cstr(name));
}

static const char *problem(struct world *w, enum kind_id kind, const char *ns, const char *name)
{
    const struct diag_list *d =
        policy_store_problems(w->store, kind_all[kind], slice_from_cstr(ns), slice_from_cstr(name));
    static char text[400];
    if (!d)
        return NULL;
    assert_false(list_is_empty(&d->items));
    const struct diag *first = container_of(d->items.next, struct diag, node);
    snprintf(text, sizeof text, "%.*s: %.*s", SLICE_ARG(first->path), SLICE_ARG(first->text));
    return text;
}

#define SERVICE(name, rest) \
    "{apiVersion: v1, kind: Service, metadata: {namespace: a, name: " name "}, " rest "}"
#define ROUTE(meta, spec, status)                                                           \
    "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {namespace: a, " \
    "name: r" meta "}, spec: {" spec "}" status "}"
#define PARENT "parentRefs: [{group: '', kind: Service, name: s}]"

static void test_objects_come_and_go(void **state)
{
    struct world *w = *state;
    assert_true(put(w, SERVICE("s", "spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}")));
    const struct object *o = get(w, KIND_SERVICE, "a", "s");
    assert_non_null(o);
    assert_true(slice_eq_cstr(o->text, "Service a/s"));
    assert_true(put(w, SERVICE("s", "spec: {clusterIP: 10.0.0.2, ports: [{port: 80}]}")));
    o = get(w, KIND_SERVICE, "a", "s");
    assert_true(
        slice_eq_cstr(((const struct service *)(const void *)o)->spec.cluster_ip, "10.0.0.2"));
    assert_int_equal(policy_set_count(policy_store_set(w->store)), 1);
    assert_true(policy_store_remove(w->store, kind_all[KIND_SERVICE], SLICE("a"), SLICE("s")));
    assert_false(policy_store_remove(w->store, kind_all[KIND_SERVICE], SLICE("a"), SLICE("s")));
    assert_null(get(w, KIND_SERVICE, "a", "s"));
    assert_int_equal(w->born, 1);
    assert_int_equal(w->replaced, 1);
    assert_int_equal(w->gone, 1);
}

static void test_what_nobody_reads_is_no_change(void **state)
{
    struct world *w = *state;
    assert_true(put(w, "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: p, "
                       "resourceVersion: '1', managedFields: [1]}, status: {podIP: 10.1.0.1}}"));
    uint64_t generation = policy_store_generation(w->store);
    assert_false(put(w, "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: p, "
                        "resourceVersion: '2', managedFields: [2, 3], annotations: {x: y}}, "
                        "status: {podIP: 10.1.0.1, conditions: [{type: Ready}]}}"));
    assert_int_equal(policy_store_generation(w->store), generation);
    assert_true(put(w, "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: p, "
                       "resourceVersion: '3'}, status: {podIP: 10.1.0.2}}"));
    assert_true(policy_store_generation(w->store) > generation);
}

static void test_status_changes_in_place(void **state)
{
    struct world *w = *state;
    assert_true(put(w, ROUTE(", resourceVersion: '1'", PARENT, "")));
    const struct object *before = get(w, KIND_HTTP_ROUTE, "a", "r");
    uint64_t generation = policy_store_generation(w->store);
    assert_null(before->status);
    assert_false(put(w, ROUTE(", resourceVersion: '2'", PARENT, ", status: {parents: [{x: 1}]}")));
    const struct object *after = get(w, KIND_HTTP_ROUTE, "a", "r");
    assert_ptr_equal(before, after);
    assert_int_equal(policy_store_generation(w->store), generation);
    assert_true(slice_eq_cstr(after->meta.resource_version, "2"));
    assert_int_equal(doc_find(after->status, "parents[0].x")->integer, 1);
    assert_true(put(w, ROUTE(", resourceVersion: '3', generation: 2", PARENT,
                             ", status: {parents: [{x: 1}]}")));
}

static void test_only_annotations_of_ours_are_kept(void **state)
{
    struct world *w = *state;
    put(w, "{apiVersion: v1, kind: Service, metadata: {namespace: a, name: s, annotations: {"
           "kubectl.kubernetes.io/last-applied-configuration: long, "
           "weft.dev/opaque-ports: '80'}}, spec: {}}");
    const struct object *o = get(w, KIND_SERVICE, "a", "s");
    assert_int_equal(o->meta.annotations.count, 1);
    assert_true(
        slice_eq_cstr(selector_label(&o->meta.annotations, SLICE("weft.dev/opaque-ports")), "80"));
}

static void note_refused(void *owner, const struct object *o, const struct diag_list *why)
{
    assert_true(slice_eq_cstr(o->text, "HTTPRoute a/r"));
    assert_int_equal(o->meta.generation, 7);
    assert_int_equal(why->errors, 1);
    ++*(unsigned *)owner;
}

static void test_what_is_not_valid_is_kept_out(void **state)
{
    struct world *w = *state;
    unsigned refused = 0;
    put(w, ROUTE("", PARENT, ""));
    assert_null(problem(w, KIND_HTTP_ROUTE, "a", "r"));
    assert_true(put(w, ROUTE(", generation: 7", PARENT ", rulez: []", ", status: {x: 1}")));
    assert_null(get(w, KIND_HTTP_ROUTE, "a", "r"));
    assert_string_equal(problem(w, KIND_HTTP_ROUTE, "a", "r"),
                        "spec.rulez: unknown field; did you mean \"rules\"?");
    policy_store_each_refused(w->store, note_refused, &refused);
    assert_int_equal(refused, 1);
    assert_false(put(w, ROUTE(", generation: 7", PARENT ", rulez: []", ", status: {x: 2}")));
    assert_true(put(w, ROUTE(", generation: 8", PARENT, "")));
    assert_non_null(get(w, KIND_HTTP_ROUTE, "a", "r"));
    assert_null(problem(w, KIND_HTTP_ROUTE, "a", "r"));
}

#define AUTHZ(spec)                                                                               \
    "{apiVersion: policy.weft.dev/v1alpha1, kind: AuthorizationPolicy, metadata: {namespace: a, " \
    "name: p}, spec: {" spec "}}"

static const struct authorization_policy *authz(struct world *w)
{
    return (const void *)get(w, KIND_AUTHORIZATION_POLICY, "a", "p");
}

static void test_an_unreadable_access_policy_denies(void **state)
{
    struct world *w = *state;
    assert_true(put(w, AUTHZ("action: PERHAPS")));
    assert_non_null(authz(w));
    assert_int_equal(authz(w)->spec.action, AUTHORIZATION_POLICY_DENY);
    assert_int_equal(authz(w)->spec.rules.count, 1);
    assert_null(authz(w)->spec.selector);
    assert_non_null(problem(w, KIND_AUTHORIZATION_POLICY, "a", "p"));
    assert_true(put(w, AUTHZ("action: ALLOW, rules: [{}]")));
    assert_int_equal(authz(w)->spec.action, AUTHORIZATION_POLICY_ALLOW);
    assert_null(problem(w, KIND_AUTHORIZATION_POLICY, "a", "p"));
    assert_true(put(w, AUTHZ("action: PERHAPS")));
    assert_int_equal(authz(w)->spec.action, AUTHORIZATION_POLICY_ALLOW);
    assert_non_null(problem(w, KIND_AUTHORIZATION_POLICY, "a", "p"));
    assert_true(put(w, AUTHZ("action: DENY, rules: [{}]")));
    assert_int_equal(authz(w)->spec.action, AUTHORIZATION_POLICY_DENY);
}

static void test_an_unreadable_peer_authentication_is_strict(void **state)
{
    struct world *w = *state;
    put(w, "{apiVersion: policy.weft.dev/v1alpha1, kind: PeerAuthentication, metadata: "
           "{namespace: a, name: p}, spec: {mtls: {mode: LAX}}}");
    const struct peer_authentication *p = (const void *)get(w, KIND_PEER_AUTHENTICATION, "a", "p");
    assert_non_null(p);
    assert_int_equal(p->spec.mtls.mode, PEER_AUTHENTICATION_STRICT);
}

#define FILTER_OF(spec)                                                                     \
    "{apiVersion: policy.weft.dev/v1alpha1, kind: HTTPFilter, metadata: {namespace: a, name: " \
    "f}, spec: {" spec "}}"

/* Nobody knows what it was to do, but for whom it was. */
static void test_an_unreadable_filter_is_closed_for_its_targets(void **state)
{
    struct world *w = *state;
    put(w, FILTER_OF("targetRefs: [{kind: Service, name: s}], requestSize: {maximum: 5}"));
    const struct http_filter *f = (const void *)get(w, KIND_HTTP_FILTER, "a", "f");
    assert_non_null(f);
    assert_true(f->object.is_closed);
    assert_int_equal(f->spec.targets.count, 1);
    assert_non_null(problem(w, KIND_HTTP_FILTER, "a", "f"));
    put(w, FILTER_OF("requestSize: {max: 5}"));
    f = (const void *)get(w, KIND_HTTP_FILTER, "a", "f");
    assert_false(f->object.is_closed);
    put(w, FILTER_OF("requestSize: {maximum: 6}")); /* stays as it was */
    f = (const void *)get(w, KIND_HTTP_FILTER, "a", "f");
    assert_false(f->object.is_closed);
    assert_non_null(problem(w, KIND_HTTP_FILTER, "a", "f"));
}

/* The pods of the Service answer 500 on the port, and say why, whatever narrower one is good. */
#define LISTENER_OF(spec)                                                                       \
    "{apiVersion: policy.weft.dev/v1alpha1, kind: ListenerPolicy, metadata: {namespace: a, name: " \
    "l}, spec: {targetRefs: [{kind: Gateway, name: g}], " spec "}}"

/* Only one that says whose certificates are good decides access. */
static void test_an_unreadable_listener_policy_asks_for_certificates_if_it_did(void **state)
{
    struct world *w = *state;
    put(w, LISTENER_OF("limits: {maxHeaders: 1}"));
    assert_null(get(w, KIND_LISTENER_POLICY, "a", "l"));
    put(w, LISTENER_OF("tls: {clientCertificates: {mode: Sometimes}}"));
    const struct listener_policy *l = (const void *)get(w, KIND_LISTENER_POLICY, "a", "l");
    assert_non_null(l);
    assert_true(l->object.is_closed);
    assert_int_equal(l->spec.targets.count, 1);
    assert_int_equal(l->spec.tls.clients.mode, LISTENER_TLS_REQUIRED);
    put(w, LISTENER_OF("tls: {clientCertificates: {mode: Optional}}"));
    l = (const void *)get(w, KIND_LISTENER_POLICY, "a", "l");
    assert_int_equal(l->spec.tls.clients.mode, LISTENER_TLS_OPTIONAL);
    put(w, LISTENER_OF("limits: {maxHeaders: 1}")); /* stays as it was */
    l = (const void *)get(w, KIND_LISTENER_POLICY, "a", "l");
    assert_int_equal(l->spec.tls.clients.mode, LISTENER_TLS_OPTIONAL);
}

static void test_a_closed_filter_is_compiled_as_broken(void **state)
{
    struct world *w = *state;
    put(w, SERVICE("s", "spec: {selector: {app: s}, ports: [{name: http, port: 80}]}"));
    put(w, "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: p, labels: {app: s}}, spec: "
           "{containers: [{name: c}]}, status: {podIP: 10.0.0.9}}");
    put(w, FILTER_OF("targetRefs: [{kind: Service, name: s}], requestSize: {maximum: 5}"));
    put(w, "{apiVersion: policy.weft.dev/v1alpha1, kind: HTTPFilter, metadata: {namespace: a, "
           "name: good}, spec: {targetRefs: [{kind: Service, name: s, sectionName: http}], "
           "directResponse: {}}}");
    struct compile_target target = {.namespace_name = SLICE("a"), .workload = SLICE("p")};
    Weft__Config__V1__Configuration *c =
        compile_base(policy_store_set(w->store), &target, NULL);
    const Weft__Config__V1__InboundPort *port = NULL;
    const char *broken = "";
    for (size_t i = 0; i < c->n_resources; i++) {
        if (c->resources[i]->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_INBOUND)
            port = c->resources[i]->inbound->n_ports ? c->resources[i]->inbound->ports[0] : NULL;
        if (c->resources[i]->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_FILTER &&
            *c->resources[i]->filter->broken)
            broken = c->resources[i]->filter->broken;
    }
    assert_non_null(port);
    assert_int_equal(port->n_filters, 2);
    assert_string_equal(port->filters[1], "filter/a/f/broken");
    assert_string_equal(broken, "HTTPFilter a/f cannot be read");
    compile_free(c);
}

static void test_a_clash_refuses_one_object(void **state)
{
    struct world *w = *state;
    put(w, SERVICE("one", "spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}"));
    put(w, SERVICE("two", "spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}"));
    put(w, SERVICE("three", "spec: {clusterIP: 10.0.0.3, ports: [{port: 80}]}"));
    assert_non_null(get(w, KIND_SERVICE, "a", "one"));
    assert_null(get(w, KIND_SERVICE, "a", "two"));
    assert_non_null(get(w, KIND_SERVICE, "a", "three"));
    assert_string_equal(problem(w, KIND_SERVICE, "a", "two"),
                        "spec.clusterIP: 10.0.0.1 is already the address of Service a/one");
    policy_store_remove(w->store, kind_all[KIND_SERVICE], SLICE("a"), SLICE("one"));
    assert_non_null(get(w, KIND_SERVICE, "a", "two"));
    assert_null(problem(w, KIND_SERVICE, "a", "two"));
}

static void test_a_new_list_forgets_what_is_not_on_it(void **state)
{
    struct world *w = *state;
    const struct kind *kind = kind_all[KIND_SERVICE];
    put(w, SERVICE("one", "spec: {}"));
    put(w, SERVICE("two", "spec: {}"));
    put(w, ROUTE("", PARENT, ""));
    policy_store_begin(w->store, kind);
    assert_false(put(w, SERVICE("two", "spec: {}")));
    assert_non_null(get(w, KIND_SERVICE, "a", "one"));
    assert_true(policy_store_end(w->store, kind));
    assert_null(get(w, KIND_SERVICE, "a", "one"));
    assert_non_null(get(w, KIND_SERVICE, "a", "two"));
    assert_non_null(get(w, KIND_HTTP_ROUTE, "a", "r"));
    policy_store_begin(w->store, kind);
    put(w, SERVICE("two", "spec: {}"));
    assert_false(policy_store_end(w->store, kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_objects_come_and_go),
        TEST(test_what_nobody_reads_is_no_change),
        TEST(test_status_changes_in_place),
        TEST(test_only_annotations_of_ours_are_kept),
        TEST(test_what_is_not_valid_is_kept_out),
        TEST(test_an_unreadable_access_policy_denies),
        TEST(test_an_unreadable_peer_authentication_is_strict),
        TEST(test_an_unreadable_filter_is_closed_for_its_targets),
        TEST(test_an_unreadable_listener_policy_asks_for_certificates_if_it_did),
        TEST(test_a_closed_filter_is_compiled_as_broken),
        TEST(test_a_clash_refuses_one_object),
        TEST(test_a_new_list_forgets_what_is_not_on_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
