/* lib/codec/resp: what a Redis server says, of every type and cut at every byte; what is no RESP,
 * or too much of it; commands.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/codec/resp/resp_read.h"
#include "lib/codec/resp/resp_write.h"

enum { BYTES_MAX = 64 };

/* ---- values as text ---- */

static void show(const struct resp_value *v, struct buf *out)
{
    static const char *const brackets[] = {
        [RESP_LIST] = "[]", [RESP_MAP] = "{}", [RESP_PUSH] = "><"};
    char text[64];
    int len = 0;
    switch (v->type) {
    case RESP_NULL:
        len = snprintf(text, sizeof(text), "null");
        break;
    case RESP_INTEGER:
        len = snprintf(text, sizeof(text), "%lld", (long long)v->integer);
        break;
    case RESP_BOOL:
        len = snprintf(text, sizeof(text), v->integer ? "true" : "false");
        break;
    case RESP_TEXT:
    case RESP_ERROR:
    case RESP_DOUBLE:
        buf_append(out, v->type == RESP_TEXT ? "'" : v->type == RESP_ERROR ? "!" : "~", 1);
        buf_append_slice(out, v->text);
        break;
    default:
        buf_append(out, brackets[v->type], 1);
        for (uint32_t i = 0; i < v->count; i++) {
            if (i)
                buf_append(out, " ", 1);
            show(&v->items[i], out);
        }
        buf_append(out, brackets[v->type] + 1, 1);
    }
    buf_append(out, text, (size_t)len);
}

/* All values, a line each, and the error that ended it, fed in pieces of `step`; mem_free it. */
static char *read_all(struct slice bytes, size_t step)
{
    struct resp_reader r;
    struct buf out;
    enum err e = ERR_AGAIN;
    buf_init(&out);
    resp_reader_init(&r, BYTES_MAX);
    for (size_t at = 0; at < bytes.len && (e == ERR_OK || e == ERR_AGAIN);) {
        struct slice part = slice_sub(bytes, at, step);
        /* A block of its own length, so that a sanitizer sees a view that is too long. */
        char *copy = mem_alloc(part.len);
        memcpy(copy, part.ptr, part.len);
        struct slice piece = slice_of(copy, part.len);
        e = resp_reader_feed(&r, &piece);
        at += part.len - piece.len;
        mem_free(copy);
        if (e == ERR_OK) {
            show(&r.root, &out);
            buf_append(&out, "\n", 1);
        }
    }
    if (e != ERR_OK) {
        struct slice more = SLICE("+OK\r\n");
        buf_append_slice(&out, slice_from_cstr(err_name(e)));
        if (e != ERR_AGAIN)
            assert_int_equal(resp_reader_feed(&r, &more), e); /* for good */
    }
    resp_reader_dispose(&r);
    return buf_take_text(&out, NULL);
}

static void expect_bytes(struct slice bytes, const char *want)
{
    for (size_t step = 1; step <= bytes.len; step++) {
        char *got = read_all(bytes, step);
        assert_string_equal(got, want);
        mem_free(got);
    }
}

static void expect(const char *bytes, const char *want)
{
    expect_bytes(slice_from_cstr(bytes), want);
}

/* ---- reading ---- */

static void test_resp2(void **state)
{
    (void)state;
    expect("+OK\r\n", "'OK\n");
    expect("+\r\n", "'\n");
    expect("-ERR unknown command\r\n", "!ERR unknown command\n");
    expect(":0\r\n:1000\r\n:-7\r\n:+5\r\n", "0\n1000\n-7\n5\n");
    expect(":9223372036854775807\r\n:-9223372036854775808\r\n",
           "9223372036854775807\n-9223372036854775808\n");
    expect("$5\r\nhello\r\n$0\r\n\r\n$-1\r\n", "'hello\n'\nnull\n");
    expect("$4\r\n\r\n\r\n\r\n", "'\r\n\r\n\n");
    expect("*0\r\n*-1\r\n*3\r\n:1\r\n$1\r\nx\r\n$-1\r\n", "[]\nnull\n[1 'x null]\n");
    expect("*2\r\n*2\r\n:1\r\n*0\r\n*1\r\n-NO x\r\n", "[[1 []] [!NO x]]\n");
    expect_bytes(SLICE("$3\r\na\0b\r\n"), "'a");
}

static void test_resp3(void **state)
{
    (void)state;
    expect("_\r\n#t\r\n#f\r\n,-1.5e3\r\n,inf\r\n(3492890328409238509324850943850943825024385\r\n",
           "null\ntrue\nfalse\n~-1.5e3\n~inf\n'3492890328409238509324850943850943825024385\n");
    expect("!8\r\nERR a\r\nb\r\n=6\r\ntxt:hi\r\n=2\r\nhi\r\n", "!ERR a\r\nb\n'hi\n'hi\n");
    expect("%2\r\n+a\r\n:1\r\n+b\r\n~1\r\n:2\r\n", "{'a 1 'b [2]}\n");
    expect(">2\r\n+invalidate\r\n_\r\n:1\r\n", ">'invalidate null<\n1\n");
    /* What is said of a value does not take its place. */
    expect("|1\r\n+ttl\r\n*1\r\n:3\r\n*2\r\n|0\r\n:1\r\n|1\r\n+a\r\n+b\r\n:2\r\n", "[1 2]\n");
}

static void test_not_yet_complete(void **state)
{
    (void)state;
    expect("+OK\r", "AGAIN");
    expect("$5\r\nhell", "AGAIN");
    expect("$5\r\nhello\r", "AGAIN");
    expect(":1\r\n*2\r\n:1\r\n", "1\nAGAIN");
}

static void test_what_is_no_resp(void **state)
{
    static const char *const rows[] = {
        "HTTP/1.1 400 Bad Request\r\n", "\r\n", "+OK\n", "+O\rK\r\n", "+OK\r\r\n", ":\r\n",
        ":x\r\n",
        ":1 \r\n", ":--1\r\n", ":1.5\r\n", "$x\r\n", "$-2\r\n", "$+1\r\n", "$\r\n", "$2\r\nabc\r\n",
        "$2\r\nab\n\n", "*-2\r\n", "*x\r\n", "!-1\r\n", "%-1\r\n", "~-1\r\n", "_x\r\n", "#\r\n",
        "#T\r\n", "#tt\r\n", ",\r\n", "(\r\n", "?\r\n", "*1\r\nx\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(rows[i], "SYNTAX");
}

static void test_limits(void **state)
{
    char text[8 * RESP_ITEMS_MAX], *at = text;
    (void)state;
    expect("$64\r\n0123456789012345678901234567890123456789012345678901234567890123\r\n",
           "'0123456789012345678901234567890123456789012345678901234567890123\n");
    expect("$65\r\n", "LIMIT");
    expect("*2\r\n$60\r\n012345678901234567890123456789012345678901234567890123456789\r\n$5\r\n",
           "LIMIT");
    expect("$9223372036854775807\r\n", "LIMIT");
    expect(":9223372036854775808\r\n", "LIMIT");
    expect("*1000000000\r\n", "LIMIT");
    expect("%2049\r\n", "LIMIT");
    expect("*2\r\n*4094\r\n:1\r\n", "AGAIN");
    expect("*2\r\n*4095\r\n", "LIMIT");
    expect("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "[[[[[[[[1]]]]]]]]\n");
    expect("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "LIMIT");
    *at++ = '-';
    memset(at, 'x', RESP_LINE_MAX + 1);
    expect_bytes(slice_of(text, RESP_LINE_MAX + 2), "LIMIT");
}

static void test_values_are_kept(void **state)
{
    struct resp_reader r;
    struct arena arena;
    struct slice bytes = SLICE("*4\r\n:5\r\n$2\r\n-6\r\n+x\r\n-NOSCRIPT No matching\r\n:1\r\n");
    int64_t n = 0;
    (void)state;
    arena_init(&arena, 256);
    resp_reader_init(&r, BYTES_MAX);
    assert_int_equal(resp_reader_feed(&r, &bytes), ERR_OK);
    const struct resp_value *v = resp_value_copy(&arena, &r.root);
    assert_int_equal(resp_reader_feed(&r, &bytes), ERR_OK);
    resp_reader_dispose(&r);
    assert_true(resp_value_integer(v, 0, &n));
    assert_int_equal(n, 5);
    assert_true(resp_value_integer(v, 1, &n));
    assert_int_equal(n, -6);
    assert_false(resp_value_integer(v, 2, &n));
    assert_false(resp_value_integer(v, 4, &n));
    assert_false(resp_value_integer(&v->items[0], 0, &n));
    assert_true(resp_value_is_error(&v->items[3], "NOSCRIPT"));
    assert_false(resp_value_is_error(&v->items[3], "NOSCRIP"));
    assert_false(resp_value_is_error(&v->items[2], "x"));
    arena_dispose(&arena);
}

/* ---- commands ---- */

static void test_commands(void **state)
{
    const struct slice words[] = {SLICE("SET"), SLICE("k\r\n"), SLICE("")};
    struct buf out;
    (void)state;
    buf_init(&out);
    resp_write_head(&out, 3);
    resp_write_words(&out, words, 3);
    char *text = buf_take_text(&out, NULL);
    assert_string_equal(text, "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n");
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resp2),
        cmocka_unit_test(test_resp3),
        cmocka_unit_test(test_not_yet_complete),
        cmocka_unit_test(test_what_is_no_resp),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_values_are_kept),
        cmocka_unit_test(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
