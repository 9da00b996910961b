/* asked.c: URLs are taken apart as a data plane sees requests, and what is none is refused.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "weftctl/explain/asked.h"

#define ASSERT_SLICE(s, text)                                      \
    do {                                                           \
        struct slice s_ = (s);                                     \
        if (!slice_eq_cstr(s_, text))                              \
            fail_msg("\"%.*s\", not \"%s\"", SLICE_ARG(s_), text); \
    } while (0)

static void test_parts(void **state)
{
    static const struct {
        const char *url, *host, *path, *authority;
        unsigned port;
    } cases[] = {
        {"http://a", "a", "/", "a", 80},
        {"https://A.b/", "a.b", "/", "A.b", 443},
        {"http://a.b.:81/c?d=e&f#g", "a.b", "/c", "a.b.:81", 81},
        {"http://a?x=1", "a", "/", "a", 80},
        {"http://[::1]:8080/x", "::1", "/x", "[::1]:8080", 8080},
        {"http://10.0.0.1:9080/a//b/../c", "10.0.0.1", "", "10.0.0.1:9080", 9080},
        {"http://a/b/%61", "a", "/b/a", "a", 80},
        {"http://a/%2e%2e/b", "a", "", "a", 80},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct asked a;
        const char *why;
        arena_init(&arena, 1024);
        assert_true(asked_parse(&a, &arena, "GET", cases[i].url, &why));
        ASSERT_SLICE(a.host, cases[i].host);
        ASSERT_SLICE(a.path, cases[i].path);
        ASSERT_SLICE(a.authority, cases[i].authority);
        assert_int_equal(a.port, cases[i].port);
        arena_dispose(&arena);
    }
}

static void test_refusals(void **state)
{
    static const char *const bad[] = {
        "",          "a",          "ftp://a",     "http://",      "http://:80",  "http://a:0",
        "http://a:", "http://a:x", "http://[::1", "http://[]x:1", "http://u@a/", "http:///x"};
    struct arena arena;
    struct asked a;
    const char *why;
    arena_init(&arena, 1024);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (asked_parse(&a, &arena, "GET", bad[i], &why))
            fail_msg("%s was taken", bad[i]);
    assert_false(asked_parse(&a, &arena, "get", "http://a/", &why));
    assert_false(asked_parse(&a, &arena, "", "http://a/", &why));
    arena_dispose(&arena);
}

static void test_the_message(void **state)
{
    struct arena arena;
    struct asked a;
    const char *why;
    arena_init(&arena, 1024);
    assert_true(asked_parse(&a, &arena, "GET", "http://a:81/b?c#d", &why));
    assert_true(asked_add_header(&a, &arena, "X-One:  1 "));
    assert_true(asked_add_header(&a, &arena, "x-one:2"));
    assert_true(asked_add_header(&a, &arena, "X-Forwarded-For: 1.2.3.4"));
    assert_false(asked_add_header(&a, &arena, "no colon"));
    assert_false(asked_add_header(&a, &arena, ": v"));
    const struct message *m = asked_message(&a, &arena);
    ASSERT_SLICE(m->method, "GET");
    ASSERT_SLICE(m->authority, "a:81");
    ASSERT_SLICE(m->path, "/b?c");
    assert_int_equal(m->headers.count, 3);
    ASSERT_SLICE(headers_find(&m->headers, SLICE("x-one"))->value, "1");
    ASSERT_SLICE(headers_get_id(&m->headers, HEADER_X_FORWARDED_FOR), "1.2.3.4");
    assert_true(asked_add_header(&a, &arena, "Host: other"));
    m = asked_message(&a, &arena);
    ASSERT_SLICE(m->authority, "other");
    assert_int_equal(m->headers.count, 3);
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_the_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
