/* Headers of the PROXY protocol: the answer at every length of the input, what is refused and why,
 * and the way back. Pure. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/proxy/proxy_header.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/codec/cmocka_codec.h"

#define TEXT(text)             \
    {                          \
        text, sizeof(text) - 1 \
    }
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* From a block of its own, so that a sanitizer sees reads behind it. */
static enum proxy_result parse(struct slice in, size_t len, struct proxy_header *out)
{
    uint8_t *copy = mem_alloc(len ? len : 1);
    memcpy(copy, in.ptr, len);
    enum proxy_result result = proxy_header_parse(copy, len, out);
    mem_free(copy);
    return result;
}

/* MORE for each shorter prefix; then the same for each longer one. */
static void assert_whole(struct slice in, size_t len, const char *from, const char *to)
{
    struct proxy_header h;
    char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
    for (size_t n = 0; n <= in.len; n++) {
        enum proxy_result result = parse(in, n, &h);
        if (result != (n < len ? PROXY_MORE : PROXY_DONE))
            fail_msg("%zu bytes of %.*s give %d (%s)", n, SLICE_ARG(in), (int)result, h.bad);
        if (n < len)
            continue;
        assert_int_equal(h.len, len);
        assert_int_equal(h.has_addresses, from != NULL);
        if (from) {
            assert_string_equal(addr_format(&h.from, a), from);
            assert_string_equal(addr_format(&h.to, b), to);
        }
    }
}

static void test_lines(void **state)
{
    static const struct {
        struct slice in;
        size_t len;
        const char *from, *to;
    } cases[] = {
        {TEXT("PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET"), 45, "192.0.2.1:56324",
         "198.51.100.2:443"},
        {TEXT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), 56,
         "255.255.255.255:65535", "255.255.255.255:65535"},
        {TEXT("PROXY TCP6 2001:db8::1 2001:db8::2 0 1\r\nx"), 40, "[2001:db8::1]:0",
         "[2001:db8::2]:1"},
        {TEXT("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 5 6\r\n"), 50, "192.0.2.1:5",
         "192.0.2.2:6"},
        {TEXT("PROXY UNKNOWN\r\n\r\n"), 15, NULL, NULL},
        {TEXT("PROXY UNKNOWN ffff:ffff what ever 1 2\r\nx"), 39, NULL, NULL},
        /* The longest: 107 bytes. */
        {TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
              "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\nab"),
         107, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_whole(cases[i].in, cases[i].len, cases[i].from, cases[i].to);
}

static void test_blocks(void **state)
{
    static const struct {
        struct slice in;
        size_t len;
        const char *from, *to;
    } cases[] = {
        {TEXT(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\1\xbb"
                        "GET"),
         28, "192.0.2.1:56324", "198.51.100.2:443"},
        {TEXT(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                        "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\0\5\0\6x"),
         52, "[2001:db8::1]:5", "[2001:db8::2]:6"},
        {TEXT(SIGNATURE "\x21\x21\0\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1"
                        "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\2\0\5\0\6x"),
         52, "192.0.2.1:5", "192.0.2.2:6"},
        /* With additions: one of two bytes, one that is empty. */
        {TEXT(SIGNATURE "\x21\x11\0\x14\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\1\xbb"
                        "\1\0\2h2\4\0\0x"),
         36, "192.0.2.1:56324", "198.51.100.2:443"},
        /* LOCAL: whatever else it says. */
        {TEXT(SIGNATURE "\x20\0\0\0x"), 16, NULL, NULL},
        {TEXT(SIGNATURE "\x20\xff\0\3abcx"), 19, NULL, NULL},
        /* Neither TCP nor IP. */
        {TEXT(SIGNATURE "\x21\0\0\0x"), 16, NULL, NULL},
        {TEXT(SIGNATURE "\x21\x12\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\1\xbbx"), 28, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_whole(cases[i].in, cases[i].len, cases[i].from, cases[i].to);
}

static void test_a_unix_socket_has_no_address(void **state)
{
    char text[16 + 216 + 1] = SIGNATURE "\x21\x31\0\xd8/run/x";
    (void)state;
    assert_whole(slice_of(text, sizeof(text)), 16 + 216, NULL, NULL);
}

static void test_the_longest_block(void **state)
{
    static char text[PROXY_HEADER_MAX] = SIGNATURE "\x20\0\x10\0";
    (void)state;
    assert_whole(slice_of(text, sizeof(text)), PROXY_HEADER_MAX, NULL, NULL);
}

/* MORE up to `sure - 1` bytes, and BAD from there on. */
static void test_refused(void **state)
{
    static const struct {
        size_t sure; /* 0: all of it */
        struct slice in;
        const char *why;
    } cases[] = {
        {1, TEXT("GET / HTTP/1.1\r\n"), "it does not begin with a PROXY header"},
        {1, TEXT("\x16\x03\x01"), "it does not begin with a PROXY header"},
        {2, TEXT("\r\r\n"), "it does not begin with a PROXY header"},
        {12, TEXT("\r\n\r\n\0\r\nQUIT\r"), "it does not begin with a PROXY header"},
        {6, TEXT("PROXYTCP4"), "it does not begin with a PROXY header"},
        {0, TEXT("PROXY \r\n"), "the PROXY line is not for TCP4, TCP6 or UNKNOWN"},
        {0, TEXT("PROXY tcp4 \r\n"), "the PROXY line is not for TCP4, TCP6 or UNKNOWN"},
        {0, TEXT("PROXY UNKNOWN \r\r"), "the PROXY line does not end with CRLF"},
        {0, TEXT("PROXY TCP4 192.0.2.1 ::1 56324 443\r\n"),
         "an address in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP6 192.0.2.1 192.0.2.2 56 44\r\n"),
         "an address in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP6 [::1] [::1]:5 56 4\r\n"),
         "an address in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP4 192.0.2.1  198.51.100.2 5 44\r\n"),
         "an address in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 65536 4\r\n"),
         "a port in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 05 44\r\n"),
         "a port in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 5 -4\r\n"),
         "a port in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 5 4 \r\n"),
         "a port in the PROXY line is not valid"},
        {0, TEXT("PROXY TCP4 192.0.2.1 192.0.2.2 5\r\n"),
         "a port in the PROXY line is not valid"},
        {13, TEXT(SIGNATURE "\x11\x11\0\x0c"), "the PROXY header's version or command is unknown"},
        {13, TEXT(SIGNATURE "\x22\x11\0\x0c"), "the PROXY header's version or command is unknown"},
        {14, TEXT(SIGNATURE "\x21\x41\0\x0c"), "the PROXY header's address family is unknown"},
        {14, TEXT(SIGNATURE "\x21\x13\0\x0c"), "the PROXY header's address family is unknown"},
        {16, TEXT(SIGNATURE "\x21\x11\0\x0b"), "the PROXY header is shorter than its addresses"},
        {16, TEXT(SIGNATURE "\x21\x21\0\x23"), "the PROXY header is shorter than its addresses"},
        {16, TEXT(SIGNATURE "\x21\x31\0\xd7"), "the PROXY header is shorter than its addresses"},
        {16, TEXT(SIGNATURE "\x20\x11\x10\1"), "the PROXY header is longer than 4096 bytes"},
        {18, TEXT(SIGNATURE "\x21\0\0\2\1\0x"),
         "an addition to the PROXY header is longer than the header"},
        {20, TEXT(SIGNATURE "\x21\0\0\4\1\0\2ax"),
         "an addition to the PROXY header is longer than the header"},
    };
    struct proxy_header h;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t sure = cases[i].sure ? cases[i].sure : cases[i].in.len;
        for (size_t n = 0; n <= cases[i].in.len; n++) {
            enum proxy_result result = parse(cases[i].in, n, &h);
            if ((result == PROXY_BAD) != (n >= sure) || result == PROXY_DONE)
                fail_msg("case %zu, %zu bytes: %d (%s)", i, n, (int)result, h.bad);
        }
        assert_string_equal(h.bad, cases[i].why);
        assert_false(h.has_addresses);
    }
}

static void test_a_line_that_does_not_end(void **state)
{
    char text[200] = "PROXY UNKNOWN ";
    struct proxy_header h;
    (void)state;
    memset(text + 14, 'x', sizeof(text) - 14);
    for (size_t n = 0; n <= sizeof(text); n++)
        assert_int_equal(parse(slice_of(text, sizeof(text)), n, &h),
                         n < 106 ? PROXY_MORE : PROXY_BAD);
    assert_string_equal(h.bad, "the PROXY line is longer than 107 bytes");
}

static struct addr address(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_from_cstr(text), &a), ERR_OK);
    return a;
}

static void test_written_and_read_again(void **state)
{
    static const struct {
        const char *from, *to;
        bool is_known;
    } cases[] = {
        {"192.0.2.1:56324", "198.51.100.2:443", true},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", true},
        {"192.0.2.1:1", "[2001:db8::2]:2", false},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct addr from = address(cases[i / 2].from), to = address(cases[i / 2].to);
        uint8_t text[PROXY_HEADER_WRITE_MAX];
        struct proxy_header h;
        size_t len = proxy_header_write(1 + i % 2, &from, &to, text);
        assert_int_equal(text[0], i % 2 ? '\r' : 'P');
        assert_int_equal(proxy_header_parse(text, len, &h), PROXY_DONE);
        assert_int_equal(h.len, len);
        assert_int_equal(h.has_addresses, cases[i / 2].is_known);
        assert_true(!h.has_addresses || (addr_eq(&h.from, &from) && addr_eq(&h.to, &to)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_a_unix_socket_has_no_address),
        cmocka_unit_test(test_the_longest_block),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_line_that_does_not_end),
        cmocka_unit_test(test_written_and_read_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
