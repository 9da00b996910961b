/* oidc: everything that can be wrong with what the provider says: its discovery document, its
 * answer to a code, the ID token, its keys.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/codec/text/base64url.h"
#include "lib/tls/digest.h"
#include "tests/sim/oidc_world.h"

/* requirement: H20, H30 */
static void answers_for_a_code(void **state)
{
    static const struct {
        const char *status, *body, *start, *part;
    } rows[] = {
        {"400 Bad Request", "{\"error\":\"invalid_grant\"}", "HTTP/1.1 403 ", "oidc_code_refused"},
        {"401 Unauthorized", "{\"error\":\"invalid_client\"}", "HTTP/1.1 502 ",
         "oidc_provider_error"},
        {"400 Bad Request", "<html>", "HTTP/1.1 502 ", "oidc_provider_error"},
        {"302 Found", "", "HTTP/1.1 502 ", "oidc_provider_error"},
        {"500 Oops", "{\"error\":\"invalid_grant\"}", "HTTP/1.1 503 ",
         "oidc_provider_unavailable"},
        {"429 Too Many Requests", "", "HTTP/1.1 503 ", "oidc_provider_unavailable"},
        {"200 OK", "", "HTTP/1.1 502 ", "oidc_provider_error"},
        {"200 OK", "[]", "HTTP/1.1 502 ", "oidc_provider_error"},
        {"200 OK", "{\"id_token\":\"a.b.c\"}", "HTTP/1.1 502 ", "oidc_provider_error"},
        {"200 OK", "{\"access_token\":\"a\\r\\nb\"}", "HTTP/1.1 502 ", "oidc_provider_error"},
        {"200 OK", "{\"access_token\":7}", "HTTP/1.1 502 ", "oidc_provider_error"},
        {"200 OK", "{\"access_token\":\"a\",\"token_type\":\"mac\"}", "HTTP/1.1 502 ",
         "oidc_provider_error"},
        {"200 OK", "{\"access_token\":\"a\"}", "HTTP/1.1 403 ", "oidc_id_token_invalid"},
        {"200 OK", "{\"access_token\":\"a\",\"id_token\":\"x\"}", "HTTP/1.1 403 ",
         "oidc_id_token_invalid"},
        {"200 OK", "{\"access_token\":\"a\",\"id_token\":\"eyJhbGciOiJub25lIn0.e30.e30\"}",
         "HTTP/1.1 403 ", "oidc_id_token_invalid"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_begin_login(&w, "/x");
        oidc_world_come_back(&w);
        oidc_world_answer(&w, rows[i].status, slice_from_cstr(rows[i].body));
        oidc_world_expect(&w, rows[i].start, rows[i].part);
        assert_null(oidc_world_cookie(&w, OIDC_SESSION_COOKIE).ptr);
        assert_null(w.location.ptr);
        oidc_world_close(&w);
    }
}

/* OpenID Connect Core 1.0 §3.1.3.7. claims go first, and what is given twice is no token. */
#define BASE "\"iss\":\"" OIDC_ISSUER "\",\"sub\":\"ann\",\"iat\":1,\"exp\":99999999999,"
#define GOOD BASE "\"aud\":\"gate way\","
static const struct {
    const char *claims;
    bool is_good;
} id_token_rows[] = {
    {GOOD "\"nonce\":\"NONCE\"", true},
    {BASE "\"aud\":[\"gate way\"],\"nonce\":\"NONCE\"", true},
    {BASE "\"aud\":[\"gate way\",\"b\"],\"azp\":\"gate way\",\"nonce\":\"NONCE\"", true},
    /* The left half of SHA-256("AT"). */
    {GOOD "\"nonce\":\"NONCE\",\"at_hash\":\"HASH\"", true},
    {GOOD "\"nonce\":\"other\"", false},
    {GOOD "\"x\":1", false},
    {GOOD "\"nonce\":\"NONCE\",\"at_hash\":\"AAAA\"", false},
    {GOOD "\"nonce\":\"NONCE\",\"at_hash\":7", false},
    {GOOD "\"nonce\":\"NONCE\",\"azp\":\"b\"", false},
    {GOOD "\"nonce\":\"NONCE\",\"nbf\":99999999998", false},
    {BASE "\"aud\":\"b\",\"nonce\":\"NONCE\"", false},
    {BASE "\"aud\":[\"gate way\",\"b\"],\"nonce\":\"NONCE\"", false},
    {BASE "\"nonce\":\"NONCE\"", false},
    {"\"iss\":\"https://other.example.com\",\"sub\":\"ann\",\"iat\":1,\"exp\":99999999999,"
     "\"aud\":\"gate way\",\"nonce\":\"NONCE\"", false},
    {"\"iss\":\"" OIDC_ISSUER "\",\"sub\":\"ann\",\"iat\":1,\"exp\":2,\"aud\":\"gate way\","
     "\"nonce\":\"NONCE\"", false},
    {"\"iss\":\"" OIDC_ISSUER "\",\"sub\":\"ann\",\"iat\":1,\"aud\":\"gate way\",\"nonce\":"
     "\"NONCE\"", false},
    {"\"iss\":\"" OIDC_ISSUER "\",\"sub\":\"ann\",\"exp\":99999999999,\"aud\":\"gate way\","
     "\"nonce\":\"NONCE\"", false},
    {"\"iss\":\"" OIDC_ISSUER "\",\"sub\":\"ann\",\"iat\":99999999998,\"exp\":99999999999,"
     "\"aud\":\"gate way\",\"nonce\":\"NONCE\"", false},
    {"\"iss\":\"" OIDC_ISSUER "\",\"iat\":1,\"exp\":99999999999,\"aud\":\"gate way\","
     "\"nonce\":\"NONCE\"", false},
};

/* A word of the text by another. */
static struct slice with(struct oidc_world *w, struct slice text, const char *word, struct slice by)
{
    size_t at = slice_find(text, slice_from_cstr(word));
    if (at == text.len)
        return text;
    struct slice behind = slice_sub(text, at + strlen(word), text.len);
    return arena_printf(&w->arena, "%.*s%.*s%.*s", SLICE_ARG(slice_sub(text, 0, at)),
                        SLICE_ARG(by), SLICE_ARG(behind));
}

static void id_tokens(void **state)
{
    uint8_t digest[DIGEST_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(id_token_rows) / sizeof(id_token_rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_begin_login(&w, "/x");
        struct slice claims = arena_printf(&w.arena, "{%s}", id_token_rows[i].claims);
        digest_sha256(SLICE("AT"), digest);
        struct slice hash = base64url_encode(&w.arena, slice_of(digest, DIGEST_SIZE / 2));
        claims = with(&w, claims, "NONCE", oidc_world_param(&w, "nonce"));
        claims = with(&w, claims, "HASH", hash);
        oidc_world_come_back(&w);
        oidc_world_answer(&w, "200 OK",
                          oidc_world_tokens(&w,
                                            token_make(&w.arena, SIGNATURE_RSA_SHA256,
                                                       SLICE("{\"alg\":\"RS256\",\"kid\":\"r\"}"),
                                                       claims),
                                            ""));
        oidc_world_keys(&w);
        oidc_world_expect(&w, id_token_rows[i].is_good ? "HTTP/1.1 302 " : "HTTP/1.1 403 ",
                          id_token_rows[i].is_good ? NULL : "oidc_id_token_invalid");
        assert_int_equal(oidc_world_cookie(&w, OIDC_SESSION_COOKIE).ptr != NULL,
                         id_token_rows[i].is_good);
        oidc_world_close(&w);
    }
}

/* Signed by somebody else, or by what everybody knows. */
static void wrong_signatures(void **state)
{
    static const struct {
        enum signature_alg alg;
        const char *header;
    } rows[] = {{SIGNATURE_P256_SHA256, "{\"alg\":\"ES256\",\"kid\":\"r\"}"},
                {SIGNATURE_HMAC_SHA256, "{\"alg\":\"HS256\",\"kid\":\"r\"}"}};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_begin_login(&w, "/x");
        struct slice claims = arena_printf(&w.arena, "{" GOOD "\"nonce\":\"%.*s\"}",
                                           SLICE_ARG(oidc_world_param(&w, "nonce")));
        oidc_world_come_back(&w);
        oidc_world_answer(
            &w, "200 OK",
            oidc_world_tokens(&w,
                              token_make(&w.arena, rows[i].alg, slice_from_cstr(rows[i].header),
                                         claims),
                              ""));
        oidc_world_keys(&w);
        oidc_world_expect(&w, "HTTP/1.1 403 ", "oidc_id_token_invalid");
        oidc_world_close(&w);
    }
}

static void the_provider_is_silent(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, ",\"timeout\":\"300ms\"");
    oidc_world_begin_login(&w, "/x");
    struct slice back = w.location;
    struct slice nonce = oidc_world_param(&w, "nonce");
    oidc_world_come_back(&w);
    sim_advance(&w.r.sim, 400);
    oidc_world_expect(&w, "HTTP/1.1 503 ", "oidc_provider_unavailable");
    w.location = back; /* it may be tried again */
    oidc_world_come_back(&w);
    oidc_world_answer(&w, "200 OK", oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""), ""));
    oidc_world_keys(&w);
    oidc_world_expect(&w, "HTTP/1.1 302 ", NULL);
    oidc_world_close(&w);
}

static void no_keys(void **state)
{
    struct oidc_world w;
    (void)state;
    oidc_world_open(&w, "");
    oidc_world_begin_login(&w, "/x");
    struct slice nonce = oidc_world_param(&w, "nonce");
    oidc_world_come_back(&w);
    oidc_world_answer(&w, "200 OK", oidc_world_tokens(&w, oidc_world_id_token(&w, nonce, ""), ""));
    oidc_world_expect_asked(&w, "GET /keys");
    oidc_world_answer(&w, "500 Oops", SLICE(""));
    oidc_world_expect(&w, "HTTP/1.1 503 ", "oidc_provider_unavailable");
    oidc_world_close(&w);
}

static void bad_discovery(void **state)
{
#define AUTH "\"authorization_endpoint\":\"" OIDC_ISSUER "/auth\""
#define TOKEN "\"token_endpoint\":\"" OIDC_ISSUER "/token\""
#define KEYS "\"jwks_uri\":\"" OIDC_ISSUER "/keys\""
    static const struct {
        const char *status, *body;
    } rows[] = {
        {"500 Oops", ""},
        {"200 OK", "<html>"},
        {"200 OK", "{}"},
        {"200 OK", "{\"issuer\":\"" OIDC_ISSUER "\"," TOKEN "," KEYS "}"},
        {"200 OK", "{\"issuer\":\"" OIDC_ISSUER "\",\"authorization_endpoint\":\"javascript:x\","
                   TOKEN "," KEYS "}"},
        {"200 OK", "{\"issuer\":\"https://other.example.com\"," AUTH "," TOKEN "," KEYS "}"},
        {"200 OK", "{\"issuer\":\"" OIDC_ISSUER "\"," AUTH "," KEYS "}"},
        {"200 OK", "{\"issuer\":\"" OIDC_ISSUER "\"," AUTH "," TOKEN "}"},
        {"200 OK", "{\"issuer\":\"" OIDC_ISSUER "\"," AUTH "," KEYS
                   ",\"token_endpoint\":\"https://other.example.com/token\"}"},
        {"200 OK", "{\"issuer\":\"" OIDC_ISSUER "\"," AUTH "," KEYS
                   ",\"token_endpoint\":\"http://login.example.com/token\"}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct oidc_world w;
        oidc_world_open(&w, "");
        oidc_world_visit(&w, "/x");
        oidc_world_expect_asked(&w, "GET /.well-known/openid-configuration");
        oidc_world_answer(&w, rows[i].status, slice_from_cstr(rows[i].body));
        oidc_world_expect(&w, "HTTP/1.1 503 ", "x-weft-reason: oidc_provider_unavailable\r\n");
        oidc_world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_for_a_code),
        cmocka_unit_test(id_tokens),
        cmocka_unit_test(wrong_signatures),
        cmocka_unit_test(the_provider_is_silent),
        cmocka_unit_test(no_keys),
        cmocka_unit_test(bad_discovery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
