/* Claims: which are refused, and what is made of the others.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jose/claims.h"

#include "tests/unit/lib/base/cmocka_base.h"

static struct arena arena;

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 16384);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_dispose(&arena);
    return 0;
}

static void test_claims_that_are_no_claims(void **state)
{
    static const char *const bad[] = {
        "",        "[]",          "7",           "{\"exp\":\"1\"}", "{\"exp\":-1}",
        "{\"exp\":null}", "{\"exp\":1e300}", "{\"exp\":true}", "{\"nbf\":[1]}",   "{\"iat\":\"x\"}",
        "{\"iss\":1}", "{\"sub\":{}}", "{\"exp\":1,\"exp\":9}", "{\"exp\":99999999999999999999}",
    };
    struct claims t;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (claims_parse(slice_from_cstr(bad[i]), &arena, &t) != ERR_SYNTAX)
            fail_msg("%s", bad[i]);
    assert_int_equal(claims_parse(SLICE("{}"), &arena, &t), ERR_OK);
    assert_true(t.expires_ms == CLAIMS_NEVER && t.not_before_ms == INT64_MIN && !t.issuer.ptr);
    struct slice text = SLICE("{\"exp\":2.5,\"nbf\":0,\"sub\":\"\"}");
    assert_int_equal(claims_parse(text, &arena, &t), ERR_OK);
    assert_true(t.expires_ms == 2500 && t.not_before_ms == 0 && t.subject.ptr);
}

static const struct doc *claims(const char *text)
{
    struct claims t;
    assert_int_equal(claims_parse(slice_from_cstr(text), &arena, &t), ERR_OK);
    return t.all;
}

static void test_claim_texts(void **state)
{
    static const struct {
        const char *path, *text;
    } rows[] = {
        {"s", "a b"},
        {"n", "7"},
        {"b", "true"},
        {"none", ""},
        {"null", ""},
        {"list", "x,y,3"},
        {"commas", "WyJhLGIiXQ"}, /* ["a,b"] */
        {"empty", ""},
        {"o.p.q", "deep"},
        {"o", "eyJwIjp7InEiOiJkZWVwIn19"},
        {"https://a.b/c", "dotted"},
        {"lines", ""},
        {"s.x", ""},
    };
    const struct doc *c = claims(
        "{\"s\":\"a b\",\"n\":7,\"b\":true,\"null\":null,\"list\":[\"x\",\"y\",3],"
        "\"commas\":[\"a,b\"],\"empty\":[],\"o\":{\"p\":{\"q\":\"deep\"}},"
        "\"https://a.b/c\":\"dotted\",\"lines\":\"a\\r\\nx-admin: 1\"}");
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct doc *found = claims_find(c, slice_from_cstr(rows[i].path));
        struct slice text = claims_value_text(found, &arena);
        if (!slice_eq_cstr(text, rows[i].text))
            fail_msg("%s: \"%.*s\"", rows[i].path, SLICE_ARG(text));
    }
}

static void test_claims_that_hold(void **state)
{
    const struct doc *c = claims("{\"scope\":\"a b:c\",\"scp\":[\"a\",\"d e\"],\"n\":7,"
                                 "\"aud\":[\"x\",\"y\"],\"t\":true}");
    const struct slice y = SLICE("y"), z = SLICE("z");
    (void)state;
    const struct doc *scope = doc_get(c, SLICE("scope")), *scp = doc_get(c, SLICE("scp"));
    assert_true(claims_value_has(scope, SLICE("b:c"), true));
    assert_false(claims_value_has(scope, SLICE("b"), true));
    assert_false(claims_value_has(scope, SLICE("a"), false));
    assert_false(claims_value_has(scope, SLICE(""), true));
    assert_true(claims_value_has(scope, SLICE("a b:c"), false));
    assert_true(claims_value_has(scp, SLICE("d e"), true));
    assert_false(claims_value_has(scp, SLICE("d"), true));
    assert_true(claims_value_has(doc_get(c, SLICE("n")), SLICE("7"), false));
    assert_true(claims_value_has(doc_get(c, SLICE("t")), SLICE("true"), false));
    assert_false(claims_value_has(NULL, SLICE(""), false));
    assert_true(claims_have_audience(c, &y, 1));
    assert_false(claims_have_audience(c, &z, 1));
    const struct slice x = SLICE("x");
    assert_true(claims_have_audience(claims("{\"aud\":\"x\"}"), &x, 1));
    assert_false(claims_have_audience(claims("{\"aud\":{\"x\":\"x\"}}"), &x, 1));
    assert_false(claims_have_audience(claims("{}"), &x, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims_that_are_no_claims),
        cmocka_unit_test(test_claim_texts),
        cmocka_unit_test(test_claims_that_hold),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
