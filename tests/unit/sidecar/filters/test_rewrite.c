/* Tests of rewriting host and path, and of what a route's chain does together.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/rewrite.h"

#include "tests/unit/sidecar/filters/route_filters.h"

struct rewrite {
    Weft__Config__V1__Rewrite message;
    Weft__Config__V1__PathModifier path;
};

static void configure(struct route_filters *w, struct rewrite *r)
{
    weft__config__v1__rewrite__init(&r->message);
    weft__config__v1__path_modifier__init(&r->path);
    r->message.path = &r->path;
    w->route->rewrite = &r->message;
}

static void test_host(void **state)
{
    struct route_filters *w = *state;
    struct rewrite r;
    struct fake_exchange ex;
    configure(w, &r);
    r.message.hostname = config_make_text(&w->make, "One.Example.org");
    fake_exchange_init(&ex, "GET", "a.b:8080", "/foo//x?q");
    assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_NEXT);
    assert_slice(ex.request.authority, "one.example.org");
    assert_slice(ex.request.path, "/foo//x?q");
    fake_exchange_dispose(&ex);
}

static void test_full_path(void **state)
{
    struct route_filters *w = *state;
    struct rewrite r;
    struct fake_exchange ex;
    configure(w, &r);
    r.path.kind_case = WEFT__CONFIG__V1__PATH_MODIFIER__KIND_REPLACE_FULL;
    r.path.replace_full = config_make_text(&w->make, "/one");
    fake_exchange_init(&ex, "GET", "a.b", "/foo/x?q=1");
    assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_NEXT);
    assert_slice(ex.request.authority, "a.b");
    assert_slice(ex.request.path, "/one?q=1");
    fake_exchange_dispose(&ex);
}

/* The prefix is the route's own, "/foo". */
static void test_prefix(void **state)
{
    struct route_filters *w = *state;
    struct rewrite r;
    struct fake_exchange ex;
    configure(w, &r);
    r.path.kind_case = WEFT__CONFIG__V1__PATH_MODIFIER__KIND_REPLACE_PREFIX;
    r.path.replace_prefix = config_make_text(&w->make, "/bar");
    fake_exchange_init(&ex, "GET", "a.b", "/foo/x%2Fy?q=1");
    assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_NEXT);
    assert_slice(ex.request.path, "/bar/x%2Fy?q=1");
    fake_exchange_dispose(&ex);
}

static void test_chain_order(void **state)
{
    struct route_filters *w = *state;
    struct rewrite r;
    configure(w, &r);
    r.message.hostname = config_make_text(&w->make, "h");
    w->route->request_headers = config_make_mutation(&w->make);
    CONFIG_PUSH(&w->make, w->route->request_headers, remove, config_make_text(&w->make, "x"));
    const struct filter_chain *chain = route_filters_build(w);
    assert_int_equal(chain->count, 2);
    assert_string_equal(chain->entries[0].filter->name, "header-mutation");
    assert_string_equal(chain->entries[1].filter->name, "rewrite");
    assert_int_equal(chain->ctx_size, 0);
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, route_filters_setup, route_filters_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_host),        TEST(test_full_path), TEST(test_prefix),
        TEST(test_chain_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
