/* oidc: how the tokens of a session are refreshed: when, by whom, and what becomes of the session
 * where that fails. SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "tests/sim/oidc_world.h"

#define TOKENS ",\"expires_in\":300,\"refresh_token\":\"RT1\""
#define RENEWED ",\"expires_in\":300,\"refresh_token\":\"RT2\""

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

/* requirement: H20 */
static void tokens_are_refreshed_ahead(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"forwardAccessToken\":true", TOKENS);
    sim_advance(&w.r.sim, 230000);
    expect_let_in(&w);
    oidc_world_expect_silence(&w);
    sim_advance(&w.r.sim, 15000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "\r\n\r\ngrant_type=refresh_token&refresh_token=RT1");
    oidc_world_answer(&w, "200 OK", SLICE("{\"access_token\":\"AT2\"" RENEWED "}"));
    oidc_world_expect_app(&w, "authorization: Bearer AT2\r\n");
    assert_non_null(strstr(text(&w, w.answer), "set-cookie: sid=1."));
    sim_advance(&w.r.sim, 60000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_app(&w, "authorization: Bearer AT2\r\n");
    oidc_world_expect_silence(&w);
    sim_advance(&w.r.sim, 200000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT2");
    oidc_world_close(&w);
}

/* Where the refresh token stays the same, it is sent again when that is due, however soon. */
static void a_refresh_token_that_stays(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"forwardAccessToken\":true", ",\"expires_in\":20,\"refresh_token\":\"RT1\"");
    for (unsigned i = 0; i < 3; i++) {
        sim_advance(&w.r.sim, 17000);
        oidc_world_visit(&w, "/x");
        oidc_world_expect_asked(&w, "refresh_token=RT1");
        oidc_world_answer(&w, "200 OK",
                          arena_printf(&w.arena, "{\"access_token\":\"N%u\",\"expires_in\":20}",
                                       i));
        oidc_world_expect_app(&w, text(&w, arena_printf(&w.arena, "Bearer N%u\r\n", i)));
    }
    oidc_world_close(&w);
}

/* What is kept of an answer is not younger than the answer. */
static void an_old_cookie_gets_no_longer_life(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", ",\"expires_in\":20,\"refresh_token\":\"RT1\"");
    struct slice old = oidc_world_cookie(&w, "sid");
    sim_advance(&w.r.sim, 17000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    oidc_world_answer(&w, "200 OK", SLICE("{\"access_token\":\"AT2\",\"expires_in\":20}"));
    oidc_world_expect_app(&w, NULL);
    sim_advance(&w.r.sim, 18000);
    w.cookies[0].value = old;
    oidc_world_visit(&w, "/x");
    oidc_world_expect_app(&w, NULL); /* by what is kept: two seconds are left */
    sim_advance(&w.r.sim, 500);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    oidc_world_close(&w);
}

/* What the browser had sent before it got the new cookie: the token is not used twice. */
static void an_old_cookie_after_a_refresh(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"forwardAccessToken\":true", TOKENS);
    struct slice old = oidc_world_cookie(&w, "sid");
    sim_advance(&w.r.sim, 245000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    oidc_world_answer(&w, "200 OK", SLICE("{\"access_token\":\"AT2\"" RENEWED "}"));
    oidc_world_expect_app(&w, "authorization: Bearer AT2\r\n");
    w.cookies[0].value = old;
    oidc_world_visit(&w, "/x");
    oidc_world_expect_app(&w, "authorization: Bearer AT2\r\n");
    oidc_world_expect_silence(&w);
    oidc_world_close(&w);
}

/* Two requests at once: one question. While the old tokens are good nobody waits for the answer. */
static void one_asks(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"forwardAccessToken\":true", TOKENS);
    sim_advance(&w.r.sim, 245000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    struct sim_peer *first = w.client;
    w.client = NULL;
    oidc_world_visit(&w, "/y");
    oidc_world_expect_app(&w, "authorization: Bearer AT\r\n");
    oidc_world_expect_silence(&w);
    sim_peer_destroy(w.client);
    w.client = first;
    oidc_world_answer(&w, "200 OK", SLICE("{\"access_token\":\"AT2\"" RENEWED "}"));
    oidc_world_expect_app(&w, "authorization: Bearer AT2\r\n");
    oidc_world_close(&w);
}

/* When they are not good any more, everybody waits. */
static void all_wait(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"forwardAccessToken\":true", TOKENS);
    sim_advance(&w.r.sim, 301000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    struct sim_peer *first = w.client;
    w.client = NULL;
    oidc_world_visit(&w, "/y");
    oidc_world_expect_silence(&w);
    assert_null(sim_app_accept(&w.r.app));
    struct sim_peer *second = w.client;
    w.client = first;
    oidc_world_answer(&w, "200 OK", SLICE("{\"access_token\":\"AT2\"" RENEWED "}"));
    oidc_world_expect_app(&w, "authorization: Bearer AT2\r\n");
    sim_peer_destroy(w.client);
    w.client = second;
    oidc_world_expect_app(&w, "authorization: Bearer AT2\r\n");
    oidc_world_expect_silence(&w);
    oidc_world_close(&w);
}

/* Who asked has left: the next one asks. */
static void the_asker_leaves(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", TOKENS);
    sim_advance(&w.r.sim, 301000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    sim_peer_reset(w.client);
    sim_turn(&w.r.sim);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    oidc_world_answer(&w, "200 OK", SLICE("{\"access_token\":\"AT2\"" RENEWED "}"));
    oidc_world_expect_app(&w, NULL);
    oidc_world_close(&w);
}

/* The provider is away: a session that is good goes on, and it is not asked again at once. */
static void a_failed_refresh(void **state)
{
    static const char *const statuses[] = {"500 Oops", "401 Unauthorized", "200 OK"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct oidc_world w;
        login(&w, ",\"forwardAccessToken\":true", TOKENS);
        sim_advance(&w.r.sim, 245000);
        oidc_world_visit(&w, "/x");
        oidc_world_expect_asked(&w, "refresh_token=RT1");
        oidc_world_answer(&w, statuses[i], SLICE("{\"error\":\"invalid_client\"}"));
        oidc_world_expect_app(&w, "authorization: Bearer AT\r\n");
        oidc_world_visit(&w, "/x");
        oidc_world_expect_app(&w, "authorization: Bearer AT\r\n");
        oidc_world_expect_silence(&w);
        sim_advance(&w.r.sim, 60000);
        oidc_world_visit(&w, "/x");
        oidc_world_expect_asked(&w, "refresh_token=RT1");
        oidc_world_answer(&w, statuses[i], SLICE(""));
        oidc_world_expect(&w, "HTTP/1.1 503 ", "oidc_provider_unavailable");
        oidc_world_close(&w);
    }
}

/* requirement: H20 */
static void a_refused_refresh(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, "", TOKENS);
    sim_advance(&w.r.sim, 245000);
    oidc_world_visit(&w, "/x");
    oidc_world_expect_asked(&w, "refresh_token=RT1");
    oidc_world_answer(&w, "400 Bad Request", SLICE("{\"error\":\"invalid_grant\"}"));
    oidc_world_expect(&w, "HTTP/1.1 302 ", "location: " OIDC_ISSUER "/auth");
    assert_null(oidc_world_cookie(&w, "sid").ptr);
    oidc_world_close(&w);
}

/* The new ID token is somebody else's, or is not signed by the provider. */
static void a_refresh_for_another_user(void **state)
{
    static const char *const subjects[] = {"ann", "bob"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct oidc_world w;
        login(&w, ",\"forwardAccessToken\":true", TOKENS);
        sim_advance(&w.r.sim, 245000);
        oidc_world_visit(&w, "/x");
        oidc_world_expect_asked(&w, "refresh_token=RT1");
        struct slice token = token_make(
            &w.arena, SIGNATURE_RSA_SHA256, SLICE("{\"alg\":\"RS256\",\"kid\":\"r\"}"),
            arena_printf(&w.arena,
                         "{\"iss\":\"" OIDC_ISSUER "\",\"sub\":\"%s\",\"aud\":\"gate way\","
                         "\"iat\":1,\"exp\":99999999999}",
                         subjects[i]));
        oidc_world_answer(&w, "200 OK",
                          arena_printf(&w.arena,
                                       "{\"access_token\":\"AT2\",\"id_token\":\"%.*s\"" RENEWED
                                       "}",
                                       SLICE_ARG(token)));
        oidc_world_expect_app(&w, i ? "Bearer AT\r\n" : "Bearer AT2\r\n");
        oidc_world_close(&w);
    }
}

static void no_refresh_is_wanted(void **state)
{
    struct oidc_world w;
    (void)state;
    login(&w, ",\"refresh\":false", TOKENS);
    sim_advance(&w.r.sim, 290000);
    expect_let_in(&w);
    sim_advance(&w.r.sim, 11000);
    expect_sent_away(&w);
    oidc_world_expect_silence(&w);
    oidc_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_refreshed_ahead),
        cmocka_unit_test(a_refresh_token_that_stays),
        cmocka_unit_test(an_old_cookie_gets_no_longer_life),
        cmocka_unit_test(an_old_cookie_after_a_refresh),
        cmocka_unit_test(one_asks),
        cmocka_unit_test(all_wait),
        cmocka_unit_test(the_asker_leaves),
        cmocka_unit_test(a_failed_refresh),
        cmocka_unit_test(a_refused_refresh),
        cmocka_unit_test(a_refresh_for_another_user),
        cmocka_unit_test(no_refresh_is_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
