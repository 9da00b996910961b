/* Tests of authorization: conditions, several lines of one header, opaque connections, and what is
 * refused when policies are compiled.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/authz_world.h"

/* ---- when ---- */

static void test_conditions(void **state)
{
    static const struct {
        const char *key, *value;
        bool match;
    } rows[] = {
        {"source.ip", "10.1.0.0/16", true},
        {"source.ip", "10.1.2.3", true},
        {"source.ip", "10.2.0.0/16", false},
        {"remote.ip", "10.1.2.3", true},
        {"source.namespace", "shop", true},
        {"source.namespace", "sho", false},
        {"source.principal", "cluster.local/ns/shop/sa/frontend", true},
        {"source.principal", "cluster.local/ns/shop/*", true},
        {"source.principal", "spiffe://cluster.local/ns/shop/sa/frontend", false},
        {"destination.ip", "10.9.9.9", true},
        {"destination.ip", "10.9.9.8", false},
        {"destination.port", "9080", true},
        {"destination.port", "80", false},
        {"destination.port", "65535", false},
        {"connection.sni", "reviews", true},
        {"connection.sni", "*views", true},
        {"connection.sni", "x", false},
        {"request.headers[X-Team]", "blue", true},
        {"request.headers[x-team]", "red", false},
        {"request.headers[x-absent]", "*", false},
        {"request.headers[x-team]", "*", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = authz_world_renew(state);
        say(w, &when(w, add(w, AUTHZ_DENY, "p"), rows[i].key)->values, rows[i].value);
        identify(w, FRONTEND);
        w->down.sni = SLICE("reviews");
        send_header(w, "x-team", "blue");
        if (passes(w) == rows[i].match)
            fail_msg("%s %s", rows[i].key, rows[i].value);
    }
}

static void test_not_values(void **state)
{
    struct world *w = *state;
    say(w, &when(w, add(w, AUTHZ_DENY, "p"), "source.namespace")->not_values, "shop");
    expect(w, "denied by p rule 1"); /* no namespace at all is not shop */
    identify(w, FRONTEND);
    expect(w, "");
    identify(w, "spiffe://cluster.local/ns/Shop/sa/frontend"); /* names know case */
    expect(w, "denied by p rule 1");
}

struct header_row {
    enum authz_action action;
    bool not_values;
    const char *lines[3];
    bool pass;
};

/* The value asked for is "good" in ALLOW and "bad" in DENY; several lines, lists in a line, none.
 */
static const struct header_row header_rows[] = {
    {AUTHZ_ALLOW, false, {"good"}, true},
    {AUTHZ_ALLOW, false, {"good", "good"}, true},
    {AUTHZ_ALLOW, false, {"good", "bad"}, false},
    {AUTHZ_ALLOW, false, {"bad", "good"}, false},
    {AUTHZ_ALLOW, false, {"good,bad"}, false},
    {AUTHZ_ALLOW, false, {NULL}, false},
    {AUTHZ_ALLOW, true, {NULL}, true}, /* not "bad" */
    {AUTHZ_ALLOW, true, {"x"}, true},
    {AUTHZ_ALLOW, true, {"bad"}, false},
    {AUTHZ_ALLOW, true, {"x", "bad"}, false},
    {AUTHZ_ALLOW, true, {"x, bad"}, false},
    {AUTHZ_DENY, false, {"bad"}, false},
    {AUTHZ_DENY, false, {"good", "bad"}, false},
    {AUTHZ_DENY, false, {"bad", "good"}, false},
    {AUTHZ_DENY, false, {"good, bad"}, false},
    {AUTHZ_DENY, false, {"good,bad,x"}, false},
    {AUTHZ_DENY, false, {"good"}, true},
    {AUTHZ_DENY, false, {"badx"}, true},
    {AUTHZ_DENY, false, {NULL}, true},
    {AUTHZ_DENY, true, {"good"}, true}, /* not "good" */
    {AUTHZ_DENY, true, {"bad"}, false},
    {AUTHZ_DENY, true, {"good", "bad"}, false},
    {AUTHZ_DENY, true, {NULL}, false},
};

static void test_many_lines_of_one_header(void **state)
{
    for (size_t i = 0; i < sizeof(header_rows) / sizeof(header_rows[0]); i++) {
        const struct header_row *row = &header_rows[i];
        struct world *w = authz_world_renew(state);
        const char *asked = (row->action == AUTHZ_ALLOW) != row->not_values ? "good" : "bad";
        struct authz_when_spec *c =
            when(w, add(w, row->action, "p"), "request.headers[x-h]");
        say(w, row->not_values ? &c->not_values : &c->values, asked);
        for (size_t j = 0; j < 3 && row->lines[j]; j++)
            send_header(w, "x-h", row->lines[j]);
        if (passes(w) != row->pass)
            fail_msg("row %zu", i);
    }
}

/* A name is never a pattern: a dot in it is a dot. */
static void test_names_are_not_patterns(void **state)
{
    struct world *w = *state;
    say(w, &from(w, add(w, AUTHZ_ALLOW, "p"))->principals, "cluster.local/ns/shop/sa/a.b");
    identify(w, "spiffe://cluster.local/ns/shop/sa/axb");
    expect(w, no_allow);
    identify(w, "spiffe://cluster.local/ns/shop/sa/a.b");
    expect(w, "");
}

/* ---- opaque connections ---- */

static void test_tcp(void **state)
{
    struct world *w = *state;
    say(w, &from(w, add(w, AUTHZ_ALLOW, "p"))->namespaces, "shop");
    expect_tcp(w, no_allow);
    identify(w, FRONTEND);
    expect_tcp(w, "");
}

/* What cannot be known of a connection never allows it and never saves it. */
static void test_tcp_with_http_attributes(void **state)
{
    static const char *const what[] = {"methods", "paths", "hosts", "header", "not_paths"};
    for (size_t i = 0; i < sizeof(what) / sizeof(what[0]); i++) {
        for (int deny = 0; deny < 2; deny++) {
            struct world *w = authz_world_renew(state);
            struct authz_rule_spec *r = add(w, deny ? AUTHZ_DENY : AUTHZ_ALLOW, "p");
            say(w, &from(w, r)->namespaces, "shop");
            struct authz_operation_spec *o = to(w, r);
            if (i == 0)
                say(w, &o->methods, "GET");
            else if (i == 1)
                say(w, &o->paths, "/x");
            else if (i == 2)
                say(w, &o->hosts, "x");
            else if (i == 3)
                say(w, &when(w, r, "request.headers[x]")->values, "y");
            else
                say(w, &o->not_paths, "/x");
            /* The rest does not hold: a DENY leaves the connection alone. */
            expect_tcp(w, deny ? "" : no_allow);
            identify(w, FRONTEND);
            expect_tcp(w, deny ? "denied by p rule 1" : no_allow);
        }
    }
}

/* ---- what is refused at build time ---- */

static void test_refuses_paths_that_cannot_match(void **state)
{
    static const char *const paths[] = {"/admin;x", "/a//b", "/a/../b*", "/%61", "admin"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct world *w = authz_world_renew(state);
        say(w, &to(w, add(w, AUTHZ_DENY, "ns/p"))->paths, paths[i]);
        expect_refused(w, "must be a path as rules see it");
    }
}

static void test_refuses_conditions(void **state)
{
    static const char *const rows[][3] = {
        {"request.auth.claims[]", "y", "must be request.headers[name]"},
        {"request.headers[host]", "y", "for the host use"},
        {"request.headers[:path]", "y", "must be request.headers[name]"},
        {"request.headers[]", "y", "must be request.headers[name]"},
        {"source.ip", "10.0.0.1/8", "an address or a prefix"},
        {"source.ip", "10.*", "an address or a prefix"},
        {"destination.port", "x", "must be a port"},
        {"destination.port", "70000", "must be a port"},
        {"request.headers[x]", "a*b", "must be a value"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = authz_world_renew(state);
        say(w, &when(w, add(w, AUTHZ_DENY, "ns/p"), rows[i][0])->values, rows[i][1]);
        expect_refused(w, rows[i][2]);
    }
}

static void test_refuses_the_rest(void **state)
{
    struct world *w = *state;
    when(w, add(w, AUTHZ_DENY, "ns/p"), "source.ip");
    expect_refused(w, "needs values or notValues");
    w = authz_world_renew(state);
    say(w, &from(w, add(w, AUTHZ_DENY, "ns/p"))->ip_blocks, "10.0.0.300");
    expect_refused(w, "\"10.0.0.300\" must be an address");
    w = authz_world_renew(state);
    struct authz_source_spec *s = from(w, add(w, AUTHZ_DENY, "ns/p"));
    say(w, &s->service_accounts, "web");
    say(w, &s->namespaces, "shop");
    expect_refused(w, "cannot be combined with principals or namespaces");
    w = authz_world_renew(state);
    say(w, &to(w, add(w, AUTHZ_DENY, "ns/p"))->methods, "Pa");
    expect_refused(w, "must be a method in upper case");
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
        TEST(test_refuses_paths_that_cannot_match),
        TEST(test_refuses_conditions),
        TEST(test_refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
