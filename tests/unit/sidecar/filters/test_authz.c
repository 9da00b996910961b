/* Tests of authorization: which policy decides, from whom, to what, and that every way of writing a
 * path meets the same policy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/filters/authz.h"

#include "tests/unit/sidecar/filters/authz_world.h"

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
    fake_exchange_identify(&w->ex, "spiffe://example.org/ns/shop/sa/frontend");
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

/* The client is whom the exchange found out; what headers say here counts no more. */
static void test_remote_ip_blocks(void **state)
{
    struct world *w = *state;
    Weft__Config__V1__AuthzSource *s = from(w, add(w, ALLOW, "p"));
    CONFIG_PUSH(&w->make, s, remote_ip_blocks, config_make_cidr(&w->make, "203.0.113.0/24"));
    fake_exchange_header(&w->ex, "x-forwarded-for", "203.0.113.7");
    fake_exchange_identify(&w->ex, FRONTEND);
    expect(w, no_allow);
    assert_int_equal(addr_parse(SLICE("203.0.113.7"), &w->ex.client.client), ERR_OK);
    expect(w, "");
    w->ex.down.direction = DIRECTION_INGRESS;
    expect(w, "");
    assert_int_equal(addr_parse(SLICE("198.51.100.1"), &w->ex.client.client), ERR_OK);
    expect(w, no_allow);
}

static void test_unknown_client_fails_closed(void **state)
{
    struct world *w = *state;
    w->ex.client.is_unknown = true;
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
        struct world *w = authz_world_renew(state);
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
        struct world *w = authz_world_renew(state);
        LIST(w, to(w, add(w, DENY, "ns/deny-admin")), paths, "/admin");
        retarget(w, "GET", "x", admin_forms[i]);
        const struct filter_chain *chain = filter_conf_authz(&w->part, compile(w));
        enum filter_verdict v = fake_exchange_request(&w->ex, chain);
        if (v != FILTER_REPLY || (w->ex.status != 403 && w->ex.status != 400))
            fail_msg("\"%s\" went through: %u", admin_forms[i], w->ex.status);
    }
}

static void test_no_form_meets_allow_public(void **state)
{
    for (size_t i = 0; i < sizeof(admin_forms) / sizeof(admin_forms[0]); i++) {
        struct world *w = authz_world_renew(state);
        LIST(w, to(w, add(w, ALLOW, "ns/public")), paths, "/public");
        retarget(w, "GET", "x", admin_forms[i]);
        const struct filter_chain *chain = filter_conf_authz(&w->part, compile(w));
        enum filter_verdict v = fake_exchange_request(&w->ex, chain);
        if (v != FILTER_REPLY)
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
        struct world *w = authz_world_renew(state);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, authz_world_setup, authz_world_teardown)
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
        TEST(test_unknown_client_fails_closed),
        TEST(test_methods_ports),
        TEST(test_hosts),
        TEST(test_not_hosts),
        TEST(test_every_form_meets_deny),
        TEST(test_no_form_meets_allow_public),
        TEST(test_paths),
        TEST(test_regex_that_gives_up),
        TEST(test_from_and_to_combine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
