/* Tests of authorization: which policy decides, from whom, to what, and that every way of writing a
 * path meets the same policy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/authz_world.h"

/* ---- which policy decides ---- */

static void test_no_policies(void **state)
{
    struct world *w = *state;
    expect(w, "");
}

static void test_order(void **state)
{
    struct world *w = *state;
    add(w, AUTHZ_ALLOW, "a/allow-all");
    expect(w, "");
    add(w, AUTHZ_DENY, "a/deny-all");
    expect(w, "denied by a/deny-all rule 1");
}

static void test_policies_without_rules(void **state)
{
    struct world *w = *state;
    add_policy(w, AUTHZ_DENY, "a/deny");
    expect(w, "");
    add_policy(w, AUTHZ_ALLOW, "a/nothing");
    expect(w, no_allow);
}

static void test_audit_only_logs(void **state)
{
    struct world *w = *state;
    add(w, AUTHZ_AUDIT, "a/audit");
    expect(w, "");
    say(w, &to(w, add(w, AUTHZ_AUDIT, "a/posts"))->methods, "POST");
    expect(w, "");
}

static void test_rule_number_is_named(void **state)
{
    struct world *w = *state;
    struct authz_rule_spec *r = add(w, AUTHZ_DENY, "ns/p");
    say(w, &to(w, r)->methods, "POST");
    add_rule(w, policy_at(w, 0));
    expect(w, "denied by ns/p rule 2");
}

/* ---- from ---- */

static void test_principals(void **state)
{
    struct world *w = *state;
    struct authz_source_spec *s = from(w, add(w, AUTHZ_ALLOW, "p"));
    say(w, &s->principals, "cluster.local/ns/shop/sa/frontend");
    expect(w, no_allow); /* plaintext has no principal */
    identify(w, FRONTEND);
    expect(w, "");
    identify(w, "spiffe://cluster.local/ns/shop/sa/frontendx");
    expect(w, no_allow);
    identify(w, "spiffe://example.org/ns/shop/sa/frontend");
    expect(w, no_allow);
    identify(w, "spiffe://cluster.local/ns/shop/sa/Frontend"); /* identities know case */
    expect(w, no_allow);
}

static void test_any_principal(void **state)
{
    struct world *w = *state;
    say(w, &from(w, add(w, AUTHZ_ALLOW, "p"))->principals, "*");
    expect(w, no_allow);
    identify(w, FRONTEND);
    expect(w, "");
}

/* "Not this one" holds for somebody without any identity. */
static void test_not_principals(void **state)
{
    struct world *w = *state;
    say(w, &from(w, add(w, AUTHZ_DENY, "p"))->not_principals, "cluster.local/ns/shop/sa/frontend");
    expect(w, "denied by p rule 1");
    identify(w, FRONTEND);
    expect(w, "");
}

static void test_namespaces(void **state)
{
    struct world *w = *state;
    say(w, &from(w, add(w, AUTHZ_ALLOW, "p"))->namespaces, "shop");
    expect(w, no_allow);
    identify(w, FRONTEND);
    expect(w, "");
    identify(w, "spiffe://cluster.local/ns/shopx/sa/frontend");
    expect(w, no_allow);
    identify(w, "spiffe://cluster.local/team/shop/sa/frontend");
    expect(w, no_allow);
    identify(w, "spiffe://shop");
    expect(w, no_allow);
}

/* Of the policy's own namespace, unless another one is said. */
static void test_service_accounts(void **state)
{
    struct world *w = *state;
    struct authz_source_spec *s = from(w, add(w, AUTHZ_ALLOW, "shop/p"));
    say(w, &s->service_accounts, "web");
    say(w, &s->service_accounts, "other/batch");
    identify(w, FRONTEND);
    expect(w, no_allow);
    identify(w, "spiffe://cluster.local/ns/shop/sa/web");
    expect(w, "");
    identify(w, "spiffe://cluster.local/ns/other/sa/web");
    expect(w, no_allow);
    identify(w, "spiffe://cluster.local/ns/other/sa/batch");
    expect(w, "");
    identify(w, "spiffe://example.org/ns/shop/sa/web");
    expect(w, no_allow);
    say(w, &s->not_service_accounts, "web");
    identify(w, "spiffe://cluster.local/ns/shop/sa/web");
    expect(w, no_allow);
}

static void test_ip_blocks(void **state)
{
    struct world *w = *state;
    struct authz_source_spec *s = from(w, add(w, AUTHZ_DENY, "p"));
    say(w, &s->ip_blocks, "10.1.0.0/16");
    say(w, &s->not_ip_blocks, "10.1.2.4");
    expect(w, "denied by p rule 1");
    assert_int_equal(addr_parse(SLICE("10.1.2.4:1"), &w->down.peer), ERR_OK);
    expect(w, "");
    assert_int_equal(addr_parse(SLICE("10.2.0.1:1"), &w->down.peer), ERR_OK);
    expect(w, "");
    assert_int_equal(addr_parse(SLICE("[::ffff:10.1.2.3]:1"), &w->down.peer), ERR_OK);
    expect(w, "denied by p rule 1");
}

/* The client is whom the exchange found out; what headers say here counts no more. */
static void test_remote_ip_blocks(void **state)
{
    struct world *w = *state;
    struct authz_source_spec *s = from(w, add(w, AUTHZ_ALLOW, "p"));
    say(w, &s->remote_ip_blocks, "203.0.113.0/24");
    send_header(w, "x-forwarded-for", "203.0.113.7");
    identify(w, FRONTEND);
    expect(w, no_allow);
    assert_int_equal(addr_parse(SLICE("203.0.113.7"), &w->client.client), ERR_OK);
    expect(w, "");
    assert_int_equal(addr_parse(SLICE("198.51.100.1"), &w->client.client), ERR_OK);
    expect(w, no_allow);
}

static void test_unknown_client_fails_closed(void **state)
{
    struct world *w = *state;
    w->client.is_unknown = true;
    struct authz_source_spec *s = from(w, add(w, AUTHZ_DENY, "p"));
    say(w, &s->remote_ip_blocks, "203.0.113.0/24");
    expect(w, "denied by p rule 1");
    policy_at(w, 0)->action = AUTHZ_ALLOW;
    expect(w, no_allow);
    /* Nor is it sure that it is none of those who are left out. */
    say(w, &s->not_remote_ip_blocks, "198.51.100.0/24");
    s->remote_ip_blocks = (struct schema_list){0};
    expect(w, no_allow);
    policy_at(w, 0)->action = AUTHZ_DENY;
    expect(w, "denied by p rule 1");
}

/* ---- to ---- */

static void test_methods_ports(void **state)
{
    struct world *w = *state;
    struct authz_operation_spec *o = to(w, add(w, AUTHZ_DENY, "p"));
    say(w, &o->methods, "GET");
    say_port(w, &o->ports, 9080);
    expect(w, "denied by p rule 1");
    w->request.method = SLICE("get"); /* methods know case */
    expect(w, "");
    w->request.method = SLICE("GET");
    w->down.original_dst.port = 80;
    expect(w, "");
    o->not_ports = o->ports;
    o->ports = (struct schema_list){0};
    expect(w, "denied by p rule 1");
    o->not_methods = o->methods;
    o->methods = (struct schema_list){0};
    expect(w, "");
    w->request.method = SLICE("get");
    expect(w, "denied by p rule 1");
}

static void test_hosts(void **state)
{
    static const struct {
        const char *policy, *authority;
        bool match;
    } rows[] = {
        {"Admin.example.com", "admin.EXAMPLE.com", true},
        {"admin.example.com", "admin.example.com:8080", true},
        {"admin.example.com", "admin.example.com.", true},
        {"admin.example.com", "admin.example.com.:8080", true},
        {"admin.example.com:8080", "admin.example.com:8080", true},
        {"admin.example.com:8080", "admin.example.com.:8080", true},
        {"admin.example.com:8080", "admin.example.com:8081", false},
        {"admin.example.com:9080", "admin.example.com", true}, /* the port that was called */
        {"admin.example.com:9081", "admin.example.com", false},
        {"*.EXAMPLE.com", "x.example.com:80", true},
        {"*.example.com", "example.com", false},
        {"admin.*", "ADMIN.x", true},
        {"*", "anything", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct world *w = authz_world_renew(state);
        say(w, &to(w, add(w, AUTHZ_DENY, "p"))->hosts, rows[i].policy);
        retarget(w, "GET", rows[i].authority, "/");
        expect(w, rows[i].match ? "denied by p rule 1" : "");
    }
}

static void test_not_hosts(void **state)
{
    struct world *w = *state;
    say(w, &to(w, add(w, AUTHZ_DENY, "p"))->not_hosts, "good.example.com");
    retarget(w, "GET", "good.example.com:80", "/");
    expect(w, "");
    retarget(w, "GET", "GOOD.example.com", "/");
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
        say_tree(w, &to(w, add(w, AUTHZ_DENY, "ns/deny-admin"))->paths, "/admin");
        retarget(w, "GET", "x", admin_forms[i]);
        if (passes(w) || (w->fail != FAIL_AUTHZ_DENIED && w->fail != FAIL_BAD_REQUEST))
            fail_msg("\"%s\" went through", admin_forms[i]);
    }
}

static void test_no_form_meets_allow_public(void **state)
{
    for (size_t i = 0; i < sizeof(admin_forms) / sizeof(admin_forms[0]); i++) {
        struct world *w = authz_world_renew(state);
        say_tree(w, &to(w, add(w, AUTHZ_ALLOW, "ns/public"))->paths, "/public");
        retarget(w, "GET", "x", admin_forms[i]);
        if (passes(w))
            fail_msg("\"%s\" went through", admin_forms[i]);
    }
}

static void test_paths(void **state)
{
    struct world *w = *state;
    struct authz_operation_spec *o = to(w, add(w, AUTHZ_ALLOW, "p"));
    say(w, &o->paths, "/reviews/*");
    say(w, &o->paths, "*.css");
    say(w, &o->not_paths, "/reviews/secret");
    expect(w, "");
    retarget(w, "GET", "x", "/a/b.css?x");
    expect(w, "");
    retarget(w, "GET", "x", "/reviews/%73ecret");
    expect(w, no_allow);
    retarget(w, "GET", "x", "/other?/reviews/");
    expect(w, no_allow);
}

/* Any of from, and any of to; within one of them every field. */
static void test_from_and_to_combine(void **state)
{
    struct world *w = *state;
    struct authz_rule_spec *r = add(w, AUTHZ_ALLOW, "p");
    say(w, &from(w, r)->namespaces, "other");
    say(w, &from(w, r)->namespaces, "shop");
    say(w, &to(w, r)->methods, "POST");
    struct authz_operation_spec *o = to(w, r);
    say(w, &o->methods, "GET");
    say(w, &o->paths, "/reviews/1");
    identify(w, FRONTEND);
    expect(w, "");
    retarget(w, "GET", "x", "/reviews/2");
    identify(w, FRONTEND);
    expect(w, no_allow);
    retarget(w, "POST", "x", "/reviews/2");
    identify(w, FRONTEND);
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
        TEST(test_service_accounts),
        TEST(test_from_and_to_combine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
