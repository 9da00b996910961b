/* Tests of reading a ClientHello: names, every cut, records in pieces, and malformed ones. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_hello.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

struct hello {
    uint8_t bytes[2048];
    size_t len;
};

static void put(struct hello *h, const void *bytes, size_t n)
{
    memcpy(h->bytes + h->len, bytes, n);
    h->len += n;
}

static void put_number(struct hello *h, size_t value, unsigned bytes)
{
    while (bytes--) {
        uint8_t byte = (uint8_t)(value >> (8 * bytes));
        put(h, &byte, 1);
    }
}

/* A handshake message with one other extension and, unless it is empty, the given one of type 0 so
 * many times. */
static struct hello make_body_with(struct slice name_ext, unsigned times)
{
    struct hello ext = {0}, body = {0}, all = {0};
    put_number(&ext, 43, 2);
    put(&ext, "\0\3\2\3\4", 5);
    for (unsigned i = 0; name_ext.len && i < times; i++) {
        put_number(&ext, 0, 2);
        put_number(&ext, name_ext.len, 2);
        put(&ext, name_ext.ptr, name_ext.len);
    }
    put(&body, "\3\3", 2);
    body.len += 32;
    put(&body, "\0\0\2\x13\1\1\0", 7);
    put_number(&body, ext.len, 2);
    put(&body, ext.bytes, ext.len);
    put_number(&all, 1, 1);
    put_number(&all, body.len, 3);
    put(&all, body.bytes, body.len);
    return all;
}

static struct hello make_body(struct slice name_ext)
{
    return make_body_with(name_ext, 1);
}

/* In records of at most `piece` bytes. */
static struct hello wrap(const struct hello *body, size_t piece)
{
    struct hello all = {0};
    for (size_t at = 0; at < body->len; at += piece) {
        size_t n = body->len - at < piece ? body->len - at : piece;
        put(&all, "\x16\3\1", 3);
        put_number(&all, n, 2);
        put(&all, body->bytes + at, n);
    }
    return all;
}

static const struct slice example = {"\0\x10\0\0\x0d"
                                     "Www.ExAmple.a",
                                     18};

static void test_every_cut(void **state)
{
    struct hello body = make_body(example);
    static const size_t pieces[] = {2000, 50, 20};
    for (size_t i = 0; i < 3; i++) {
        struct hello h = wrap(&body, pieces[i]);
        struct tls_hello out;
        char why[TLS_DETAIL_MAX];
        for (size_t n = 0; n < h.len; n++)
            assert_int_equal(tls_hello_parse(h.bytes, n, &out, why), ERR_AGAIN);
        assert_int_equal(tls_hello_parse(h.bytes, h.len, &out, why), ERR_OK);
        assert_string_equal(out.sni, "www.example.a");
        h.bytes[h.len] = 0x14; /* what follows is not its business */
        assert_int_equal(tls_hello_parse(h.bytes, h.len + 1, &out, why), ERR_OK);
    }
}

static void test_without_name(void **state)
{
    struct hello body = make_body((struct slice){NULL, 0}), h = wrap(&body, 2000);
    struct tls_hello out;
    char why[TLS_DETAIL_MAX];
    assert_int_equal(tls_hello_parse(h.bytes, h.len, &out, why), ERR_OK);
    assert_string_equal(out.sni, "");
}

static void check_bad(const struct hello *h, uint8_t alert, const char *sentence)
{
    struct tls_hello out;
    char why[TLS_DETAIL_MAX] = "";
    assert_int_equal(tls_hello_parse(h->bytes, h->len, &out, why), ERR_PROTOCOL);
    assert_int_equal(out.alert, alert);
    assert_non_null(strstr(why, sentence));
}

static void test_bad_names(void **state)
{
    static const struct {
        struct slice ext;
        uint8_t alert;
    } cases[] = {
        {{"\0\0", 2}, 50},                  /* empty list */
        {{"\0\4\0\0\2a", 6}, 50},           /* name longer than the list */
        {{"\0\4\1\0\1a", 6}, 50},           /* not a host name by type */
        {{"\0\4\0\0\1ax", 7}, 50},          /* bytes behind the list */
        {{"\0\x08\0\0\1a\0\0\1b", 10}, 50}, /* two names */
        {{"\0\3\0\0\0", 5}, 47},            /* empty name */
        {{"\0\4\0\0\1 ", 6}, 47},
        {{"\0\5\0\0\2a\0", 7}, 47},
        {{"\0\5\0\0\2a/", 7}, 47},
        {{"\0\5\0\0\2\xc3\xa4", 7}, 47},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hello body = make_body(cases[i].ext), h = wrap(&body, 2000);
        check_bad(&h, cases[i].alert, "server");
    }
}

/* The second could name another listener than the one that a proxy before us looked at. */
static void test_two_extensions_with_a_name(void **state)
{
    struct hello body = make_body_with(example, 2), h = wrap(&body, 2000);
    check_bad(&h, 47, "server_name twice");
}

static void test_long_name(void **state)
{
    char ext[300];
    memset(ext, 'a', sizeof(ext));
    /* list of 0x0104 bytes, type 0, name of 0x0101 bytes: more than fits */
    ext[0] = 1, ext[1] = 4, ext[2] = 0, ext[3] = 1, ext[4] = 1;
    struct hello b = make_body(slice_of(ext, 5 + 257)), h = wrap(&b, 2000);
    check_bad(&h, 47, "not a host name");
    ext[1] = 2, ext[3] = 0, ext[4] = (char)255;
    b = make_body(slice_of(ext, 5 + 255)), h = wrap(&b, 2000);
    struct tls_hello out;
    char why[TLS_DETAIL_MAX];
    assert_int_equal(tls_hello_parse(h.bytes, h.len, &out, why), ERR_OK);
    assert_int_equal(strlen(out.sni), 255);
}

static void test_bad_framing(void **state)
{
    struct hello body = make_body(example), h = wrap(&body, 4);
    check_bad(&h, 50, "too many records");
    h = wrap(&body, 2000);
    h.bytes[5] = 2;
    check_bad(&h, 10, "another handshake message");
    h = wrap(&body, 40);
    h.bytes[45] = 0x17;
    check_bad(&h, 10, "mixed with other records");
    h = wrap(&body, 2000);
    h.bytes[0] = 'G';
    check_bad(&h, 0, "not TLS");
}

static void test_too_large(void **state)
{
    static uint8_t big[TLS_HELLO_MAX + 16] = {0x16, 3, 1, 0xff, 0xff, 1, 0, 0xff, 0xff};
    struct tls_hello out;
    char why[TLS_DETAIL_MAX];
    assert_int_equal(tls_hello_parse(big, TLS_HELLO_MAX - 1, &out, why), ERR_AGAIN);
    assert_int_equal(tls_hello_parse(big, TLS_HELLO_MAX, &out, why), ERR_PROTOCOL);
    assert_non_null(strstr(why, "larger than"));
}

/* A hello with those cipher suites and extensions. */
static unsigned keys_of(struct slice suites, struct slice extensions)
{
    struct hello body = {0}, all = {0};
    struct tls_hello out;
    char why[TLS_DETAIL_MAX];
    put(&body, "\3\3", 2);
    body.len += 32;
    put_number(&body, 0, 1);
    put_number(&body, suites.len, 2);
    put(&body, suites.ptr, suites.len);
    put(&body, "\1\0", 2);
    put_number(&body, extensions.len, 2);
    put(&body, extensions.ptr, extensions.len);
    put_number(&all, 1, 1);
    put_number(&all, body.len, 3);
    put(&all, body.bytes, body.len);
    all = wrap(&all, 2000);
    assert_int_equal(tls_hello_parse(all.bytes, all.len, &out, why), ERR_OK);
    return tls_hello_keys(&out, TLS_SUITES_ALL, true);
}

#define VERSIONS_13 "\0\x2b\0\3\2\3\4"
#define SIGNATURES_P256 "\0\x0d\0\4\0\2\4\3"
#define SIGNATURES_PSS "\0\x0d\0\4\0\2\x08\4"
#define SIGNATURES_PKCS1 "\0\x0d\0\4\0\2\4\1"
#define GROUPS_P384 "\0\x0a\0\4\0\2\0\x18"

static void test_keys(void **state)
{
    struct slice tls13 = SLICE("\x13\1"), ecdsa = SLICE("\xc0\x2b"), rsa = SLICE("\xc0\x2f");
    struct slice both = SLICE("\xc0\x2f\xc0\x2b");
    unsigned curves = TLS_KEY_P256 | TLS_KEY_P384 | TLS_KEY_P521;
    assert_int_equal(keys_of(tls13, SLICE(VERSIONS_13 SIGNATURES_P256)), TLS_KEY_P256);
    assert_int_equal(keys_of(tls13, SLICE(SIGNATURES_PSS VERSIONS_13)), TLS_KEY_RSA);
    /* PKCS #1 is for certificates only with TLS 1.3 (RFC 8446 §4.2.3). */
    assert_int_equal(keys_of(tls13, SLICE(VERSIONS_13 SIGNATURES_PKCS1)), 0);
    /* TLS 1.2: also the cipher suite must be for it. */
    assert_int_equal(keys_of(rsa, SLICE(SIGNATURES_PKCS1)), TLS_KEY_RSA);
    assert_int_equal(keys_of(ecdsa, SLICE(SIGNATURES_PKCS1)), 0);
    assert_int_equal(keys_of(both, SLICE(SIGNATURES_P256)), curves);
    assert_int_equal(keys_of(both, SLICE(SIGNATURES_P256 GROUPS_P384)), TLS_KEY_P384);
    assert_int_equal(keys_of(rsa, SLICE("")), TLS_KEY_RSA);
    assert_int_equal(keys_of(tls13, SLICE(VERSIONS_13)), TLS_KEY_ANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut), cmocka_unit_test(test_without_name),
        cmocka_unit_test(test_bad_names), cmocka_unit_test(test_two_extensions_with_a_name),
        cmocka_unit_test(test_long_name),
        cmocka_unit_test(test_too_large), cmocka_unit_test(test_bad_framing),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
