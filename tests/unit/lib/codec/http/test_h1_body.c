/* Bodies of HTTP/1: content comes out whole however the bytes are cut, and every fault of the
 * chunked coding is found. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_body.h"

#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "tests/unit/lib/codec/cmocka_codec.h"

#define TEXT(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

struct outcome {
    enum h1_body_result result; /* the last one */
    enum h1_bad bad;
    size_t used;
    char content[512];
    size_t content_len;
    char trailer[256];
    size_t trailer_len;
};

/* In pieces of `step` bytes, each in a block of its own. */
static void feed(struct outcome *o, enum h1_body_mode mode, uint64_t length, struct slice in,
                 size_t step)
{
    struct h1_body b;
    *o = (struct outcome){.result = H1_BODY_MORE};
    h1_body_init(&b, mode, length, 128);
    while (o->result != H1_BODY_END && o->result != H1_BODY_BAD && o->used < in.len) {
        size_t n = in.len - o->used < step ? in.len - o->used : step, used, at = 0;
        uint8_t *piece = mem_alloc(n);
        memcpy(piece, in.ptr + o->used, n);
        do {
            struct slice content;
            o->result = h1_body_next(&b, piece + at, n - at, &used, &content);
            at += used;
            if (o->result == H1_BODY_DATA) {
                memcpy(o->content + o->content_len, content.ptr, content.len);
                o->content_len += content.len;
            }
        } while (o->result == H1_BODY_DATA);
        o->used += at;
        mem_free(piece);
    }
    o->bad = (enum h1_bad)b.bad;
    struct slice trailer = h1_body_trailer(&b);
    if (trailer.len)
        memcpy(o->trailer, trailer.ptr, trailer.len);
    o->trailer_len = trailer.len;
    h1_body_dispose(&b);
}

static void assert_body(enum h1_body_mode mode, uint64_t length, struct slice in,
                        const char *content, const char *trailer, size_t used)
{
    for (size_t step = 1; step <= in.len; step++) {
        struct outcome o;
        feed(&o, mode, length, in, step);
        if (o.result != H1_BODY_END)
            fail_msg("step %zu: not over (%s): %.*s", step, h1_bad_text(o.bad)->reason,
                     SLICE_ARG(in));
        assert_true(slice_eq_cstr(slice_of(o.content, o.content_len), content));
        assert_true(slice_eq_cstr(slice_of(o.trailer, o.trailer_len), trailer));
        assert_int_equal(o.used, used);
    }
}

static void test_length(void **state)
{
    struct outcome o;
    assert_body(H1_BODY_LENGTH, 5, SLICE("hello"), "hello", "", 5);
    assert_body(H1_BODY_LENGTH, 5, SLICE("helloGET / HTTP/1.1"), "hello", "", 5);
    assert_body(H1_BODY_LENGTH, 0, SLICE("x"), "", "", 0);
    assert_body(H1_BODY_NONE, 0, SLICE("x"), "", "", 0);
    feed(&o, H1_BODY_LENGTH, 6, SLICE("hello"), 5);
    assert_int_equal(o.result, H1_BODY_MORE);
}

static void test_until_close(void **state)
{
    struct outcome o;
    feed(&o, H1_BODY_UNTIL_CLOSE, 0, SLICE("0\r\n\r\n"), 2);
    assert_int_equal(o.result, H1_BODY_MORE);
    assert_int_equal(o.content_len, 5);
}

static void test_chunked(void **state)
{
    assert_body(H1_BODY_CHUNKED, 0, SLICE("5\r\nhello\r\n0\r\n\r\n"), "hello", "\r\n", 15);
    assert_body(H1_BODY_CHUNKED, 0, SLICE("0\r\n\r\nrest"), "", "\r\n", 5);
    assert_body(H1_BODY_CHUNKED, 0, SLICE("000000000000005\r\nhello\r\n000\r\n\r\n"), "hello",
                "\r\n", 31);
    assert_body(H1_BODY_CHUNKED, 0, SLICE("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
                "01234567890123456789", "\r\n", 35);
    assert_body(H1_BODY_CHUNKED, 0, SLICE("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n", "\r\n", 12);
    assert_body(H1_BODY_CHUNKED, 0, SLICE("1\r\nx\r\n0\r\nX: y\r\nz:1\r\n\r\nGET"), "x",
                "X: y\r\nz:1\r\n\r\n", 22);
}

static void test_extensions(void **state)
{
    assert_body(H1_BODY_CHUNKED, 0, SLICE("1;a=b;c\r\nx\r\n0;z=\"q;\\\" \t\"\r\n\r\n"), "x", "\r\n",
                28);
    assert_body(H1_BODY_CHUNKED, 0, SLICE("1;a\r\nx\r\n0\r\n\r\n"), "x", "\r\n", 13);
    assert_body(H1_BODY_CHUNKED, 0, SLICE("1;a=\"\"\r\nx\r\n0\r\n\r\n"), "x", "\r\n", 16);
}

static const struct {
    enum h1_bad bad;
    struct slice in;
} bad_chunks[] = {
    {H1_BAD_CHUNK_SIZE, TEXT("\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("x\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT(" 5\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5 \r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("\t5\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5\t\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5 ;a\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("+5\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("-5\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("0x5\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5_\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5,\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5\0\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5\rhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5\r\rhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("0000000000000005\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("ffffffffffffffff\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("10000000000000005\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5\r\nhello\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;;\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5; a\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a \r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a= b\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a=\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;=b\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a=b=c\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;\"a\"\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a=b\"c\"\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a=\"b\r\nhello\"\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a\0\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_EXTENSION, TEXT("5;a\x80\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_SIZE, TEXT("5;a\rb\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_END, TEXT("5\r\nhello0\r\n\r\n")},
    {H1_BAD_CHUNK_END, TEXT("5\r\nhello\n0\r\n\r\n")},
    {H1_BAD_CHUNK_END, TEXT("5\r\nhello\r0\r\n\r\n")},
    {H1_BAD_CHUNK_END, TEXT("5\r\nhello!\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_END, TEXT("4\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_CHUNK_END, TEXT("6\r\nhello\r\n0\r\n\r\n")},
    {H1_BAD_TRAILER, TEXT("0\r\n\n")},
    {H1_BAD_TRAILER, TEXT("0\r\nX: y\n\r\n")},
    {H1_BAD_TRAILER, TEXT("0\r\nX: y\r\n\n")},
};

static void test_bad_chunks(void **state)
{
    for (size_t i = 0; i < sizeof(bad_chunks) / sizeof(bad_chunks[0]); i++) {
        for (size_t step = 1; step <= bad_chunks[i].in.len; step++) {
            struct outcome o;
            feed(&o, H1_BODY_CHUNKED, 0, bad_chunks[i].in, step);
            if (o.result != H1_BODY_BAD || o.bad != bad_chunks[i].bad)
                fail_msg("step %zu: %s, not %s: %.*s", step, h1_bad_text(o.bad)->reason,
                         h1_bad_text(bad_chunks[i].bad)->reason, SLICE_ARG(bad_chunks[i].in));
        }
    }
}

static void test_trailer_limit(void **state)
{
    char in[256];
    for (int n = 120; n < 130; n++) {
        struct outcome o;
        int len = snprintf(in, sizeof(in), "0\r\nX: %0*d\r\n\r\n", n - 5, 0);
        for (size_t step = 1; step < 8; step += 3) {
            feed(&o, H1_BODY_CHUNKED, 0, slice_of(in, (size_t)len), step);
            assert_int_equal(o.result, n <= 128 ? H1_BODY_END : H1_BODY_BAD);
            assert_int_equal(o.bad, n <= 128 ? H1_BAD_NOTHING : H1_BAD_TRAILERS_TOO_LARGE);
        }
    }
}

/* Over the whole body, not a chunk. */
static void test_extension_limit(void **state)
{
    static const struct slice chunk = TEXT("1;abcdefghijklmno\r\nx\r\n");
    struct h1_body b;
    h1_body_init(&b, H1_BODY_CHUNKED, 0, 128);
    enum h1_body_result result = H1_BODY_MORE;
    unsigned chunks = 0;
    while (result != H1_BODY_BAD && chunks < 1000) {
        size_t at = 0, used;
        struct slice content;
        do {
            result =
                h1_body_next(&b, (const uint8_t *)chunk.ptr + at, chunk.len - at, &used, &content);
            at += used;
        } while (result == H1_BODY_DATA);
        chunks++;
    }
    assert_int_equal(b.bad, H1_BAD_CHUNK_EXTENSION);
    assert_in_range(chunks, 200, 300);
    h1_body_dispose(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length),          cmocka_unit_test(test_until_close),
        cmocka_unit_test(test_chunked),         cmocka_unit_test(test_extensions),
        cmocka_unit_test(test_bad_chunks),      cmocka_unit_test(test_trailer_limit),
        cmocka_unit_test(test_extension_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
