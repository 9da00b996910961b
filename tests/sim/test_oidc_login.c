/* oidc: how a browser is logged in, and everything that can be wrong with what it brings back.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/codec/text/base64url.h"
#include "lib/tls/digest.h"
#include "tests/sim/oidc_world.h"

static const char *text(struct oidc_world *w, struct slice s)
{
    return arena_strdup(&w->arena, s);
}

/* requirement: H20, H25 */
static void a_login(void **state)
{
    struct oidc_world w;
    uint8_t digest[DIGEST_SIZE];
    (void)state;
    oidc_world_open(&w, ",\"scopes\":[\"email\",\"openid\"],\"forwardAccessToken\":true,"
                        "\"idTokenHeader\":\"x-id\",\"authorizationParameters\":[{\"name\":"
                        "\"prompt\",\"value\":\"select account\"}],"
                        "\"claimToHeaders\":[{\"claim\":\"groups\",\"header\":\"X-Groups\"}]");
    oidc_world_begin_login(&w, "/reports?year=2026&q=a%20b");
    assert_true(slice_eq(oidc_world_param(&w, "client_id"), SLICE("gate way")));
    assert_true(slice_eq(oidc_world_param(&w, "scope"), SLICE("openid email")));
    assert_true(slice_eq(oidc_world_param(&w, "prompt"), SLICE("select account")));
    assert_true(slice_eq(oidc_world_param(&w, "code_challenge_method"), SLICE("S256")));
    assert_true(slice_eq(oidc_world_param(&w, "redirect_uri"),
                         SLICE("http://shop.example.com" OIDC_CALLBACK)));
    struct slice nonce = oidc_world_param(&w, "nonce");
    struct slice challenge = oidc_world_param(&w, "code_challenge");
    oidc_world_come_back(&w);
    const char *question = text(&w, w.question);
    /* "gate%20way:a%20secret%20of%20at%20least%20thirty-two%20bytes" */
    assert_non_null(strstr(question, "authorization: Basic Z2F0ZSUyMHdheTphJTIwc2VjcmV0"));
    assert_non_null(strstr(question, "\r\n\r\ngrant_type=authorization_code&code=c%2F1&"
                                     "redirect_uri=http%3A%2F%2Fshop.example.com%2Foauth2%2F"
                                     "callback&code_verifier="));
    digest_sha256(slice_of(strstr(question, "code_verifier=") + 14, 43), digest);
    assert_true(slice_eq(base64url_encode(&w.arena, slice_of(digest, DIGEST_SIZE)), challenge));
    oidc_world_answer(&w, "200 OK",
                      oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""),
                                        ",\"expires_in\":300"));
    oidc_world_keys(&w);
    oidc_world_expect(&w, "HTTP/1.1 302 ",
                      "location: http://shop.example.com/reports?year=2026&q=a%20b\r\n");
    assert_int_equal(w.cookie_count, 1); /* the login's is gone */

    oidc_world_send(&w, "GET /reports", "x-groups: root\r\nX_Groups: root\r\nx-id: no\r\n"
                                        "authorization: Bearer mine\r\ncookie: theme=dark\r\n");
    struct slice got = oidc_world_expect_app(&w, "authorization: Bearer AT\r\n");
    assert_non_null(strstr(text(&w, got), "x-groups: dev,ops\r\n"));
    assert_non_null(strstr(text(&w, got), "x-id: eyJ"));
    assert_non_null(strstr(text(&w, got), "cookie: theme=dark\r\n"));
    assert_null(strstr(text(&w, got), "root"));
    assert_null(strstr(text(&w, got), "mine"));
    assert_null(strstr(text(&w, got), OIDC_SESSION_COOKIE "="));
    oidc_world_close(&w);
}

/* requirement: H30 */
static void cookies_are_for_the_gateway_alone(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, "");
    oidc_world_begin_login(&w, "/x");
    assert_non_null(strstr(text(&w, w.answer), "set-cookie: sid-login-"));
    assert_non_null(strstr(text(&w, w.answer),
                           "; Max-Age=600; Path=/; HttpOnly; Secure; SameSite=Lax\r\n"));
    assert_non_null(strstr(text(&w, w.answer), "cache-control: no-store\r\n"));
    struct slice nonce = oidc_world_param(&w, "nonce");
    oidc_world_come_back(&w);
    oidc_world_answer(&w, "200 OK", oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""), ""));
    oidc_world_keys(&w);
    oidc_world_expect(&w, "HTTP/1.1 302 ",
                      "; Max-Age=28800; Path=/; HttpOnly; Secure; SameSite=Lax\r\n");
    assert_null(strstr(text(&w, w.answer), "ann"));
    oidc_world_close(&w);
}

/* Who comes from another site has no strict cookie on the next request of a redirect. */
static void strict_cookies(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open_with(&w,
                         "\"authorizationEndpoint\":\"" OIDC_ISSUER "/auth\",\"tokenEndpoint\":{"
                         "\"uri\":\"http://idp.svc/token\",\"value\":\"idp\"},\"jwks\":{\"uri\":"
                         "\"" OIDC_ISSUER "/keys\",\"value\":\"idp\"}",
                         ",\"sessionLifetime\":\"1h\",\"cookie\":{\"name\":\"s\",\"domain\":"
                         "\"example.com\",\"sameSite\":\"Strict\",\"secure\":false},"
                         "\"origin\":\"https://www.example.com\"",
                         "0123456789abcdef0123456789abcdef");
    oidc_world_visit(&w, "/x?a=1&b='");
    oidc_world_expect(&w, "HTTP/1.1 302 ", "location: " OIDC_ISSUER "/auth?response_type=code&");
    assert_non_null(strstr(text(&w, w.answer), "HttpOnly; Domain=example.com; SameSite=Lax\r\n"));
    assert_true(slice_eq(oidc_world_param(&w, "redirect_uri"),
                         SLICE("https://www.example.com" OIDC_CALLBACK)));
    struct slice nonce = oidc_world_param(&w, "nonce");
    oidc_world_come_back(&w);
    oidc_world_answer(&w, "200 OK", oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""), ""));
    oidc_world_keys(&w);
    oidc_world_expect(&w, "HTTP/1.1 200 ",
                      "content=\"0; url=https://www.example.com/x?a=1&amp;b=&#39;\"");
    assert_non_null(strstr(text(&w, w.answer), "; Max-Age=3600; Path=/; HttpOnly; "
                                               "Domain=example.com; SameSite=Strict\r\n"));
    oidc_world_visit(&w, "/x");
    oidc_world_expect_app(&w, NULL);
    oidc_world_close(&w);
}

/* requirement: H20 */
static void who_is_redirected(void **state)
{
    static const struct {
        const char *line, *fields;
        bool is_redirected;
    } rows[] = {
        {"GET /x", "accept: text/html\r\n", true},
        {"HEAD /x", "accept: */*, Text/HTML;q=0.3\r\n", true},
        {"GET /x", "accept: text/html\r\nsec-fetch-mode: navigate\r\n", true},
        {"GET /x", "accept: text/html\r\nsec-fetch-mode: cors\r\n", false},
        {"GET /x", "accept: text/html\r\nsec-fetch-mode: no-cors\r\n", false},
        {"GET /x", "accept: text/html\r\nx-requested-with: XMLHttpRequest\r\n", false},
        {"GET /x", "accept: text/html\r\nconnection: upgrade\r\nupgrade: websocket\r\n", false},
        {"GET /x", "accept: */*\r\n", false},
        {"GET /x", "accept: application/json\r\n", false},
        {"GET /x", "", false},
        {"POST /x", "accept: text/html\r\ncontent-length: 0\r\n", false},
        {"DELETE /x", "accept: text/html\r\n", false},
        {"OPTIONS /x", "accept: text/html\r\n", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_send(&w, rows[i].line, rows[i].fields);
        if (rows[i].is_redirected) {
            oidc_world_discovery(&w, "");
            oidc_world_expect(&w, "HTTP/1.1 302 ", "location: " OIDC_ISSUER "/auth?a=b&");
        } else {
            oidc_world_expect(&w, "HTTP/1.1 401 ", "x-weft-reason: oidc_login_required\r\n");
            assert_non_null(strstr(text(&w, w.answer),
                                   "www-authenticate: Cookie cookie-name=\"sid\"\r\n"));
            oidc_world_expect_silence(&w);
        }
        oidc_world_close(&w);
    }
}

static void nobody_is_redirected(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, ",\"unauthenticated\":\"Unauthorized\"");
    oidc_world_visit(&w, "/x");
    oidc_world_expect(&w, "HTTP/1.1 401 ", "oidc_login_required");
    oidc_world_close(&w);
}

/* Back to this host, whatever the path looks like. */
static void no_open_redirect(void **state)
{
    static const char *const paths[][2] = {
        {"//evil.example.com/x", "location: http://shop.example.com//evil.example.com/x\r\n"},
        {"/%2f%2fevil.example.com", "location: http://shop.example.com/%2f%2fevil.example.com\r\n"},
        {"/?to=https://evil.example.com",
         "location: http://shop.example.com/?to=https://evil.example.com\r\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_login(&w, paths[i][0], "");
        assert_non_null(strstr(text(&w, w.answer), paths[i][1]));
        oidc_world_close(&w);
    }
}

static void long_places_are_cut(void **state)
{
    struct oidc_world w;
    char path[3000];
    (void)state;
    memset(path, 'a', sizeof(path));
    memcpy(path, "/x?", 3);
    path[sizeof(path) - 1] = '\0';
    oidc_world_open(&w, "");
    oidc_world_login(&w, path, "");
    assert_non_null(strstr(text(&w, w.answer), "location: http://shop.example.com/x\r\n"));
    oidc_world_close(&w);
}

/* requirement: H20 */
static void several_tabs(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, "");
    oidc_world_begin_login(&w, "/one");
    struct slice one = w.location;
    oidc_world_begin_login(&w, "/two");
    struct slice nonce = oidc_world_param(&w, "nonce");
    assert_int_equal(w.cookie_count, 2);
    oidc_world_come_back(&w);
    oidc_world_answer(&w, "200 OK", oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""), ""));
    oidc_world_keys(&w);
    oidc_world_expect(&w, "HTTP/1.1 302 ", "location: http://shop.example.com/two\r\n");
    w.location = one;
    nonce = oidc_world_param(&w, "nonce");
    oidc_world_come_back(&w);
    oidc_world_answer(&w, "200 OK", oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""), ""));
    oidc_world_expect(&w, "HTTP/1.1 302 ", "location: http://shop.example.com/one\r\n");
    assert_int_equal(w.cookie_count, 1);
    oidc_world_close(&w);
}

/* Of those that nobody comes back from the oldest is forgotten. */
static void many_tabs(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, "");
    oidc_world_begin_login(&w, "/first");
    struct slice first = w.location;
    for (unsigned i = 0; i < 6; i++) {
        sim_advance(&w.r.sim, 1000);
        oidc_world_begin_login(&w, "/again");
        assert_true(w.cookie_count <= 4);
    }
    w.location = first;
    struct slice path = arena_printf(&w.arena, OIDC_CALLBACK "?code=c&state=%.*s",
                                     SLICE_ARG(oidc_world_param(&w, "state")));
    oidc_world_visit(&w, text(&w, path));
    oidc_world_expect(&w, "HTTP/1.1 403 ", "x-weft-reason: oidc_state_unknown\r\n");
    oidc_world_close(&w);
}

/* ---- what the browser brings back ---- */

/* requirement: H30 */
static void forged_callbacks(void **state)
{
    static const struct {
        const char *line, *start, *part;
    } rows[] = {
        {"GET " OIDC_CALLBACK, "HTTP/1.1 400 ", "oidc_callback_malformed"},
        {"GET " OIDC_CALLBACK "?code=c", "HTTP/1.1 400 ", "oidc_callback_malformed"},
        {"GET " OIDC_CALLBACK "?state=STATE", "HTTP/1.1 400 ", "oidc_callback_malformed"},
        {"GET " OIDC_CALLBACK "?code=c&code=d&state=STATE", "HTTP/1.1 400 ", "malformed"},
        {"GET " OIDC_CALLBACK "?code=c&c%6fde=d&state=STATE", "HTTP/1.1 400 ", "malformed"},
        {"GET " OIDC_CALLBACK "?code=c&state=STATE&state=STATE", "HTTP/1.1 400 ", "malformed"},
        {"GET " OIDC_CALLBACK "?code=c&error=e&state=STATE", "HTTP/1.1 400 ", "malformed"},
        {"GET " OIDC_CALLBACK "?code=c&state=abc", "HTTP/1.1 400 ", "malformed"},
        {"HEAD " OIDC_CALLBACK "?code=c&state=STATE", "HTTP/1.1 400 ", "malformed"},
        {"GET " OIDC_CALLBACK "?code=c&state=AAAAAAAAAAAAAAAAAAAAAA", "HTTP/1.1 403 ",
         "oidc_state_unknown"},
        {"GET " OIDC_CALLBACK "?code=c&state=STATEx", "HTTP/1.1 403 ", "oidc_state_unknown"},
        {"GET " OIDC_CALLBACK "?error=access_denied&state=AAAAAAAAAAAAAAAAAAAAAA",
         "HTTP/1.1 403 ", "oidc_state_unknown"},
        {"GET " OIDC_CALLBACK "?code=c&state=STATE&iss=https%3A%2F%2Fevil.example.com",
         "HTTP/1.1 403 ", "oidc_state_unknown"},
        {"GET " OIDC_CALLBACK "?error=access_denied&state=STATE", "HTTP/1.1 403 ",
         "oidc_login_denied"},
        {"GET " OIDC_CALLBACK "?error=%3Cscript%3E&state=STATE", "HTTP/1.1 403 ",
         "oidc_login_denied"},
        {"GET " OIDC_CALLBACK "?error=server_error&state=STATE", "HTTP/1.1 502 ",
         "oidc_provider_error"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_begin_login(&w, "/x");
        struct slice brought = oidc_world_param(&w, "state"), line = slice_from_cstr(rows[i].line);
        size_t at;
        while ((at = slice_find(line, SLICE("STATE"))) < line.len)
            line = arena_printf(&w.arena, "%.*s%.*s%.*s", SLICE_ARG(slice_sub(line, 0, at)),
                                SLICE_ARG(brought),
                                SLICE_ARG(slice_sub(line, at + 5, line.len)));
        oidc_world_send(&w, text(&w, line), "");
        oidc_world_expect(&w, rows[i].start, rows[i].part);
        assert_null(strstr(text(&w, w.answer), "<script"));
        oidc_world_expect_silence(&w);
        assert_null(oidc_world_cookie(&w, OIDC_SESSION_COOKIE).ptr);
        oidc_world_close(&w);
    }
}

/* requirement: H30 */
/* The code that somebody else was given is of no use in this browser. */
static void another_browser(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, "");
    oidc_world_begin_login(&w, "/x");
    struct slice path = arena_printf(&w.arena, OIDC_CALLBACK "?code=c&state=%.*s",
                                     SLICE_ARG(oidc_world_param(&w, "state")));
    w.cookie_count = 0;
    oidc_world_visit(&w, text(&w, path));
    oidc_world_expect(&w, "HTTP/1.1 403 ", "oidc_state_unknown");
    oidc_world_expect_silence(&w);
    oidc_world_close(&w);
}

static void too_late(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, ",\"loginTimeout\":\"60s\"");
    oidc_world_begin_login(&w, "/x");
    struct slice path = arena_printf(&w.arena, OIDC_CALLBACK "?code=c&state=%.*s",
                                     SLICE_ARG(oidc_world_param(&w, "state")));
    sim_advance(&w.r.sim, 60001);
    oidc_world_visit(&w, text(&w, path));
    oidc_world_expect(&w, "HTTP/1.1 403 ", "oidc_state_unknown");
    oidc_world_close(&w);
}

/* The parameter iss (RFC 9207) is demanded of who says that it sends it. */
static void the_issuer_names_itself(void **state)
{
    static const struct {
        const char *more, *start;
    } rows[] = {{"", "HTTP/1.1 403 "},
                {"&iss=https%3A%2F%2Fother.example.com", "HTTP/1.1 403 "},
                {"&iss=https%3A%2F%2Flogin.example.com", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_visit(&w, "/x");
        oidc_world_discovery(&w, ",\"authorization_response_iss_parameter_supported\":true");
        oidc_world_expect(&w, "HTTP/1.1 302 ", NULL);
        struct slice path = arena_printf(&w.arena, OIDC_CALLBACK "?code=c&state=%.*s%s",
                                         SLICE_ARG(oidc_world_param(&w, "state")), rows[i].more);
        oidc_world_visit(&w, text(&w, path));
        if (rows[i].start)
            oidc_world_expect(&w, rows[i].start, "oidc_state_unknown");
        else
            oidc_world_expect_asked(&w, "POST /token");
        oidc_world_close(&w);
    }
}

/* A session of more than a cookie lies in several, and of more than four in none. */
static void long_sessions(void **state)
{
    static const struct {
        unsigned bytes, cookies;
    } rows[] = {{2000, 1}, {2400, 2}, {6000, 3}, {9000, 4}, {12000, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, ",\"forwardAccessToken\":true");
        oidc_world_begin_login(&w, "/x");
        struct slice nonce = oidc_world_param(&w, "nonce");
        char *refresh = arena_zalloc(&w.arena, rows[i].bytes + 1);
        memset(refresh, 'r', rows[i].bytes);
        oidc_world_come_back(&w);
        struct slice more = arena_printf(&w.arena, ",\"refresh_token\":\"%s\"", refresh);
        oidc_world_answer(&w, "200 OK",
                          oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""),
                                            text(&w, more)));
        oidc_world_keys(&w);
        if (!rows[i].cookies) {
            oidc_world_expect(&w, "HTTP/1.1 502 ", "oidc_session_too_large");
        } else {
            oidc_world_expect(&w, "HTTP/1.1 302 ", NULL);
            for (unsigned j = 0; j < w.cookie_count; j++)
                assert_true(w.cookies[j].name.len + w.cookies[j].value.len < 3900);
            oidc_world_visit(&w, "/x");
            struct slice got = oidc_world_expect_app(&w, "authorization: Bearer AT\r\n");
            assert_null(strstr(text(&w, got), "cookie:"));
        }
        assert_int_equal(w.cookie_count, rows[i].cookies);
        oidc_world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login),
        cmocka_unit_test(cookies_are_for_the_gateway_alone),
        cmocka_unit_test(strict_cookies),
        cmocka_unit_test(who_is_redirected),
        cmocka_unit_test(nobody_is_redirected),
        cmocka_unit_test(no_open_redirect),
        cmocka_unit_test(long_places_are_cut),
        cmocka_unit_test(several_tabs),
        cmocka_unit_test(many_tabs),
        cmocka_unit_test(forged_callbacks),
        cmocka_unit_test(another_browser),
        cmocka_unit_test(too_late),
        cmocka_unit_test(the_issuer_names_itself),
        cmocka_unit_test(long_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
