/* Requests through the head parser: what is taken, what is refused, and that neither depends on
 * how the bytes are cut. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_parse.h"

#include <stdio.h>

#include "lib/codec/http/method.h"
#include "tests/unit/lib/codec/cmocka_codec.h"
#include "tests/unit/lib/codec/http/h1_heads.h"

static struct message *good(struct h1_heads_outcome *o, const char *text)
{
    h1_heads_assert_steady(H1_REQUEST, slice_from_cstr(text), o);
    if (!o->done)
        fail_msg("refused (%s): %s", h1_bad_text(o->bad)->reason, text);
    return o->m;
}

static void test_request(void **state)
{
    struct h1_heads_outcome o;
    struct message *m =
        good(&o, "POST /a/b?c=d HTTP/1.1\r\nHost: example.test:8080\r\n"
                 "X-Some: one  two\t\r\ncontent-LENGTH:5\r\nEmpty:\r\nEmpty2: \t \r\n"
                 "Expect: 100-Continue\r\n\r\nhello");
    assert_true(slice_eq_cstr(m->method, "POST"));
    assert_true(slice_eq_cstr(m->scheme, "http"));
    assert_true(slice_eq_cstr(m->authority, "example.test:8080"));
    assert_true(slice_eq_cstr(m->path, "/a/b?c=d"));
    assert_int_equal(m->version, HTTP_1_1);
    assert_int_equal(m->content_length, 5);
    assert_true(m->keep_alive);
    assert_true(m->expect_continue);
    assert_int_equal(m->headers.count, 5);
    assert_true(slice_eq_cstr(m->headers.items[0].name, "x-some"));
    assert_true(slice_eq_cstr(m->headers.items[0].value, "one  two"));
    assert_int_equal(m->headers.items[1].id, HEADER_CONTENT_LENGTH);
    assert_true(slice_eq_cstr(m->headers.items[1].value, "5"));
    assert_int_equal(m->headers.items[2].value.len, 0);
    assert_int_equal(m->headers.items[3].value.len, 0);
    assert_int_equal(m->headers.items[4].id, HEADER_EXPECT);
    h1_heads_drop(&o);
}

static void test_connection_fields_end_here(void **state)
{
    struct h1_heads_outcome o;
    struct message *m =
        good(&o, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, X-Hop, TE,,\r\n"
                 "X-Hop: 1\r\nx-hop: 2\r\nKeep-Alive: timeout=3\r\nTE: gzip, Trailers\r\n"
                 "Proxy-Connection: close\r\nHTTP2-Settings: AAA\r\nX-End: 3\r\n\r\n");
    assert_int_equal(m->headers.count, 2);
    assert_true(slice_eq_cstr(m->headers.items[0].name, "x-end"));
    assert_true(slice_eq_cstr(headers_get_id(&m->headers, HEADER_TE), "trailers"));
    assert_true(m->keep_alive);
    h1_heads_drop(&o);
}

static void test_keep_alive(void **state)
{
    static const struct {
        const char *text;
        bool keep;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, CLOSE\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h1_heads_outcome o;
        assert_int_equal(good(&o, cases[i].text)->keep_alive, cases[i].keep);
        h1_heads_drop(&o);
    }
}

static void test_targets(void **state)
{
    static const struct {
        const char *line, *host, *authority, *path;
    } cases[] = {
        {"GET /", "a", "a", "/"},
        {"GET /?", "a", "a", "/?"},
        {"GET //x", "a", "a", "//x"},
        {"GET /%2f%C3?a=%zz|^{}[]`\\", "a", "a", "/%2f%C3?a=%zz|^{}[]`\\"},
        {"GET /a|b[c]{d}^", "a", "a", "/a|b[c]{d}^"},
        {"GET /\xc3\xa4\"<>`\\b?\xe2\x82\xac\"<>", "a", "a", "/\xc3\xa4\"<>`\\b?\xe2\x82\xac\"<>"},
        {"LIST /a", "a", "a", "/a"},
        {"OPTIONS *", "a", "a", "*"},
        {"GET http://a/b?c", "a", "a", "/b?c"},
        {"GET HTTP://A:80/", "a:80", "A:80", "/"},
        {"GET http://b/", "a", "b", "/"},
        {"GET http://b:81?c", "a:80", "b:81", "/?c"},
        {"CONNECT b:443", "a", "b:443", ""},
        {"GET http://a", "a", "a", "/"},
        {"GET http://a?b", "a", "a", "/?b"},
        {"OPTIONS http://a", "a", "a", "*"},
        {"OPTIONS http://a/", "a", "a", "/"},
        {"CONNECT a:443", "a:443", "a:443", ""},
        {"CONNECT [::1]:443", "[::1]:443", "[::1]:443", ""},
        {"GET /", "[2001:db8::1]:80", "[2001:db8::1]:80", "/"},
        {"GET /", "my_host.x-y~z:0", "my_host.x-y~z:0", "/"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h1_heads_outcome o;
        char text[256];
        snprintf(text, sizeof(text), "%s HTTP/1.1\r\nHost: %s\r\n\r\n", cases[i].line,
                 cases[i].host);
        struct message *m = good(&o, text);
        assert_true(slice_eq_cstr(m->authority, cases[i].authority));
        assert_true(slice_eq_cstr(m->path, cases[i].path));
        h1_heads_drop(&o);
    }
}

/* What llhttp knows nothing of is a method all the same. */
static void test_methods(void **state)
{
    static const char *const methods[] = {"LIST",   "BAN", "VERSION-CONTROL", "UPDATEREDIRECTREF",
                                          "GETT",   "GE",  "FOO",             "_",
                                          "list",   "Ban", "PRI",             "M-SEARCH",
                                          "!#$%&'*+-.^_`|~0"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        struct h1_heads_outcome o;
        char text[128];
        snprintf(text, sizeof(text), "%s /x HTTP/1.1\r\nHost: a\r\n\r\n", methods[i]);
        struct message *m = good(&o, text);
        assert_true(slice_eq_cstr(m->method, methods[i]));
        assert_true(slice_eq_cstr(m->path, "/x"));
        h1_heads_drop(&o);
    }
    for (size_t len = METHOD_LEN_MAX; len < METHOD_LEN_MAX + 2; len++) {
        struct h1_heads_outcome o;
        char text[320];
        memset(text, 'A', len);
        snprintf(text + len, sizeof(text) - len, " / HTTP/1.1\r\nHost: a\r\n\r\n");
        h1_heads_assert_steady(H1_REQUEST, slice_from_cstr(text), &o);
        assert_int_equal(o.bad, len > METHOD_LEN_MAX ? H1_BAD_METHOD : H1_BAD_NOTHING);
        h1_heads_drop(&o);
    }
}

static void test_old_request_needs_no_host(void **state)
{
    struct h1_heads_outcome o;
    struct message *m = good(&o, "GET /x HTTP/1.0\r\nExpect: 100-continue\r\n\r\n");
    assert_int_equal(m->version, HTTP_1_0);
    assert_int_equal(m->authority.len, 0);
    assert_false(m->expect_continue);
    h1_heads_drop(&o);
    m = good(&o, "GET http://a/x HTTP/1.0\r\n\r\n");
    assert_true(slice_eq_cstr(m->authority, "a"));
    h1_heads_drop(&o);
}

static void test_one_empty_line_before(void **state)
{
    struct h1_heads_outcome o;
    good(&o, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    h1_heads_drop(&o);
}

#define LONG                                                            \
    "one-protocol-that-has-a-long-name/1.2.3.4.5.6.7.8.9.10.11.12.13.14-" \
    "and-goes-on-for-more-than-a-hundred-bytes-so-that-it-needs-room"

static void test_upgrade(void **state)
{
    static const struct {
        const char *fields, *upgrade;
    } cases[] = {
        {"Connection: Upgrade\r\nUpgrade: websocket\r\n", "websocket"},
        {"Connection: upgrade\r\nUpgrade: SPDY/3.1, x\r\nContent-Length: 0\r\n", "SPDY/3.1, x"},
        {"Upgrade: websocket\r\n", ""},
        {"Connection: upgrade\r\nUpgrade: h2c\r\n", ""},
        {"Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", "websocket"},
        {"Connection: upgrade\r\nUpgrade: h2c-14,tls/1.2, HTTP/2.0\r\n", ""},
        {"Connection: upgrade\r\nUpgrade: TLS/1.0,a/1,b\r\nUpgrade: h2c\r\nUpgrade: c\r\n",
         "a/1, b, c"},
        {"Connection: upgrade\r\nUpgrade: a,b,c,d,e,f,g,h\r\n", "a, b, c, d, e, f, g, h"},
        {"Connection: upgrade\r\nUpgrade: " LONG "\r\n", LONG},
        {"Connection: upgrade\r\nUpgrade: h2cx, tlsx\r\n", "h2cx, tlsx"},
        {"Connection: upgrade\r\nUpgrade: tcp\r\nContent-Length: 3\r\n", "tcp"},
        {"Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h1_heads_outcome o;
        char text[256];
        snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", cases[i].fields);
        assert_true(slice_eq_cstr(good(&o, text)->upgrade, cases[i].upgrade));
        h1_heads_drop(&o);
    }
    struct h1_heads_outcome o;
    struct message *m =
        good(&o, "GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_int_equal(m->upgrade.len, 0);
    h1_heads_drop(&o);
}

static void test_bad_requests(void **state)
{
    static const struct {
        unsigned status;
        struct slice bytes;
    } cases[] = {
#define X(code, text) {code, {text, sizeof(text) - 1}},
#include "tests/unit/lib/codec/http/h1_bad_requests.def"
#undef X
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h1_heads_outcome o;
        h1_heads_assert_steady(H1_REQUEST, cases[i].bytes, &o);
        if (h1_bad_text(o.bad)->status != cases[i].status || o.done)
            fail_msg("%u, not %u (%s): %.*s", cases[i].status, h1_bad_text(o.bad)->status,
                     h1_bad_text(o.bad)->reason, SLICE_ARG(cases[i].bytes));
        h1_heads_drop(&o);
    }
}

/* Whatever llhttp's tables say in this or another version: exactly the bytes that the grammar
 * allows pass in a name, a value, a target and a method. */
static void test_every_byte(void **state)
{
    static const char forms[][64] = {"G@T / HTTP/1.1\r\nHost: a\r\n\r\n",
                                     "GET /@ HTTP/1.1\r\nHost: a\r\n\r\n",
                                     "GET / HTTP/1.1\r\nHost: a\r\nX@Y: a\r\n\r\n",
                                     "GET / HTTP/1.1\r\nHost: a\r\nX: a@b\r\n\r\n",
                                     "GET / HTTP/1.1\r\nHost: a\r\nX: 0123456789abcdef@b\r\n\r\n"};
    static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char path_refused[] = "#% ";
    for (unsigned form = 0; form < 5; form++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            struct h1_heads_outcome o;
            char text[64];
            size_t len = strlen(forms[form]);
            memcpy(text, forms[form], len);
            *(char *)memchr(text, '@', len) = (char)byte;
            bool token = byte && strchr(tchars, (int)byte);
            bool value = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
            bool path = byte > 0x20 && byte < 0x7f && !strchr(path_refused, (int)byte);
            /* A colon ends the name, and what follows it is a value. */
            bool fine = form == 0   ? token && byte != 'e'
                        : form == 1 ? path
                        : form == 2 ? token || byte == ':'
                                    : value;
            h1_heads_assert_steady(H1_REQUEST, slice_of(text, len), &o);
            if (o.done != fine)
                fail_msg("byte 0x%02x in form %u: %s", byte, form, fine ? "refused" : "taken");
            h1_heads_drop(&o);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_connection_fields_end_here),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_old_request_needs_no_host),
        cmocka_unit_test(test_one_empty_line_before),
        cmocka_unit_test(test_upgrade),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
