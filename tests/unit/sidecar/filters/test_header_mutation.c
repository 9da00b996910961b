/* Tests of changing headers on the way there and back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/header_mutation.h"

#include "tests/unit/sidecar/filters/route_filters.h"

static void set(struct route_filters *w, Weft__Config__V1__HeaderMutation *m, const char *name,
                const char *value)
{
    CONFIG_PUSH(&w->make, m, set, config_make_header(&w->make, name, value));
}

static void add(struct route_filters *w, Weft__Config__V1__HeaderMutation *m, const char *name,
                const char *value)
{
    CONFIG_PUSH(&w->make, m, add, config_make_header(&w->make, name, value));
}

static void drop(struct route_filters *w, Weft__Config__V1__HeaderMutation *m, const char *name)
{
    CONFIG_PUSH(&w->make, m, remove, config_make_text(&w->make, name));
}

/* "name: value|name: value" */
static void expect(const struct headers *h, const char *want)
{
    struct arena arena;
    arena_init(&arena, 1024);
    struct slice got = SLICE("");
    for (uint32_t i = 0; i < h->count; i++)
        got = arena_printf(&arena, "%.*s%s%.*s: %.*s", SLICE_ARG(got), i ? "|" : "",
                           SLICE_ARG(h->items[i].name), SLICE_ARG(h->items[i].value));
    assert_slice(got, want);
    arena_dispose(&arena);
}

static void test_nothing_is_no_chain(void **state)
{
    struct route_filters *w = *state;
    assert_null(route_filters_build(w));
    w->route->request_headers = config_make_mutation(&w->make);
    assert_null(route_filters_build(w));
}

static void test_request(void **state)
{
    struct route_filters *w = *state;
    struct fake_exchange ex;
    Weft__Config__V1__HeaderMutation *m = w->route->request_headers =
        config_make_mutation(&w->make);
    set(w, m, "X-Set", "one");
    set(w, m, "user-agent", "weft");
    add(w, m, "x-add", "more");
    drop(w, m, "X-Gone");
    drop(w, m, "cookie");
    fake_exchange_init(&ex, "GET", "h", "/foo");
    fake_exchange_header(&ex, "x-set", "a");
    fake_exchange_header(&ex, "x-gone", "b");
    fake_exchange_header(&ex, "x-add", "c");
    fake_exchange_header(&ex, "x-set", "d");
    fake_exchange_header(&ex, "cookie", "e");
    fake_exchange_header(&ex, "x-gone", "f");
    const struct filter_chain *chain = route_filters_build(w);
    assert_int_equal(chain->count, 1);
    assert_int_equal(fake_exchange_request(&ex, chain), FILTER_NEXT);
    assert_slice(headers_get_id(&ex.request.headers, HEADER_USER_AGENT), "weft");
    assert_null(headers_find_id(&ex.request.headers, HEADER_COOKIE));
    assert_int_equal(headers_remove_id(&ex.request.headers, HEADER_USER_AGENT), 1);
    assert_int_equal(headers_remove(&ex.request.headers, SLICE("x-set")), 1);
    expect(&ex.request.headers, "x-add: c|x-add: more");
    fake_exchange_dispose(&ex);
}

/* A name in two lists: removed, then set, then added. */
/* What is set or removed reaches no app in another spelling; what is added may stand beside it. */
static void test_other_spellings(void **state)
{
    struct route_filters *w = *state;
    struct fake_exchange ex;
    Weft__Config__V1__HeaderMutation *m = w->route->request_headers =
        config_make_mutation(&w->make);
    set(w, m, "x-set", "one");
    add(w, m, "x-add", "more");
    drop(w, m, "x-gone");
    fake_exchange_init(&ex, "GET", "h", "/foo");
    ex.x.has_odd_names = true;
    fake_exchange_header(&ex, "x_gone", "a");
    fake_exchange_header(&ex, "x_set", "b");
    fake_exchange_header(&ex, "x.gone", "c");
    fake_exchange_header(&ex, "x_gone", "d");
    fake_exchange_header(&ex, "x_add", "e");
    fake_exchange_header(&ex, "x_other", "f");
    fake_exchange_request(&ex, route_filters_build(w));
    expect(&ex.request.headers, "x_add: e|x_other: f|x-set: one|x-add: more");
    fake_exchange_dispose(&ex);
}

static void test_order(void **state)
{
    struct route_filters *w = *state;
    struct fake_exchange ex;
    Weft__Config__V1__HeaderMutation *m = w->route->request_headers =
        config_make_mutation(&w->make);
    add(w, m, "x", "added");
    set(w, m, "x", "set");
    drop(w, m, "x");
    fake_exchange_init(&ex, "GET", "h", "/foo");
    fake_exchange_header(&ex, "x", "old");
    assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_NEXT);
    expect(&ex.request.headers, "x: set|x: added");
    fake_exchange_dispose(&ex);
}

static void test_host_is_the_authority(void **state)
{
    struct route_filters *w = *state;
    struct fake_exchange ex;
    Weft__Config__V1__HeaderMutation *m = w->route->request_headers =
        config_make_mutation(&w->make);
    set(w, m, "Host", "other.example:8080");
    fake_exchange_init(&ex, "GET", "h", "/foo");
    assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_NEXT);
    assert_slice(ex.request.authority, "other.example:8080");
    assert_int_equal(ex.request.headers.count, 0);
    fake_exchange_dispose(&ex);
}

static void test_response(void **state)
{
    struct route_filters *w = *state;
    struct fake_exchange ex;
    Weft__Config__V1__HeaderMutation *m = w->route->response_headers =
        config_make_mutation(&w->make);
    set(w, m, "server", "weft");
    drop(w, m, "x-powered-by");
    fake_exchange_init(&ex, "GET", "h", "/foo");
    const struct filter_chain *chain = route_filters_build(w);
    assert_int_equal(fake_exchange_request(&ex, chain), FILTER_NEXT);
    assert_int_equal(ex.request.headers.count, 0);
    headers_add(&ex.response.headers, SLICE("x-powered-by"), SLICE("x"));
    headers_add_id(&ex.response.headers, HEADER_SERVER, SLICE("app"));
    assert_int_equal(fake_exchange_response(&ex, chain), FILTER_NEXT);
    expect(&ex.response.headers, "server: weft");
    fake_exchange_dispose(&ex);
}

static void test_backend(void **state)
{
    struct route_filters *w = *state;
    struct part_build b = {&w->part, SLICE("route r"), w->detail};
    const struct filter_chain *chain;
    struct fake_exchange ex;
    assert_int_equal(filter_conf_backend(&b, w->route, w->route->clusters[0], 80, &chain), ERR_OK);
    assert_null(chain);
    Weft__Config__V1__HeaderMutation *m = w->route->clusters[0]->request_headers =
        config_make_mutation(&w->make);
    set(w, m, "x-backend", "c");
    assert_int_equal(filter_conf_backend(&b, w->route, w->route->clusters[0], 80, &chain), ERR_OK);
    fake_exchange_init(&ex, "GET", "h", "/foo");
    assert_int_equal(fake_exchange_request(&ex, chain), FILTER_NEXT);
    expect(&ex.request.headers, "x-backend: c");
    fake_exchange_dispose(&ex);
}

/* Nothing that frames a message or could smuggle one can be configured. */
static void test_refused(void **state)
{
    static const char *const names[] = {"content-length", "Transfer-Encoding", "connection",
                                        "keep-alive",     "upgrade",           "te",
                                        "trailer",        "http2-settings",    "proxy-connection"};
    struct route_filters *w = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        w->route->request_headers = config_make_mutation(&w->make);
        set(w, w->route->request_headers, names[i], "1");
        route_filters_refused(w, "cannot be changed");
        w->route->request_headers = config_make_mutation(&w->make);
        add(w, w->route->request_headers, names[i], "1");
        route_filters_refused(w, "cannot be changed");
        w->route->request_headers = config_make_mutation(&w->make);
        drop(w, w->route->request_headers, names[i]);
        route_filters_refused(w, "cannot be changed");
    }
    w->route->request_headers = config_make_mutation(&w->make);
    set(w, w->route->request_headers, "a b", "1");
    route_filters_refused(w, "\"a b\" is not a header name");
    w->route->request_headers = config_make_mutation(&w->make);
    set(w, w->route->request_headers, ":path", "1");
    route_filters_refused(w, "is not a header name");
    w->route->request_headers = config_make_mutation(&w->make);
    add(w, w->route->request_headers, "x", "a\r\nb: c");
    route_filters_refused(w, "characters that no header may have");
    w->route->request_headers = config_make_mutation(&w->make);
    set(w, w->route->request_headers, "host", "a b");
    route_filters_refused(w, "cannot be changed");
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, route_filters_setup, route_filters_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_is_no_chain),
        TEST(test_request),
        TEST(test_other_spellings),
        TEST(test_order),
        TEST(test_host_is_the_authority),
        TEST(test_response),
        TEST(test_backend),
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
