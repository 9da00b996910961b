/* Consumers in snapshots: found by what they show, each changed alone, revoked at once, with the
 * filters of their own; and what ten thousand of them take up.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/consumer_part.h"

#include <stdio.h>

#include "filters/chain.h"
#include "lib/base/mem.h"
#include "sidecar/config/snapshot_priv.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

enum { MANY = 10000, BYTES_MAX = 400 };

typedef Weft__Config__V1__Consumer message;

struct world {
    struct config_make make;
    struct snapshot_builder *builder;
    struct snapshot *snapshot, *before;
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){.builder = snapshot_builder_create()};
    config_make_init(&w.make);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    snapshot_unref(w->snapshot);
    snapshot_unref(w->before);
    snapshot_builder_destroy(w->builder);
    config_make_dispose(&w->make);
    return 0;
}

static void on_refused(void *owner, const char *resource, const char *why)
{
    fail_msg("%s: %s", resource, why);
}

static void build(struct world *w)
{
    snapshot_unref(w->before);
    w->before = w->snapshot;
    w->snapshot = snapshot_build_what_can_be(w->builder, &w->make.message, on_refused, w);
    config_make_clear(&w->make);
}

static void add_credential(struct world *w, message *m, const char *type, const char *lookup)
{
    Weft__Config__V1__Credential *c = arena_alloc(&w->make.arena, sizeof(*c));
    weft__config__v1__credential__init(c);
    c->type = config_make_text(&w->make, type);
    c->lookup.data = (uint8_t *)config_make_text(&w->make, lookup);
    c->lookup.len = strlen(lookup);
    c->id = config_make_text(&w->make, "id");
    CONFIG_PUSH(&w->make, m, credentials, c);
}

static message *add(struct world *w, const char *id, uint64_t version, const char *key)
{
    Weft__Config__V1__Resource *r = config_make_resource(&w->make, "consumer", id, version);
    message *m = arena_alloc(&w->make.arena, sizeof(*m));
    weft__config__v1__consumer__init(m);
    m->username = config_make_text(&w->make, id + strlen("shop/"));
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_CONSUMER;
    r->consumer = m;
    add_credential(w, m, "keyAuth", key);
    return m;
}

static char *add_filter(struct world *w, uint64_t version, const char *spec)
{
    char *name = config_make_filter(&w->make, "shop/f/requestSize", "requestSize", spec);
    w->make.message.resources[w->make.message.n_resources - 1]->version = version;
    return name;
}

/* As a stream gives it that was built before: without its body. */
static void add_head(struct world *w, const char *id, uint64_t version)
{
    Weft__Config__V1__Resource *r = config_make_resource(&w->make, "consumer", id, version);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_CONSUMER;
}

static const struct consumer *find(const struct snapshot *s, const char *key)
{
    struct slice ns = SLICE("shop");
    struct consumer_scope scope = {.namespaces = &ns, .count = 1};
    const struct consumer_credential *c = consumer_find(
        snapshot_consumers(s), CREDENTIAL_KEY_AUTH, &scope, slice_from_cstr(key));
    return c ? c->consumer : NULL;
}

static void each_changes_alone(void **state)
{
    struct world *w = *state;
    add(w, "shop/ann", 1, "ann-key");
    add(w, "shop/bob", 1, "bob-key");
    build(w);
    const struct consumer *ann = find(w->snapshot, "ann-key"), *bob = find(w->snapshot, "bob-key");
    assert_true(slice_eq_cstr(ann->id, "shop/ann"));
    assert_true(slice_eq_cstr(ann->username, "ann"));
    add_head(w, "shop/ann", 1);
    add(w, "shop/bob", 2, "new-key");
    build(w);
    assert_ptr_equal(find(w->snapshot, "ann-key"), ann);
    assert_null(find(w->snapshot, "bob-key"));
    assert_ptr_not_equal(find(w->snapshot, "new-key"), bob);
    assert_ptr_equal(find(w->before, "bob-key"), bob); /* requests that run keep what they have */
    add_head(w, "shop/ann", 1);
    build(w);
    assert_null(find(w->snapshot, "new-key"));
    build(w);
    assert_null(snapshot_consumers(w->snapshot));
}

static void the_directory_is_shared(void **state)
{
    struct world *w = *state;
    add(w, "shop/ann", 1, "ann-key");
    build(w);
    add_head(w, "shop/ann", 1);
    config_make_workload(&w->make, "10.0.0.1", "w", 1);
    build(w);
    assert_ptr_equal(snapshot_consumers(w->snapshot), snapshot_consumers(w->before));
}

static void what_is_not_known_is_left_out(void **state)
{
    struct world *w = *state;
    add_credential(w, add(w, "shop/ann", 1, "ann-key"), "fingerprint", "x");
    build(w);
    assert_int_equal(find(w->snapshot, "ann-key")->credential_count, 1);
}

/* Also when only the filter has changed, and the consumer comes without its body. */
static void with_filters_of_its_own(void **state)
{
    struct world *w = *state;
    message *m = add(w, "shop/ann", 1, "ann-key");
    CONFIG_PUSH(&w->make, m, filters, add_filter(w, 1, "{\"max\":5}"));
    build(w);
    for (uint64_t i = 1; i < 4; i++) {
        const struct filter_chain *chain = find(w->snapshot, "ann-key")->chain;
        assert_string_equal(chain->entries[0].filter->name, "requestSize");
        add_head(w, "shop/ann", 1);
        add_filter(w, i, "{\"max\":6}");
        build(w);
        const struct consumer *ann = find(w->snapshot, "ann-key");
        assert_int_equal(ann->chain == chain, i == 1); /* the filter is the same in the first */
        assert_true(slice_eq_cstr(ann->username, "ann"));
        assert_string_equal(ann->chain->entries[0].filter->name, "requestSize");
        assert_ptr_equal(ann->credentials[0].consumer, ann);
    }
    /* One that is gone closes what the consumer calls. */
    add_head(w, "shop/ann", 1);
    build(w);
    assert_string_equal(find(w->snapshot, "ann-key")->chain->entries[0].filter->name, "broken");
}

/* A part, its places in both tables, and its place among the parts. */
static void ten_thousand(void **state)
{
    struct world *w = *state;
    char id[32], key[33];
    size_t bytes = 0;
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(id, sizeof id, "shop/consumer-%u", i);
        snprintf(key, sizeof key, "%032u", i); /* as long as a SHA-256 */
        add(w, id, 1, key);
    }
    build(w);
    assert_true(slice_eq_cstr(find(w->snapshot, key)->id, id));
    const struct consumer_table *t = w->snapshot->consumers;
    const struct consumer_directory *d = t->directory;
    for (uint32_t i = 0; i < t->count; i++)
        bytes += t->parts[i]->size + sizeof(t->parts[i]);
    bytes += (d->credential_mask + 1 + d->consumer_mask + 1) * sizeof(void *);
    print_message("a consumer with one key: %zu bytes\n", bytes / MANY);
    assert_in_range(bytes / MANY, 1, BYTES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_changes_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(the_directory_is_shared, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_known_is_left_out, setup, teardown),
        cmocka_unit_test_setup_teardown(with_filters_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(ten_thousand, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
