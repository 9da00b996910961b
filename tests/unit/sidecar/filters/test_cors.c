/* CORS as the Gateway API and browsers have it: who is answered, with what, and what is kept from
 * whom. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/cors.h"

#include "tests/unit/sidecar/filters/route_filters.h"

/* ---- what the policy says ---- */

static Weft__Config__V1__Cors *make_cors(struct route_filters *w)
{
    Weft__Config__V1__Cors *c = arena_alloc(&w->make.arena, sizeof(*c));
    weft__config__v1__cors__init(c);
    w->route->cors = c;
    return c;
}

#define SAY(w, field, text) \
    CONFIG_PUSH(&(w)->make, (w)->route->cors, field, config_make_text(&(w)->make, (text)))

/* The policies of the Gateway API's conformance test. */
static void say_listed(struct route_filters *w)
{
    Weft__Config__V1__Cors *c = make_cors(w);
    SAY(w, allow_origins, "https://www.example.com");
    SAY(w, allow_origins, "https://*.example.org");
    SAY(w, allow_methods, "GET");
    SAY(w, allow_methods, "OPTIONS");
    SAY(w, allow_headers, "x-header-1");
    SAY(w, allow_headers, "x-header-2");
    SAY(w, expose_headers, "x-header-3");
    SAY(w, expose_headers, "x-header-4");
    c->allow_credentials = true;
    c->max_age_s = 3600;
}

static void say_all(struct route_filters *w, bool credentials)
{
    make_cors(w)->allow_credentials = credentials;
    SAY(w, allow_origins, "*");
    SAY(w, allow_methods, "*");
    SAY(w, allow_headers, "*");
}

/* ---- requests ---- */

static void expect(struct fake_exchange *ex, const char *name, const char *want)
{
    const struct header *h = headers_find(&ex->x.response->headers, slice_from_cstr(name));
    if (!h && !want)
        return;
    if (!h || !want || !slice_eq_cstr(h->value, want))
        fail_msg("%s: \"%.*s\", not \"%s\"", name, h ? (int)h->value.len : 6,
                 h ? h->value.ptr : "(none)", want ? want : "(none)");
}

/* NULL: not said. The status is the answer's. */
static unsigned preflight(struct route_filters *w, struct fake_exchange *ex, const char *origin,
                          const char *method, const char *headers)
{
    fake_exchange_init(ex, "OPTIONS", "a.b", "/foo");
    if (origin)
        fake_exchange_header(ex, "origin", origin);
    if (method)
        fake_exchange_header(ex, "access-control-request-method", method);
    if (headers)
        fake_exchange_header(ex, "access-control-request-headers", headers);
    const struct filter_chain *chain = route_filters_build(w);
    assert_int_equal(fake_exchange_request(ex, chain), FILTER_REPLY);
    assert_int_equal(fake_exchange_response(ex, chain), FILTER_NEXT);
    return ex->status;
}

static void test_listed(void **state)
{
    static const char *const origins[] = {"https://www.example.com", "https://www.example.org",
                                          "https://xpto.www.example.org"};
    for (unsigned i = 0; i < 3; i++) {
        struct fake_exchange ex;
        struct route_filters *w = *state;
        say_listed(w);
        assert_int_equal(preflight(w, &ex, origins[i], "GET", "x-header-1, x-header-2"), 204);
        expect(&ex, "access-control-allow-origin", origins[i]);
        expect(&ex, "access-control-allow-methods", "GET, OPTIONS");
        expect(&ex, "access-control-allow-headers", "x-header-1, x-header-2");
        expect(&ex, "access-control-expose-headers", "x-header-3, x-header-4");
        expect(&ex, "access-control-max-age", "3600");
        expect(&ex, "access-control-allow-credentials", "true");
        expect(&ex, "vary", "origin");
        fake_exchange_dispose(&ex);
    }
}

static void test_other_origin(void **state)
{
    static const char *const origins[] = {"https://other.example",
                                          "http://www.example.com",
                                          "https://www.example.com:8443",
                                          "https://example.org",
                                          "https://.example.org",
                                          "https://other.example/.example.org",
                                          "https://evil@x.example.org",
                                          "https://x.example.org.other.example",
                                          "https://x.example.org:8443",
                                          "https://evil:1.example.org",
                                          "null",
                                          "x",
                                          "https://www.example.com\tx"};
    for (unsigned i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        struct fake_exchange ex;
        struct route_filters *w = *state;
        say_listed(w);
        assert_int_equal(preflight(w, &ex, origins[i], "GET", NULL), 403);
        expect(&ex, "access-control-allow-origin", NULL);
        expect(&ex, "access-control-allow-methods", NULL);
        expect(&ex, "access-control-allow-credentials", NULL);
        fake_exchange_dispose(&ex);
    }
}

/* A scheme's own port may be said or not; names have no case. */
static void test_same_origin_otherwise_spelt(void **state)
{
    static const char *const pairs[][2] = {
        {"https://a.b", "https://a.b:443"},      {"https://a.b:443", "https://a.b"},
        {"http://a.b:80", "http://A.B"},         {"https://A.b", "HTTPS://a.B"},
        {"http://a.b:8080", "http://a.b:8080"},  {"https://*", "https://any.example.com"},
        {"https://*.b:8443", "https://a.b:8443"}};
    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct fake_exchange ex;
        struct route_filters *w = *state;
        make_cors(w);
        SAY(w, allow_origins, pairs[i][0]);
        assert_int_equal(preflight(w, &ex, pairs[i][1], "GET", NULL), 204);
        expect(&ex, "access-control-allow-origin", pairs[i][1]); /* as it was said */
        expect(&ex, "access-control-max-age", "5");
        expect(&ex, "access-control-allow-methods", NULL);
        fake_exchange_dispose(&ex);
    }
}

static void test_wildcards(void **state)
{
    for (unsigned credentials = 0; credentials < 2; credentials++) {
        struct fake_exchange ex;
        struct route_filters *w = *state;
        const char *origin = credentials ? "https://other.example.com" : "*";
        say_all(w, credentials);
        assert_int_equal(
            preflight(w, &ex, "https://other.example.com", "PUT", "x-a, authorization"), 204);
        expect(&ex, "access-control-allow-origin", origin);
        expect(&ex, "access-control-allow-methods", "PUT");
        expect(&ex, "access-control-allow-headers", "x-a, authorization");
        expect(&ex, "access-control-allow-credentials", credentials ? "true" : NULL);
        expect(&ex, "vary", credentials ? "origin" : NULL);
        fake_exchange_dispose(&ex);
        preflight(w, &ex, "https://other.example.com", "PUT", NULL);
        expect(&ex, "access-control-allow-headers", NULL);
        fake_exchange_dispose(&ex);
    }
}

static void test_expose_wildcard(void **state)
{
    for (unsigned credentials = 0; credentials < 2; credentials++) {
        struct fake_exchange ex;
        struct route_filters *w = *state;
        say_all(w, credentials);
        SAY(w, expose_headers, "*");
        preflight(w, &ex, "https://a.b", "PUT", NULL);
        expect(&ex, "access-control-expose-headers", credentials ? NULL : "*");
        fake_exchange_dispose(&ex);
    }
}

/* What only looks like a preflight is the app's. */
static void test_no_preflight(void **state)
{
    static const char *const cases[][3] = {{"OPTIONS", NULL, "GET"},
                                           {"OPTIONS", "https://www.example.com", NULL},
                                           {"GET", "https://www.example.com", "GET"},
                                           {"options", "https://www.example.com", "GET"}};
    struct route_filters *w = *state;
    say_listed(w);
    const struct filter_chain *chain = route_filters_build(w);
    for (unsigned i = 0; i < 4; i++) {
        struct fake_exchange ex;
        fake_exchange_init(&ex, cases[i][0], "a.b", "/foo");
        if (cases[i][1])
            fake_exchange_header(&ex, "origin", cases[i][1]);
        if (cases[i][2])
            fake_exchange_header(&ex, "access-control-request-method", cases[i][2]);
        assert_int_equal(fake_exchange_request(&ex, chain), FILTER_NEXT);
        fake_exchange_dispose(&ex);
    }
}

/* What the app says of CORS itself does not count any more. */
static void test_answers(void **state)
{
    static const struct {
        const char *origin, *want;
    } cases[] = {{"https://www.example.com", "https://www.example.com"},
                 {"https://other.example", NULL},
                 {NULL, "https://app.example.com"}};
    struct route_filters *w = *state;
    say_listed(w);
    const struct filter_chain *chain = route_filters_build(w);
    for (unsigned i = 0; i < 3; i++) {
        struct fake_exchange ex;
        fake_exchange_init(&ex, "GET", "a.b", "/foo");
        if (cases[i].origin)
            fake_exchange_header(&ex, "origin", cases[i].origin);
        assert_int_equal(fake_exchange_request(&ex, chain), FILTER_NEXT);
        message_init(&ex.response, &ex.arena);
        ex.response.status = 200;
        ex.x.response = &ex.response;
        headers_add(&ex.response.headers, SLICE("access-control-allow-origin"),
                    SLICE("https://app.example.com"));
        assert_int_equal(fake_exchange_response(&ex, chain), FILTER_NEXT);
        expect(&ex, "access-control-allow-origin", cases[i].want);
        bool told = cases[i].origin && cases[i].want;
        expect(&ex, "access-control-allow-credentials", told ? "true" : NULL);
        expect(&ex, "access-control-expose-headers", told ? "x-header-3, x-header-4" : NULL);
        expect(&ex, "vary", "origin");
        fake_exchange_dispose(&ex);
    }
}

/* The answer's other filters run first, and cannot undo it. */
static void test_before_other_filters(void **state)
{
    struct route_filters *w = *state;
    say_listed(w);
    w->route->response_headers = config_make_mutation(&w->make);
    CONFIG_PUSH(&w->make, w->route->response_headers, set,
                config_make_header(&w->make, "access-control-allow-origin", "*"));
    const struct filter_chain *chain = route_filters_build(w);
    assert_int_equal(chain->count, 2);
    assert_ptr_equal(chain->entries[0].filter, &filter_cors);
}

static void test_refused(void **state)
{
    static const char *const origins[] = {"a.b", "https://", "://a.b", "https://*.*.b",
                                          "**",  "*://a.b",  "",       "https://a\nb"};
    struct route_filters *w = *state;
    for (unsigned i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        make_cors(w);
        SAY(w, allow_origins, origins[i]);
        route_filters_refused(w, "is not an origin");
    }
    make_cors(w);
    SAY(w, allow_headers, "x y");
    route_filters_refused(w, "neither a method nor a header name");
    make_cors(w);
    SAY(w, allow_methods, "GET\r\n");
    route_filters_refused(w, "neither a method nor a header name");
}

#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, route_filters_setup, route_filters_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_listed),
        TEST(test_other_origin),
        TEST(test_same_origin_otherwise_spelt),
        TEST(test_wildcards),
        TEST(test_expose_wildcard),
        TEST(test_no_preflight),
        TEST(test_answers),
        TEST(test_before_other_filters),
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
