/* The head parser: limits, responses, trailers, and one head after the other.
 * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_parse.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/codec/cmocka_codec.h"
#include "tests/unit/lib/codec/http/h1_heads.h"

/* What no trailer may say of a request is left out of an answer's, but for framing. */
static void test_trailers_of_answers(void **state)
{
    static const struct h1_rules base = {.role = H1_RESPONSE};
    struct h1_rules rules = base;
    struct arena arena;
    struct headers *out;
    rules.limits = h1_heads_limits;
    arena_init(&arena, 512);
    struct slice section = SLICE("Set-Cookie: a\r\nX: b\r\n\r\n");
    assert_int_equal(h1_parse_trailers(&rules, section, &arena, &out), H1_BAD_NOTHING);
    assert_int_equal(out->count, 1);
    assert_true(slice_eq_cstr(out->items[0].name, "x"));
    assert_int_equal(h1_parse_trailers(&rules, SLICE("Content-Length: 3\r\n\r\n"), &arena, &out),
                     H1_BAD_TRAILER);
    arena_dispose(&arena);
}

/* "GET /" + n bytes. */
static enum h1_bad target_of(size_t n, size_t step)
{
    struct h1_heads_outcome o;
    char *text = mem_printf("GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", (int)n, 0);
    h1_heads_parse(&o, H1_REQUEST, slice_from_cstr(text), 0, step ? step : strlen(text));
    mem_free(text);
    h1_heads_drop(&o);
    return o.bad;
}

static void test_target_limit(void **state)
{
    for (size_t step = 0; step < 2; step++) {
        assert_int_equal(target_of(255, step), H1_BAD_NOTHING);
        assert_int_equal(target_of(256, step), H1_BAD_TARGET_TOO_LONG);
        assert_int_equal(target_of(6000, step), H1_BAD_TARGET_TOO_LONG);
    }
}

static enum h1_bad fields_of(size_t n, size_t step)
{
    struct h1_heads_outcome o;
    /* The names, "a", and what each field costs beside its bytes. */
    char *text = mem_printf("GET / HTTP/1.1\r\nHost: a\r\nX: %0*d\r\n\r\n",
                            (int)(n - 6 - 2 * MESSAGE_FIELD_EXTRA), 0);
    h1_heads_parse(&o, H1_REQUEST, slice_from_cstr(text), 0, step ? step : strlen(text));
    mem_free(text);
    h1_heads_drop(&o);
    return o.bad;
}

static void test_field_limits(void **state)
{
    for (size_t step = 0; step < 2; step++) {
        assert_int_equal(fields_of(4096, step), H1_BAD_NOTHING);
        assert_int_equal(fields_of(4097, step), H1_BAD_FIELDS_TOO_LARGE);
        assert_int_equal(fields_of(9000, step), H1_BAD_FIELDS_TOO_LARGE);
    }
    for (unsigned count = 20; count <= 21; count++) {
        struct h1_heads_outcome o;
        char text[512] = "GET / HTTP/1.1\r\nHost: a\r\n";
        size_t len = strlen(text);
        for (unsigned i = 1; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof(text) - len, "X: a\r\n");
        len += (size_t)snprintf(text + len, sizeof(text) - len, "\r\n");
        h1_heads_assert_steady(H1_REQUEST, slice_of(text, len), &o);
        assert_int_equal(o.bad, count == 20 ? H1_BAD_NOTHING : H1_BAD_FIELDS_TOO_MANY);
        h1_heads_drop(&o);
    }
}

/* A head that never ends is given up at its limit, whatever it consists of. */
static void test_endless_heads(void **state)
{
    static const struct {
        const char *start;
        char fill;
        unsigned status;
    } cases[] = {{"", 'A', 400},
                 {"GET /", 'a', 414},
                 {"GET / HTTP/1.1\r\nHost: ", 'a', 431},
                 {"GET / HTTP/1.1\r\n", 'a', 431}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h1_heads_outcome o;
        char text[8192];
        size_t len = strlen(cases[i].start);
        memset(text, cases[i].fill, sizeof(text));
        memcpy(text, cases[i].start, len);
        for (size_t step = 1; step <= sizeof(text); step *= 64) {
            h1_heads_parse(&o, H1_REQUEST, slice_of(text, sizeof(text)), 0, step);
            assert_int_equal(h1_bad_text(o.bad)->status, cases[i].status);
            h1_heads_drop(&o);
        }
    }
}

static void test_connection_options_are_few(void **state)
{
    struct h1_heads_outcome o;
    char text[256] = "GET / HTTP/1.1\r\nHost: a\r\nConnection: x";
    size_t len = strlen(text);
    for (int i = 0; i < 40; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, ",x");
    snprintf(text + len, sizeof(text) - len, "\r\n\r\n");
    h1_heads_assert_steady(H1_REQUEST, slice_from_cstr(text), &o);
    assert_int_equal(o.bad, H1_BAD_CONNECTION);
    h1_heads_drop(&o);
}

static void test_responses(void **state)
{
    struct h1_heads_outcome o;
    struct slice in =
        SLICE("HTTP/1.1 200 All \xe4 right\r\nContent-Length: 3\r\n"
              "Keep-Alive: timeout=7, max=3\r\nConnection: keep-alive\r\nSet-Cookie: a\r\n"
              "Set-Cookie: b\r\n\r\nabc");
    h1_heads_assert_steady(H1_RESPONSE, in, &o);
    assert_true(o.done);
    assert_int_equal(o.used, in.len - 3);
    assert_int_equal(o.m->status, 200);
    assert_int_equal(o.m->content_length, 3);
    assert_int_equal(o.m->headers.count, 3);
    assert_int_equal(o.m->method.len + o.m->path.len + o.m->authority.len, 0);
    h1_heads_drop(&o);
    static const struct slice fine[] = {
        H1_HEADS_TEXT("HTTP/1.1 200\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.0 200 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 999 \r\nX: y\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 100 Continue\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "
                      "websocket\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"),
    };
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        h1_heads_assert_steady(H1_RESPONSE, fine[i], &o);
        if (!o.done)
            fail_msg("refused (%s): %s", h1_bad_text(o.bad)->reason, fine[i].ptr);
        h1_heads_drop(&o);
    }
}

static void test_bad_responses(void **state)
{
    static const struct slice cases[] = {
        H1_HEADS_TEXT("\r\nHTTP/1.1 200 OK\r\n\r\n"),
        H1_HEADS_TEXT(" HTTP/1.1 200 OK\r\n\r\n"),
        H1_HEADS_TEXT("http/1.1 200 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/2.0 200 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.2 200 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/0.9 200 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1  200 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 20 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 2000 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 099 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 2x0 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 -200 OK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 O\0K\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 O\x01K\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 O\rK\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\nX: y\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nX: y\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nX: y\r\n\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\n\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nX: y\rz\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nX : y\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nX y\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\n: y\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n"),
        H1_HEADS_TEXT(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nContent_Length: 3\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 101 Go\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 101 Go\r\nConnection: upgrade\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: y z\r\n\r\n"),
        H1_HEADS_TEXT("HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 3\r\n\r\n"),
        H1_HEADS_TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        H1_HEADS_TEXT("\x15\x03\x01\x00\x02\x02\x46"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct h1_heads_outcome o;
        h1_heads_assert_steady(H1_RESPONSE, cases[i], &o);
        if (o.done || !o.bad)
            fail_msg("taken: %.*s", SLICE_ARG(cases[i]));
        h1_heads_drop(&o);
    }
}

/* 1xx, 204 and 304 end with their head, whatever it says (RFC 9112 §6.3): the framing fields are
 * left out, and where a sender may think that it sends a body the connection ends. */
static void test_bodiless_responses(void **state)
{
    static const char *const lines[] = {"HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints",
                                        "HTTP/1.1 204 No Content", "HTTP/1.0 204 No Content",
                                        "HTTP/1.1 304 Not Modified"};
    static const struct {
        const char *fields;
        bool keep;
        int64_t length; /* of a 304; all others say nothing */
    } cases[] = {
        {"", true, -1},
        {"Content-Length: 0\r\n", true, 0},
        {"Content-Length: 5\r\n", false, 5},
        {"Content-Length: 05\r\n", false, -1},
        {"Transfer-Encoding: chunked\r\n", false, -1},
        {"Transfer-Encoding: gzip\r\n", false, -1},
        {"Transfer-Encoding: gzip\r\nTransfer-Encoding: identity\r\n", false, -1},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", false, -1},
        {"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", false, -1},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        for (size_t j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
            struct h1_heads_outcome o;
            char text[256];
            int len = snprintf(text, sizeof(text), "%s\r\n%sX: y\r\n\r\n", lines[i],
                               cases[j].fields);
            h1_heads_assert_steady(H1_RESPONSE, slice_of(text, (size_t)len), &o);
            if (!o.done)
                fail_msg("refused (%s): %s", h1_bad_text(o.bad)->reason, text);
            bool is_304 = o.m->status == 304, old = o.m->version == HTTP_1_0;
            int64_t length = is_304 ? cases[j].length : -1;
            assert_int_equal(o.m->content_length, length);
            assert_int_equal(o.m->headers.count, length >= 0 ? 2 : 1);
            assert_int_equal(o.m->keep_alive, !old && (cases[j].keep || length > 0));
            h1_heads_drop(&o);
        }
    }
}

/* Heads one after the other through one parser, as on a connection. */
static void test_next(void **state)
{
    struct slice in =
        SLICE("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t step = 1; step <= in.len; step++) {
        struct h1_parse p;
        struct h1_head head;
        unsigned seen = 0;
        size_t at = 0;
        h1_parse_init(&p, H1_REQUEST, &h1_heads_limits, SLICE("http"));
        while (at < in.len) {
            size_t n = in.len - at < step ? in.len - at : step, used;
            enum h1_parse_result result =
                h1_parse_head(&p, (const uint8_t *)in.ptr + at, n, &used, &head);
            assert_int_not_equal(result, H1_PARSE_BAD);
            at += used;
            if (result != H1_PARSE_DONE)
                continue;
            seen++;
            assert_true(slice_eq_cstr(head.path, seen == 1 ? "/1" : "/2"));
            h1_parse_next(&p);
            assert_false(h1_parse_is_partial(&p));
        }
        assert_int_equal(seen, 2);
        h1_parse_dispose(&p);
    }
}

static void test_trailers(void **state)
{
    static const struct {
        struct slice section;
        enum h1_bad bad;
    } cases[] = {
        {H1_HEADS_TEXT("\r\n"), H1_BAD_NOTHING},
        {H1_HEADS_TEXT("X-A: b\r\nx-c:d\r\n\r\n"), H1_BAD_NOTHING},
        {H1_HEADS_TEXT("Content-Length: 3\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("Transfer-Encoding: chunked\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("host: a\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("Authorization: a\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("Connection: close\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("content_length: 3\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("X : b\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("X: b\r\n c\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT(" X: b\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("X: \0\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("X\r\n\r\n"), H1_BAD_TRAILER},
        {H1_HEADS_TEXT("GET / HTTP/1.1\r\n\r\n"), H1_BAD_TRAILER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct headers *out;
        arena_init(&arena, 512);
        const struct h1_rules rules = {.limits = h1_heads_limits, .role = H1_REQUEST};
        assert_int_equal(h1_parse_trailers(&rules, cases[i].section, &arena, &out), cases[i].bad);
        assert_int_equal(out != NULL, i == 1);
        if (out)
            assert_true(slice_eq_cstr(headers_find(out, SLICE("x-c"))->value, "d"));
        arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_limit),  cmocka_unit_test(test_field_limits),
        cmocka_unit_test(test_endless_heads), cmocka_unit_test(test_connection_options_are_few),
        cmocka_unit_test(test_responses),     cmocka_unit_test(test_bad_responses),
        cmocka_unit_test(test_bodiless_responses),
        cmocka_unit_test(test_next),          cmocka_unit_test(test_trailers),
        cmocka_unit_test(test_trailers_of_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
