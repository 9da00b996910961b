/* What status says: objects in, the statuses that are new out, in short. Words of a case:
 * with=FILE, also=FILE (read before the input), addresses=A,B and running=no (how data planes are),
 * refused=RESOURCE (which no data plane can use), show=KIND. Whatever comes out, once it is written
 * nothing comes any more.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_yaml.h"
#include "lib/io/file.h"
#include "policies/status/status.h"
#include "tests/unit/policies/cases.h"

#define NOW_MS INT64_C(1767312000000) /* 2026-01-02T00:00:00Z */

struct world {
    struct arena arena;
    struct policy_store *store;
    struct doc_list docs[3]; /* with, also, the input */
    struct slice show;
    struct status_gateway plane;
    struct status_refusal refused;
    struct buf *out;
    size_t emitted;
    bool is_again; /* what was written is there: nothing should come */
};

static void put(struct buf *to, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct buf *to, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_append(to, text, strlen(text));
}

/* ---- a status in short ---- */

static struct slice text_of(const struct doc *d, const char *key)
{
    return doc_string(doc_get(d, slice_from_cstr(key)));
}

static bool is_condition(const struct doc *d)
{
    return text_of(d, "type").len && text_of(d, "status").len;
}

static void put_condition(struct buf *to, const struct doc *d, int indent)
{
    struct slice since = text_of(d, "lastTransitionTime");
    const struct doc *generation = doc_get(d, SLICE("observedGeneration"));
    put(to, "%*s%.*s=%.*s %.*s", indent, "", SLICE_ARG(text_of(d, "type")),
        SLICE_ARG(text_of(d, "status")), SLICE_ARG(text_of(d, "reason")));
    if (generation && generation->integer)
        put(to, " generation=%d", (int)generation->integer);
    if (!slice_eq_cstr(since, "2026-01-02T00:00:00Z"))
        put(to, " since=%.*s", SLICE_ARG(since));
    put(to, ": %.*s\n", SLICE_ARG(text_of(d, "message")));
}

static void put_value(struct buf *to, const struct doc *d, int indent);

static void put_member(struct buf *to, const struct doc_member *m, int indent)
{
    const struct doc *v = m->value;
    if (v->type == DOC_STRING)
        put(to, "%*s%.*s: %.*s\n", indent, "", SLICE_ARG(m->key), SLICE_ARG(v->string));
    else if (v->type == DOC_INT)
        put(to, "%*s%.*s: %d\n", indent, "", SLICE_ARG(m->key), (int)v->integer);
    else if (slice_eq_cstr(m->key, "supportedKinds")) {
        put(to, "%*s%.*s:", indent, "", SLICE_ARG(m->key));
        for (size_t i = 0; i < v->count; i++)
            put(to, " %.*s", SLICE_ARG(text_of(v->items[i], "kind")));
        put(to, "\n");
    } else if (slice_eq_cstr(m->key, "supportedFeatures")) {
        put(to, "%*s%.*s: %s\n", indent, "", SLICE_ARG(m->key), v->count > 40 ? "many" : "few");
    } else {
        bool conditions = slice_eq_cstr(m->key, "conditions");
        if (!conditions)
            put(to, "%*s%.*s:\n", indent, "", SLICE_ARG(m->key));
        put_value(to, v, conditions ? indent : indent + 2);
    }
}

static void put_value(struct buf *to, const struct doc *d, int indent)
{
    if (d->type == DOC_OBJECT && is_condition(d)) {
        put_condition(to, d, indent);
    } else if (d->type == DOC_OBJECT) {
        for (size_t i = 0; i < d->count; i++)
            put_member(to, &d->members[i], indent);
    } else if (d->type == DOC_ARRAY) {
        for (size_t i = 0; i < d->count; i++) {
            if (d->items[i]->type == DOC_OBJECT && !is_condition(d->items[i]))
                put(to, "%*s-\n", indent, "");
            put_value(to, d->items[i], is_condition(d->items[i]) ? indent : indent + 2);
        }
    }
}

/* ---- objects ---- */

/* The document again with that status, as the API server has it from then on. */
static void store_status(struct world *w, const struct object *o, const struct doc *status)
{
    for (size_t k = 0; k < 3; k++)
        for (size_t i = 0; i < w->docs[k].count; i++) {
            const struct doc *root = w->docs[k].items[i];
            struct slice ns = doc_string(doc_find(root, "metadata.namespace"));
            if (!slice_eq_cstr(text_of(root, "kind"), o->kind->name) ||
                !slice_eq(doc_string(doc_find(root, "metadata.name")), o->meta.name) ||
                !(o->kind->is_cluster_scoped || slice_eq(ns, o->meta.namespace_name)))
                continue;
            struct doc *copy = arena_alloc(&w->arena, sizeof *copy);
            struct doc_member *members =
                arena_alloc(&w->arena, (root->count + 1) * sizeof *members);
            *copy = *root;
            copy->count = 0;
            for (size_t m = 0; m < root->count; m++)
                if (!slice_eq_cstr(root->members[m].key, "status"))
                    members[copy->count++] = root->members[m];
            members[copy->count++] = (struct doc_member){SLICE("status"), 0, status};
            copy->members = members;
            policy_store_put(w->store, o->kind, copy);
        }
}

struct written {
    const struct object *object;
    const struct doc *status;
};

struct taken {
    struct world *world;
    struct written items[256];
    size_t count;
};

static void take(void *owner, const struct object *o, struct slice status)
{
    struct taken *t = owner;
    struct doc_error error;
    const struct doc *d;
    assert_int_equal(doc_json_parse(status, &t->world->arena, &d, &error), ERR_OK);
    assert_true(t->count < 256);
    t->items[t->count++] = (struct written){o, d};
    if (t->world->is_again)
        fail_msg("%.*s is written again: %.*s", SLICE_ARG(o->text), SLICE_ARG(status));
    if (t->world->show.len && !slice_eq_cstr(t->world->show, o->kind->name))
        return;
    put(t->world->out, "%.*s\n", SLICE_ARG(o->text));
    put_value(t->world->out, d, 2);
}

static void describe_plane(void *owner, const struct object *gateway, struct status_gateway *out)
{
    const struct world *w = owner;
    assert_ptr_equal(gateway->kind, kind_all[KIND_GATEWAY]);
    *out = w->plane;
}

static void load(struct world *w, size_t slot, struct slice text)
{
    struct doc_error error;
    if (doc_yaml_parse(text, &w->arena, &w->docs[slot], &error))
        fail_msg("line %u: %s", error.line, error.text);
    for (size_t i = 0; i < w->docs[slot].count; i++) {
        const struct doc *root = w->docs[slot].items[i];
        const struct kind *kind = kind_find(text_of(root, "apiVersion"), text_of(root, "kind"));
        if (!kind)
            fail_msg("%.*s is no kind", SLICE_ARG(text_of(root, "kind")));
        policy_store_put(w->store, kind, root);
    }
}

static void load_file(struct world *w, size_t slot, struct slice file)
{
    size_t len;
    char *name = mem_strndup(file.ptr, file.len), *text = cases_read(name, &len);
    load(w, slot, slice_of(text, len));
    mem_free(text);
    mem_free(name);
}

/* A resource, of a pod of namespace shop if it is the inbound one: "inbound@web-1". */
static void read_refused(struct world *w, struct slice value)
{
    size_t at = slice_find_byte(value, '@');
    struct slice resource = slice_sub(value, 0, at < value.len ? at : value.len);
    w->refused = (struct status_refusal){
        .resource = resource,
        .text = arena_printf(&w->arena, "%.*s: cannot be", SLICE_ARG(resource))};
    if (at < value.len) {
        w->refused.namespace_name = SLICE("shop");
        w->refused.workload = slice_sub(value, at + 1, value.len);
    }
    w->plane.is_refused = w->plane.is_ready = slice_starts_with(resource, SLICE("gateway/"));
    w->plane.is_running &= !w->plane.is_refused;
    w->plane.text = w->refused.text;
}

static void tell_refusals(const void *source, status_refusal_fn each, void *owner)
{
    const struct world *w = source;
    if (w->refused.resource.len)
        each(owner, &w->refused);
}

static void read_words(struct world *w, struct slice words)
{
    struct slice word, address;
    w->plane.is_running = true;
    while (slice_split(&words, ' ', &word)) {
        size_t eq = slice_find_byte(word, '=');
        struct slice name = slice_sub(word, 0, eq), value = slice_sub(word, eq + 1, word.len);
        if (slice_eq_cstr(name, "with"))
            load_file(w, 0, value);
        else if (slice_eq_cstr(name, "also"))
            load_file(w, 1, value);
        else if (slice_eq_cstr(name, "show"))
            w->show = value;
        else if (slice_eq_cstr(name, "running"))
            w->plane.is_running = slice_eq_cstr(value, "yes");
        else if (slice_eq_cstr(name, "refused"))
            read_refused(w, value);
        else if (slice_eq_cstr(name, "addresses"))
            while (slice_split(&value, ',', &address))
                w->plane.addresses[w->plane.address_count++] = address;
        else
            assert_int_equal(word.len, 0);
    }
}

static void check(const struct cases_item *item, struct buf *out)
{
    struct world w = {.store = policy_store_create(), .out = out};
    struct taken *taken = mem_zalloc(sizeof *taken);
    struct status_inputs in = {
        .store = w.store, .now_ms = NOW_MS, .gateway = describe_plane, .owner = &w,
        .refusals = tell_refusals, .refusal_source = &w};
    taken->world = &w;
    arena_init(&w.arena, 65536);
    read_words(&w, item->words);
    load(&w, 2, item->input);
    in.set = policy_store_set(w.store);
    status_compute(&in, take, taken);
    w.is_again = true;
    for (size_t i = 0; i < taken->count; i++)
        store_status(&w, taken->items[i].object, taken->items[i].status);
    in.set = policy_store_set(w.store);
    in.now_ms += 3600000;
    status_compute(&in, take, taken);
    policy_store_destroy(w.store);
    arena_dispose(&w.arena);
    mem_free(taken);
}

#define STATUS(name, least)                                \
    static void test_##name(void **state)                  \
    {                                                      \
        (void)state;                                       \
        cases_run("status_" #name ".cases", least, check); \
    }

STATUS(gateways, 15)
STATUS(listener_sets, 6)
STATUS(routes, 12)
STATUS(policies, 8)
STATUS(http_filters, 6)
STATUS(ingresses, 4)
STATUS(consumers, 2)

/* What a class says it can do is what the conformance suite is run with. */
static void collect(void *owner, const struct object *o, struct slice status)
{
    struct world *w = owner;
    struct doc_error error;
    const struct doc *d;
    assert_int_equal(doc_json_parse(status, &w->arena, &d, &error), ERR_OK);
    const struct doc *all = doc_get(d, SLICE("supportedFeatures"));
    for (size_t i = 0; i < all->count; i++)
        put(w->out, "%.*s\n", SLICE_ARG(text_of(all->items[i], "name")));
    assert_ptr_equal(o->kind, kind_all[KIND_GATEWAY_CLASS]);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void test_features(void **state)
{
    static const char class[] = "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\n"
                                "metadata: {name: weft}\n"
                                "spec: {controllerName: weft.dev/gateway-controller}\n";
    const char *root = getenv("WEFT_SOURCE");
    char *path = mem_printf("%s/tests/conformance/features-gateway.txt", root ? root : ".");
    char *text, *lines[128];
    size_t len, count = 0;
    struct buf got, want;
    struct world w = {.store = policy_store_create(), .out = &got};
    struct status_inputs in = {.store = w.store, .now_ms = NOW_MS};
    (void)state;
    buf_init(&got);
    buf_init(&want);
    arena_init(&w.arena, 65536);
    load(&w, 2, slice_from_cstr(class));
    in.set = policy_store_set(w.store);
    status_compute(&in, collect, &w);
    assert_int_equal(file_read(path, 1 << 20, &text, &len), ERR_OK);
    struct slice rest = slice_of(text, len), line;
    while (slice_split(&rest, '\n', &line))
        if (line.len && line.ptr[0] != '#') {
            assert_true(count < 128);
            lines[count++] = arena_strdup(&w.arena, line);
        }
    qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        put(&want, "%s\n", lines[i]);
    char *a = cases_text(&got), *b = cases_text(&want);
    assert_string_equal(a, b);
    mem_free(a);
    mem_free(b);
    buf_dispose(&got);
    buf_dispose(&want);
    policy_store_destroy(w.store);
    arena_dispose(&w.arena);
    mem_free(text);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gateways),  cmocka_unit_test(test_listener_sets),
        cmocka_unit_test(test_routes),    cmocka_unit_test(test_http_filters),
        cmocka_unit_test(test_policies),
        cmocka_unit_test(test_ingresses),
        cmocka_unit_test(test_consumers), cmocka_unit_test(test_features),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
