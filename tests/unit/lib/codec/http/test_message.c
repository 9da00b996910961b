/* Questions to a message head, and the syntax of its parts. Pure. One thread, no files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/message.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

static void test_init(void **state)
{
    struct arena arena;
    struct message m;
    arena_init(&arena, 256);
    message_init(&m, &arena);
    assert_true(message_is_request(&m));
    assert_int_equal(m.content_length, -1);
    assert_int_equal(m.version, HTTP_1_1);
    assert_ptr_equal(m.headers.arena, &arena);
    m.status = 200;
    assert_false(message_is_request(&m));
    arena_dispose(&arena);
}

static void test_idempotent(void **state)
{
    static const char *const yes[] = {"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};
    static const char *const no[] = {"POST", "PATCH", "CONNECT", "get", "", "GE"};
    for (size_t i = 0; i < 6; i++) {
        struct message m = {.method = slice_from_cstr(yes[i])};
        assert_true(message_is_idempotent(&m));
        m.method = slice_from_cstr(no[i]);
        assert_false(message_is_idempotent(&m));
    }
}

static void test_path_and_query(void **state)
{
    static const char *const cases[][3] = {{"/a?b", "/a", "b"}, {"/a", "/a", ""},
                                           {"/?", "/", ""},     {"/a?b?c", "/a", "b?c"},
                                           {"*", "*", ""},      {"", "", ""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct message m = {.path = slice_from_cstr(cases[i][0])};
        assert_true(slice_eq_cstr(message_path_only(&m), cases[i][1]));
        assert_true(slice_eq_cstr(message_query(&m), cases[i][2]));
    }
}

static void test_grpc(void **state)
{
    static const struct {
        const char *type;
        bool grpc;
    } cases[] = {{"application/grpc", true},      {"application/grpc+proto", true},
                 {"Application/GRPC", true},      {"application/grpc;charset=a", true},
                 {"application/grpc ; a=b", true}, {"application/grpc+json;a", true},
                 {"application/grpc-web", false}, {"application/grpc-web+proto", false},
                 {"application/grpcx", false},
                 {"application/json", false},     {"", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct arena arena;
        struct message m;
        arena_init(&arena, 256);
        message_init(&m, &arena);
        headers_add_id(&m.headers, HEADER_CONTENT_TYPE, slice_from_cstr(cases[i].type));
        assert_int_equal(message_is_grpc(&m), cases[i].grpc);
        arena_dispose(&arena);
    }
    struct message none = {.status = 0};
    assert_false(message_is_grpc(&none));
}

/* Each of these bytes, alone in an otherwise good text. */
static void test_every_byte(void **state)
{
    static const char tchars[] = "!#$%&'*+-.^_`|~0123456789"
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char host[] = "-._~:0123456789"
                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    for (unsigned byte = 0; byte < 256; byte++) {
        char c = (char)byte;
        char name[] = {'a', c, 'b'}, path[] = {'/', c, 'b'}, query[] = {'/', '?', c};
        char authority[] = {'a', c, '8'};
        bool print = byte > 0x20 && byte < 0x7f;
        bool value = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
        bool in_host = byte && strchr(host, (int)byte);
        assert_int_equal(message_name_is_valid(slice_of(name, 3)),
                         byte && strchr(tchars, (int)byte));
        assert_int_equal(message_value_is_valid(slice_of(name, 3)), value);
        assert_int_equal(message_value_is_valid(slice_of(name + 1, 1)),
                         value && c != ' ' && c != '\t');
        assert_int_equal(message_path_is_valid(slice_of(path, 3)), print && !strchr("#%", c));
        assert_int_equal(message_path_is_valid(slice_of(query, 3)), print && c != '#');
        assert_int_equal(message_authority_is_valid(slice_of(authority, 3)), in_host);
    }
}

static void test_forms(void **state)
{
    assert_false(message_name_is_valid(SLICE("")));
    assert_true(message_value_is_valid(SLICE("")));
    assert_false(message_value_is_valid(SLICE(" a")));
    assert_false(message_value_is_valid(SLICE("a\t")));
    assert_false(message_path_is_valid(SLICE("")));
    assert_false(message_path_is_valid(SLICE("*")));
    assert_false(message_path_is_valid(SLICE("a/b")));
    assert_true(message_path_is_valid(SLICE("/a%20b")));
    assert_false(message_path_is_valid(SLICE("/a%2")));
    assert_false(message_path_is_valid(SLICE("/a%g0")));
    assert_true(message_path_is_valid(SLICE("/?%")));
    assert_true(message_path_is_valid(SLICE("/caf\xc3\xa9?\xe2\x82\xac\xf0\x9f\x98\x80")));
    static const char *const broken[] = {"/\xe9", "/a?\xe9z", "/\xc3?\xa9", "/\xc0\xaf",
                                         "/\xe2\x82"};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
        assert_false(message_path_is_valid(slice_from_cstr(broken[i])));
    static const char *const good[] = {"a",           "a:0",      "a:65535",
                                       "[::1]",       "[::1]:80", "[::ffff:1.2.3.4]:1",
                                       "10.0.0.1:80", "a.b-c_d~e", "a.b.",   "a.b.:80"};
    static const char *const bad[] = {"",        ":80", "a:",  "a:65536", "a:8x",
                                      "[::1",    "[]",  "[:]", "[::1]a",  "[g::1]",
                                      "a:80:80", "u@a", "a b", "[::1]:",  ".",
                                      "a..",     "a..b", ".a", "a..:80",  "..:80"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(message_authority_is_valid(slice_from_cstr(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(message_authority_is_valid(slice_from_cstr(bad[i])));
}

static void test_reason(void **state)
{
    assert_string_equal(message_reason(200), "OK");
    assert_string_equal(message_reason(431), "Request Header Fields Too Large");
    assert_string_equal(message_reason(299), "Unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init),           cmocka_unit_test(test_idempotent),
        cmocka_unit_test(test_path_and_query), cmocka_unit_test(test_grpc),
        cmocka_unit_test(test_every_byte),     cmocka_unit_test(test_forms),
        cmocka_unit_test(test_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
