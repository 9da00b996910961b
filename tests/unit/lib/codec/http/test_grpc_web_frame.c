/* Types, base64 in pieces of any size, and the message that says the trailers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/http/grpc_status.h"
#include "lib/codec/http/grpc_web_frame.h"

static void types(void **state)
{
    static const struct {
        const char *type, *message;
        bool is_web, is_text;
    } all[] = {
        {"application/grpc-web", "", true, false},
        {"application/grpc-web+proto", "+proto", true, false},
        {"Application/GRPC-Web+json; charset=utf-8", "+json", true, false},
        {"application/grpc-web-text", "", true, true},
        {"application/grpc-web-text+proto", "+proto", true, true},
        {"application/grpc-web-text-base64", "", true, true},
        {"application/grpc", "", false, false},
        {"application/grpc+proto", "", false, false},
        {"application/grpc-webby", "", false, false},
        {"application/grpc-web-texts", "", false, false},
        {"text/plain", "", false, false},
        {"", "", false, false},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct grpc_web_type type;
        bool is_web = grpc_web_frame_read_type(slice_from_cstr(all[i].type), &type);
        assert_int_equal(is_web, all[i].is_web);
        if (!all[i].is_web)
            continue;
        assert_int_equal(type.is_text, all[i].is_text);
        assert_true(slice_eq_cstr(type.message, all[i].message));
    }
}

static bool wants_text(const char *accept, bool is_text)
{
    struct arena arena;
    struct headers h;
    arena_init(&arena, 512);
    headers_init(&h, &arena);
    headers_add_id(&h, HEADER_ACCEPT, slice_from_cstr(accept));
    bool wants = grpc_web_frame_wants_text(&h, is_text);
    arena_dispose(&arena);
    return wants;
}

static void what_is_accepted(void **state)
{
    assert_true(wants_text("application/grpc-web-text", false));
    assert_true(wants_text("text/plain, application/grpc-web-text+proto;q=0.5", false));
    assert_false(wants_text("application/grpc-web+proto", true));
    assert_true(wants_text("*/*", true));
    assert_false(wants_text("*/*", false));
}

/* In pieces of that size; mem_free it. */
static char *decode(const char *text, size_t piece, bool *good)
{
    struct grpc_web_decoder d = {.count = 0};
    struct buf in, out;
    buf_init(&in);
    buf_init(&out);
    *good = true;
    for (size_t at = 0, len = strlen(text); *good && at < len; at += piece) {
        buf_append(&in, text + at, len - at < piece ? len - at : piece);
        *good = grpc_web_frame_decode(&d, &in, &out);
    }
    *good = *good && grpc_web_frame_is_complete(&d);
    buf_dispose(&in);
    return buf_take_text(&out, NULL);
}

static void decoding(void **state)
{
    static const char *const bad[] = {"QUJ", "QUJ!", "QUJD\nQUJD", "=QUJ", "QQ=A", "QUJDQ", "QR=="};
    bool good;
    for (size_t piece = 1; piece < 12; piece++) {
        char *text = decode("QUJDQQ==QUI=QUJD", piece, &good);
        assert_true(good);
        assert_string_equal(text, "ABCAABABC");
        mem_free(text);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            mem_free(decode(bad[i], piece, &good));
            assert_false(good);
        }
    }
}

static char *encode(const uint8_t *bytes, size_t len, size_t piece)
{
    struct grpc_web_encoder e = {.count = 0};
    struct buf in, out;
    buf_init(&in);
    buf_init(&out);
    for (size_t at = 0; at < len; at += piece) {
        buf_append(&in, bytes + at, len - at < piece ? len - at : piece);
        grpc_web_frame_encode(&e, &in, false, &out);
    }
    grpc_web_frame_encode(&e, &in, true, &out);
    return buf_take_text(&out, NULL);
}

/* Padding at the end of each message, and nowhere else, however they come. */
static void encoding(void **state)
{
    static const uint8_t two[] = {0, 0, 0, 0, 2, 'h', 'i', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'x'};
    for (size_t piece = 1; piece <= sizeof(two); piece++) {
        char *text = encode(two, sizeof(two), piece);
        assert_string_equal(text, "AAAAAAJoaQ==AAAAAAA=AAAAAAF4");
        mem_free(text);
    }
    char *text = encode(two, 6, 6); /* it stops within one */
    assert_string_equal(text, "AAAAAAJo");
    mem_free(text);
    text = encode(two, 0, 1);
    assert_string_equal(text, "");
    mem_free(text);
}

/* There and back, of more than a chunk. */
static void a_large_message(void **state)
{
    enum { LEN = 100000 };
    uint8_t *bytes = mem_alloc(LEN + GRPC_FRAME_PREFIX);
    grpc_frame_write(bytes, LEN);
    for (size_t i = 0; i < LEN; i++)
        bytes[GRPC_FRAME_PREFIX + i] = (uint8_t)(1 + i * 7 % 251);
    for (size_t piece = 997; piece < 40000; piece *= 4) {
        bool good;
        char *text = encode(bytes, LEN + GRPC_FRAME_PREFIX, piece);
        assert_int_equal(strlen(text), (LEN + GRPC_FRAME_PREFIX + 2) / 3 * 4);
        char *back = decode(text, piece, &good);
        assert_true(good);
        assert_memory_equal(back, bytes, LEN + GRPC_FRAME_PREFIX);
        mem_free(back);
        mem_free(text);
    }
    mem_free(bytes);
}

/* Each as if it were alone, whatever its length leaves over. */
static void large_messages_in_a_row(void **state)
{
    enum { FIRST = 4000, COUNT = 6 };
    uint8_t *bytes = mem_alloc(COUNT * (FIRST + COUNT + GRPC_FRAME_PREFIX));
    char *want = mem_strdup("");
    size_t at = 0;
    for (size_t i = 0; i < COUNT; i++) {
        grpc_frame_write(bytes + at, FIRST + i);
        memset(bytes + at + GRPC_FRAME_PREFIX, 'x', FIRST + i);
        char *one = encode(bytes + at, FIRST + i + GRPC_FRAME_PREFIX, FIRST);
        char *longer = mem_printf("%s%s", want, one);
        mem_free(one);
        mem_free(want);
        want = longer;
        at += FIRST + i + GRPC_FRAME_PREFIX;
    }
    char *all = encode(bytes, at, at);
    assert_string_equal(all, want);
    mem_free(all);
    mem_free(want);
    mem_free(bytes);
}

static void trailers(void **state)
{
    struct arena arena;
    struct headers h;
    struct buf out;
    size_t len;
    arena_init(&arena, 512);
    headers_init(&h, &arena);
    buf_init(&out);
    headers_add_id(&h, HEADER_GRPC_STATUS, SLICE("0"));
    headers_add(&h, SLICE("x-a"), SLICE("b: c"));
    grpc_web_frame_write_trailers(&h, &out);
    char *text = buf_take_text(&out, &len);
    assert_int_equal(len, 5 + 16 + 11);
    assert_memory_equal(text, "\x80\0\0\0\x1bgrpc-status: 0\r\nx-a: b: c\r\n", len);
    mem_free(text);
    h.count = 0;
    grpc_web_frame_write_trailers(&h, &out);
    assert_int_equal(out.len, 5);
    buf_dispose(&out);
    arena_dispose(&arena);
}

static void statuses(void **state)
{
    assert_int_equal(grpc_status_from_http(400), 13);
    assert_int_equal(grpc_status_from_http(401), 16);
    assert_int_equal(grpc_status_from_http(403), 7);
    assert_int_equal(grpc_status_from_http(404), 12);
    assert_int_equal(grpc_status_from_http(429), 14);
    assert_int_equal(grpc_status_from_http(503), 14);
    assert_int_equal(grpc_status_from_http(200), 2);
    assert_int_equal(grpc_status_from_http(500), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types),    cmocka_unit_test(what_is_accepted), cmocka_unit_test(decoding),
        cmocka_unit_test(encoding), cmocka_unit_test(a_large_message),  cmocka_unit_test(trailers),
        cmocka_unit_test(statuses), cmocka_unit_test(large_messages_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
