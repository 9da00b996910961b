/* Tests of gRPC's encodings: frames, timeouts, texts, statuses. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc.h"

#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void test_frames_at_every_cut(void **state)
{
    struct buf wire;
    uint8_t bytes[64];
    buf_init(&wire);
    grpc_frame(&wire, "hello", 5);
    grpc_frame(&wire, NULL, 0);
    grpc_frame(&wire, "world!", 6);
    size_t len = wire.len;
    buf_copy_out(&wire, bytes, len);
    buf_dispose(&wire);
    for (size_t piece = 1; piece <= len; piece++) {
        static const char *const want[] = {"hello", "", "world!"};
        struct grpc_reader r;
        size_t count = 0;
        grpc_reader_init(&r, 6);
        for (size_t at = 0; at < len; at += piece) {
            char *message;
            size_t n;
            enum err e;
            buf_append(&r.in, bytes + at, len - at < piece ? len - at : piece);
            while (!(e = grpc_reader_next(&r, &message, &n))) {
                assert_int_equal(n, strlen(want[count]));
                assert_string_equal(message, want[count++]);
                mem_free(message);
            }
            assert_int_equal(e, ERR_AGAIN);
        }
        assert_int_equal(count, 3);
        assert_true(buf_is_empty(&r.in));
        grpc_reader_dispose(&r);
    }
}

static void test_bad_frames(void **state)
{
    struct grpc_reader r;
    char *message;
    size_t n;
    grpc_reader_init(&r, 100);
    buf_append(&r.in, "\0\0\0\0\x65", 5);
    assert_int_equal(grpc_reader_next(&r, &message, &n), ERR_LIMIT);
    buf_dispose(&r.in);
    buf_append(&r.in, "\0\xff\xff\xff\xff", 5);
    assert_int_equal(grpc_reader_next(&r, &message, &n), ERR_LIMIT);
    buf_dispose(&r.in);
    buf_append(&r.in, "\1\0\0\0\1x", 6);
    assert_int_equal(grpc_reader_next(&r, &message, &n), ERR_UNSUPPORTED);
    grpc_reader_dispose(&r);
}

static void test_timeouts(void **state)
{
    static const struct {
        const char *text;
        uint32_t ms;
    } good[] = {
        {"1S", 1000},
        {"100m", 100},
        {"1u", 1},
        {"1n", 1},
        {"1000001n", 2},
        {"2M", 120000},
        {"1H", 3600000},
        {"0S", 0},
        {"2500u", 3},
        {"99999999m", 99999999},
        {"99999999H", UINT32_MAX},
    };
    static const char *const bad[] = {"",    "S",          "1",    "1s",  "-1S",
                                      "1 S", "123456789S", "1.5S", "0x1S"};
    uint32_t ms;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(grpc_timeout_parse(slice_from_cstr(good[i].text), &ms), ERR_OK);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(grpc_timeout_parse(slice_from_cstr(bad[i]), &ms), ERR_SYNTAX);
    static const uint32_t round[] = {0, 1, 99999999, 100000000, UINT32_MAX};
    for (size_t i = 0; i < sizeof(round) / sizeof(round[0]); i++) {
        char text[GRPC_TIMEOUT_TEXT_MAX];
        assert_int_equal(grpc_timeout_parse(grpc_timeout_format(round[i], text), &ms), ERR_OK);
        assert_true(ms >= round[i] && ms - round[i] < 1000);
    }
}

static void test_texts(void **state)
{
    static const struct {
        const char *plain, *coded;
    } cases[] = {
        {"", ""},
        {"not today", "not today"},
        {"100%", "100%25"},
        {" edges ", "%20edges%20"},
        {"line\nbreak\t", "line%0Abreak%09"},
        {"\xc3\xa4", "%C3%A4"},
    };
    struct arena a;
    arena_init(&a, 256);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct slice coded = grpc_text_encode(&a, slice_from_cstr(cases[i].plain));
        assert_true(slice_eq(coded, slice_from_cstr(cases[i].coded)));
        assert_true(slice_eq(grpc_text_decode(&a, coded), slice_from_cstr(cases[i].plain)));
    }
    /* What is malformed stays as it is. */
    assert_true(slice_eq_cstr(grpc_text_decode(&a, SLICE("50% %4 %zz %")), "50% %4 %zz %"));
    assert_true(slice_eq_cstr(grpc_text_decode(&a, SLICE("%41%6")), "A%6"));
    arena_dispose(&a);
}

static void test_statuses(void **state)
{
    assert_int_equal(grpc_status_parse(SLICE("0")), GRPC_OK);
    assert_int_equal(grpc_status_parse(SLICE("16")), GRPC_UNAUTHENTICATED);
    assert_int_equal(grpc_status_parse(SLICE("17")), GRPC_UNKNOWN);
    assert_int_equal(grpc_status_parse(SLICE("")), GRPC_UNKNOWN);
    assert_int_equal(grpc_status_parse(SLICE("-1")), GRPC_UNKNOWN);
    assert_int_equal(grpc_status_parse(SLICE("007")), GRPC_UNKNOWN);
    assert_string_equal(grpc_status_name(GRPC_PERMISSION_DENIED), "PERMISSION_DENIED");
    assert_string_equal(grpc_status_name((enum grpc_status)17), "UNKNOWN");
}

/* As gRPC's http-grpc-status-mapping.md has them. */
static void test_statuses_of_http(void **state)
{
    static const struct {
        unsigned http;
        enum grpc_status status;
    } cases[] = {
        {400, GRPC_INTERNAL},    {401, GRPC_UNAUTHENTICATED}, {403, GRPC_PERMISSION_DENIED},
        {404, GRPC_UNIMPLEMENTED}, {429, GRPC_UNAVAILABLE},   {502, GRPC_UNAVAILABLE},
        {503, GRPC_UNAVAILABLE}, {504, GRPC_UNAVAILABLE},     {418, GRPC_UNKNOWN},
        {500, GRPC_UNKNOWN},     {200, GRPC_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(grpc_status_from_http(cases[i].http), cases[i].status);
}

static void test_statuses_of_errors(void **state)
{
    static const struct {
        enum err e;
        enum grpc_status status;
    } cases[] = {
        {ERR_OK, GRPC_OK},
        {ERR_CANCELED, GRPC_CANCELLED},
        {ERR_TIMEOUT, GRPC_DEADLINE_EXCEEDED},
        {ERR_LIMIT, GRPC_RESOURCE_EXHAUSTED},
        {ERR_OVERLOAD, GRPC_RESOURCE_EXHAUSTED},
        {ERR_PROTOCOL, GRPC_INTERNAL},
        {ERR_SYNTAX, GRPC_INTERNAL},
        {ERR_DENIED, GRPC_PERMISSION_DENIED},
        {ERR_UNSUPPORTED, GRPC_UNIMPLEMENTED},
        {ERR_RESET, GRPC_UNAVAILABLE},
        {ERR_REFUSED, GRPC_UNAVAILABLE},
        {ERR_CLOSED, GRPC_UNAVAILABLE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(grpc_status_from_err(cases[i].e), cases[i].status);
}

static void test_content_type(void **state)
{
    assert_true(grpc_is_content_type(SLICE("application/grpc")));
    assert_true(grpc_is_content_type(SLICE("application/grpc+proto")));
    assert_true(grpc_is_content_type(SLICE("Application/gRPC; charset=utf-8")));
    assert_false(grpc_is_content_type(SLICE("application/grpc-web")));
    assert_false(grpc_is_content_type(SLICE("application/json")));
    assert_false(grpc_is_content_type(SLICE("")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_at_every_cut),
        cmocka_unit_test(test_bad_frames),
        cmocka_unit_test(test_timeouts),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_statuses),
        cmocka_unit_test(test_statuses_of_http),
        cmocka_unit_test(test_statuses_of_errors),
        cmocka_unit_test(test_content_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
