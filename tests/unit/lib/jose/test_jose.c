/* Tokens and keys: published vectors, every algorithm with a signature of its own, and tables of
 * what has to be refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jose/jws.h"

#include "lib/codec/text/base64url.h"
#include "lib/jose/jose_alg.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/jose/token_maker.h"
#include "tests/unit/lib/jose/vectors.h"

#define ALL (JOSE_ALGS_PUBLIC | JOSE_ALGS_HMAC)

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

static struct jwk_set keys_of(struct slice text)
{
    struct jwk_set set;
    char why[JWK_WHY_MAX];
    if (jwk_set_parse(text, JWK_SECRET, &arena, &set, why))
        fail_msg("%.*s: %s", SLICE_ARG(text), why);
    return set;
}

static enum jws_fault check(struct slice token, struct slice keys, unsigned algs)
{
    struct jws t;
    enum jws_fault fault = jws_parse(token, &arena, &t);
    struct jwk_set set = keys_of(keys);
    return fault ? fault : jws_check(&t, &set, algs);
}

/* ---- what is good ---- */

/* requirement: H6, H16 */
static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct slice token = slice_from_cstr(vectors[i].token);
        enum jws_fault fault = check(token, slice_from_cstr(vectors[i].key), ALL);
        if (fault)
            fail_msg("%s: %s", vectors[i].name, jws_fault_text(fault));
    }
}

/* No byte of a token can be changed. */
static void test_every_changed_character_is_noticed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct slice token = slice_from_cstr(vectors[i].token);
        struct jwk_set set = keys_of(slice_from_cstr(vectors[i].key));
        for (size_t at = 0; at < token.len; at += i == 0 ? 1 : 7) {
            struct jws t;
            struct slice copy = arena_copy(&arena, token);
            char *c = (char *)(uintptr_t)copy.ptr + at;
            *c = *c == 'A' ? 'B' : 'A';
            if (jws_parse(copy, &arena, &t) == JWS_OK && jws_check(&t, &set, ALL) == JWS_OK)
                fail_msg("%s: character %zu", vectors[i].name, at);
        }
    }
}

static void test_each_algorithm(void **state)
{
    struct slice payload = SLICE("{\"iss\":\"a\"}");
    (void)state;
    for (enum signature_alg alg = SIGNATURE_HMAC_SHA256; alg < SIGNATURE_ED25519; alg++) {
        struct slice token = token_plain(&arena, alg, payload);
        struct slice key = token_jwk(&arena, alg, SLICE(""));
        assert_int_equal(check(token, key, JOSE_ALG_BIT(alg)), JWS_OK);
        assert_int_equal(check(token, key, ALL & ~JOSE_ALG_BIT(alg)), JWS_ALG_NOT_ALLOWED);
        assert_int_not_equal(check(slice_sub(token, 0, token.len - 4), key, ALL), JWS_OK);
        for (enum signature_alg other = SIGNATURE_HMAC_SHA256; other < SIGNATURE_ED25519; other++)
            if (other != alg)
                assert_int_not_equal(
                    check(token_make(&arena, alg,
                                     arena_printf(&arena, "{\"alg\":\"%s\"}", jose_alg_name(other)),
                                     payload),
                          key, ALL),
                    JWS_OK);
    }
}

/* ---- tokens that are refused ---- */

static void test_headers(void **state)
{
    static const struct {
        const char *header;
        enum jws_fault fault;
    } rows[] = {
        {"{\"alg\":\"HS256\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"JWT\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"jwt\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"application/at+jwt\"}", JWS_OK},
        {"{\"alg\":\"HS256\",\"typ\":\"secevent+jwt\"}", JWS_WRONG_TYPE},
        {"{\"alg\":\"HS256\",\"typ\":\"dpop+jwt\"}", JWS_WRONG_TYPE},
        {"{\"alg\":\"HS256\",\"typ\":\"logout+jwt\"}", JWS_WRONG_TYPE},
        {"{\"alg\":\"HS256\",\"typ\":7}", JWS_WRONG_TYPE},
        {"{\"alg\":\"HS256\",\"cty\":\"JWT\"}", JWS_WRONG_TYPE},
        {"{\"alg\":\"none\"}", JWS_UNSUPPORTED},
        {"{\"alg\":\"None\"}", JWS_UNSUPPORTED},
        {"{\"alg\":\"\"}", JWS_UNSUPPORTED},
        {"{\"alg\":null}", JWS_UNSUPPORTED},
        {"{\"alg\":[\"HS256\"]}", JWS_UNSUPPORTED},
        {"{\"alg\":\"hs256\"}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256 \"}", JWS_UNSUPPORTED},
        {"{\"alg\":\"RS1\"}", JWS_UNSUPPORTED},
        {"{\"alg\":\"ES256K\"}", JWS_UNSUPPORTED},
        {"{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}", JWS_UNSUPPORTED},
        {"{}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"crit\":[]}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"crit\":null}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"b64\":false}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"b64\":true}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"zip\":\"DEF\"}", JWS_UNSUPPORTED},
        {"{\"alg\":\"HS256\",\"kid\":7}", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", JWS_MALFORMED},
        {"{\"alg\":\"none\",\"alg\":\"HS256\"}", JWS_MALFORMED},
        {"{\"alg\":\"HS256\"", JWS_MALFORMED},
        {"{\"alg\":\"HS256\"}x", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"kid\":\"\\u0000\"}", JWS_MALFORMED},
        {"[\"HS256\"]", JWS_MALFORMED},
        {"\"HS256\"", JWS_MALFORMED},
        {"null", JWS_MALFORMED},
        {"{\"alg\":\"HS256\",\"x\":\"\xff\"}", JWS_MALFORMED},
        {"\xef\xbb\xbf{\"alg\":\"HS256\"}", JWS_MALFORMED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice token = token_make(&arena, SIGNATURE_HMAC_SHA256,
                                        slice_from_cstr(rows[i].header), SLICE("{}"));
        enum jws_fault fault =
            check(token, token_jwk(&arena, SIGNATURE_HMAC_SHA256, SLICE("")), ALL);
        if (fault != rows[i].fault)
            fail_msg("%s: %s", rows[i].header, jws_fault_text(fault));
    }
}

static void test_forms(void **state)
{
    struct jws t;
    struct slice good = token_plain(&arena, SIGNATURE_HMAC_SHA256, SLICE("{}"));
    size_t dot = slice_find_byte(good, '.');
    struct slice header = slice_sub(good, 0, dot), rest = slice_sub(good, dot, good.len);
    (void)state;
    assert_int_equal(jws_parse(good, &arena, &t), JWS_OK);
    const struct slice bad[] = {
        SLICE(""),
        SLICE("."),
        SLICE(".."),
        SLICE("..."),
        header,
        rest,
        arena_printf(&arena, "%.*s.", SLICE_ARG(good)),
        arena_printf(&arena, "%.*s.AA", SLICE_ARG(good)),
        arena_printf(&arena, ".%.*s", SLICE_ARG(good)),
        arena_printf(&arena, "%.*s=", SLICE_ARG(good)),
        arena_printf(&arena, "%.*s ", SLICE_ARG(good)),
        arena_printf(&arena, " %.*s", SLICE_ARG(good)),
        arena_printf(&arena, "%.*s\n", SLICE_ARG(good)),
        arena_printf(&arena, "%.*s=%.*s", SLICE_ARG(header), SLICE_ARG(rest)),
        arena_printf(&arena, "%.*s..AA", SLICE_ARG(header)),
        arena_printf(&arena, "%.*s.e30.", SLICE_ARG(header)), /* no signature */
        arena_printf(&arena, "%.*s.e31.AA", SLICE_ARG(header)), /* bits left over */
        arena_printf(&arena, "%.*s.e+0.AA", SLICE_ARG(header)), /* the other alphabet */
        arena_printf(&arena, "%.*s.e3.A", SLICE_ARG(header)),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (jws_parse(bad[i], &arena, &t) != JWS_MALFORMED)
            fail_msg("row %zu: \"%.*s\"", i, SLICE_ARG(bad[i]));
}

static void test_size(void **state)
{
    struct jws t;
    char *filler = arena_alloc(&arena, 16384);
    (void)state;
    memset(filler, 'x', 16384);
    struct slice token = token_plain(&arena, SIGNATURE_HMAC_SHA256,
                                     arena_printf(&arena, "{\"a\":\"%.*s\"}", 6000, filler));
    assert_true(token.len < JWS_TOKEN_MAX);
    assert_int_equal(jws_parse(token, &arena, &t), JWS_OK);
    token = token_plain(&arena, SIGNATURE_HMAC_SHA256,
                        arena_printf(&arena, "{\"a\":\"%.*s\"}", 6200, filler));
    assert_true(token.len > JWS_TOKEN_MAX);
    assert_int_equal(jws_parse(token, &arena, &t), JWS_TOO_LONG);
}

/* ---- which key ---- */

static void test_confusion(void **state)
{
    (void)state;
    /* The classic: the public key's text as the secret of an HMAC. */
    struct slice rsa = token_jwk(&arena, SIGNATURE_RSA_SHA256, SLICE(""));
    struct slice token = token_plain(&arena, SIGNATURE_HMAC_SHA256, SLICE("{}"));
    assert_int_equal(check(token, rsa, ALL), JWS_NO_KEY);
    /* A curve's signature with another curve's name. */
    token = token_make(&arena, SIGNATURE_P256_SHA256, SLICE("{\"alg\":\"ES384\"}"), SLICE("{}"));
    assert_int_equal(check(token, token_jwk(&arena, SIGNATURE_P256_SHA256, SLICE("")), ALL),
                     JWS_NO_KEY);
    /* The key says which algorithm it is for. */
    token = token_plain(&arena, SIGNATURE_RSA_SHA512, SLICE("{}"));
    assert_int_equal(
        check(token, token_jwk(&arena, SIGNATURE_RSA_SHA512, SLICE("\"alg\":\"RS256\"")), ALL),
        JWS_NO_KEY);
    /* A key that the token brings itself is nobody's. */
    token = token_make(&arena, SIGNATURE_P256_SHA256,
                       arena_printf(&arena, "{\"alg\":\"ES256\",\"jwk\":%.*s}",
                                    SLICE_ARG(token_jwk(&arena, SIGNATURE_P256_SHA256,
                                                        SLICE("")))),
                       SLICE("{}"));
    assert_int_equal(check(token, rsa, ALL), JWS_NO_KEY);
}

static struct slice es256_with_kid(const char *kid)
{
    return token_make(&arena, SIGNATURE_P256_SHA256,
                      arena_printf(&arena, "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kid), SLICE("{}"));
}

static void test_kid(void **state)
{
    (void)state;
    struct slice named = token_jwk(&arena, SIGNATURE_P256_SHA256, SLICE("\"kid\":\"a\""));
    struct slice unnamed = token_jwk(&arena, SIGNATURE_P256_SHA256, SLICE(""));
    assert_int_equal(check(es256_with_kid("a"), named, ALL), JWS_OK);
    assert_int_equal(check(es256_with_kid("A"), named, ALL), JWS_NO_KEY);
    assert_int_equal(check(es256_with_kid("a"), unnamed, ALL), JWS_OK);
    assert_int_equal(
        check(token_plain(&arena, SIGNATURE_P256_SHA256, SLICE("{}")), named, ALL), JWS_OK);
    /* Two keys of one name, one of each kind: the one that fits is used. */
    struct slice both = arena_printf(
        &arena, "{\"keys\":[%.*s,%.*s]}",
        SLICE_ARG(token_jwk(&arena, SIGNATURE_RSA_SHA256, SLICE("\"kid\":\"a\""))),
        SLICE_ARG(named));
    assert_int_equal(check(es256_with_kid("a"), both, ALL), JWS_OK);
}

/* A hundred keys cost a token without a name eight checks. */
static void test_tries_are_bounded(void **state)
{
    (void)state;
    struct slice other = SLICE("{\"kty\":\"EC\",\"crv\":\"P-256\","
                               "\"x\":\"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4\","
                               "\"y\":\"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM\"}");
    struct slice mine = token_jwk(&arena, SIGNATURE_P256_SHA256, SLICE(""));
    struct slice token = token_plain(&arena, SIGNATURE_P256_SHA256, SLICE("{}"));
    struct slice list = {0};
    for (unsigned before = 0; before <= JWS_TRIES_MAX; before++) {
        struct slice set = arena_printf(&arena, "{\"keys\":[%.*s%.*s]}", SLICE_ARG(list),
                                        SLICE_ARG(mine));
        assert_int_equal(check(token, set, ALL),
                         before < JWS_TRIES_MAX ? JWS_OK : JWS_BAD_SIGNATURE);
        list = arena_printf(&arena, "%.*s%.*s,", SLICE_ARG(list), SLICE_ARG(other));
    }
}

/* ---- keys that are left out ---- */

#define P256 "\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
#define P256_Y "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define LONG_SECRET "\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr8\""
#define N1024                                                                            \
    "\"n\":\"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7" \
    "jTKEn5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5" \
    "AaWTg\""

static void test_unusable_keys(void **state)
{
    static const struct {
        const char *key, *why;
    } rows[] = {
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
         "key 1 lacks a number, or has one that is not Base64url"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"wQ==\"}",
         "key 1 lacks a number, or has one that is not Base64url"},
        {"{\"kty\":\"RSA\",\"e\":\"AQAB\"," N1024 "}",
         "key 1 is an RSA key of less than 2048 bits"},
        {"{\"kty\":\"EC\"," P256 "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a8\"}",
         "key 1 is no point of its curve"},
        {"{\"kty\":\"EC\"," P256 "\"y\":\"AAAA\"}",
         "key 1 has coordinates that are not as long as those of its curve"},
        {"{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AA\",\"y\":\"AA\"}",
         "key 1 is on a curve that is not P-256, P-384 or P-521"},
        {"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}",
         "key 1 is on a curve that is not Ed25519"},
        {"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AA\"}", "key 1 is no Ed25519 key"},
        {"{\"kty\":\"AKP\"}", "key 1 has a kty that is not RSA, EC, OKP or oct"},
        {"{\"kty\":7}", "key 1 has a kty that is not RSA, EC, OKP or oct"},
        {"{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3um\"}",
         "key 1 is a symmetric key that is shorter than the hash"},
        {"{\"kty\":\"oct\",\"alg\":\"HS512\"," LONG_SECRET "}",
         "key 1 is a symmetric key that is shorter than the hash"},
        {"{\"kty\":\"EC\",\"use\":\"enc\"," P256 P256_Y "}",
         "key 1 is not for signatures (use)"},
        {"{\"kty\":\"EC\",\"key_ops\":[\"sign\"]," P256 P256_Y "}",
         "key 1 is not for checking signatures (key_ops)"},
        {"{\"kty\":\"EC\",\"key_ops\":\"verify\"," P256 P256_Y "}",
         "key 1 is not for checking signatures (key_ops)"},
        {"{\"kty\":\"EC\",\"alg\":\"RS256\"," P256 P256_Y "}",
         "key 1 has an alg that does not fit its kind, or that is not known"},
        {"{\"kty\":\"EC\",\"alg\":\"none\"," P256 P256_Y "}",
         "key 1 has an alg that does not fit its kind, or that is not known"},
        {"{\"kty\":\"EC\",\"kid\":1," P256 P256_Y "}", "key 1 has a kid that is not a string"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwk_set set = keys_of(slice_from_cstr(rows[i].key));
        assert_int_equal(set.count, 0);
        assert_string_equal(set.unused_why, rows[i].why);
    }
    struct jwk_set good = keys_of(SLICE("{\"kty\":\"EC\",\"use\":\"sig\",\"key_ops\":[\"sign\","
                                        "\"verify\"],\"alg\":\"ES256\"," P256 P256_Y "}"));
    assert_int_equal(good.count, 1);
}

/* What is published cannot be a secret; the keys beside it are of use. */
static void test_public_sets_have_no_secrets(void **state)
{
    struct jwk_set set;
    char why[JWK_WHY_MAX];
    (void)state;
    struct slice text = SLICE("{\"keys\":[{\"kty\":\"oct\"," LONG_SECRET "},7,"
                              "{\"kty\":\"EC\"," P256 P256_Y "}]}");
    assert_int_equal(jwk_set_parse(text, JWK_PUBLIC_ONLY, &arena, &set, why), ERR_OK);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.unused, 2);
    assert_int_equal(keys_of(text).count, 2);
}

static void test_sets(void **state)
{
    static const struct {
        const char *text;
        enum err e;
    } rows[] = {
        {"{\"keys\":[]}", ERR_OK},
        {"{\"keys\":[],\"more\":{}}", ERR_OK},
        {"{\"keys\":{}}", ERR_SYNTAX},
        {"{}", ERR_SYNTAX},
        {"[]", ERR_SYNTAX},
        {"", ERR_SYNTAX},
        {"<html>", ERR_SYNTAX},
        {"{\"keys\":[],\"keys\":[]}", ERR_SYNTAX},
        {"{\"keys\":[]}{\"keys\":[]}", ERR_SYNTAX},
    };
    struct jwk_set set;
    char why[JWK_WHY_MAX];
    struct slice many = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(
            jwk_set_parse(slice_from_cstr(rows[i].text), JWK_SECRET, &arena, &set, why), rows[i].e);
    for (unsigned i = 0; i < JWK_SET_MAX; i++)
        many = arena_printf(&arena, "%.*s{\"kty\":\"EC\"," P256 P256_Y "},", SLICE_ARG(many));
    struct slice full =
        arena_printf(&arena, "{\"keys\":[%.*s]}", (int)many.len - 1, many.ptr);
    assert_int_equal(keys_of(full).count, JWK_SET_MAX);
    struct slice over = arena_printf(&arena, "{\"keys\":[%.*s{}]}", SLICE_ARG(many));
    assert_int_equal(jwk_set_parse(over, JWK_SECRET, &arena, &set, why), ERR_LIMIT);
    char *deep = arena_alloc(&arena, 4096);
    memset(deep, '[', 4096);
    assert_int_equal(jwk_set_parse(slice_of(deep, 4096), JWK_SECRET, &arena, &set, why),
                     ERR_SYNTAX);
}

/* ---- PEM ---- */

static void test_pem(void **state)
{
    struct signature_key key;
    const char *why = "";
    (void)state;
    /* The P-256 key of RFC 7515 A.3, as openssl writes it. */
    struct slice pem = SLICE("-----BEGIN PUBLIC KEY-----\n"
                             "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
                             "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
                             "-----END PUBLIC KEY-----\n");
    assert_int_equal(signature_key_pem(&arena, pem, &key, &why), ERR_OK);
    struct jws t;
    assert_int_equal(jws_parse(token_plain(&arena, SIGNATURE_P256_SHA256, SLICE("{}")), &arena, &t),
                     JWS_OK);
    assert_int_equal(jws_check_key(&t, &key, ALL), JWS_OK);
    assert_int_equal(jws_check_key(&t, &key, JOSE_ALGS_HMAC), JWS_ALG_NOT_ALLOWED);
    assert_int_equal(signature_key_pem(&arena, SLICE("secret"), &key, &why), ERR_INVALID);
    assert_string_equal(why, "has no PEM block PUBLIC KEY");
    assert_int_equal(signature_key_pem(&arena, SLICE("-----BEGIN PUBLIC KEY-----\nMFkw\n"
                                                     "-----END PUBLIC KEY-----\n"),
                                       &key, &why),
                     ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_changed_character_is_noticed),
        cmocka_unit_test(test_each_algorithm),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_confusion),
        cmocka_unit_test(test_kid),
        cmocka_unit_test(test_tries_are_bounded),
        cmocka_unit_test(test_unusable_keys),
        cmocka_unit_test(test_public_sets_have_no_secrets),
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_pem),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
