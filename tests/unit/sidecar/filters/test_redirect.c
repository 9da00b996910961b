/* Tests of redirects: port, scheme, host and path by the rules of the Gateway API.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/redirect.h"

#include "tests/unit/sidecar/filters/route_filters.h"

struct row {
    /* what the route says */
    const char *scheme, *hostname;
    uint32_t port, status;
    const char *full, *prefix; /* new path; NULL: none */
    /* where the client is */
    uint16_t listener_port;
    bool is_tls;
    const char *authority, *target;
    /* what it is told */
    unsigned want_status;
    const char *want;
};

static const struct row rows[] = {
    /* host and status */
    {"", "example.org", 0, 0, NULL, NULL, 80, false, "a.b", "/x?y=1", 302,
     "http://example.org/x?y=1"},
    {"", "example.org", 0, 301, NULL, NULL, 80, false, "a.b:80", "/", 301, "http://example.org/"},
    {"", "", 0, 303, "/z", NULL, 80, false, "a.b", "/x", 303, "http://a.b/z"},
    {"", "", 0, 307, "/z", NULL, 80, false, "a.b", "/x?q", 307, "http://a.b/z?q"},
    {"", "", 0, 308, "/z", NULL, 443, true, "a.b", "/x", 308, "https://a.b/z"},
    /* no scheme, no port: the listener's, shown unless it goes without saying */
    {"", "h", 0, 0, NULL, NULL, 8080, false, "a.b:8080", "/", 302, "http://h:8080/"},
    {"", "h", 0, 0, NULL, NULL, 8443, true, "a.b", "/", 302, "https://h:8443/"},
    {"", "h", 0, 0, NULL, NULL, 443, false, "a.b", "/", 302, "http://h:443/"},
    /* a new scheme brings its own port */
    {"https", "", 0, 0, NULL, NULL, 80, false, "a.b", "/x", 302, "https://a.b/x"},
    {"https", "", 0, 0, NULL, NULL, 8080, false, "a.b:8080", "/x", 302, "https://a.b/x"},
    {"http", "", 0, 0, NULL, NULL, 443, true, "a.b", "/x", 302, "http://a.b/x"},
    /* a port that is said is shown, unless it goes without saying */
    {"https", "", 443, 0, NULL, NULL, 8080, false, "a.b", "/x", 302, "https://a.b/x"},
    {"https", "", 8443, 0, NULL, NULL, 80, false, "a.b", "/x", 302, "https://a.b:8443/x"},
    {"http", "", 443, 0, NULL, NULL, 80, false, "a.b", "/x", 302, "http://a.b:443/x"},
    {"", "", 80, 0, NULL, NULL, 8080, false, "a.b", "/x", 302, "http://a.b/x"},
    {"", "", 8083, 0, NULL, NULL, 80, false, "a.b", "/x", 302, "http://a.b:8083/x"},
    {"", "", 80, 0, NULL, NULL, 443, true, "a.b", "/x", 302, "https://a.b:80/x"},
    /* paths */
    {"", "", 0, 0, NULL, "/new", 80, false, "a.b", "/foo/bar?q=1", 302, "http://a.b/new/bar?q=1"},
    {"", "", 0, 0, NULL, "", 80, false, "a.b", "/foo", 302, "http://a.b/"},
    {"", "", 0, 0, NULL, "/", 80, false, "a.b", "/foo/x", 302, "http://a.b/x"},
    /* IPv6 */
    {"https", "", 0, 0, NULL, NULL, 80, false, "[::1]:80", "/", 302, "https://[::1]/"},
};

static void configure(struct route_filters *w, const struct row *row, Weft__Config__V1__Redirect *r,
                      Weft__Config__V1__PathModifier *path)
{
    weft__config__v1__redirect__init(r);
    weft__config__v1__path_modifier__init(path);
    r->scheme = config_make_text(&w->make, row->scheme);
    r->hostname = config_make_text(&w->make, row->hostname);
    r->port = row->port;
    r->status = row->status;
    r->path = path;
    if (row->full) {
        path->kind_case = WEFT__CONFIG__V1__PATH_MODIFIER__KIND_REPLACE_FULL;
        path->replace_full = config_make_text(&w->make, row->full);
    } else if (row->prefix) {
        path->kind_case = WEFT__CONFIG__V1__PATH_MODIFIER__KIND_REPLACE_PREFIX;
        path->replace_prefix = config_make_text(&w->make, row->prefix);
    }
    w->route->redirect = r;
    w->route->n_clusters = 0;
    w->listener_port = row->listener_port;
}

static void test_rows(void **state)
{
    struct route_filters *w = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        Weft__Config__V1__Redirect redirect;
        Weft__Config__V1__PathModifier path;
        struct fake_exchange ex;
        configure(w, row, &redirect, &path);
        fake_exchange_init(&ex, "GET", row->authority, row->target);
        ex.down.is_tls = row->is_tls;
        assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_REPLY);
        assert_int_equal(ex.status, row->want_status);
        if (!slice_eq_cstr(headers_get_id(&ex.response.headers, HEADER_LOCATION), row->want))
            fail_msg("row %zu: %.*s, not %s", i,
                     SLICE_ARG(headers_get_id(&ex.response.headers, HEADER_LOCATION)), row->want);
        fake_exchange_dispose(&ex);
    }
}

/* What the request says of its scheme counts before the connection. */
static void test_scheme_of_the_request(void **state)
{
    struct route_filters *w = *state;
    struct row row = {"", "", 0, 0, "/z", NULL, 443, false, "a.b", "/", 302, ""};
    Weft__Config__V1__Redirect redirect;
    Weft__Config__V1__PathModifier path;
    struct fake_exchange ex;
    configure(w, &row, &redirect, &path);
    fake_exchange_init(&ex, "GET", "a.b", "/");
    ex.request.scheme = SLICE("https");
    assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_REPLY);
    assert_slice(headers_get_id(&ex.response.headers, HEADER_LOCATION), "https://a.b/z");
    fake_exchange_dispose(&ex);
}

static void test_without_host(void **state)
{
    struct route_filters *w = *state;
    struct row row = {"https", "", 0, 0, NULL, NULL, 80, false, "", "/", 302, ""};
    Weft__Config__V1__Redirect redirect;
    Weft__Config__V1__PathModifier path;
    struct fake_exchange ex;
    configure(w, &row, &redirect, &path);
    fake_exchange_init(&ex, "GET", "", "/");
    assert_int_equal(fake_exchange_request(&ex, route_filters_build(w)), FILTER_REPLY);
    assert_int_equal(ex.fail, FAIL_BAD_REQUEST);
    fake_exchange_dispose(&ex);
}

static void test_refused(void **state)
{
    static const struct {
        struct row row;
        const char *want;
    } bad[] = {
        {{.scheme = "ftp", .hostname = ""}, "redirect to scheme \"ftp\""},
        {{.scheme = "", .hostname = "a b"}, "\"a b\" is not a host name"},
        {{.scheme = "", .hostname = "", .port = 70000}, "redirect to port 70000"},
        {{.scheme = "", .hostname = "", .status = 304}, "redirect with status 304"},
        {{.scheme = "", .hostname = "", .status = 200}, "redirect with status 200"},
        {{.scheme = "", .hostname = "", .full = "x"}, "the new path \"x\" is not a path"},
        {{.scheme = "", .hostname = "", .full = "/a?b"}, "is not a path"},
        {{.scheme = "", .hostname = "", .full = "/a\r\nb"}, "is not a path"},
    };
    struct route_filters *w = *state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        Weft__Config__V1__Redirect redirect;
        Weft__Config__V1__PathModifier path;
        configure(w, &bad[i].row, &redirect, &path);
        route_filters_refused(w, bad[i].want);
    }
    struct row row = {"", "", 0, 0, NULL, "/x", 80, false, "", "/", 302, ""};
    Weft__Config__V1__Redirect redirect;
    Weft__Config__V1__PathModifier path;
    configure(w, &row, &redirect, &path);
    w->route->match->path = config_make_match(&w->make, "=/exact");
    route_filters_refused(w, "replaces a path prefix but matches none");
    w->route->matched_prefix = config_make_text(&w->make, "/exact");
    assert_non_null(route_filters_build(w));
}

int main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, route_filters_setup, route_filters_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_rows),
        TEST(test_scheme_of_the_request),
        TEST(test_without_host),
        TEST(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
