/* Filters as resources of what is compiled: named by who configures them, or by what they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/doc/doc_json.h"
#include "policies/compile/compile_priv.h"

struct world {
    struct arena arena;
    PB(Configuration) out;
    struct compile c;
    const struct filter *limit;
};

static int setup(void **state)
{
    static struct world w;
    arena_init(&w.arena, 4096);
    weft__config__v1__configuration__init(&w.out);
    w.c = (struct compile){.arena = &w.arena, .out = &w.out};
    map_init(&w.c.filters);
    w.limit = filter_find(SLICE("requestSize"));
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    map_dispose(&w->c.filters);
    arena_dispose(&w->arena);
    return 0;
}

/* As its users write it. */
static char *need(struct world *w, const char *json, const char *id)
{
    const struct doc *doc;
    struct doc_error error;
    struct diag_list diags;
    struct schema_run run = {.arena = w->c.arena, .diags = &diags};
    void *spec = arena_zalloc(w->c.arena, w->limit->spec->size);
    diag_list_init(&diags);
    assert_int_equal(doc_json_parse(slice_from_cstr(json), w->c.arena, &doc, &error), ERR_OK);
    schema_parse(&run, w->limit->spec, doc, spec);
    assert_int_equal(run.errors, 0);
    diag_list_dispose(&diags);
    return compile_chain_filter(&w->c, w->limit, spec, slice_from_cstr(id));
}

static void named_by_its_owner(void **state)
{
    struct world *w = *state;
    assert_string_equal(need(w, "{\"max\":\"5k\"}", "shop/a"), "filter/shop/a/requestSize");
    assert_string_equal(need(w, "{\"max\":\"5k\"}", "shop/a"), "filter/shop/a/requestSize");
    assert_string_equal(need(w, "{\"max\":\"5k\"}", "shop/b"), "filter/shop/b/requestSize");
    assert_int_equal(w->out.n_resources, 2);
    assert_string_equal(w->out.resources[0]->name, "filter/shop/a/requestSize");
    assert_string_equal(w->out.resources[0]->filter->type, "requestSize");
    assert_string_equal(w->out.resources[0]->filter->spec, "{\"max\":5000}");
}

/* A change costs the filter: its name, and with it who names it, stay. */
static void another_version_under_the_same_name(void **state)
{
    struct world *w = *state, other = {.limit = w->limit};
    other.c = (struct compile){.arena = &w->arena, .out = &other.out};
    map_init(&other.c.filters);
    weft__config__v1__configuration__init(&other.out);
    assert_string_equal(need(w, "{\"max\":5}", "shop/a"), need(&other, "{\"max\":6}", "shop/a"));
    assert_true(w->out.resources[0]->version != other.out.resources[0]->version);
    map_dispose(&other.c.filters);
}

static void nobodys_own_are_one(void **state)
{
    struct world *w = *state;
    const char *five = need(w, "{\"max\":5}", "");
    assert_string_equal(need(w, "{\"max\":\"5\"}", ""), five);
    assert_string_not_equal(need(w, "{\"max\":6}", ""), five);
    assert_int_equal(w->out.n_resources, 2);
}

static void one_that_cannot_be_used(void **state)
{
    struct world *w = *state;
    char *name = compile_chain_broken(&w->c, SLICE("shop/a"), SLICE("there is no HTTPFilter a"));
    assert_string_equal(name, "filter/shop/a/broken");
    assert_string_equal(w->out.resources[0]->filter->broken, "there is no HTTPFilter a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(named_by_its_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(another_version_under_the_same_name, setup, teardown),
        cmocka_unit_test_setup_teardown(nobodys_own_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_cannot_be_used, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
