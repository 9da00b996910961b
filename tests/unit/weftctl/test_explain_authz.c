/* explain_authz.c, explain_rule.c: verdicts and their reasons, one small policy at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weftctl/explain_authz.h"

#define PB(type) Weft__Config__V1__##type
#define ACTION(name) WEFT__CONFIG__V1__AUTHZ_ACTION__AUTHZ_##name

/* One policy with one rule, which has one source, one operation and one condition; parts that are
 * not filled in match everything. */
struct one {
    PB(AuthzPolicy) policy;
    PB(AuthzRule) rule, *rules[1];
    PB(AuthzSource) source, *sources[1];
    PB(AuthzOperation) operation, *operations[1];
    PB(AuthzCondition) condition, *conditions[1];
    PB(StringMatch) match, *matches[1];
    PB(Cidr) cidr, *cidrs[1];
    uint32_t ports[1];
};

struct bed {
    struct arena arena;
    struct asked asked;
    struct explain_call call;
};

static void init(struct one *o, PB(AuthzAction) action, const char *exact)
{
    weft__config__v1__authz_policy__init(&o->policy);
    weft__config__v1__authz_rule__init(&o->rule);
    weft__config__v1__authz_source__init(&o->source);
    weft__config__v1__authz_operation__init(&o->operation);
    weft__config__v1__authz_condition__init(&o->condition);
    weft__config__v1__string_match__init(&o->match);
    weft__config__v1__cidr__init(&o->cidr);
    o->policy.name = (char *)(uintptr_t) "ns/p";
    o->policy.action = action;
    o->rules[0] = &o->rule;
    o->policy.rules = o->rules;
    o->policy.n_rules = 1;
    o->sources[0] = &o->source;
    o->operations[0] = &o->operation;
    o->conditions[0] = &o->condition;
    o->matches[0] = &o->match;
    o->match.kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT;
    o->match.exact = (char *)(uintptr_t)exact;
    o->cidrs[0] = &o->cidr;
    o->rule.from = o->sources;
    o->rule.to = o->operations;
    o->rule.when = o->conditions;
}

static void open_bed(struct bed *b, const char *url)
{
    const char *why;
    arena_init(&b->arena, 1024);
    assert_true(asked_parse(&b->asked, &b->arena, "GET", url, &why));
    b->call = (struct explain_call){.asked = &b->asked,
                                    .principal = SLICE("td/ns/a/sa/b"),
                                    .namespace_name = SLICE("a"),
                                    .caller_ip = SLICE("10.1.2.3"),
                                    .local_ip = SLICE("10.9.9.9"),
                                    .port = 9080};
}

static struct explain_verdict decide(struct bed *b, struct one *o)
{
    PB(AuthzPolicy) * policies[] = {&o->policy};
    struct explain_verdict v;
    explain_authz_decide(&b->arena, policies, 1, &b->call, &v);
    return v;
}

static void test_none_allows(void **state)
{
    struct bed b;
    struct explain_verdict v;
    open_bed(&b, "http://h/");
    explain_authz_decide(&b.arena, NULL, 0, &b.call, &v);
    assert_true(v.allowed);
    arena_dispose(&b.arena);
}

static void test_principal(void **state)
{
    static const struct {
        const char *principal;
        PB(AuthzAction) action;
        bool allowed;
    } cases[] = {
        {"td/ns/a/sa/b", ACTION(ALLOW), true}, {"td/ns/a/sa/c", ACTION(ALLOW), false},
        {"td/ns/a/sa/b", ACTION(DENY), false}, {"td/ns/a/sa/c", ACTION(DENY), true},
        {"td/ns/a/sa/b", ACTION(AUDIT), true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bed b;
        struct one o;
        open_bed(&b, "http://h/");
        init(&o, cases[i].action, cases[i].principal);
        o.rule.n_from = 1;
        o.source.principals = o.matches;
        o.source.n_principals = 1;
        struct explain_verdict v = decide(&b, &o);
        assert_int_equal(v.allowed, cases[i].allowed);
        assert_true(v.text.len > 0);
        arena_dispose(&b.arena);
    }
}

static void test_a_missing_certificate_is_nobody(void **state)
{
    struct bed b;
    struct one o;
    open_bed(&b, "http://h/");
    init(&o, ACTION(ALLOW), "");
    o.match.kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PRESENT;
    o.rule.n_from = 1;
    o.source.principals = o.matches;
    o.source.n_principals = 1;
    b.call.principal = SLICE("");
    assert_false(decide(&b, &o).allowed);
    arena_dispose(&b.arena);
}

static void test_the_reason_names_what_differs(void **state)
{
    struct bed b;
    struct one o;
    open_bed(&b, "http://h/there");
    init(&o, ACTION(ALLOW), "/here");
    o.rule.n_to = 1;
    o.operation.paths = o.matches;
    o.operation.n_paths = 1;
    struct explain_verdict v = decide(&b, &o);
    assert_false(v.allowed);
    assert_int_equal(v.rule_count, 1);
    struct slice why = v.rules[0].why_not;
    assert_true(slice_find(why, SLICE("the path is \"/there\"")) < why.len);
    assert_true(slice_find(why, SLICE("\"/here\"")) < why.len);
    arena_dispose(&b.arena);
}

static void test_ports_and_addresses(void **state)
{
    struct bed b;
    struct one o;
    open_bed(&b, "http://h/");
    init(&o, ACTION(DENY), "");
    o.rule.n_from = o.rule.n_to = 1;
    o.cidr.text = (char *)(uintptr_t) "10.1.0.0/16";
    o.source.ip_blocks = o.cidrs;
    o.source.n_ip_blocks = 1;
    o.ports[0] = 9080;
    o.operation.ports = o.ports;
    o.operation.n_ports = 1;
    assert_false(decide(&b, &o).allowed);
    b.call.port = 9081;
    assert_true(decide(&b, &o).allowed);
    b.call.port = 9080;
    b.call.caller_ip = SLICE("10.2.0.1");
    assert_true(decide(&b, &o).allowed);
    b.call.caller_ip = SLICE("");
    struct explain_verdict v = decide(&b, &o);
    assert_true(v.is_open);
    assert_true(slice_find(v.text, SLICE("--client-ip")) < v.text.len);
    arena_dispose(&b.arena);
}

static void test_headers(void **state)
{
    static const struct {
        const char *header;
        bool by_allow, by_deny;
    } cases[] = {
        {"x-team: red", true, false}, {"x-team: blue", false, true}, {"x-other: red", false, true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int denies = 0; denies < 2; denies++) {
            struct bed b;
            struct one o;
            open_bed(&b, "http://h/");
            assert_true(asked_add_header(&b.asked, &b.arena, cases[i].header));
            init(&o, denies ? ACTION(DENY) : ACTION(ALLOW), "red");
            o.rule.n_when = 1;
            o.condition.key = (char *)(uintptr_t) "request.headers[x-team]";
            o.condition.values = o.matches;
            o.condition.n_values = 1;
            assert_int_equal(decide(&b, &o).allowed, denies ? cases[i].by_deny : cases[i].by_allow);
            arena_dispose(&b.arena);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_allows),
        cmocka_unit_test(test_principal),
        cmocka_unit_test(test_a_missing_certificate_is_nobody),
        cmocka_unit_test(test_the_reason_names_what_differs),
        cmocka_unit_test(test_ports_and_addresses),
        cmocka_unit_test(test_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
