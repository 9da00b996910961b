/* Tests of what a trace says of rules: each part by its name, in the order in which rules are
 * tried, and the same decision as without one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz/authz_trace.h"

#include "tests/unit/filters/authz_world.h"

struct told {
    struct arena arena;
    struct slice lines[8];
    size_t count;
};

static void on_rule(void *owner, const struct authz_policy *p, uint32_t rule, struct slice miss)
{
    struct told *t = owner;
    t->lines[t->count++] = arena_printf(&t->arena, "%.*s %u: %.*s", SLICE_ARG(p->name), rule,
                                        SLICE_ARG(miss));
}

static struct authz_trace trace_into(struct told *t)
{
    *t = (struct told){.count = 0};
    arena_init(&t->arena, 1024);
    return (struct authz_trace){.arena = &t->arena, .on_rule = on_rule, .owner = t};
}

static bool decide(struct world *w, struct authz_trace *trace)
{
    struct authz_facts facts, plain;
    const struct authz_rule *rule, *again;
    const struct authz *a = compile(w);
    authz_facts_take(&facts, &w->down, &w->request, w->x.match_path, &w->down.peer);
    plain = facts;
    facts.trace = trace;
    enum authz_answer answer = authz_decide(a, &facts, &rule);
    assert_int_equal(answer, authz_decide(a, &plain, &again));
    assert_ptr_equal(rule, again);
    return answer == AUTHZ_ALLOWED;
}

static void expect_miss(struct world *w, const char *want)
{
    struct told told;
    struct authz_trace trace = trace_into(&told);
    assert_false(decide(w, &trace));
    assert_int_equal(told.count, 1);
    assert_slice(told.lines[0], want);
    arena_dispose(&told.arena);
}

static void test_each_part_has_its_name(void **state)
{
    struct world *w = *state;
    say(w, &from(w, add(w, AUTHZ_ALLOW, "p"))->principals, "cluster.local/ns/a/sa/b");
    expect_miss(w, "p 0: the caller shows no certificate (wanted: \"cluster.local/ns/a/sa/b\")");
    identify(w, FRONTEND);
    expect_miss(w, "p 0: the caller is \"cluster.local/ns/shop/sa/frontend\" (wanted: "
                   "\"cluster.local/ns/a/sa/b\")");
    w = authz_world_renew(state);
    say(w, &when(w, add(w, AUTHZ_ALLOW, "p"), "connection.sni")->values, "x");
    expect_miss(w, "p 0: the name in the TLS hello is \"\" (wanted: \"x\")");
    w = authz_world_renew(state);
    say(w, &to(w, add(w, AUTHZ_ALLOW, "p"))->methods, "POST");
    expect_miss(w, "p 0: the method is \"GET\" (wanted: \"POST\")");
    w = authz_world_renew(state);
    say(w, &to(w, add(w, AUTHZ_ALLOW, "p"))->paths, "/x*");
    expect_miss(w, "p 0: the path is \"/reviews/1\" (wanted: \"/x*\")");
    w = authz_world_renew(state);
    say(w, &to(w, add(w, AUTHZ_ALLOW, "p"))->not_hosts, "reviews");
    expect_miss(w, "p 0: the host is \"reviews\" (wanted: none of \"reviews\")");
    w = authz_world_renew(state);
    say(w, &when(w, add(w, AUTHZ_ALLOW, "p"), "request.headers[X-Team]")->values, "red");
    expect_miss(w, "p 0: there is no header x-team (wanted: \"red\")");
    send_header(w, "x-team", "blue");
    expect_miss(w, "p 0: header x-team is \"blue\" (wanted: \"red\")");
    w = authz_world_renew(state);
    say(w, &when(w, add(w, AUTHZ_ALLOW, "p"), "source.ip")->values, "10.2.0.0/16");
    expect_miss(w, "p 0: the caller's address is \"10.1.2.3\" (wanted: 10.2.0.0/16)");
    w = authz_world_renew(state);
    say(w, &when(w, add(w, AUTHZ_ALLOW, "p"), "destination.port")->values, "80");
    expect_miss(w, "p 0: the port is \"9080\" (wanted: 80)");
}

/* What other alternatives missed is not what a later part of the rule missed. */
static void test_the_reason_is_of_what_failed(void **state)
{
    struct world *w = *state;
    struct authz_rule_spec *r = add(w, AUTHZ_ALLOW, "p");
    identify(w, FRONTEND);
    say(w, &from(w, r)->namespaces, "other");
    say(w, &from(w, r)->namespaces, "shop");
    say(w, &to(w, r)->methods, "POST");
    expect_miss(w, "p 0: the method is \"GET\" (wanted: \"POST\")");
}

static void test_rules_in_the_order_they_are_tried(void **state)
{
    struct world *w = *state;
    struct told told;
    struct authz_trace trace = trace_into(&told);
    add(w, AUTHZ_ALLOW, "all");
    say(w, &to(w, add(w, AUTHZ_DENY, "posts"))->methods, "POST");
    assert_true(decide(w, &trace));
    assert_int_equal(told.count, 2);
    assert_slice(told.lines[0], "posts 0: the method is \"GET\" (wanted: \"POST\")");
    assert_slice(told.lines[1], "all 0: ");
    arena_dispose(&told.arena);
}

static void test_an_address_that_nobody_said(void **state)
{
    struct world *w = *state;
    struct told told;
    struct authz_trace trace = trace_into(&told);
    say(w, &when(w, add(w, AUTHZ_ALLOW, "p"), "remote.ip")->values, "10.2.0.0/16");
    w->down.peer = (struct addr){.family = 4};
    assert_false(decide(w, &trace));
    assert_true(trace.asked_unknown_address);
    assert_slice(told.lines[0], "p 0: the client's address is not known (wanted: 10.2.0.0/16)");
    arena_dispose(&told.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_part_has_its_name, authz_world_setup,
                                        authz_world_teardown),
        cmocka_unit_test_setup_teardown(test_the_reason_is_of_what_failed, authz_world_setup,
                                        authz_world_teardown),
        cmocka_unit_test_setup_teardown(test_rules_in_the_order_they_are_tried, authz_world_setup,
                                        authz_world_teardown),
        cmocka_unit_test_setup_teardown(test_an_address_that_nobody_said, authz_world_setup,
                                        authz_world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
