/* Every leaf of our own kinds is read by something: when its value changes, so does what is
 * compiled or a status. What has no effect stands in a list, with its reason; a new kind that has
 * none at all has no status either. The documents are cases/leaves.yaml, in which every leaf must
 * be. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/codec/doc/doc_yaml.h"
#include "policies/compile/compile.h"
#include "policies/kinds/http_filter.h"
#include "policies/store/policy_set_priv.h"
#include "policies/status/status.h"
#include "tests/unit/policies/cases.h"

/* Leaves that change nothing, and why that is right. */
static const struct {
    const char *path, *reason;
} without_effect[] = {
    {"AuthorizationPolicy.spec.targetRefs[].group", "follows from the kind; another is refused"},
    {"AuthorizationPolicy.spec.targetRefs[].kind", "one is known; another is refused"},
    {"TrafficPolicy.spec.targetRefs[].group", "follows from the kind; another is refused"},
    {"ListenerPolicy.spec.targetRefs[].group", "follows from the kind; another is refused"},
    {"ListenerPolicy.spec.targetRefs[].kind", "one is known; another is refused"},
    {"HTTPFilter.spec.targetRefs[].group", "follows from the kind; another is refused"},
    {"RequestAuthentication.spec.targetRefs[].group", "follows from the kind; another is refused"},
    {"MeshConfig.spec.trafficDefaults.loadBalancing.sessionPersistence.type",
     "beside cookieConfig only Cookie is allowed; a TrafficPolicy has the other"},
    {"MeshConfig.spec.sidecarDefaults[]", "read by the injector, not by data planes"},
    {"Consumer.spec.tags[]", "words for people"},
    {"ExternalService.spec.tls.subjectAltNames[].type", "follows from the other member"},
    {"ExternalService.spec.tls.wellKnownCACertificates", "one is known; another is refused"},
    {"ListenerPolicy.spec.trustedGateways", "what sidecars do, as its text says"},
};

struct world {
    struct arena arena;
    struct doc_list docs;
    uint64_t before;
    unsigned leaves;
    char missing[8192]; /* what nobody reads */
};

/* ---- what comes of the documents ---- */

static void add(uint64_t *hash, struct slice text)
{
    *hash = (*hash ^ slice_hash(text)) * UINT64_C(0x9e3779b97f4a7c15);
}

static void add_target(uint64_t *hash, const struct policy_set *set,
                       const struct compile_target *target)
{
    Weft__Config__V1__Configuration *c = compile_configuration(set, target, NULL);
    size_t len = weft__config__v1__configuration__get_packed_size(c);
    uint8_t *packed = mem_alloc(len + 1);
    weft__config__v1__configuration__pack(c, packed);
    add(hash, slice_of(packed, len));
    mem_free(packed);
    compile_free(c);
}

static void on_status(void *owner, const struct object *o, struct slice status)
{
    (void)o;
    add(owner, status);
}

static void no_gateway(void *owner, const struct object *gateway, struct status_gateway *out)
{
    (void)owner, (void)gateway;
    *out = (struct status_gateway){.is_running = true};
}

static void write_all(const struct world *w, struct buf *text)
{
    for (size_t i = 0; i < w->docs.count; i++) {
        buf_append_slice(text, SLICE("---\n"));
        doc_write_yaml(text, w->docs.items[i]);
    }
}

/* False: the documents are refused. */
static bool outcome(const struct world *w, uint64_t *hash)
{
    struct policy_set *set = policy_set_create();
    struct diag_list diags;
    struct buf text;
    buf_init(&text);
    diag_list_init(&diags);
    write_all(w, &text);
    char *all = cases_text(&text);
    bool good = !policy_set_add_text(set, SLICE("t.yaml"), slice_from_cstr(all), &diags) &&
                !policy_set_finish(set, &diags);
    if (good) {
        struct compile_target sidecar = {.namespace_name = SLICE("shop"),
                                         .workload = SLICE("pod")};
        struct compile_target gateway = {.namespace_name = SLICE("shop"), .gateway = SLICE("g")};
        struct status_inputs in = {.set = set, .gateway = no_gateway};
        *hash = 1;
        add_target(hash, set, &sidecar);
        add_target(hash, set, &gateway);
        status_compute(&in, on_status, hash);
    } else if (!w->before) {
        LIST_FOREACH(node, &diags.items)
        {
            struct slice line = diag_format(&diags, container_of(node, struct diag, node));
            fprintf(stderr, "%.*s\n", SLICE_ARG(line));
        }
    }
    mem_free(all);
    buf_dispose(&text);
    diag_list_dispose(&diags);
    policy_set_destroy(set);
    return good;
}

/* ---- another value ---- */

static bool changes_with(struct world *w, struct doc *at, struct doc value)
{
    struct doc was = *at;
    uint64_t after = w->before;
    value.line = was.line;
    *at = value;
    bool good = outcome(w, &after);
    *at = was;
    return good && after != w->before;
}

static bool changes_as_text(struct world *w, struct doc *at, const char *text)
{
    return changes_with(w, at, (struct doc){.type = DOC_STRING, .string = slice_from_cstr(text)});
}

static const char other_key[] = "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"other\","
                                "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}";

static bool changes(struct world *w, const struct schema_field *f, struct doc *at)
{
    static const char *const texts[] = {"other",         "10.99.0.0/16",   "/other", "8.8.8.8",
                                        "other.example", "GET",            "9999",   "*",
                                        "remote.ip",     "other/ns/a/sa/b", "Service",
                                        "spiffe://other", "https://keys.example.com/", other_key,
                                        "ECDHE-RSA-AES128-GCM-SHA256", "P-384", "http/1.1"};
    for (size_t i = 0; f->type == SCHEMA_ENUM && f->choices[i]; i++)
        if (changes_as_text(w, at, f->choices[i]))
            return true;
    if (f->type == SCHEMA_DURATION)
        return changes_as_text(w, at, "7777ms");
    if (f->type == SCHEMA_BOOL)
        return changes_with(w, at, (struct doc){.type = DOC_BOOL, .boolean = !at->boolean});
    if (f->type == SCHEMA_INT)
        return changes_with(w, at, (struct doc){.type = DOC_INT, .integer = at->integer + 1}) ||
               changes_with(w, at, (struct doc){.type = DOC_INT, .integer = at->integer - 1}) ||
               changes_with(w, at, (struct doc){.type = DOC_INT, .integer = 301}); /* a status */
    if (f->type == SCHEMA_QUANTITY)
        return changes_as_text(w, at, "7k");
    for (size_t i = 0; f->type == SCHEMA_STRING && i < sizeof(texts) / sizeof(*texts); i++)
        if (changes_as_text(w, at, texts[i]))
            return true;
    return false;
}

/* ---- the walk ---- */

static bool is_listed(const char *path)
{
    for (size_t i = 0; i < sizeof(without_effect) / sizeof(*without_effect); i++)
        if (strcmp(without_effect[i].path, path) == 0)
            return true;
    return false;
}

static void complain(struct world *w, const char *path, const char *what)
{
    size_t used = strlen(w->missing);
    snprintf(w->missing + used, sizeof(w->missing) - used, "  %s %s\n", path, what);
}

/* Places of one kind: what a list has several of. */
struct places {
    struct doc *items[64];
    size_t count;
};

static void look_at(struct world *w, const struct schema_field *f, const struct places *places,
                    const char *path);

/* What a filter's users write goes to data planes as it is; that it has an effect, its own cases
 * say. */
static bool is_of_filter(const struct schema_field *f)
{
    for (size_t i = 0; i < HTTP_FILTER_COUNT; i++)
        if (f->object == http_filter_all[i]->spec)
            return true;
    return false;
}

static void look_inside(struct world *w, const struct schema *schema, const struct places *places,
                        const char *path)
{
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        struct places found = {.count = 0};
        char below[512];
        snprintf(below, sizeof below, "%s.%s", path, f->name);
        for (size_t i = 0; i < places->count; i++) {
            const struct doc *d = doc_get(places->items[i], slice_from_cstr(f->name));
            if (d && found.count < 64)
                found.items[found.count++] = (struct doc *)(uintptr_t)d;
        }
        if (f->type != SCHEMA_ANY && f->type != SCHEMA_REFUSED && !(f->flags & SCHEMA_WIRE) &&
            !is_of_filter(f))
            look_at(w, f, &found, below);
    }
}

static void look_at_items(struct world *w, const struct schema_field *f,
                          const struct places *places, const char *path)
{
    struct places found = {.count = 0};
    char below[512];
    snprintf(below, sizeof below, "%s[]", path);
    for (size_t i = 0; i < places->count; i++)
        for (size_t j = 0; j < places->items[i]->count && found.count < 64; j++)
            found.items[found.count++] = (struct doc *)(uintptr_t)(
                f->type == SCHEMA_MAP ? places->items[i]->members[j].value
                                      : places->items[i]->items[j]);
    look_at(w, f->element, &found, below);
}

static void look_at(struct world *w, const struct schema_field *f, const struct places *places,
                    const char *path)
{
    if (!places->count) {
        complain(w, path, "is not in leaves.yaml");
        return;
    }
    if (f->type == SCHEMA_OBJECT || f->type == SCHEMA_INLINE) {
        look_inside(w, f->object, places, path);
        return;
    }
    if (f->type == SCHEMA_LIST || f->type == SCHEMA_MAP) {
        look_at_items(w, f, places, path);
        return;
    }
    bool is_read = false;
    for (size_t i = 0; i < places->count && !is_read; i++)
        is_read = changes(w, f, places->items[i]);
    w->leaves++;
    if (!is_read && !is_listed(path))
        complain(w, path, "changes nothing");
    if (is_read && is_listed(path))
        complain(w, path, "has an effect, and is listed as having none");
}

static void look_at_kind(struct world *w, const struct kind *k)
{
    struct places found = {.count = 0};
    const struct schema_field *f = k->schema->fields;
    char path[128];
    while (f->name && strcmp(f->name, "spec") != 0)
        f++;
    assert_non_null(f->name);
    for (size_t i = 0; i < w->docs.count; i++) {
        const struct doc *d = w->docs.items[i];
        if (kind_find(doc_string(doc_get(d, SLICE("apiVersion"))),
                      doc_string(doc_get(d, SLICE("kind")))) == k)
            found.items[found.count++] = (struct doc *)(uintptr_t)doc_get(d, SLICE("spec"));
    }
    snprintf(path, sizeof path, "%s.spec", k->name);
    look_at(w, f, &found, path);
}

static void test_every_leaf_is_read(void **state)
{
    static struct world w;
    struct doc_error error;
    size_t len;
    (void)state;
    char *text = cases_read("leaves.yaml", &len);
    arena_init(&w.arena, 65536);
    assert_int_equal(doc_yaml_parse(slice_of(text, len), &w.arena, &w.docs, &error), ERR_OK);
    assert_true(outcome(&w, &w.before));
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (kind_is_own(kind_all[i]) && kind_all[i]->status == KIND_STATUS_WRITTEN &&
            !kind_all[i]->makes_objects)
            look_at_kind(&w, kind_all[i]);
    if (*w.missing)
        fail_msg("of %u leaves:\n%s", w.leaves, w.missing);
    assert_true(w.leaves > 60);
    arena_dispose(&w.arena);
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_leaf_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
