/* References in a filter's specification: what they lead to is in what is compiled and read again
 * from there, a Secret's value is shown nowhere, and one that leads nowhere closes the filter.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "filters/prepare.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_yaml.h"
#include "lib/schema/schema_ref.h"
#include "policies/compile/compile_priv.h"
#include "policies/compile/config_text.h"
#include "policies/compile/material.h"
#include "tests/unit/policies/cases.h"

/* ---- a filter with references of every kind */

struct entry {
    struct schema_ref secret;
};

struct spec {
    struct schema_list keys; /* struct entry */
    const struct schema_ref *map, *backend;
};

static const struct schema_field entry_fields[] = {
    SCHEMA_FIELD(struct entry, secret, "secretRef", INLINE, "A key.", .flags = SCHEMA_REQUIRED,
                 .object = &schema_ref_secret),
    {0},
};
static const struct schema entry_schema = {
    .name = "Entry", .size = sizeof(struct entry), .fields = entry_fields};
static const struct schema_field element = {.type = SCHEMA_INLINE, .object = &entry_schema};
static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct spec, keys, "keys", LIST, "Keys.", .element = &element),
    SCHEMA_FIELD(struct spec, map, "configMapRef", OBJECT, "Roots.",
                 .object = &schema_ref_config_map),
    SCHEMA_FIELD(struct spec, backend, "backendRef", OBJECT, "Whom to ask.",
                 .object = &schema_ref_backend),
    {0},
};
static const struct schema spec_schema = {
    .name = "Spec", .size = sizeof(struct spec), .fields = fields};
static const struct filter filter_refs = {.name = "refs", .spec = &spec_schema};

static const char objects[] =
    "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}, data: {one: aHVzaA==}, "
    "stringData: {two: hush hush}}\n---\n"
    "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: far}, stringData: {one: far "
    "hush}}\n---\n"
    "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: shop}, data: {ca.crt: "
    "roots}}\n---\n"
    "{apiVersion: v1, kind: Service, metadata: {name: b, namespace: shop}, spec: {clusterIP: "
    "10.96.0.1, ports: [{name: http, port: 80}]}}\n---\n"
    "{apiVersion: policy.weft.dev/v1alpha1, kind: HTTPFilter, metadata: {name: f, namespace: "
    "shop}, spec: {directResponse: {}}}\n";
static const char grant[] =
    "---\n{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {name: g, "
    "namespace: far}, spec: {from: [{group: policy.weft.dev, kind: HTTPFilter, namespace: shop}], "
    "to: [{group: '', kind: Secret}]}}\n";

struct world {
    struct arena arena;
    struct policy_set *set;
    PB(Configuration) out;
    struct compile c;
    const struct object *owner;
};

static void load(struct world *w, const char *text)
{
    struct diag_list diags;
    diag_list_init(&diags);
    assert_int_equal(
        policy_set_add_text(w->set, SLICE("t.yaml"), slice_from_cstr(text), &diags), ERR_OK);
    diag_list_dispose(&diags);
}

static void begin(struct world *w, bool granted)
{
    struct diag_list diags;
    *w = (struct world){.set = policy_set_create()};
    diag_list_init(&diags);
    arena_init(&w->arena, 4096);
    weft__config__v1__configuration__init(&w->out);
    load(w, objects);
    if (granted)
        load(w, grant);
    assert_int_equal(policy_set_finish(w->set, &diags), ERR_OK);
    diag_list_dispose(&diags);
    w->owner = policy_index_find(w->set, KIND_HTTP_FILTER, SLICE("shop"), SLICE("f"));
    w->c = (struct compile){.arena = &w->arena, .out = &w->out, .set = w->set,
                            .cluster_domain = SLICE("cluster.local")};
    map_init(&w->c.filters);
    map_init(&w->c.clusters);
}

static void end(struct world *w)
{
    map_dispose(&w->c.filters);
    map_dispose(&w->c.clusters);
    arena_dispose(&w->arena);
    policy_set_destroy(w->set);
}

static const struct spec *read(struct world *w, const char *yaml, unsigned errors)
{
    struct doc_list docs;
    struct doc_error error;
    struct diag_list diags;
    struct schema_run run = {.arena = &w->arena, .diags = &diags};
    struct spec *s = arena_zalloc(&w->arena, sizeof *s);
    diag_list_init(&diags);
    assert_int_equal(doc_yaml_parse(slice_from_cstr(yaml), &w->arena, &docs, &error), ERR_OK);
    schema_parse(&run, &spec_schema, docs.items[0], s);
    assert_int_equal(run.errors, errors);
    diag_list_dispose(&diags);
    return s;
}

static const PB(Filter) * compile(struct world *w, const char *yaml)
{
    const char *name = compile_chain_object(&w->c, &filter_refs, read(w, yaml, 0), w->owner);
    const PB(Filter) *f = map_get(&w->c.filters, slice_from_cstr(name));
    assert_non_null(f);
    return f;
}

#define ALL                                                                              \
    "{keys: [{secretRef: {name: s, key: one}}, {secretRef: {name: s, key: two}}], "      \
    "configMapRef: {name: m, key: ca.crt}, backendRef: {name: b, port: 80}}"

/* As a data plane reads it. */
static const struct spec *prepare(struct world *w, const PB(Filter) * f)
{
    char detail[FILTER_DETAIL_MAX];
    struct slice *secrets = arena_alloc(&w->arena, (f->n_secrets + 1) * sizeof *secrets);
    struct filter_build b = {.arena = &w->arena, .detail = detail, .secrets = secrets,
                             .secret_count = f->n_secrets};
    const void *spec;
    for (size_t i = 0; i < f->n_secrets; i++)
        secrets[i] = slice_of(f->secrets[i].data, f->secrets[i].len);
    if (filter_read(&filter_refs, slice_from_cstr(f->spec), &b, &spec))
        fail_msg("%s", detail);
    return spec;
}

static void what_they_lead_to_is_on_the_wire(void **state)
{
    struct world w;
    (void)state;
    begin(&w, false);
    const struct spec *s = prepare(&w, compile(&w, ALL));
    assert_int_equal(s->keys.count, 2);
    assert_true(slice_eq_cstr(SCHEMA_AT(s->keys, struct entry, 0)->secret.value, "hush"));
    assert_true(slice_eq_cstr(SCHEMA_AT(s->keys, struct entry, 1)->secret.value, "hush hush"));
    assert_true(slice_eq_cstr(s->map->value, "roots"));
    assert_true(slice_eq_cstr(s->backend->value, "outbound|80||b.shop.svc.cluster.local"));
    assert_non_null(map_get(&w.c.clusters, s->backend->value));
    end(&w);
}

static void a_secret_is_shown_nowhere(void **state)
{
    struct world w;
    struct buf text;
    (void)state;
    begin(&w, false);
    const PB(Filter) *f = compile(&w, ALL);
    assert_null(strstr(f->spec, "hush"));
    buf_init(&text);
    config_text_write(&w.out, &text);
    char *all = cases_text(&text);
    assert_null(strstr(all, "hush"));
    assert_non_null(strstr(all, "secrets: (not shown)"));
    mem_free(all);
    buf_dispose(&text);
    end(&w);
}

static void of_another_namespace_by_grant(void **state)
{
    static const char far[] = "{keys: [{secretRef: {name: s, namespace: far, key: one}}]}";
    struct world w;
    (void)state;
    begin(&w, false);
    assert_string_equal(compile(&w, far)->broken,
                        "keys[0].secretRef: no ReferenceGrant in far lets a HTTPFilter of shop "
                        "refer to Secret s");
    end(&w);
    begin(&w, true);
    const struct spec *s = prepare(&w, compile(&w, far));
    assert_true(slice_eq_cstr(SCHEMA_AT(s->keys, struct entry, 0)->secret.value, "far hush"));
    end(&w);
}

static void one_that_leads_nowhere_closes_the_filter(void **state)
{
    static const struct {
        const char *yaml, *why, *reason;
    } rows[] = {
        {"{keys: [{secretRef: {name: t, key: one}}]}",
         "keys[0].secretRef: there is no Secret shop/t; on a cluster, it must have the label "
         "policy.weft.dev/credential",
         "RefNotFound"},
        {"{keys: [{secretRef: {name: s, key: three}}]}",
         "keys[0].secretRef: Secret shop/s has no value of use under three", "RefNotFound"},
        {"{configMapRef: {name: n, key: ca.crt}}",
         "configMapRef: there is no ConfigMap shop/n; on a cluster, it must have the label "
         "policy.weft.dev/credential",
         "RefNotFound"},
        {"{backendRef: {name: c, port: 80}}", "backendRef: there is no Service shop/c",
         "BackendNotFound"},
        {"{backendRef: {name: b, port: 81}}",
         "backendRef: Service shop/b has no TCP port 81 in the cluster", "BackendNotFound"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        struct slice why;
        begin(&w, false);
        assert_string_equal(compile(&w, rows[i].yaml)->broken, rows[i].why);
        enum material_fault fault = material_check(w.set, w.owner, &spec_schema,
                                                   read(&w, rows[i].yaml, 0), &w.arena, &why);
        assert_string_equal(material_reason(fault), rows[i].reason);
        end(&w);
    }
}

/* What is there, users do not write. */
static void its_value_is_no_field_of_users(void **state)
{
    struct world w;
    (void)state;
    begin(&w, false);
    read(&w, "{configMapRef: {name: m, key: ca.crt, value: mine}}", 1);
    end(&w);
}

/* A specification by itself has no values: nobody compiled it. */
static void without_values_it_is_refused(void **state)
{
    struct world w;
    char detail[FILTER_DETAIL_MAX];
    const void *spec;
    (void)state;
    begin(&w, false);
    struct filter_build b = {.arena = &w.arena, .detail = detail};
    assert_int_equal(filter_read(&filter_refs,
                                 SLICE("{\"configMapRef\":{\"name\":\"m\",\"key\":\"ca.crt\"}}"),
                                 &b, &spec),
                     ERR_INVALID);
    assert_string_equal(detail, "refs: a reference leads nowhere");
    /* A Secret's value that is not in the list. */
    struct slice one[] = {SLICE("hush"), SLICE("another's")};
    b.secrets = one;
    b.secret_count = 1;
    assert_int_equal(
        filter_read(&filter_refs,
                    SLICE("{\"keys\":[{\"secretRef\":{\"name\":\"s\",\"key\":\"one\","
                          "\"value\":\"1\"}}]}"),
                    &b, &spec),
        ERR_INVALID);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_they_lead_to_is_on_the_wire),
        cmocka_unit_test(a_secret_is_shown_nowhere),
        cmocka_unit_test(of_another_namespace_by_grant),
        cmocka_unit_test(one_that_leads_nowhere_closes_the_filter),
        cmocka_unit_test(its_value_is_no_field_of_users),
        cmocka_unit_test(without_values_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
