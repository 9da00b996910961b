/* Tests of authorization: conditions, several lines of one header, opaque connections, and what is
 * refused when policies are compiled.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/authz_rule.h"

#include "tests/unit/sidecar/filters/authz_world.h"

/* ---- when ---- */

static void test_conditions(void **state)
{
    static const struct {
        const char *key, *value;
        bool match;
    } rows[] = {
        {"source.ip", "=10.1.0.0/16", true},
        {"source.ip", "=10.1.2.3", true},
        {"source.ip", "=10.2.0.0/16", false},
        {"remote.ip", "=10.1.2.3", true},
        {"source.namespace", "=shop", true},
        {"source.namespace", "=sho", false},
        {"source.principal", "=cluster.local/ns/shop/sa/frontend", true},
        {"source.principal", "^cluster.local/ns/shop/", true},
        {"source.principal", "=spiffe://cluster.local/ns/shop/sa/frontend", false},
        {"destination.ip", "=10.9.9.9", true},
        {"destination.ip", "=10.9.9.8", false},
        {"destination.port", "=9080", true},
        {"destination.port", "=80", false},
        {"connection.sni", "=reviews", true},
        {"connection.sni", "$views", true},
        {"connection.sni", "=x", false},
        {"request.headers[X-Team]", "=blue", true},
        {"request.headers[x-team]", "=red", false},
        {"request.headers[x-absent]", "*", false},
        {"request.headers[x-team]", "*", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = authz_world_renew(state);
        config_make_when(&w->make, add(w, DENY, "p"), rows[i].key, rows[i].value);
        fake_exchange_identify(&w->ex, FRONTEND);
        w->ex.down.sni = SLICE("reviews");
        fake_exchange_header(&w->ex, "x-team", "blue");
        struct slice reason = SLICE("");
        if (authz_decide(compile(w), &w->ex.x, &reason) == rows[i].match)
            fail_msg("%s %s", rows[i].key, rows[i].value);
    }
}

static void test_not_values(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzRule *r = add(w, DENY, "p");
    Weft__Config__V1__AuthzCondition *c =
        config_make_when(&w->make, r, "source.namespace", "=shop");
    c->not_values = c->values;
    c->n_not_values = 1;
    c->n_values = 0;
    expect(w, "denied by p rule 1"); /* no namespace at all is not shop */
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
}

struct header_row {
    Weft__Config__V1__AuthzAction action;
    bool not_values;
    const char *lines[3];
    bool pass;
};

/* The value asked for is "good" in ALLOW and "bad" in DENY; several lines, lists in a line, none.
 */
static const struct header_row header_rows[] = {
    {ALLOW, false, {"good"}, true},
    {ALLOW, false, {"good", "good"}, true},
    {ALLOW, false, {"good", "bad"}, false},
    {ALLOW, false, {"bad", "good"}, false},
    {ALLOW, false, {"good,bad"}, false},
    {ALLOW, false, {NULL}, false},
    {ALLOW, true, {NULL}, true}, /* not "bad" */
    {ALLOW, true, {"x"}, true},
    {ALLOW, true, {"bad"}, false},
    {ALLOW, true, {"x", "bad"}, false},
    {ALLOW, true, {"x, bad"}, false},
    {DENY, false, {"bad"}, false},
    {DENY, false, {"good", "bad"}, false},
    {DENY, false, {"bad", "good"}, false},
    {DENY, false, {"good, bad"}, false},
    {DENY, false, {"good,bad,x"}, false},
    {DENY, false, {"good"}, true},
    {DENY, false, {"badx"}, true},
    {DENY, false, {NULL}, true},
    {DENY, true, {"good"}, true}, /* not "good" */
    {DENY, true, {"bad"}, false},
    {DENY, true, {"good", "bad"}, false},
    {DENY, true, {NULL}, false},
};

static void test_many_lines_of_one_header(void **state)
{
    for (size_t i = 0; i < sizeof(header_rows) / sizeof(header_rows[0]); i++) {
        const struct header_row *row = &header_rows[i];
        struct world *w = authz_world_renew(state);
        bool asks_good = (row->action == ALLOW) != row->not_values;
        Weft__Config__V1__AuthzCondition *c =
            config_make_when(&w->make, add(w, row->action, "p"), "request.headers[x-h]",
                             asks_good ? "=good" : "=bad");
        if (row->not_values) {
            c->not_values = c->values;
            c->n_not_values = 1;
            c->n_values = 0;
        }
        for (size_t j = 0; j < 3 && row->lines[j]; j++)
            fake_exchange_header(&w->ex, "x-h", row->lines[j]);
        struct slice reason = SLICE("");
        if (authz_decide(compile(w), &w->ex.x, &reason) != row->pass)
            fail_msg("row %zu", i);
    }
}

/* A name is never a pattern: a dot in it is a dot. */
static void test_names_are_not_patterns(void **state)
{
    struct world *w = *state;
    LIST(w, from(w, add(w, ALLOW, "p")), principals, "=cluster.local/ns/shop/sa/a.b");
    fake_exchange_identify(&w->ex, "spiffe://cluster.local/ns/shop/sa/axb");
    expect(w, no_allow);
    fake_exchange_identify(&w->ex, "spiffe://cluster.local/ns/shop/sa/a.b");
    expect(w, "");
}

/* ---- opaque connections ---- */

static void test_tcp(void **state)
{
    struct world *w = *state;
    LIST(w, from(w, add(w, ALLOW, "p")), namespaces, "=shop");
    expect_tcp(w, no_allow);
    fake_exchange_identify(&w->ex, FRONTEND);
    expect_tcp(w, "");
}

/* What cannot be known of a connection never allows it and never saves it. */
static void test_tcp_with_http_attributes(void **state)
{
    static const char *const what[] = {"methods", "paths", "hosts", "header", "not_paths"};
    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
        for (int deny = 0; deny < 2; deny++) {
            struct world *w = authz_world_renew(state);
            Weft__Config__V1__AuthzRule *r = add(w, deny ? DENY : ALLOW, "p");
            LIST(w, from(w, r), namespaces, "=shop");
            Weft__Config__V1__AuthzOperation *o = to(w, r);
            if (i == 0)
                LIST(w, o, methods, "=GET");
            else if (i == 1)
                LIST(w, o, paths, "=/x");
            else if (i == 2)
                LIST(w, o, hosts, "=x");
            else if (i == 3)
                config_make_when(&w->make, r, "request.headers[x]", "=y");
            else
                LIST(w, o, not_paths, "=/x");
            /* The rest does not hold: a DENY leaves the connection alone. */
            expect_tcp(w, deny ? "" : no_allow);
            fake_exchange_identify(&w->ex, FRONTEND);
            expect_tcp(w, deny ? "denied by p rule 1" : no_allow);
        }
    }
}

/* ---- the filter, and what is refused at build time ---- */

static void test_filter_answers(void **state)
{
    struct world *w = *state;
    LIST(w, to(w, add(w, DENY, "default/deny-admin")), paths, "/admin");
    const struct filter_chain *chain = filter_conf_authz(&w->part, compile(w));
    assert_int_equal(fake_exchange_request(&w->ex, chain), FILTER_NEXT);
    assert_int_equal(w->ex.replies, 0);
    retarget(w, "GET", "x", "/admin/");
    assert_int_equal(fake_exchange_request(&w->ex, chain), FILTER_REPLY);
    assert_int_equal(w->ex.fail, FAIL_AUTHZ_DENIED);
    assert_slice(w->ex.detail, "denied by default/deny-admin rule 1");
    retarget(w, "GET", "x", "/%2e%2e/");
    assert_int_equal(fake_exchange_request(&w->ex, chain), FILTER_REPLY);
    assert_int_equal(w->ex.fail, FAIL_BAD_REQUEST);
}

static void test_refuses_paths_that_cannot_match(void **state)
{
    static const char *const paths[] = {"=/admin;x", "=/a//b", "^/a/../b", "=/%61", "=admin"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct world *w = authz_world_renew(state);
        LIST(w, to(w, add(w, DENY, "ns/p")), paths, paths[i]);
        expect_refused(w, "inbound: AuthorizationPolicy ns/p: path ");
        expect_refused(w, "would never match");
    }
}

static void test_refuses_conditions(void **state)
{
    static const char *const rows[][3] = {
        {"request.auth.claims[x]", "=y", "unknown condition key"},
        {"request.headers[host]", "=y", "use hosts, methods or paths"},
        {"request.headers[:path]", "=y", "use hosts, methods or paths"},
        {"request.headers[]", "=y", "not a header name"},
        {"source.ip", "=10.0.0.1/8", "not an address or a prefix"},
        {"source.ip", "^10.", "plain values only"},
        {"destination.port", "=x", "\"x\" is not a port"},
        {"destination.port", "=70000", "is not a port"},
        {"request.headers[x]", "~(", "regular expression"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = authz_world_renew(state);
        config_make_when(&w->make, add(w, DENY, "ns/p"), rows[i][0], rows[i][1]);
        expect_refused(w, rows[i][2]);
    }
}

static void test_refuses_the_rest(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzRule *r = add(w, DENY, "ns/p");
    config_make_when(&w->make, r, "source.ip", "=10.0.0.1")->n_values = 0;
    expect_refused(w, "condition source.ip without values");
    r->n_when = 0;
    CONFIG_PUSH(&w->make, from(w, r), ip_blocks, config_make_cidr(&w->make, "10.0.0.300"));
    expect_refused(w, "\"10.0.0.300\" is not an address");
    r->n_from = 0;
    w->policies[0]->action = (Weft__Config__V1__AuthzAction)7;
    expect_refused(w, "unknown action 7");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, authz_world_setup, authz_world_teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_conditions),
        TEST(test_not_values),
        TEST(test_many_lines_of_one_header),
        TEST(test_names_are_not_patterns),
        TEST(test_tcp),
        TEST(test_tcp_with_http_attributes),
        TEST(test_filter_answers),
        TEST(test_refuses_paths_that_cannot_match),
        TEST(test_refuses_conditions),
        TEST(test_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
