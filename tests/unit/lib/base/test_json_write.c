/* Tests of the JSON writer. * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/json_write.h"

#include <math.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void check(struct buf *b, const char *want)
{
    char *text = mem_zalloc(b->len + 1);
    buf_copy_out(b, text, b->len);
    assert_string_equal(text, want);
    mem_free(text);
    buf_dispose(b);
}

static void test_nesting(void **state)
{
    struct buf b;
    struct json_write w;
    buf_init(&b);
    json_write_init(&w, &b);
    json_write_object(&w);
    json_write_key(&w, "a");
    json_write_i64(&w, -5);
    json_write_key(&w, "b");
    json_write_array(&w);
    json_write_bool(&w, true);
    json_write_bool(&w, false);
    json_write_null(&w);
    json_write_object(&w);
    json_write_object_end(&w);
    json_write_array(&w);
    json_write_array_end(&w);
    json_write_array_end(&w);
    json_write_key(&w, "c");
    json_write_string(&w, SLICE("x"));
    json_write_object_end(&w);
    check(&b, "{\"a\":-5,\"b\":[true,false,null,{},[]],\"c\":\"x\"}");
}

static void check_string(struct slice value, const char *want)
{
    struct buf b;
    struct json_write w;
    buf_init(&b);
    json_write_init(&w, &b);
    json_write_string(&w, value);
    check(&b, want);
}

static void test_escapes(void **state)
{
    check_string(SLICE(""), "\"\"");
    check_string((struct slice){NULL, 0}, "\"\"");
    check_string(SLICE("say \"hi\\\""), "\"say \\\"hi\\\\\\\"\"");
    check_string(SLICE("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
    check_string(SLICE("a\0b\x1f\x7f"), "\"a\\u0000b\\u001f\\u007f\"");
    check_string(SLICE("\xc2\x85|\xc2\xa0\xe2\x80\xae\xe2\x81\xa9\xd8\x9c"),
                 "\"\\u0085|\xc2\xa0\\u202e\\u2069\\u061c\"");
    check_string(SLICE("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
    check_string(SLICE("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_string(SLICE("a\xed\xa0\x80z"), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
}

static void test_key_escapes(void **state)
{
    struct buf b;
    struct json_write w;
    buf_init(&b);
    json_write_init(&w, &b);
    json_write_object(&w);
    json_write_key(&w, "a\"b");
    json_write_null(&w);
    json_write_object_end(&w);
    check(&b, "{\"a\\\"b\":null}");
}

static void check_f64(double value, const char *want)
{
    struct buf b;
    struct json_write w;
    buf_init(&b);
    json_write_init(&w, &b);
    json_write_f64(&w, value);
    check(&b, want);
}

static void test_numbers(void **state)
{
    struct buf b;
    struct json_write w;
    check_f64(0, "0");
    check_f64(0.1, "0.1");
    check_f64(1.0 / 3, "0.3333333333333333");
    check_f64(-2.5e300, "-2.5e+300");
    check_f64(NAN, "null");
    check_f64(INFINITY, "null");
    check_f64(123456789, "123456789");
    buf_init(&b);
    json_write_init(&w, &b);
    json_write_array(&w);
    json_write_i64(&w, INT64_MIN);
    json_write_i64(&w, INT64_MAX);
    json_write_array_end(&w);
    check(&b, "[-9223372036854775808,9223372036854775807]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_key_escapes),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
