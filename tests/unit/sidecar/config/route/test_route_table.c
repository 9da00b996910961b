/* Tests of virtual hosts, routes and weights, over tables that the builder made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route/route_table.h"

#include "sidecar/config/route/match_trace.h"
#include "sidecar/config/route/route_hosts.h"
#include "lib/codec/doc/doc_json.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"

struct world {
    struct config_make make;
    struct snapshot_builder *builder;
    struct snapshot *snapshot;
    struct arena arena;
    Weft__Config__V1__Destination *destination;
};

static int setup(void **state)
{
    static struct world w;
    config_make_init(&w.make);
    arena_init(&w.arena, 4096);
    w.builder = snapshot_builder_create();
    w.snapshot = NULL;
    w.destination = config_make_destination(&w.make, "default/web:80", 1, 80);
    CONFIG_PUSH(&w.make, w.destination, addresses, config_make_text(&w.make, "10.96.0.1:80"));
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    snapshot_unref(w->snapshot);
    snapshot_builder_destroy(w->builder);
    arena_dispose(&w->arena);
    config_make_dispose(&w->make);
    return 0;
}

static const struct destination_conf *build(struct world *w)
{
    char detail[256];
    struct addr vip;
    if (snapshot_build(w->builder, &w->make.message, &w->snapshot, detail))
        fail_msg("%s", detail);
    assert_int_equal(addr_parse(SLICE("10.96.0.1:80"), &vip), ERR_OK);
    return snapshot_destination_by_addr(w->snapshot, &vip);
}

static Weft__Config__V1__VirtualHost *add_host(struct world *w, const char *name)
{
    Weft__Config__V1__VirtualHost *h = config_make_host(&w->make, name);
    CONFIG_PUSH(&w->make, w->destination, virtual_hosts, h);
    return h;
}

static Weft__Config__V1__Route *add_route(struct world *w, Weft__Config__V1__VirtualHost *h,
                                          const char *name, const char *path)
{
    return config_make_route(&w->make, h, name, path, "c");
}

static struct message *ask(struct world *w, const char *method, const char *authority,
                           const char *target)
{
    struct message *m = arena_alloc(&w->arena, sizeof(*m));
    message_init(m, &w->arena);
    m->method = slice_from_cstr(method);
    m->authority = slice_from_cstr(authority);
    m->path = slice_from_cstr(target);
    return m;
}

static void set(struct message *m, const char *name, const char *value)
{
    struct slice n = slice_from_cstr(name);
    headers_add(&m->headers, n, slice_from_cstr(value))->id = (uint16_t)header_id_of(n);
}

/* "-" when there is no route. */
static void expect(const struct destination_conf *d, const struct message *m, const char *want)
{
    const struct route_conf *r = route_table_find(d->routes, m, message_path_only(m), NULL);
    assert_slice(r ? r->name : SLICE("-"), want);
}

static void test_hosts(void **state)
{
    static const char *const names[] = {"a.example.com", "*.example.com", "*.b.example.com",
                                        "Upper.Example.com", "*.com"};
    static const char *const rows[][2] = {
        {"a.example.com", "a.example.com"},
        {"A.EXAMPLE.com:8080", "a.example.com"},
        {"a.example.com.", "a.example.com"},
        {"x.example.com", "*.example.com"},
        {"x.y.example.com", "*.example.com"},
        {"b.example.com", "*.example.com"},
        {"x.b.example.com", "*.b.example.com"},
        {"example.com", "*.com"},
        {".example.com", "*.com"},
        {"upper.example.com", "Upper.Example.com"},
        {"example.org", "-"},
        {"com", "-"},
        {"", "-"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        add_route(w, add_host(w, names[i]), names[i], "/");
    const struct destination_conf *d = build(w);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(d, ask(w, "GET", rows[i][0], "/"), rows[i][1]);
}

static void test_any_host(void **state)
{
    struct world *w = *state;
    char longest[300];
    memset(longest, 'a', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    add_route(w, add_host(w, "*"), "any", "/");
    add_route(w, add_host(w, "a.b"), "a.b", "/only");
    const struct destination_conf *d = build(w);
    expect(d, ask(w, "GET", "z", "/"), "any");
    expect(d, ask(w, "GET", "", "/"), "any");
    expect(d, ask(w, "GET", longest, "/"), "any");
    expect(d, ask(w, "GET", "a.b", "/only/x"), "a.b");
    /* The more specific host has the last word. */
    expect(d, ask(w, "GET", "a.b", "/other"), "-");
}

/* The routes of a host end where those of the next one begin. */
static void test_no_route_of_the_next_host(void **state)
{
    static const char *const names[] = {"a.b", "b.b", "*.c", "*.d", "*"};
    static const char *const asked[] = {"a.b", "b.b", "x.c", "x.d", "z"};
    struct world *w = *state;
    for (size_t i = 0; i < 5; i++)
        add_route(w, add_host(w, names[i]), names[i], i % 2 ? "/" : "/only");
    const struct destination_conf *d = build(w);
    for (size_t i = 0; i < 5; i++) {
        expect(d, ask(w, "GET", asked[i], "/only"), names[i]);
        expect(d, ask(w, "GET", asked[i], "/other"), i % 2 ? names[i] : "-");
    }
}

static void test_matches_in_order(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    add_route(w, h, "exact", "=/exact");
    Weft__Config__V1__Route *r = add_route(w, h, "post", "/api");
    r->match->method = config_make_text(&w->make, "POST");
    r = add_route(w, h, "canary", "/api");
    CONFIG_PUSH(&w->make, r->match, headers, config_make_named(&w->make, "X-Canary", "=true"));
    CONFIG_PUSH(&w->make, r->match, headers, config_make_named(&w->make, "user-agent", "^curl/"));
    r = add_route(w, h, "v2", "/api");
    CONFIG_PUSH(&w->make, r->match, query, config_make_named(&w->make, "v", "=2"));
    add_route(w, h, "regex", "~/items/[0-9]+");
    add_route(w, h, "api", "/api");
    const struct destination_conf *d = build(w);
    expect(d, ask(w, "GET", "x", "/exact?q=1"), "exact");
    expect(d, ask(w, "GET", "x", "/exact/"), "-");
    expect(d, ask(w, "POST", "x", "/api/a"), "post");
    expect(d, ask(w, "post", "x", "/api/a"), "api");
    expect(d, ask(w, "GET", "x", "/api?v=2"), "v2");
    expect(d, ask(w, "GET", "x", "/api?v=3&v=2"), "api");
    expect(d, ask(w, "GET", "x", "/apis"), "-");
    expect(d, ask(w, "GET", "x", "/items/42"), "regex");
    expect(d, ask(w, "GET", "x", "/items/42x"), "-");
    struct message *m = ask(w, "GET", "x", "/api");
    set(m, "x-canary", "true");
    expect(d, m, "api");
    set(m, "user-agent", "curl/8.1");
    expect(d, m, "canary");
}

/* The host is the authority, whichever way the client spelled it on the wire. */
static void test_header_match_on_host(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    Weft__Config__V1__Route *r = add_route(w, h, "admin", "/");
    CONFIG_PUSH(&w->make, r->match, headers, config_make_named(&w->make, "Host", "^admin."));
    add_route(w, h, "rest", "/");
    const struct destination_conf *d = build(w);
    expect(d, ask(w, "GET", "admin.example.com", "/"), "admin");
    expect(d, ask(w, "GET", "www.example.com", "/"), "rest");
}

static void test_ambiguous_path_matches_nothing(void **state)
{
    struct world *w = *state;
    add_route(w, add_host(w, "*"), "any", "/");
    const struct destination_conf *d = build(w);
    assert_null(route_table_find(d->routes, ask(w, "GET", "x", "/%00"), SLICE(""), NULL));
}

/* A route's own path is brought into the form that requests are matched in. */
static void test_route_paths_are_canonical(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    add_route(w, h, "space", "=/a%20b");
    add_route(w, h, "dots", "/x/../y");
    const struct destination_conf *d = build(w);
    assert_slice(route_table_find(d->routes, ask(w, "GET", "h", "/"), SLICE("/a b"), NULL)->name,
                 "space");
    expect(d, ask(w, "GET", "h", "/y/z"), "dots");
}

static void test_weights(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__Route *r = config_make_route(&w->make, add_host(w, "*"), "r", "/", NULL);
    config_make_backend(&w->make, r, "a", 95);
    config_make_backend(&w->make, r, "zero", 0);
    config_make_backend(&w->make, r, "b", 5);
    const struct destination_conf *d = build(w);
    const struct route_conf *route =
        route_table_find(d->routes, ask(w, "GET", "h", "/"), SLICE("/"), NULL);
    assert_int_equal(route->backend_count, 3);
    assert_int_equal(route->total_weight, 100);
    unsigned picked[3] = {0};
    for (uint32_t i = 0; i < 100000; i++)
        picked[route_pick_backend(route, i * 42949u) - route->backends]++;
    assert_in_range(picked[0], 94900, 95100);
    assert_int_equal(picked[1], 0);
    assert_ptr_equal(route_pick_backend(route, UINT32_MAX), &route->backends[2]);
    assert_ptr_equal(route_pick_backend(route, 0), &route->backends[0]);
}

static void test_no_weight_no_backend(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__Route *r = config_make_route(&w->make, add_host(w, "*"), "r", "/", NULL);
    config_make_backend(&w->make, r, "a", 0);
    const struct destination_conf *d = build(w);
    const struct route_conf *route =
        route_table_find(d->routes, ask(w, "GET", "h", "/"), SLICE("/"), NULL);
    assert_null(route_pick_backend(route, 7));
    assert_int_equal(route->direct_status, 0);
}

static void test_rule_without_backends_is_500(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    config_make_route(&w->make, h, "nothing", "/nothing", NULL);
    config_make_route(&w->make, h, "says", "/says", NULL)->direct_status = 404;
    const struct destination_conf *d = build(w);
    const struct message *m = ask(w, "GET", "h", "/");
    assert_int_equal(route_table_find(d->routes, m, SLICE("/nothing"), NULL)->direct_status, 500);
    assert_int_equal(route_table_find(d->routes, m, SLICE("/says"), NULL)->direct_status, 404);
}

/* ---- preflights ---- */

/* The routes' names are those of their filters too. */
static void add_cors(struct world *w, Weft__Config__V1__Route *r)
{
    CONFIG_PUSH(&w->make, r, filters, config_make_filter(&w->make, r->name, "cors", "{}"));
}

static void preflight(struct world *w, const struct destination_conf *d, const char *method,
                      const char *headers, const char *want)
{
    struct message *m = ask(w, "OPTIONS", "a", "/x");
    set(m, "origin", "https://a.b");
    set(m, "access-control-request-method", method);
    if (headers)
        set(m, "access-control-request-headers", headers);
    expect(d, m, want);
}

/* A preflight is matched as the request that it announces. */
static void test_preflights(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    static char get[] = "GET", put[] = "PUT";
    Weft__Config__V1__Route *r = add_route(w, h, "v2", "/x");
    r->match->method = put;
    CONFIG_PUSH(&w->make, r->match, headers, config_make_named(&w->make, "x-version", "=v2"));
    add_cors(w, r);
    r = add_route(w, h, "json", "/x");
    r->match->method = put;
    CONFIG_PUSH(&w->make, r->match, headers,
                config_make_named(&w->make, "content-type", "=application/json"));
    add_cors(w, r);
    r = add_route(w, h, "get", "/x");
    r->match->method = get;
    add_cors(w, r);
    const struct destination_conf *d = build(w);
    preflight(w, d, "GET", NULL, "get");
    preflight(w, d, "GET", "x-version", "get");
    preflight(w, d, "PUT", "x-other, X-Version", "v2");
    preflight(w, d, "PUT", NULL, "json");
    preflight(w, d, "PUT", "x-other", "json");
    preflight(w, d, "DELETE", NULL, "-");
    preflight(w, d, "get", NULL, "-");
    /* No preflights: without an origin, or with nothing announced. */
    struct message *m = ask(w, "OPTIONS", "a", "/x");
    set(m, "access-control-request-method", "GET");
    expect(d, m, "-");
    m = ask(w, "OPTIONS", "a", "/x");
    set(m, "origin", "https://a.b");
    expect(d, m, "-");
    m = ask(w, "POST", "a", "/x");
    set(m, "origin", "https://a.b");
    set(m, "access-control-request-method", "GET");
    expect(d, m, "-");
}

/* Where the route of the request has no CORS, the app answers: by the route for OPTIONS if there is
 * one, and never by the CORS of another route. */
static void test_preflights_without_cors(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    static char get[] = "GET", options[] = "OPTIONS", put[] = "PUT";
    add_route(w, h, "get", "/x")->match->method = get;
    Weft__Config__V1__Route *r = add_route(w, h, "put", "/x");
    r->match->method = put;
    add_cors(w, r);
    r = add_route(w, h, "others", "/x");
    add_cors(w, r);
    h = add_host(w, "b");
    add_route(w, h, "get", "/x")->match->method = get;
    add_route(w, h, "options", "/x")->match->method = options;
    const struct destination_conf *d = build(w);
    preflight(w, d, "GET", NULL, "get");
    preflight(w, d, "PUT", NULL, "put");
    preflight(w, d, "POST", NULL, "others");
    struct message *m = ask(w, "OPTIONS", "b", "/x");
    set(m, "origin", "https://a.b");
    set(m, "access-control-request-method", "GET");
    expect(d, m, "options");
}

/* ---- claims ---- */

static Weft__Config__V1__ClaimMatch *claim(struct world *w, const char *name, const char *member,
                                           const char *match)
{
    Weft__Config__V1__ClaimMatch *m = arena_alloc(&w->arena, sizeof(*m));
    weft__config__v1__claim_match__init(m);
    CONFIG_PUSH(&w->make, m, path, config_make_text(&w->make, name));
    if (member)
        CONFIG_PUSH(&w->make, m, path, config_make_text(&w->make, member));
    m->value = config_make_match(&w->make, match);
    return m;
}

static void test_claims(void **state)
{
    static const char *const rows[][2] = {
        {NULL, "rest"},
        {"{}", "rest"},
        {"{\"role\":\"admin\"}", "admin"},
        {"{\"Role\":\"admin\"}", "rest"},
        {"{\"role\":\"Admin\"}", "rest"},
        {"{\"role\":[\"user\",\"admin\"]}", "admin"},
        {"{\"role\":{\"admin\":true}}", "rest"},
        {"{\"role\":\"user admin\"}", "rest"},
        {"{\"scope\":\"read write\"}", "scope"},
        {"{\"realm\":{\"roles\":[\"x1\"]}}", "nested"},
        {"{\"realm.roles\":[\"x1\"]}", "rest"},
        {"{\"role\":null}", "rest"},
    };
    struct world *w = *state;
    struct doc_error error;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    CONFIG_PUSH(&w->make, add_route(w, h, "admin", "/")->match, claims,
                claim(w, "role", NULL, "=admin"));
    CONFIG_PUSH(&w->make, add_route(w, h, "scope", "/")->match, claims,
                claim(w, "scope", NULL, "=write"));
    CONFIG_PUSH(&w->make, add_route(w, h, "nested", "/")->match, claims,
                claim(w, "realm", "roles", "~x[0-9]"));
    add_route(w, h, "rest", "/");
    const struct destination_conf *d = build(w);
    struct message *m = ask(w, "GET", "h", "/");
    set(m, "role", "admin"); /* a header is none */
    set(m, "request.auth.claims.role", "admin");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct doc *claims = NULL;
        if (rows[i][0])
            assert_int_equal(
                doc_json_parse(slice_from_cstr(rows[i][0]), &w->arena, &claims, &error), ERR_OK);
        assert_slice(route_table_find(d->routes, m, SLICE("/"), claims)->name, rows[i][1]);
    }
}

/* It shows no token: CORS answers for the request that it announces, and no app gets it for what
 * that may claim. */
static void test_preflights_and_claims(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "*");
    Weft__Config__V1__Route *r = add_route(w, h, "app", "/x");
    CONFIG_PUSH(&w->make, r->match, claims, claim(w, "role", NULL, "=admin"));
    r = add_route(w, h, "cors", "/x");
    CONFIG_PUSH(&w->make, r->match, claims, claim(w, "role", NULL, "=user"));
    add_cors(w, r);
    const struct destination_conf *d = build(w);
    preflight(w, d, "GET", NULL, "cors");
    expect(d, ask(w, "OPTIONS", "a", "/x"), "-");
    expect(d, ask(w, "GET", "a", "/x"), "-");
}

/* ---- why not ---- */

struct told {
    struct slice lines[8];
    size_t count;
};

static void on_route(void *owner, const struct route_conf *r, struct slice miss)
{
    struct told *t = owner;
    assert_true(r->name.len > 0);
    t->lines[t->count++] = miss;
}

static void test_a_trace_says_why_not(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__VirtualHost *h = add_host(w, "h");
    add_route(w, h, "elsewhere", "/b");
    add_route(w, h, "by-method", "/a")->match->method = config_make_text(&w->make, "POST");
    CONFIG_PUSH(&w->make, add_route(w, h, "by-header", "/a")->match, headers,
                config_make_named(&w->make, "X-Role", "=admin"));
    CONFIG_PUSH(&w->make, add_route(w, h, "by-query", "/a")->match, query,
                config_make_named(&w->make, "v", "=2"));
    CONFIG_PUSH(&w->make, add_route(w, h, "by-claim", "/a")->match, claims,
                claim(w, "realm", "roles", "=a"));
    add_route(w, h, "it", "/a");
    add_route(w, h, "too-late", "/");
    const struct destination_conf *d = build(w);
    struct told told = {.count = 0};
    struct match_trace trace = {.arena = &w->arena, .on_route = on_route, .owner = &told};
    const struct message *m = ask(w, "GET", "h", "/a/x?v=1");
    const struct route_conf *r = route_table_trace(d->routes, m, SLICE("/a/x"), NULL, &trace);
    assert_slice(r->name, "it");
    assert_ptr_equal(r, route_table_find(d->routes, m, SLICE("/a/x"), NULL));
    assert_int_equal(told.count, 6);
    assert_slice(told.lines[0], "the path is not \"/b\" or below");
    assert_slice(told.lines[1], "the method is not POST");
    assert_slice(told.lines[2], "header x-role is not \"admin\"");
    assert_slice(told.lines[3], "query parameter v is not \"2\"");
    assert_slice(told.lines[4], "the token's claim realm.roles is not \"a\"");
    assert_slice(told.lines[5], "");
    assert_slice(match_trace_describe_route(&w->arena, &d->routes->routes[4]),
                 "path \"/a\" or below, claim realm.roles \"a\"");
    assert_slice(match_trace_describe_route(&w->arena, &d->routes->routes[2]),
                 "path \"/a\" or below, header x-role \"admin\"");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_hosts),
        TEST(test_any_host),
        TEST(test_no_route_of_the_next_host),
        TEST(test_matches_in_order),
        TEST(test_header_match_on_host),
        TEST(test_ambiguous_path_matches_nothing),
        TEST(test_route_paths_are_canonical),
        TEST(test_weights),
        TEST(test_no_weight_no_backend),
        TEST(test_rule_without_backends_is_500),
        TEST(test_preflights),
        TEST(test_preflights_without_cors),
        TEST(test_claims),
        TEST(test_preflights_and_claims),
        TEST(test_a_trace_says_why_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
