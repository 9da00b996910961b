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

/* The same where tokens are read later than the decision is made. */
static void test_too_early(void **state)
{
    struct world *w = authz_world_renew(state);
    w->spec.tokens_unknown = true;
    say(w, &from(w, add(w, AUTHZ_ALLOW, "ns/p"))->not_request_principals, "x");
    expect(w, no_allow);
    w = authz_world_renew(state);
    w->spec.tokens_unknown = true;
    say(w, &from(w, add(w, AUTHZ_DENY, "ns/p"))->request_principals, "x");
    expect(w, denied);
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
        TEST(test_too_early),
        TEST(test_keys_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
