/* Rules that ask about tokens: principals, audiences, presenters and claims, present and absent,
 * and where nobody can tell.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz/authz_token.h"

#include "lib/codec/doc/doc_json.h"
#include "tests/unit/filters/authz_world.h"

static const char denied[] = "denied by ns/p rule 1";

/* Of iss "i", sub "ann", as jwt sets it. */
static void show_token(struct world *w, const char *claims)
{
    struct doc_error error;
    struct filter_caller *c = filter_caller_set(&w->x, "jwt");
    c->principal = SLICE("https://i.example.com/ann");
    assert_int_equal(doc_json_parse(slice_from_cstr(claims), &w->arena, &c->claims, &error),
                     ERR_OK);
}

static struct world *fresh(void **state, const char *claims)
{
    struct world *w = authz_world_renew(state);
    if (claims)
        show_token(w, claims);
    return w;
}

static void test_principals(void **state)
{
    static const struct {
        const char *pattern;
        bool with_token, without;
    } rows[] = {
        {"*", true, false},
        {"https://i.example.com/ann", true, false},
        {"https://i.example.com/*", true, false},
        {"*/ann", true, false},
        {"https://i.example.com/bob", false, false},
        {"https://i.example.com", false, false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (int token = 0; token < 2; token++) {
            bool holds = token ? rows[i].with_token : rows[i].without;
            const char *claims = token ? "{}" : NULL;
            struct world *w = fresh(state, claims);
            say(w, &from(w, add(w, AUTHZ_ALLOW, "ns/p"))->request_principals, rows[i].pattern);
            expect(w, holds ? "" : no_allow);
            w = fresh(state, claims);
            say(w, &from(w, add(w, AUTHZ_DENY, "ns/p"))->request_principals, rows[i].pattern);
            expect(w, holds ? denied : "");
            w = fresh(state, claims);
            say(w, &from(w, add(w, AUTHZ_DENY, "ns/p"))->not_request_principals, rows[i].pattern);
            expect(w, holds ? "" : denied);
        }
    }
}

static void expect_claim(void **state, const char *key, const char *value, const char *claims,
                         bool holds)
{
    struct world *w = fresh(state, claims);
    say(w, &when(w, add(w, AUTHZ_ALLOW, "ns/p"), key)->values, value);
    expect(w, holds ? "" : no_allow);
    w = fresh(state, claims);
    say(w, &when(w, add(w, AUTHZ_DENY, "ns/p"), key)->values, value);
    expect(w, holds ? denied : "");
    w = fresh(state, claims);
    say(w, &when(w, add(w, AUTHZ_DENY, "ns/p"), key)->not_values, value);
    expect(w, holds ? "" : denied);
}

static void test_claims(void **state)
{
    static const char claims[] =
        "{\"aud\":[\"shop\",\"bank\"],\"azp\":\"app\",\"groups\":[\"dev\",\"ops\"],\"level\":7,"
        "\"admin\":true,\"scope\":\"read write\",\"name\":\"a b\",\"realm\":{\"roles\":[\"x\"]},"
        "\"empty\":[],\"null\":null}";
    static const struct {
        const char *key, *value;
        bool holds;
    } rows[] = {
        {"request.auth.principal", "https://i.example.com/ann", true},
        {"request.auth.principal", "https://i.example.com/a", false},
        {"request.auth.audiences", "bank", true},
        {"request.auth.audiences", "ban", false},
        {"request.auth.presenter", "app", true},
        {"request.auth.presenter", "ap*", true},
        {"request.auth.claims[groups]", "ops", true},
        {"request.auth.claims[groups]", "d*", true},
        {"request.auth.claims[groups]", "qa", false},
        {"request.auth.claims[level]", "7", true},
        {"request.auth.claims[level]", "70", false},
        {"request.auth.claims[admin]", "true", true},
        {"request.auth.claims[scope]", "write", true},
        {"request.auth.claims[scope]", "writ", false},
        {"request.auth.claims[name]", "a", false},
        {"request.auth.claims[name]", "a b", true},
        {"request.auth.claims[realm][roles]", "x", true},
        {"request.auth.claims[realm][roles]", "y", false},
        {"request.auth.claims[realm]", "x", false},
        {"request.auth.claims[realm.roles]", "x", false},
        {"request.auth.claims[empty]", "*", false},
        {"request.auth.claims[null]", "*", false},
        {"request.auth.claims[none]", "*", false},
        {"request.auth.claims[groups]", "*", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect_claim(state, rows[i].key, rows[i].value, claims, rows[i].holds);
        expect_claim(state, rows[i].key, rows[i].value, NULL, false);
    }
}

/* An opaque connection has no token: what asks for one never allows, and always denies. */
static void test_connections(void **state)
{
    struct world *w = authz_world_renew(state);
    say(w, &from(w, add(w, AUTHZ_ALLOW, "ns/p"))->request_principals, "*");
    expect_tcp(w, no_allow);
    w = authz_world_renew(state);
    say(w, &from(w, add(w, AUTHZ_DENY, "ns/p"))->request_principals, "https://i.example.com/bob");
    expect_tcp(w, denied);
    w = authz_world_renew(state);
    say(w, &when(w, add(w, AUTHZ_DENY, "ns/p"), "request.auth.claims[a]")->values, "x");
    expect_tcp(w, denied);
}

/* ---- where filters of routes read tokens, behind the first decision ---- */

enum reading { NOBODY, NO_TOKEN, TOKEN };

/* What the first decision says ("?": nothing yet), and the one behind the route's filters. */
static void expect_twice(struct world *w, const char *first, enum reading reading,
                         const char *second)
{
    w->spec.tokens_later = true;
    const struct authz *a = compile(w), *late = authz_late(&w->arena, a);
    w->fail = FAIL_NONE;
    w->why = SLICE("");
    enum filter_verdict verdict = filter_authz.on_request(&w->x, a, NULL);
    assert_int_equal(w->x.awaits_token, first[0] == '?');
    assert_slice(w->why, first[0] == '?' ? "" : first);
    assert_int_equal(verdict, w->why.len ? FILTER_REPLY : FILTER_NEXT);
    if (verdict != FILTER_NEXT)
        return;
    if (reading == TOKEN)
        show_token(w, "{\"role\":\"admin\"}");
    w->x.was_authenticated = reading != NOBODY;
    assert_non_null(late);
    verdict = filter_authz.on_request(&w->x, late, NULL);
    assert_slice(w->why, second);
    assert_int_equal(verdict, second[0] ? FILTER_REPLY : FILTER_NEXT);
}

static struct world *later(void **state, enum authz_action action, bool is_not)
{
    struct world *w = authz_world_renew(state);
    struct authz_source_spec *s = from(w, add(w, action, "ns/p"));
    say(w, is_not ? &s->not_request_principals : &s->request_principals, "*");
    return w;
}

static void test_token_decides_later(void **state)
{
    expect_twice(later(state, AUTHZ_ALLOW, false), "?", TOKEN, "");
    expect_twice(later(state, AUTHZ_ALLOW, false), "?", NO_TOKEN, no_allow);
    expect_twice(later(state, AUTHZ_ALLOW, false), "?", NOBODY, no_allow);
    expect_twice(later(state, AUTHZ_ALLOW, true), "?", NO_TOKEN, "");
    expect_twice(later(state, AUTHZ_ALLOW, true), "?", NOBODY, no_allow);
    expect_twice(later(state, AUTHZ_DENY, false), "?", TOKEN, denied);
    expect_twice(later(state, AUTHZ_DENY, false), "?", NO_TOKEN, "");
    expect_twice(later(state, AUTHZ_DENY, false), "?", NOBODY, denied);
    expect_twice(later(state, AUTHZ_DENY, true), "?", TOKEN, "");
    expect_twice(later(state, AUTHZ_DENY, true), "?", NO_TOKEN, denied);
    expect_twice(later(state, AUTHZ_DENY, true), "?", NOBODY, denied);
}

/* Whatever the token says. */
static void test_decides_at_once(void **state)
{
    struct world *w = later(state, AUTHZ_DENY, false);
    say(w, &to(w, add(w, AUTHZ_DENY, "ns/path"))->paths, "/reviews/*");
    expect_twice(w, "denied by ns/path rule 1", TOKEN, "");
    w = later(state, AUTHZ_DENY, false);
    say(w, &to(w, add(w, AUTHZ_ALLOW, "ns/path"))->paths, "/other");
    expect_twice(w, no_allow, TOKEN, "");
    w = later(state, AUTHZ_ALLOW, false);
    say(w, &to(w, add(w, AUTHZ_ALLOW, "ns/path"))->paths, "/reviews/*");
    expect_twice(w, "", NOBODY, "");
    w = authz_world_renew(state);
    struct authz_rule_spec *rule = add(w, AUTHZ_DENY, "ns/p");
    say(w, &to(w, rule)->paths, "/other");
    say(w, &from(w, rule)->request_principals, "*");
    expect_twice(w, "", TOKEN, "");
}

/* Both sides of the rule count, a condition as well as a source. */
static void test_claim_decides_later(void **state)
{
    struct world *w = authz_world_renew(state);
    struct authz_rule_spec *rule = add(w, AUTHZ_ALLOW, "ns/p");
    say(w, &to(w, rule)->paths, "/reviews/*");
    say(w, &when(w, rule, "request.auth.claims[role]")->values, "admin");
    expect_twice(w, "?", TOKEN, "");
    w->x.awaits_token = w->x.was_authenticated = false;
    w->x.caller = NULL;
    expect_twice(w, "?", NO_TOKEN, no_allow);
}

/* A filter of the Gateway has read it already. */
static void test_token_is_known_early(void **state)
{
    struct world *w = later(state, AUTHZ_ALLOW, false);
    show_token(w, "{}");
    expect_twice(w, "", NOBODY, "");
    w = later(state, AUTHZ_DENY, false);
    show_token(w, "{}");
    expect_twice(w, denied, NOBODY, "");
}

/* What is only said in the log is said when it is known. */
static void test_audit_waits(void **state)
{
    expect_twice(later(state, AUTHZ_AUDIT, false), "?", TOKEN, "");
    struct world *w = later(state, AUTHZ_AUDIT, false);
    say(w, &to(w, add(w, AUTHZ_DENY, "ns/path"))->paths, "/reviews/*");
    expect_twice(w, "denied by ns/path rule 1", TOKEN, "");
}

/* Of a provider that cannot be asked what matches is denied: that shows when it would be asked. */
static void expect_custom(void **state, enum reading reading, const char *second)
{
    struct world *w = later(state, AUTHZ_CUSTOM, false);
    policy_at(w, 0)->provider_name = SLICE("ns/authorizer");
    w->spec.tokens_later = true;
    const struct authz *a = compile(w), *late = authz_late(&w->arena, a);
    void *ctx = arena_zalloc(&w->arena, filter_authz_custom.ctx_size);
    assert_int_equal(filter_authz_custom.on_request(&w->x, a, ctx), FILTER_NEXT);
    if (reading == TOKEN)
        show_token(w, "{}");
    w->x.was_authenticated = reading != NOBODY;
    w->why = SLICE("");
    ctx = arena_zalloc(&w->arena, filter_authz_custom.ctx_size);
    enum filter_verdict verdict = filter_authz_custom.on_request(&w->x, late, ctx);
    assert_slice(w->why, second);
    assert_int_equal(verdict, second[0] ? FILTER_REPLY : FILTER_NEXT);
}

static void test_a_provider_is_asked_when_the_token_is_read(void **state)
{
    expect_custom(state, TOKEN, denied);
    expect_custom(state, NO_TOKEN, "");
    expect_custom(state, NOBODY, denied);
    /* One whose rules do not ask for tokens is asked at once, and not again. */
    struct world *w = authz_world_renew(state);
    add(w, AUTHZ_CUSTOM, "ns/p");
    say(w, &from(w, add(w, AUTHZ_DENY, "ns/q"))->request_principals, "*");
    policy_at(w, 0)->provider_name = SLICE("ns/authorizer");
    w->spec.tokens_later = true;
    const struct authz *a = compile(w), *late = authz_late(&w->arena, a);
    assert_true(authz_is_turn_of(a, 0));
    assert_false(authz_is_turn_of(late, 0));
}

static void test_nothing_is_left(void **state)
{
    struct world *w = authz_world_renew(state);
    say(w, &to(w, add(w, AUTHZ_DENY, "ns/p"))->paths, "/x");
    w->spec.tokens_later = true;
    assert_null(authz_late(&w->arena, compile(w)));
    w = later(state, AUTHZ_DENY, false);
    assert_null(authz_late(&w->arena, compile(w)));
    assert_null(authz_late(&w->arena, NULL));
}

/* An opaque connection has none, and no route whose filters would read one. */
static void test_connections_do_not_wait(void **state)
{
    struct world *w = later(state, AUTHZ_DENY, false);
    w->spec.tokens_later = true;
    expect_tcp(w, denied);
}

static void test_keys_that_are_none(void **state)
{
    static const char *const keys[] = {
        "request.auth.claims", "request.auth.claims[]", "request.auth.claims[a",
        "request.auth.claims[a]b", "request.auth.claims[a][]", "request.auth.claims.a",
        "request.auth.other",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct world *w = authz_world_renew(state);
        say(w, &when(w, add(w, AUTHZ_DENY, "ns/p"), keys[i])->values, "x");
        expect_refused(w, "must be request.headers[name]");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, authz_world_setup, authz_world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_principals),
        TEST(test_claims),
        TEST(test_connections),
        TEST(test_token_decides_later),
        TEST(test_decides_at_once),
        TEST(test_claim_decides_later),
        TEST(test_token_is_known_early),
        TEST(test_audit_waits),
        TEST(test_a_provider_is_asked_when_the_token_is_read),
        TEST(test_nothing_is_left),
        TEST(test_connections_do_not_wait),
        TEST(test_keys_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
