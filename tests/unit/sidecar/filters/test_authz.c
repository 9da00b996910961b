/* Tests of authorization: what is asked, in which order, and that every way of writing a path meets
 * the same policy. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/authz.h"

#include "sidecar/config/authz_conf.h"
#include "sidecar/config/filter_conf.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"
#include "tests/unit/sidecar/config_make.h"
#include "tests/unit/sidecar/fake_exchange.h"

#define ALLOW WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_ALLOW
#define DENY WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_DENY
#define AUDIT WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_AUDIT
#define FRONTEND "spiffe://cluster.local/ns/shop/sa/frontend"

struct world {
    struct config_make make;
    struct part part;
    Weft__Config__V1__AuthzPolicy **policies;
    size_t n_policies;
    struct exchange ex;
    char detail[PART_DETAIL_MAX];
};

static int setup(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    config_make_init(&w.make);
    part_init(&w.part);
    fake_exchange_init(&w.ex, "GET", "reviews:9080", "/reviews/1");
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    fake_exchange_dispose(&w->ex);
    part_dispose(&w->part);
    config_make_dispose(&w->make);
    return 0;
}

/* For tests that go through a table. */
static struct world *renew(void **state)
{
    teardown(state);
    setup(state);
    return *state;
}

/* A policy with one empty rule, which matches everything until it is told otherwise. */
static Weft__Config__V1__AuthzRule *add(struct world *w, Weft__Config__V1__AuthzAction action,
                                        const char *name)
{
    Weft__Config__V1__AuthzPolicy *p = config_make_policy(&w->make, name, action);
    Weft__Config__V1__AuthzRule *r = config_make_rule(&w->make);
    CONFIG_PUSH(&w->make, p, rules, r);
    CONFIG_PUSH(&w->make, w, policies, p);
    return r;
}

static Weft__Config__V1__AuthzSource *from(struct world *w, Weft__Config__V1__AuthzRule *r)
{
    Weft__Config__V1__AuthzSource *s = arena_alloc(&w->make.arena, sizeof(*s));
    weft__config__v1__authz_source__init(s);
    CONFIG_PUSH(&w->make, r, from, s);
    return s;
}

static Weft__Config__V1__AuthzOperation *to(struct world *w, Weft__Config__V1__AuthzRule *r)
{
    Weft__Config__V1__AuthzOperation *o = arena_alloc(&w->make.arena, sizeof(*o));
    weft__config__v1__authz_operation__init(o);
    CONFIG_PUSH(&w->make, r, to, o);
    return o;
}

#define LIST(w, message, field, text) \
    CONFIG_PUSH(&(w)->make, message, field, config_make_match(&(w)->make, text))

static const struct authz *compile(struct world *w)
{
    struct part_build b = {&w->part, SLICE("inbound"), w->detail};
    const struct authz *a;
    if (authz_conf_create(&b, w->policies, w->n_policies, &a))
        fail_msg("%s", w->detail);
    return a;
}

static void expect_refused(struct world *w, const char *want)
{
    struct part_build b = {&w->part, SLICE("inbound"), w->detail};
    const struct authz *a;
    assert_int_equal(authz_conf_create(&b, w->policies, w->n_policies, &a), ERR_INVALID);
    if (!strstr(w->detail, want))
        fail_msg("\"%s\" does not say \"%s\"", w->detail, want);
}

/* "" when the request may go on, else the reason. */
static void expect(struct world *w, const char *want)
{
    struct slice reason = SLICE("");
    bool allowed = authz_decide(compile(w), &w->ex, &reason);
    assert_slice(reason, want);
    assert_int_equal(allowed, want[0] == '\0');
}

static void expect_tcp(struct world *w, const char *want)
{
    char reason[AUTHZ_REASON_MAX] = "";
    bool allowed = authz_decide_tcp(compile(w), &w->ex.down, reason);
    assert_string_equal(reason, want);
    assert_int_equal(allowed, want[0] == '\0');
}

static void retarget(struct world *w, const char *method, const char *authority, const char *target)
{
    fake_exchange_dispose(&w->ex);
    fake_exchange_init(&w->ex, method, authority, target);
}

static const char no_allow[] = "no ALLOW policy matches";

/* ---- which policy decides ---- */

static void test_no_policies(void **state)
{
    struct world *w = *state;
    assert_null(compile(w));
    assert_null(filter_conf_authz(&w->part, NULL));
}

static void test_order(void **state)
{
    struct world *w = *state;
    add(w, ALLOW, "a/allow-all");
    expect(w, "");
    add(w, DENY, "a/deny-all");
    expect(w, "denied by a/deny-all rule 1");
}

static void test_policies_without_rules(void **state)
{
    struct world *w = *state;
    CONFIG_PUSH(&w->make, w, policies, config_make_policy(&w->make, "a/deny", DENY));
    expect(w, "");
    CONFIG_PUSH(&w->make, w, policies, config_make_policy(&w->make, "a/nothing", ALLOW));
    expect(w, no_allow);
}

static void test_audit_only_logs(void **state)
{
    struct world *w = *state;
    add(w, AUDIT, "a/audit");
    expect(w, "");
}

static void test_rule_number_is_named(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzRule *r = add(w, DENY, "ns/p");
    LIST(w, to(w, r), methods, "=POST");
    CONFIG_PUSH(&w->make, w->policies[0], rules, config_make_rule(&w->make));
    expect(w, "denied by ns/p rule 2");
}

/* ---- from ---- */

static void test_principals(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzSource *s = from(w, add(w, ALLOW, "p"));
    LIST(w, s, principals, "=cluster.local/ns/shop/sa/frontend");
    expect(w, no_allow); /* plaintext has no principal */
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
    fake_exchange_identify(&w->ex, "spiffe://cluster.local/ns/shop/sa/frontendx");
    expect(w, no_allow);
    fake_exchange_identify(&w->ex, "spiffe://other.local/ns/shop/sa/frontend");
    expect(w, no_allow);
}

static void test_any_principal(void **state)
{
    struct world *w = *state;
    LIST(w, from(w, add(w, ALLOW, "p")), principals, "*");
    expect(w, no_allow);
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
}

/* "Not this one" holds for somebody without any identity. */
static void test_not_principals(void **state)
{
    struct world *w = *state;
    LIST(w, from(w, add(w, DENY, "p")), not_principals, "=cluster.local/ns/shop/sa/frontend");
    expect(w, "denied by p rule 1");
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
}

static void test_namespaces(void **state)
{
    struct world *w = *state;
    LIST(w, from(w, add(w, ALLOW, "p")), namespaces, "=shop");
    expect(w, no_allow);
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
    fake_exchange_identify(&w->ex, "spiffe://cluster.local/ns/shopx/sa/frontend");
    expect(w, no_allow);
    fake_exchange_identify(&w->ex, "spiffe://cluster.local/team/shop/sa/frontend");
    expect(w, no_allow);
    fake_exchange_identify(&w->ex, "spiffe://shop");
    expect(w, no_allow);
}

static void test_ip_blocks(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzSource *s = from(w, add(w, DENY, "p"));
    CONFIG_PUSH(&w->make, s, ip_blocks, config_make_cidr(&w->make, "10.1.0.0/16"));
    CONFIG_PUSH(&w->make, s, not_ip_blocks, config_make_cidr(&w->make, "10.1.2.4"));
    expect(w, "denied by p rule 1");
    assert_int_equal(addr_parse(SLICE("10.1.2.4:1"), &w->ex.down.peer), ERR_OK);
    expect(w, "");
    assert_int_equal(addr_parse(SLICE("10.2.0.1:1"), &w->ex.down.peer), ERR_OK);
    expect(w, "");
    assert_int_equal(addr_parse(SLICE("[::ffff:10.1.2.3]:1"), &w->ex.down.peer), ERR_OK);
    expect(w, "denied by p rule 1");
}

/* Only a peer with an identity is believed about who spoke to it, and only its own last word. */
static void test_remote_ip_blocks(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzSource *s = from(w, add(w, ALLOW, "p"));
    CONFIG_PUSH(&w->make, s, remote_ip_blocks, config_make_cidr(&w->make, "203.0.113.0/24"));
    fake_exchange_header(&w->ex, "x-forwarded-for", "203.0.113.7");
    expect(w, no_allow);
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
    fake_exchange_header(&w->ex, "x-forwarded-for", "203.0.113.7, 198.51.100.1");
    expect(w, no_allow);
    fake_exchange_header(&w->ex, "x-forwarded-for", "198.51.100.1, 203.0.113.9");
    expect(w, "");
    w->ex.down.direction = DIRECTION_INGRESS;
    expect(w, no_allow);
}

static void test_unreadable_remote_ip_fails_closed(void **state)
{
    struct world *w = *state;
    fake_exchange_identify(&w->ex, FRONTEND);
    fake_exchange_header(&w->ex, "x-forwarded-for", "unknown");
    Weft__Config__V1__AuthzSource *s = from(w, add(w, DENY, "p"));
    CONFIG_PUSH(&w->make, s, remote_ip_blocks, config_make_cidr(&w->make, "203.0.113.0/24"));
    expect(w, "denied by p rule 1");
    w->policies[0]->action = ALLOW;
    expect(w, no_allow);
}

/* ---- to ---- */

static void test_methods_ports(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzOperation *o = to(w, add(w, DENY, "p"));
    uint32_t ports[] = {9080};
    LIST(w, o, methods, "=GET");
    o->ports = ports;
    o->n_ports = 1;
    expect(w, "denied by p rule 1");
    w->ex.request.method = SLICE("get"); /* methods know case */
    expect(w, "");
    w->ex.request.method = SLICE("GET");
    w->ex.down.original_dst.port = 80;
    expect(w, "");
    o->not_ports = ports;
    o->n_not_ports = 1;
    o->n_ports = 0;
    expect(w, "denied by p rule 1");
}

static void test_hosts(void **state)
{
    static const struct {
        const char *policy, *authority;
        bool match;
    } rows[] = {
        {"=Admin.example.com", "admin.EXAMPLE.com", true},
        {"=admin.example.com", "admin.example.com:8080", true},
        {"=admin.example.com", "admin.example.com.", true},
        {"=admin.example.com", "admin.example.com.:8080", true},
        {"=admin.example.com:8080", "admin.example.com:8080", true},
        {"=admin.example.com:8080", "admin.example.com.:8080", true},
        {"=admin.example.com:8080", "admin.example.com:8081", false},
        {"=admin.example.com:9080", "admin.example.com", true}, /* the port that was called */
        {"=admin.example.com:9081", "admin.example.com", false},
        {"$.EXAMPLE.com", "x.example.com:80", true},
        {"$.example.com", "example.com", false},
        {"^admin.", "ADMIN.x", true},
        {"*", "anything", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = renew(state);
        LIST(w, to(w, add(w, DENY, "p")), hosts, rows[i].policy);
        retarget(w, "GET", rows[i].authority, "/");
        expect(w, rows[i].match ? "denied by p rule 1" : "");
    }
}

static void test_not_hosts(void **state)
{
    struct world *w = *state;
    LIST(w, to(w, add(w, DENY, "p")), not_hosts, "=good.example.com");
    retarget(w, "GET", "good.example.com:80", "/");
    expect(w, "");
    retarget(w, "GET", "bad.example.com", "/");
    expect(w, "denied by p rule 1");
}

/* Each form either is /admin to the policy or never gets as far as a policy. */
static const char *const admin_forms[] = {
    "/admin",
    "/admin/",
    "/admin/users",
    "//admin",
    "/./admin",
    "/x/../admin",
    "/%61dmin",
    "/admin;x=y",
    "/admin;/",
    "/x/..;/admin",
    "/%2e%2e/admin",
    "/x%2f..%2fadmin",
    "/x/%2e%2e/admin",
    "/admin%2fusers",
    "/x/..%5cadmin",
    "/\\admin",
    "/%5cadmin",
    "/admin%3bx",
    "/;a=b/admin",
    "/admin?x=y",
    "/admin?/public",
    "/admin/../admin",
    "/%2fadmin",
    "/admin/%2e",
    "/x/%252e%252e/admin",
    "/admin%00",
    "/admin#a",
    "/.//admin",
    "/public/../admin/x",
};

static void test_every_form_meets_deny(void **state)
{
    for (size_t i = 0; i < sizeof(admin_forms) / sizeof(admin_forms[0]); i++) {
        struct world *w = renew(state);
        LIST(w, to(w, add(w, DENY, "ns/deny-admin")), paths, "/admin");
        retarget(w, "GET", "x", admin_forms[i]);
        enum verdict v = fake_exchange_request(&w->ex, filter_conf_authz(&w->part, compile(w)));
        if (v != VERDICT_REPLY || (w->ex.status != 403 && w->ex.status != 400))
            fail_msg("\"%s\" went through: %u", admin_forms[i], w->ex.status);
    }
}

static void test_no_form_meets_allow_public(void **state)
{
    for (size_t i = 0; i < sizeof(admin_forms) / sizeof(admin_forms[0]); i++) {
        struct world *w = renew(state);
        LIST(w, to(w, add(w, ALLOW, "ns/public")), paths, "/public");
        retarget(w, "GET", "x", admin_forms[i]);
        enum verdict v = fake_exchange_request(&w->ex, filter_conf_authz(&w->part, compile(w)));
        if (v != VERDICT_REPLY)
            fail_msg("\"%s\" went through", admin_forms[i]);
    }
}

static void test_paths(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzOperation *o = to(w, add(w, ALLOW, "p"));
    LIST(w, o, paths, "^/reviews/");
    LIST(w, o, paths, "$.css");
    LIST(w, o, paths, "~/v[0-9]+/.*");
    LIST(w, o, not_paths, "=/reviews/secret");
    expect(w, "");
    retarget(w, "GET", "x", "/a/b.css?x");
    expect(w, "");
    retarget(w, "GET", "x", "/v12/z");
    expect(w, "");
    retarget(w, "GET", "x", "/reviews/%73ecret");
    expect(w, no_allow);
    retarget(w, "GET", "x", "/other?/reviews/");
    expect(w, no_allow);
}

/* The engine gives up: an ALLOW does not hold, a DENY does, and so do their opposites. */
static void test_regex_that_gives_up(void **state)
{
    static char target[4096];
    static const struct {
        Weft__Config__V1__AuthzAction action;
        bool not_paths;
        const char *want;
    } rows[] = {
        {ALLOW, false, no_allow},
        {ALLOW, true, no_allow},
        {DENY, false, "denied by p rule 1"},
        {DENY, true, "denied by p rule 1"},
    };
    memset(target, 'a', sizeof(target));
    target[0] = '/';
    target[sizeof(target) - 1] = '\0';
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = renew(state);
        Weft__Config__V1__AuthzOperation *o = to(w, add(w, rows[i].action, "p"));
        if (rows[i].not_paths)
            LIST(w, o, not_paths, "~/(?:a|aa)+[cd]");
        else
            LIST(w, o, paths, "~/(?:a|aa)+[cd]");
        retarget(w, "GET", "x", target);
        expect(w, rows[i].want);
        /* A regex that nobody can evaluate does not matter where the rest says no. */
        LIST(w, o, methods, "=POST");
        expect(w, rows[i].action == DENY ? "" : no_allow);
    }
}

/* Any of from, and any of to; within one of them every field. */
static void test_from_and_to_combine(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzRule *r = add(w, ALLOW, "p");
    LIST(w, from(w, r), namespaces, "=other");
    LIST(w, from(w, r), namespaces, "=shop");
    LIST(w, to(w, r), methods, "=POST");
    Weft__Config__V1__AuthzOperation *o = to(w, r);
    LIST(w, o, methods, "=GET");
    LIST(w, o, paths, "=/reviews/1");
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
    retarget(w, "GET", "x", "/reviews/2");
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, no_allow);
    retarget(w, "POST", "x", "/reviews/2");
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, "");
    retarget(w, "POST", "x", "/reviews/2");
    expect(w, no_allow);
}

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
        struct world *w = renew(state);
        config_make_when(&w->make, add(w, DENY, "p"), rows[i].key, rows[i].value);
        fake_exchange_identify(&w->ex, FRONTEND);
        w->ex.down.sni = SLICE("reviews");
        fake_exchange_header(&w->ex, "x-team", "blue");
        struct slice reason = SLICE("");
        if (authz_decide(compile(w), &w->ex, &reason) == rows[i].match)
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
        struct world *w = renew(state);
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
        if (authz_decide(compile(w), &w->ex, &reason) != row->pass)
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
            struct world *w = renew(state);
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
    assert_int_equal(fake_exchange_request(&w->ex, chain), VERDICT_NEXT);
    assert_int_equal(w->ex.replies, 0);
    retarget(w, "GET", "x", "/admin/");
    assert_int_equal(fake_exchange_request(&w->ex, chain), VERDICT_REPLY);
    assert_int_equal(w->ex.fail, FAIL_AUTHZ_DENIED);
    assert_slice(w->ex.detail, "denied by default/deny-admin rule 1");
    retarget(w, "GET", "x", "/%2e%2e/");
    assert_int_equal(fake_exchange_request(&w->ex, chain), VERDICT_REPLY);
    assert_int_equal(w->ex.fail, FAIL_BAD_REQUEST);
}

static void test_refuses_paths_that_cannot_match(void **state)
{
    static const char *const paths[] = {"=/admin;x", "=/a//b", "^/a/../b", "=/%61", "=admin"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct world *w = renew(state);
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
        struct world *w = renew(state);
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
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_no_policies),
        TEST(test_order),
        TEST(test_policies_without_rules),
        TEST(test_audit_only_logs),
        TEST(test_rule_number_is_named),
        TEST(test_principals),
        TEST(test_any_principal),
        TEST(test_not_principals),
        TEST(test_namespaces),
        TEST(test_ip_blocks),
        TEST(test_remote_ip_blocks),
        TEST(test_unreadable_remote_ip_fails_closed),
        TEST(test_methods_ports),
        TEST(test_hosts),
        TEST(test_not_hosts),
        TEST(test_every_form_meets_deny),
        TEST(test_no_form_meets_allow_public),
        TEST(test_paths),
        TEST(test_regex_that_gives_up),
        TEST(test_from_and_to_combine),
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
