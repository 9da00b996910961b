/* Telling protocols apart: the answer at every length of the input, and what a TLS hello says.
 * Pure. One thread, no files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/sniff.h"

#include "lib/base/mem.h"
#include "tests/unit/lib/codec/cmocka_codec.h"

#define TEXT(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }

/* From a block of its own, so that a sanitizer sees reads behind it. */
static enum sniff_result sniff(struct slice in, size_t len, struct sniff_hello *hello)
{
    uint8_t *copy = mem_alloc(len + 1);
    memcpy(copy, in.ptr, len);
    uint8_t *exact = mem_realloc(copy, len ? len : 1);
    enum sniff_result result = sniff_bytes(exact, len, hello);
    mem_free(exact);
    return result;
}

/* MORE up to `sure - 1` bytes, and `want` from there on. */
static void assert_sniff(struct slice in, size_t sure, enum sniff_result want)
{
    for (size_t len = 0; len <= in.len; len++) {
        enum sniff_result result = sniff(in, len, NULL);
        if (result != (len < sure ? SNIFF_MORE : want))
            fail_msg("%zu bytes give %d: %.*s", len, (int)result, SLICE_ARG(in));
    }
}

static void test_answers(void **state)
{
    static const struct {
        enum sniff_result want;
        size_t sure;
        struct slice in;
    } cases[] = {
        {SNIFF_H1, 5, TEXT("GET / HTTP/1.1\r\nHost: a\r\n")},
        {SNIFF_H1, 6, TEXT("POST /x HTTP/1.0\r\n")},
        {SNIFF_H1, 9, TEXT("OPTIONS /x HTTP/1.0\r\n")},
        {SNIFF_H1, 20, TEXT("OPTIONS * HTTP/1.1\r\nX")},
        {SNIFF_H1, 20, TEXT("PURGE /abc HTTP/1.1\nX")},
        {SNIFF_H1, 21, TEXT("PURGE /abc HTTP/1.1\r\nX")},
        {SNIFF_H1, 22, TEXT("X-MINE /ab? HTTP/1.1\r\nX")},
        {SNIFF_H1, 23, TEXT("GET http://a HTTP/1.1\r\nX")},
        {SNIFF_H1, 24, TEXT("GET HTTPS://a HTTP/1.1\r\nX")},
        {SNIFF_H1, 24, TEXT("CONNECT a:443 HTTP/1.1\r\nX")},
        {SNIFF_H1, 7, TEXT("\r\nGET / HTTP/1.1\r\n")},
        {SNIFF_H2, 24, TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0")},
        {SNIFF_OPAQUE, 19, TEXT("PRI * HTTP/2.0\r\n\r\nXM\r\n\r\n")},
        {SNIFF_OPAQUE, 16, TEXT("PRI * HTTP/2.0\r\r\n")},
        {SNIFF_OPAQUE, 5, TEXT("PRI A HTTP/1.1\r\n")},
        {SNIFF_TLS, 6, TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
        {SNIFF_OPAQUE, 6, TEXT("\x16\x03\x01\x02\x00\x02\x00\x01\xfc\x03\x03")},
        {SNIFF_OPAQUE, 5, TEXT("\x16\x03\x01\x00\x00\x01")},
        {SNIFF_OPAQUE, 5, TEXT("\x16\x03\x01\x40\x01\x01")},
        {SNIFF_TLS, 6, TEXT("\x16\x03\x01\x40\x00\x01")},
        {SNIFF_TLS, 6, TEXT("\x16\x03\x01\x00\x01\x01")},
        {SNIFF_TLS, 6, TEXT("\x16\x03\x04\x02\x00\x01")},
        {SNIFF_OPAQUE, 3, TEXT("\x16\x03\x05\x02\x00\x01")},
        {SNIFF_OPAQUE, 2, TEXT("\x16\x02\x01\x00")},
        {SNIFF_OPAQUE, 3, TEXT("\x16\x03\x09\x00")},
        {SNIFF_OPAQUE, 1, TEXT("\x80\x2e\x01\x03\x01")},
        {SNIFF_OPAQUE, 1, TEXT("\x15\x03\x01\x00\x02")},
        {SNIFF_OPAQUE, 1, TEXT("get key\r\n")},
        {SNIFF_OPAQUE, 1, TEXT("*1\r\n$4\r\nPING\r\n")},
        {SNIFF_OPAQUE, 5, TEXT("PING\r\n")},
        {SNIFF_OPAQUE, 5, TEXT("GET key\r\n")},
        {SNIFF_OPAQUE, 6, TEXT("GET hkey\r\n")},
        {SNIFF_OPAQUE, 9, TEXT("CONNECT {\"verbose\":true}\r\n")},
        {SNIFF_OPAQUE, 8, TEXT("CONNECT\naccept-version:1.2\n")},
        {SNIFF_OPAQUE, 16, TEXT("CONNECT a:b foo\nX")},
        {SNIFF_OPAQUE, 9, TEXT("OPTIONS sip:a SIP/2.0\r\n")},
        {SNIFF_OPAQUE, 20, TEXT("OPTIONS * RTSP/1.0\r\nCSeq: 1")},
        {SNIFF_OPAQUE, 14, TEXT("RUN /bin/date\nX")},
        {SNIFF_OPAQUE, 7, TEXT("RUN /b\0in HTTP/1.1\r\n")},
        {SNIFF_OPAQUE, 6, TEXT("EHLO a\r\n")},
        {SNIFF_OPAQUE, 1, TEXT("\x10\x10\x00\x04MQTT")},
        {SNIFF_OPAQUE, 1, TEXT("\0\0\0\x08\x04\xd2\x16\x2f")},
        {SNIFF_OPAQUE, 4, TEXT("SSH2-x")},
        {SNIFF_OPAQUE, 17, TEXT("AAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1\r\n")},
        {SNIFF_OPAQUE, 2, TEXT("\rGET / HTTP/1.1\r\n")},
        {SNIFF_OPAQUE, 3, TEXT("\r\n\r\nGET / HTTP/1.1\r\n")},
        {SNIFF_OPAQUE, 1, TEXT("\nGET / HTTP/1.1\r\n")},
        {SNIFF_OPAQUE, 1, TEXT(" GET / HTTP/1.1\r\n")},
        {SNIFF_OPAQUE, 5, TEXT("GET  / HTTP/1.1\r\n")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_sniff(cases[i].in, cases[i].sure, cases[i].want);
}

static void test_endless_line(void **state)
{
    size_t len = SNIFF_LINE_MAX + 100;
    char *line = mem_alloc(len);
    memset(line, 'a', len);
    memcpy(line, "PURGE /", 7);
    assert_int_equal(sniff(slice_of(line, len), SNIFF_LINE_MAX, NULL), SNIFF_MORE);
    assert_int_equal(sniff(slice_of(line, len), SNIFF_LINE_MAX + 1, NULL), SNIFF_OPAQUE);
    mem_free(line);
}

/* A hello is built from these parts; then it is cut into records. */
struct builder {
    uint8_t bytes[70000];
    size_t len;
};

static void put(struct builder *b, const void *bytes, size_t len)
{
    memcpy(b->bytes + b->len, bytes, len);
    b->len += len;
}

static void put_number(struct builder *b, size_t number, unsigned bytes)
{
    while (bytes--)
        b->bytes[b->len++] = (uint8_t)(number >> (8 * bytes));
}

static void put_extension(struct builder *b, unsigned type, const void *body, size_t len)
{
    put_number(b, type, 2);
    put_number(b, len, 2);
    put(b, body, len);
}

/* A ClientHello message around `extensions`. */
static void build_hello(struct builder *b, const struct builder *extensions)
{
    size_t at = b->len;
    put_number(b, 0x01000000, 4);
    put_number(b, 0x0303, 2);
    for (int i = 0; i < 32; i++)
        put_number(b, (size_t)i, 1);
    put_number(b, 0, 1);
    put_number(b, 2, 2);
    put_number(b, 0x1301, 2);
    put_number(b, 0x0100, 2);
    put_number(b, extensions->len, 2);
    put(b, extensions->bytes, extensions->len);
    size_t size = b->len - at - 4;
    for (int i = 0; i < 3; i++)
        b->bytes[at + 1 + (size_t)i] = (uint8_t)(size >> (8 * (2 - i)));
}

static void cut_into_records(struct builder *b, const struct builder *message, size_t record)
{
    for (size_t at = 0; at < message->len; at += record) {
        size_t n = message->len - at < record ? message->len - at : record;
        put_number(b, 0x160301, 3);
        put_number(b, n, 2);
        put(b, message->bytes + at, n);
    }
}

static const char sni[] = "\0\x12\0\0\x0f"
                          "svc.example.tld";
static const char alpn[] = "\0\x0c\x02h2\x08http/1.1";

static struct builder *new_builder(void)
{
    return mem_zalloc(sizeof(struct builder));
}

/* The records of a hello with these two extensions and one that is `filler` bytes long. */
static struct builder *make_records(size_t filler, size_t record)
{
    struct builder *extensions = new_builder(), *message = new_builder(), *records = new_builder();
    put_number(extensions, 21, 2);
    put_number(extensions, filler, 2);
    extensions->len += filler;
    put_extension(extensions, 0, sni, sizeof(sni) - 1);
    put_extension(extensions, 16, alpn, sizeof(alpn) - 1);
    build_hello(message, extensions);
    cut_into_records(records, message, record);
    mem_free(extensions);
    mem_free(message);
    return records;
}

static void assert_hello(const struct sniff_hello *hello)
{
    assert_true(hello->complete);
    assert_true(slice_eq_cstr(hello->sni, "svc.example.tld"));
    assert_int_equal(hello->alpn_count, 2);
    assert_true(slice_eq_cstr(hello->alpn[0], "h2"));
    assert_true(slice_eq_cstr(hello->alpn[1], "http/1.1"));
}

static void test_hello_in_any_records(void **state)
{
    struct sniff_hello hello;
    for (size_t record = 1; record < 200; record++) {
        struct builder *b = make_records(20, record);
        for (size_t len = 1; len < b->len; len++)
            assert_int_equal(sniff(slice_of(b->bytes, b->len), len, &hello), SNIFF_MORE);
        assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len, &hello), SNIFF_TLS);
        assert_hello(&hello);
        put(b, "\x17\x03\x03", 3);
        assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len, &hello), SNIFF_TLS);
        assert_hello(&hello);
        mem_free(b);
    }
}

static void test_long_hello(void **state)
{
    struct sniff_hello hello;
    struct builder *b = make_records(16000, 4000);
    assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len - 1, &hello), SNIFF_MORE);
    assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len, &hello), SNIFF_TLS);
    assert_hello(&hello);
    mem_free(b);
    b = make_records(20000, 16384);
    assert_int_equal(sniff(slice_of(b->bytes, b->len), 100, &hello), SNIFF_TLS);
    assert_false(hello.complete);
    assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len, &hello), SNIFF_TLS);
    assert_false(hello.complete);
    mem_free(b);
}

/* The records behind the first one have the same bounds as the first: up to 16384 bytes. */
static void test_bounds_of_later_records(void **state)
{
    static const struct {
        const char *header;
        enum sniff_result want;
    } cases[] = {
        {"\x16\x03\x01\x40\x00", SNIFF_MORE}, {"\x16\x03\x01\x40\x01", SNIFF_TLS},
        {"\x16\x03\x01\x00\x01", SNIFF_MORE}, {"\x16\x03\x01\x00\x00", SNIFF_TLS},
        {"\x16\x03\x09\x00\x20", SNIFF_MORE}, {"\x16\x02\x01\x00\x20", SNIFF_TLS},
        {"\x17\x03\x01\x00\x20", SNIFF_TLS},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sniff_hello hello;
        struct builder *b = make_records(20, 50);
        b->len = 55;
        put(b, cases[i].header, 5);
        assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len, &hello), cases[i].want);
        assert_false(hello.complete);
        mem_free(b);
    }
}

/* A hello of exactly the size that is kept is read, one byte more is not waited for. */
static void test_longest_hello(void **state)
{
    struct sniff_hello hello;
    struct builder *b = make_records(0, 16384);
    size_t rest = b->len - 5; /* the message around the filler */
    mem_free(b);
    b = make_records(SNIFF_HELLO_MAX - rest, 16384);
    assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len, &hello), SNIFF_TLS);
    assert_hello(&hello);
    assert_int_equal(sniff(slice_of(b->bytes, b->len), 100, &hello), SNIFF_MORE);
    mem_free(b);
    b = make_records(SNIFF_HELLO_MAX - rest + 1, 16384);
    assert_int_equal(sniff(slice_of(b->bytes, b->len), 100, &hello), SNIFF_TLS);
    assert_false(hello.complete);
    mem_free(b);
}

static void test_record_of_another_kind(void **state)
{
    struct sniff_hello hello;
    struct builder *b = make_records(20, 50);
    b->bytes[55] = 23;
    assert_int_equal(sniff(slice_of(b->bytes, b->len), b->len, &hello), SNIFF_TLS);
    assert_false(hello.complete);
    assert_int_equal(hello.sni.len, 0);
    mem_free(b);
}

static void assert_malformed(unsigned type, const char *body, size_t len, bool twice)
{
    struct sniff_hello hello;
    struct builder *extensions = new_builder(), *message = new_builder(), *records = new_builder();
    for (int i = 0; i <= twice; i++)
        put_extension(extensions, type, body, len);
    build_hello(message, extensions);
    cut_into_records(records, message, 16384);
    assert_int_equal(sniff(slice_of(records->bytes, records->len), records->len, &hello),
                     SNIFF_TLS);
    assert_false(hello.complete);
    assert_int_equal(hello.sni.len, 0);
    assert_int_equal(hello.alpn_count, 0);
    mem_free(extensions);
    mem_free(message);
    mem_free(records);
}

static void test_malformed_hellos(void **state)
{
    static const struct {
        unsigned type;
        struct slice body;
    } cases[] = {
        {0, TEXT("")},
        {0, TEXT("\0\x05\0\0\x03"
                 "ab")},
        {0, TEXT("\0\x03\0\0\0")},
        {0, TEXT("\0\x05\0\0\x02"
                 "ab!")},
        {0, TEXT("\0\x05\0\0\x02"
                 "a ")},
        {0, TEXT("\0\x05\0\0\x02"
                 "a\0")},
        {0, TEXT("\0\x0a\0\0\x02"
                 "ab\0\0\x02"
                 "cd")},
        {16, TEXT("")},
        {16, TEXT("\0\x01\0")},
        {16, TEXT("\0\x03\x05h2")},
        {16, TEXT("\0\x03\x02h2!")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_malformed(cases[i].type, cases[i].body.ptr, cases[i].body.len, false);
    assert_malformed(0, sni, sizeof(sni) - 1, true);
    assert_malformed(16, alpn, sizeof(alpn) - 1, true);
}

static void test_hello_without_extensions(void **state)
{
    struct sniff_hello hello;
    struct builder *extensions = new_builder(), *message = new_builder(), *records = new_builder();
    build_hello(message, extensions);
    cut_into_records(records, message, 16384);
    assert_int_equal(sniff(slice_of(records->bytes, records->len), records->len, &hello),
                     SNIFF_TLS);
    assert_true(hello.complete);
    assert_int_equal(hello.sni.len + hello.alpn_count, 0);
    mem_free(extensions);
    mem_free(message);
    mem_free(records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_endless_line),
        cmocka_unit_test(test_hello_in_any_records),
        cmocka_unit_test(test_long_hello),
        cmocka_unit_test(test_bounds_of_later_records),
        cmocka_unit_test(test_longest_hello),
        cmocka_unit_test(test_record_of_another_kind),
        cmocka_unit_test(test_malformed_hellos),
        cmocka_unit_test(test_hello_without_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
