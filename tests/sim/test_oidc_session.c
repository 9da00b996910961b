/* oidc: what becomes of a session: how long it lasts, who is let in with it, keys that are
 * replaced, and logging out.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tests/sim/oidc_world.h"

#define TOKENS ",\"expires_in\":300,\"refresh_token\":\"RT1\""

static const char *text(struct oidc_world *w, struct slice s)
{
    return arena_strdup(&w->arena, s);
}

static void login(struct oidc_world *w, const char *more, const char *tokens)
{
    oidc_world_open(w, more);
    oidc_world_login(w, "/x", tokens);
}

static void expect_let_in(struct oidc_world *w)
{
    oidc_world_visit(w, "/x");
    oidc_world_expect_app(w, NULL);
}

static void expect_sent_away(struct oidc_world *w)
{
    oidc_world_visit(w, "/x");
    oidc_world_expect(w, "HTTP/1.1 302 ", "location: " OIDC_ISSUER "/auth");
}

/* A script's request, which is never redirected. */
static void script(struct oidc_world *w)
{
    oidc_world_send(w, "GET /api", "accept: */*\r\nsec-fetch-mode: cors\r\n");
}

/* ---- how long ---- */

static void it_ends_with_its_tokens(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", ",\"expires_in\":120");
    sim_advance(&w.r.sim, 110000);
    expect_let_in(&w);
    sim_advance(&w.r.sim, 11000);
    script(&w);
    oidc_world_expect(&w, "HTTP/1.1 401 ", "oidc_login_required");
    expect_sent_away(&w);
    oidc_world_close(&w);
}

/* Without expires_in the ID token says it: 300 seconds here. */
static void the_id_token_says_how_long(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", "");
    sim_advance(&w.r.sim, 290000);
    expect_let_in(&w);
    sim_advance(&w.r.sim, 11000);
    expect_sent_away(&w);
    oidc_world_close(&w);
}

static void its_lifetime(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"sessionLifetime\":\"10m\"", ",\"expires_in\":\"90000\"");
    sim_advance(&w.r.sim, 590000);
    expect_let_in(&w);
    sim_advance(&w.r.sim, 11000);
    expect_sent_away(&w);
    oidc_world_close(&w);
}

/* requirement: H20 */
static void it_is_not_used(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"idleTimeout\":\"100s\"", ",\"expires_in\":9000");
    assert_true(oidc_world_cookie(&w, "sid-seen").len > 0);
    struct slice session = oidc_world_cookie(&w, "sid"), seen = oidc_world_cookie(&w, "sid-seen");
    for (unsigned i = 0; i < 4; i++) {
        sim_advance(&w.r.sim, 70000);
        expect_let_in(&w);
    }
    assert_true(slice_eq(session, oidc_world_cookie(&w, "sid")));
    assert_false(slice_eq(seen, oidc_world_cookie(&w, "sid-seen")));
    struct slice late = oidc_world_cookie(&w, "sid-seen");
    sim_advance(&w.r.sim, 5000);
    expect_let_in(&w); /* too soon to be noted */
    assert_true(slice_eq(late, oidc_world_cookie(&w, "sid-seen")));
    oidc_world_forget(&w, "sid-seen");
    expect_sent_away(&w);
    oidc_world_close(&w);
}

static void it_was_idle_for_too_long(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"idleTimeout\":\"100s\"", ",\"expires_in\":9000");
    sim_advance(&w.r.sim, 101000);
    expect_sent_away(&w);
    oidc_world_close(&w);
}

/* When another session was used says nothing of this one. */
static void the_use_of_another_session(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"idleTimeout\":\"100s\"", ",\"expires_in\":9000");
    struct slice old = oidc_world_cookie(&w, "sid");
    w.cookie_count = 0;
    oidc_world_login(&w, "/y", ",\"expires_in\":9000");
    oidc_world_forget(&w, "sid");
    w.cookies[w.cookie_count++] = (struct oidc_cookie){SLICE("sid"), old, SLICE("")};
    expect_sent_away(&w);
    oidc_world_close(&w);
}

/* ---- what a cookie must be ---- */

/* requirement: H30 */
static void cookies_that_are_none(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", ",\"expires_in\":9000");
    struct slice good = oidc_world_cookie(&w, "sid");
    struct oidc_cookie *cookie = &w.cookies[0];
    for (size_t at = 0; at < good.len; at += 61) {
        char *bad = arena_strdup(&w.arena, good);
        bad[at] = bad[at] == 'A' ? 'B' : 'A';
        cookie->value = slice_of(bad, good.len);
        script(&w);
        oidc_world_expect(&w, "HTTP/1.1 401 ", "oidc_login_required");
    }
    static const char *const others[] = {"", "1", "1.", "2.AAAA", "0.AAAA", "9.AAAA", "1.%%%",
                                         "1.AQ", "\"\"", "null"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        cookie->value = slice_from_cstr(others[i]);
        script(&w);
        oidc_world_expect(&w, "HTTP/1.1 401 ", "oidc_login_required");
    }
    cookie->value = slice_sub(good, 0, good.len - 4);
    script(&w);
    oidc_world_expect(&w, "HTTP/1.1 401 ", NULL);
    cookie->value = good;
    expect_let_in(&w);
    /* Twice: which of them counts others may see otherwise. */
    w.cookies[w.cookie_count++] = (struct oidc_cookie){SLICE("sid"), SLICE("x"), SLICE("")};
    script(&w);
    oidc_world_expect(&w, "HTTP/1.1 401 ", NULL);
    oidc_world_close(&w);
}

/* What was sealed for a login is no session. */
static void a_cookie_of_another_purpose(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, "");
    oidc_world_begin_login(&w, "/x");
    w.cookies[0] = (struct oidc_cookie){
        SLICE("sid"),
        arena_printf(&w.arena, "1.%.*s", SLICE_ARG(w.cookies[0].value)), SLICE("")};
    script(&w);
    oidc_world_expect(&w, "HTTP/1.1 401 ", "oidc_login_required");
    oidc_world_close(&w);
}

/* What no key decrypts is no session. */
static void keys_are_replaced(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", ",\"expires_in\":9000");
    oidc_world_adopt(&w, "", "another secret of at least thirty-two bytes");
    script(&w);
    oidc_world_expect(&w, "HTTP/1.1 401 ", "oidc_login_required");
    oidc_world_adopt(&w, "", "a secret of at least thirty-two bytes");
    expect_let_in(&w);
    oidc_world_close(&w);
}

/* ---- who ---- */

static void claims_are_required(void **state)
{
    static const struct {
        const char *rule;
        bool passes;
    } rows[] = {{"{\"claim\":\"groups\",\"values\":[\"ops\",\"x\"]}", true},
                {"{\"claim\":\"groups\",\"values\":[\"admin\"]}", false},
                {"{\"claim\":\"sub\"},{\"claim\":\"email\"}", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        struct slice more =
            arena_printf(&w.arena, ",\"requiredClaims\":[%s]", rows[i].rule);
        oidc_world_adopt(&w, text(&w, more), "a secret of at least thirty-two bytes");
        oidc_world_login(&w, "/x", "");
        oidc_world_visit(&w, "/x");
        if (rows[i].passes)
            oidc_world_expect_app(&w, NULL);
        else
            oidc_world_expect(&w, "HTTP/1.1 403 ", "x-weft-reason: oidc_claim_missing\r\n");
        oidc_world_close(&w);
    }
}

static void nobody_knows_the_user(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"consumer\":{\"claim\":\"sub\",\"consumerNamespaces\":{\"value\":\"shop\"}}", "");
    oidc_world_visit(&w, "/x");
    oidc_world_expect(&w, "HTTP/1.1 403 ", "oidc_consumer_unknown");
    oidc_world_close(&w);
    login(&w, ",\"consumer\":{\"claim\":\"sub\",\"optional\":true,\"consumerNamespaces\":{"
              "\"value\":\"shop\"}}", "");
    oidc_world_send(&w, "GET /x", "x-consumer-username: root\r\n");
    struct slice got = oidc_world_expect_app(&w, NULL);
    assert_null(strstr(text(&w, got), "root"));
    oidc_world_close(&w);
}

/* ---- logging out ---- */

/* requirement: H20 */
static void logging_out(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"idleTimeout\":\"1h\",\"postLogoutRedirect\":\"/bye?a=b\"", TOKENS);
    oidc_world_visit(&w, "/oauth2/logout");
    oidc_world_expect(&w, "HTTP/1.1 302 ", "location: " OIDC_ISSUER "/end?id_token_hint=eyJ");
    assert_true(slice_eq(oidc_world_param(&w, "client_id"), SLICE("gate way")));
    assert_true(slice_eq(oidc_world_param(&w, "post_logout_redirect_uri"),
                         SLICE("http://shop.example.com/bye?a=b")));
    assert_int_equal(w.cookie_count, 0);
    expect_sent_away(&w);
    oidc_world_close(&w);
}

static void logging_out_without_a_session(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, "");
    oidc_world_visit(&w, "/oauth2/logout");
    oidc_world_discovery(&w, "");
    oidc_world_expect(&w, "HTTP/1.1 302 ",
                      "location: " OIDC_ISSUER "/end?client_id=gate%20way\r\n");
    oidc_world_close(&w);
}

/* The cookies are gone all the same. */
static void logging_out_while_the_provider_is_away(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", TOKENS);
    oidc_world_adopt(&w, ",\"redirectPath\":\"/cb\"", "a secret of at least thirty-two bytes");
    sim_advance(&w.r.sim, 90000000); /* what is known of it holds for a day */
    oidc_world_visit(&w, "/oauth2/logout");
    oidc_world_expect_asked(&w, "GET /.well-known");
    oidc_world_answer(&w, "500 Oops", SLICE(""));
    oidc_world_expect(&w, "HTTP/1.1 200 ", "You are logged out.\n");
    assert_int_equal(w.cookie_count, 0);
    oidc_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_ends_with_its_tokens),
        cmocka_unit_test(the_id_token_says_how_long),
        cmocka_unit_test(its_lifetime),
        cmocka_unit_test(it_is_not_used),
        cmocka_unit_test(it_was_idle_for_too_long),
        cmocka_unit_test(the_use_of_another_session),
        cmocka_unit_test(cookies_that_are_none),
        cmocka_unit_test(a_cookie_of_another_purpose),
        cmocka_unit_test(keys_are_replaced),
        cmocka_unit_test(claims_are_required),
        cmocka_unit_test(nobody_knows_the_user),
        cmocka_unit_test(logging_out),
        cmocka_unit_test(logging_out_without_a_session),
        cmocka_unit_test(logging_out_while_the_provider_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
