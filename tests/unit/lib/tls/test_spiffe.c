/* Tests of SPIFFE IDs: what the standard allows, and each thing it forbids. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/spiffe.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

static void test_good(void **state)
{
    struct spiffe_id id;
    struct slice text = SLICE("spiffe://mesh.example.com/ns/shop/sa/reviews-v1");
    assert_int_equal(spiffe_parse(text, &id), ERR_OK);
    assert_true(slice_eq(id.text, text));
    assert_true(slice_eq_cstr(id.trust_domain, "mesh.example.com"));
    assert_true(slice_eq_cstr(id.path, "/ns/shop/sa/reviews-v1"));
    assert_true(slice_eq_cstr(id.ns, "shop"));
    assert_true(slice_eq_cstr(id.sa, "reviews-v1"));
}

static void test_other_paths(void **state)
{
    static const char *const texts[] = {
        "spiffe://td/a",           "spiffe://td/ns/a/sa",  "spiffe://td/ns/a/sa/b/c",
        "spiffe://td/sa/a/ns/b",   "spiffe://td/A.b-C_9",  "spiffe://td/...",
        "spiffe://a_b-c.9/x/y/.z", "spiffe://1.2.3.4/pod",
    };
    struct spiffe_id id;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(spiffe_parse(slice_from_cstr(texts[i]), &id), ERR_OK);
        assert_true(slice_is_empty(id.ns) && slice_is_empty(id.sa));
    }
}

static void test_trust_domain_alone(void **state)
{
    struct spiffe_id id;
    assert_int_equal(spiffe_parse(SLICE("spiffe://td"), &id), ERR_OK);
    assert_true(slice_eq_cstr(id.trust_domain, "td"));
    assert_true(slice_is_empty(id.path));
}

static void test_bad(void **state)
{
    static const char *const texts[] = {
        "",
        "spiffe:",
        "spiffe://",
        "spiffe:///ns/a",
        "SPIFFE://td/a",
        "http://td/a",
        "spiffe:/td/a",
        " spiffe://td/a",
        "spiffe://td/a ",
        "spiffe://Td/a",
        "spiffe://td:443/a",
        "spiffe://user@td/a",
        "spiffe://td/a?b=c",
        "spiffe://td/a#b",
        "spiffe://td?x",
        "spiffe://td#x",
        "spiffe://td/a%2fb",
        "spiffe://t%64/a",
        "spiffe://td/",
        "spiffe://td/a/",
        "spiffe://td//a",
        "spiffe://td/a//b",
        "spiffe://td/.",
        "spiffe://td/a/..",
        "spiffe://td/a/../b",
        "spiffe://td/./b",
        "spiffe://td/\xc3\xa4",
        "spiffe://t\xc3\xa4/a",
        "spiffe://td/a\\b",
        "spiffe://td/a,b",
        "spiffe://[::1]/a",
        "spiffe://td/a:b",
    };
    struct spiffe_id id;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(spiffe_parse(slice_from_cstr(texts[i]), &id), ERR_SYNTAX);
    assert_int_equal(spiffe_parse(slice_of("spiffe://td/a\0b", 15), &id), ERR_SYNTAX);
    assert_int_equal(spiffe_parse(slice_of("spiffe://td/a\n", 14), &id), ERR_SYNTAX);
}

static void test_length(void **state)
{
    static char text[2049] = "spiffe://td/";
    struct spiffe_id id;
    memset(text + 12, 'a', sizeof(text) - 12);
    assert_int_equal(spiffe_parse(slice_of(text, 2048), &id), ERR_OK);
    assert_int_equal(spiffe_parse(slice_of(text, 2049), &id), ERR_SYNTAX);
    memset(text + 9, 'd', 256);
    text[9 + 255] = '/';
    assert_int_equal(spiffe_parse(slice_of(text, 300), &id), ERR_OK);
    text[9 + 255] = 'd';
    text[9 + 256] = '/';
    assert_int_equal(spiffe_parse(slice_of(text, 300), &id), ERR_SYNTAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),   cmocka_unit_test(test_other_paths),
        cmocka_unit_test(test_bad),    cmocka_unit_test(test_trust_domain_alone),
        cmocka_unit_test(test_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
