/* Writing HTTP/1: exact bytes, and round trips through the parser. Pure. One thread, no files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_write.h"

#include "lib/base/mem.h"
#include "lib/codec/http/h1_body.h"
#include "lib/codec/http/h1_build.h"
#include "lib/codec/http/h1_parse.h"
#include "tests/unit/lib/codec/cmocka_codec.h"

struct fixture {
    struct arena arena;
    struct message m;
    struct buf out;
};

static int set_up(void **state)
{
    static struct fixture f;
    arena_init(&f.arena, 1024);
    message_init(&f.m, &f.arena);
    buf_init(&f.out);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    arena_dispose(&f->arena);
    buf_dispose(&f->out);
    return 0;
}

static struct slice text_of(struct fixture *f)
{
    size_t len = f->out.len;
    char *text = arena_alloc(&f->arena, len + 1);
    buf_copy_out(&f->out, text, len);
    text[len] = '\0';
    buf_drain(&f->out, len);
    return slice_of(text, len);
}

static void assert_wrote(struct fixture *f, const char *want)
{
    assert_string_equal(text_of(f).ptr, want);
}

static void make_request(struct fixture *f, const char *method, const char *path)
{
    f->m.method = slice_from_cstr(method);
    f->m.path = slice_from_cstr(path);
    f->m.authority = SLICE("a:80");
}

static void test_request(void **state)
{
    struct fixture *f = *state;
    make_request(f, "GET", "/x?y");
    headers_add(&f->m.headers, SLICE("x-a"), SLICE("b"));
    h1_write_request(&f->out, &f->m, H1_FRAMING_NONE, 0, H1_CONNECTION_DEFAULT);
    assert_wrote(f, "GET /x?y HTTP/1.1\r\nhost: a:80\r\nx-a: b\r\n\r\n");
    f->m.version = HTTP_1_0;
    h1_write_request(&f->out, &f->m, H1_FRAMING_LENGTH, 12345678901, H1_CONNECTION_KEEP_ALIVE);
    assert_wrote(f, "GET /x?y HTTP/1.0\r\nhost: a:80\r\nx-a: b\r\ncontent-length: 12345678901\r\n"
                    "connection: keep-alive\r\n\r\n");
    f->m.version = HTTP_2;
    make_request(f, "CONNECT", "");
    h1_write_request(&f->out, &f->m, H1_FRAMING_NONE, 0, H1_CONNECTION_CLOSE);
    assert_wrote(f, "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\nx-a: b\r\nconnection: close\r\n\r\n");
}

/* The header list has no say in the framing. */
static void test_framing_comes_from_the_arguments(void **state)
{
    struct fixture *f = *state;
    static const enum header_id ids[] = {
        HEADER_CONTENT_LENGTH, HEADER_TRANSFER_ENCODING, HEADER_CONNECTION,     HEADER_KEEP_ALIVE,
        HEADER_UPGRADE,        HEADER_PROXY_CONNECTION,  HEADER_HTTP2_SETTINGS, HEADER_HOST,
    };
    make_request(f, "POST", "/");
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        headers_add_id(&f->m.headers, ids[i], SLICE("7"));
    h1_write_request(&f->out, &f->m, H1_FRAMING_CHUNKED, 0, H1_CONNECTION_DEFAULT);
    assert_wrote(f, "POST / HTTP/1.1\r\nhost: a:80\r\ntransfer-encoding: chunked\r\n\r\n");
    f->m.status = 200;
    h1_write_response(&f->out, &f->m, H1_FRAMING_LENGTH, 0);
    h1_write_head_end(&f->out, H1_CONNECTION_DEFAULT);
    assert_wrote(f, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

static void test_connection_options(void **state)
{
    struct fixture *f = *state;
    make_request(f, "GET", "/");
    f->m.upgrade = SLICE("websocket");
    headers_add_id(&f->m.headers, HEADER_TE, SLICE("trailers"));
    h1_write_request(&f->out, &f->m, H1_FRAMING_NONE, 0, H1_CONNECTION_DEFAULT);
    assert_wrote(f, "GET / HTTP/1.1\r\nhost: a:80\r\nte: trailers\r\nconnection: upgrade, te\r\n"
                    "upgrade: websocket\r\n\r\n");
}

static void test_response(void **state)
{
    struct fixture *f = *state;
    f->m.status = 299;
    headers_add(&f->m.headers, SLICE("x-a"), SLICE("b"));
    h1_write_response(&f->out, &f->m, H1_FRAMING_RAW, 0);
    h1_write_head_end(&f->out, H1_CONNECTION_CLOSE);
    assert_wrote(f, "HTTP/1.1 299 Unknown\r\nx-a: b\r\nconnection: close\r\n\r\n");
    h1_write_response(&f->out, &f->m, H1_FRAMING_CHUNKED, 0);
    h1_write_head_end(&f->out, H1_CONNECTION_KEEP_ALIVE);
    assert_wrote(f, "HTTP/1.1 299 Unknown\r\nx-a: b\r\ntransfer-encoding: chunked\r\n"
                    "connection: keep-alive\r\n\r\n");
    f->m.status = 101;
    f->m.upgrade = SLICE("x/1");
    h1_write_response(&f->out, &f->m, H1_FRAMING_NONE, 0);
    h1_write_head_end(&f->out, H1_CONNECTION_DEFAULT);
    assert_wrote(f, "HTTP/1.1 101 Switching Protocols\r\nx-a: b\r\nconnection: upgrade\r\n"
                    "upgrade: x/1\r\n\r\n");
}

static void test_chunks(void **state)
{
    struct fixture *f = *state;
    struct buf data;
    struct headers trailers;
    buf_init(&data);
    h1_write_chunk(&f->out, &data);
    assert_wrote(f, "");
    buf_append_slice(&data, SLICE("0123456789abcdefg"));
    h1_write_chunk(&f->out, &data);
    assert_int_equal(data.len, 0);
    h1_write_last_chunk(&f->out, NULL);
    assert_wrote(f, "11\r\n0123456789abcdefg\r\n0\r\n\r\n");
    headers_init(&trailers, &f->arena);
    h1_write_last_chunk(&f->out, &trailers);
    assert_wrote(f, "0\r\n\r\n");
    headers_add(&trailers, SLICE("x-a"), SLICE("b"));
    headers_add_id(&trailers, HEADER_GRPC_STATUS, SLICE("0"));
    headers_add_id(&trailers, HEADER_CONTENT_LENGTH, SLICE("9"));
    h1_write_last_chunk(&f->out, &trailers);
    assert_wrote(f, "0\r\nx-a: b\r\ngrpc-status: 0\r\n\r\n");
}

/* Whatever was read is written such that it reads the same again; also far beyond a chunk's size.
 */
static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    static const struct h1_limits limits = {200000, 100, 8192};
    for (size_t size = 10; size < 100000; size = size * 7 / 2) {
        struct h1_parse p;
        struct h1_head head;
        size_t used;
        char *long_value = mem_printf("%0*d", (int)size, 7);
        message_init(&f->m, &f->arena);
        make_request(f, "PUT", "/p");
        headers_add(&f->m.headers, SLICE("x-long"), slice_from_cstr(long_value));
        headers_add_id(&f->m.headers, HEADER_COOKIE, SLICE("a=b; c"));
        h1_write_request(&f->out, &f->m, H1_FRAMING_LENGTH, 3, H1_CONNECTION_DEFAULT);
        struct slice text = text_of(f);
        h1_parse_init(&p, H1_REQUEST, &limits, SLICE("http"));
        assert_int_equal(h1_parse_head(&p, (const uint8_t *)text.ptr, text.len, &used, &head),
                         H1_PARSE_DONE);
        struct message *back = h1_build_message(&head, &f->arena, SLICE("http"));
        assert_int_equal(used, text.len);
        assert_true(slice_eq_cstr(back->method, "PUT"));
        assert_true(slice_eq_cstr(back->authority, "a:80"));
        assert_int_equal(back->content_length, 3);
        assert_true(
            slice_eq_cstr(headers_find(&back->headers, SLICE("x-long"))->value, long_value));
        assert_true(slice_eq_cstr(headers_get_id(&back->headers, HEADER_COOKIE), "a=b; c"));
        h1_parse_dispose(&p);
        mem_free(long_value);
    }
}

static void test_chunks_round_trip(void **state)
{
    struct fixture *f = *state;
    struct h1_body b;
    size_t total = 0, got = 0;
    for (size_t n = 1; n < 70000; n = n * 3 + 1) {
        struct buf data;
        char *bytes = mem_zalloc(n);
        buf_init(&data);
        buf_append(&data, bytes, n);
        h1_write_chunk(&f->out, &data);
        mem_free(bytes);
        total += n;
    }
    h1_write_last_chunk(&f->out, NULL);
    struct slice text = text_of(f);
    h1_body_init(&b, H1_BODY_CHUNKED, 0, 100);
    for (size_t at = 0, used; at < text.len; at += used) {
        struct slice piece;
        enum h1_body_result result =
            h1_body_next(&b, (const uint8_t *)text.ptr + at, text.len - at, &used, &piece);
        assert_int_not_equal(result, H1_BODY_BAD);
        got += result == H1_BODY_DATA ? piece.len : 0;
        assert_int_equal(result == H1_BODY_END, at + used == text.len);
    }
    assert_int_equal(got, total);
    h1_body_dispose(&b);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_request),
        TEST(test_framing_comes_from_the_arguments),
        TEST(test_connection_options),
        TEST(test_response),
        TEST(test_chunks),
        TEST(test_round_trip),
        TEST(test_chunks_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
