/* Tests of PEM, of certificate times and of names as text. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/pem.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/asn_time.h"
#include "lib/tls/x509_build.h"
#include "lib/tls/x509_subject.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void test_round_trip(void **state)
{
    uint8_t data[300], *back;
    size_t len;
    for (size_t n = 1; n < sizeof(data); n++) {
        memset(data, (int)n, n);
        char *text = pem_encode("CERTIFICATE", slice_of(data, n));
        assert_int_equal(pem_find(slice_from_cstr(text), "CERTIFICATE", NULL, &back, &len), ERR_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, data, n);
        mem_free(back);
        mem_free(text);
    }
}

static void test_several_blocks(void **state)
{
    struct slice text = SLICE("some words\n"
                              "-----BEGIN A-----\r\nAAAA\r\n-----END A-----\r\n"
                              "\nmore: words\n"
                              "-----BEGIN B C-----\nAAE=\n-----END B C-----");
    struct pem_block block;
    uint8_t *der;
    size_t len;
    struct slice rest = text;
    assert_int_equal(pem_next(&rest, &block), ERR_OK);
    assert_true(slice_eq_cstr(block.label, "A"));
    assert_true(slice_starts_with(block.whole, SLICE("-----BEGIN A")));
    assert_true(slice_ends_with(block.whole, SLICE("END A-----")));
    assert_int_equal(pem_decode(&block, &der, &len), ERR_OK);
    assert_int_equal(len, 3);
    mem_free(der);
    assert_int_equal(pem_next(&rest, &block), ERR_OK);
    assert_true(slice_eq_cstr(block.label, "B C"));
    assert_int_equal(pem_decode(&block, &der, &len), ERR_OK);
    assert_int_equal(len, 2);
    mem_free(der);
    assert_int_equal(pem_next(&rest, &block), ERR_EOF);
    assert_int_equal(pem_find(text, "X", "B C", &der, &len), ERR_OK);
    mem_free(der);
    assert_int_equal(pem_find(text, "X", NULL, &der, &len), ERR_NOT_FOUND);
}

static void test_bad_blocks(void **state)
{
    static const char *const cut[] = {
        "-----BEGIN A-----\n",
        "-----BEGIN A-----\nAAAA\n",
        "-----BEGIN A-----\nAAAA\n-----END B-----\n",
        "-----BEGIN A-----\nAAAA\n-----BEGIN A-----\nAAAA\n-----END A-----\n",
        "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END A-----\n",
    };
    static const char *const undecodable[] = {
        "-----BEGIN A-----\n-----END A-----\n",
        "-----BEGIN A-----\nAAA\n-----END A-----\n",
        "-----BEGIN A-----\nAA*A\n-----END A-----\n",
        "-----BEGIN A-----\nAA==AAAA\n-----END A-----\n",
        "-----BEGIN A-----\nA===\n-----END A-----\n",
        "-----BEGIN A-----\nAAAA AAAA\n-----END A-----\n",
        "-----BEGIN A-----\nAAAAA\n-----END A-----\n",
    };
    struct pem_block block;
    uint8_t *der;
    size_t len;
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        struct slice rest = slice_from_cstr(cut[i]);
        assert_int_equal(pem_next(&rest, &block), ERR_SYNTAX);
    }
    for (size_t i = 0; i < sizeof(undecodable) / sizeof(undecodable[0]); i++) {
        struct slice rest = slice_from_cstr(undecodable[i]);
        assert_int_equal(pem_next(&rest, &block), ERR_OK);
        assert_int_equal(pem_decode(&block, &der, &len), ERR_SYNTAX);
    }
}

static void test_times(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text, *shown;
    } cases[] = {
        {0, "700101000000Z", "1970-01-01T00:00:00Z"},
        {951782400, "000229000000Z", "2000-02-29T00:00:00Z"},
        {2147483648, "380119031408Z", "2038-01-19T03:14:08Z"},
        {2524607999, "491231235959Z", "2049-12-31T23:59:59Z"},
        {2524608000, "20500101000000Z", "2050-01-01T00:00:00Z"},
        {4107542400, "21000301000000Z", "2100-03-01T00:00:00Z"},
        {253402300799, "99991231235959Z", "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[ASN_TIME_TEXT_MAX];
        int64_t back;
        uint8_t tag = asn_time_write(cases[i].seconds * 1000 + 999, text);
        assert_string_equal(text, cases[i].text);
        assert_int_equal(tag, strlen(text) == 13 ? 0x17 : 0x18);
        assert_int_equal(asn_time_read(tag, slice_from_cstr(text), &back), ERR_OK);
        assert_int_equal(back, cases[i].seconds * 1000);
        assert_string_equal(asn_time_text(back, text), cases[i].shown);
    }
}

static void test_bad_times(void **state)
{
    static const char *const utc[] = {
        "",
        "700101000000",
        "700101000000z",
        "701301000000Z",
        "700001000000Z",
        "700100000000Z",
        "700132000000Z",
        "710229000000Z",
        "700101240000Z",
        "700101006000Z",
        "700101000060Z",
        "7001010000Z",
        "70010100000 Z",
        "700101000000+0000",
        "700101000000ZZ",
        "-00101000000Z",
    };
    int64_t ms;
    for (size_t i = 0; i < sizeof(utc) / sizeof(utc[0]); i++)
        assert_int_equal(asn_time_read(0x17, slice_from_cstr(utc[i]), &ms), ERR_SYNTAX);
    assert_int_equal(asn_time_read(0x18, SLICE("700101000000Z"), &ms), ERR_SYNTAX);
    assert_int_equal(asn_time_read(0x18, SLICE("20500101000000.5Z"), &ms), ERR_SYNTAX);
    assert_int_equal(asn_time_read(0x04, SLICE("700101000000Z"), &ms), ERR_SYNTAX);
}

static void test_subject(void **state)
{
    uint8_t name[600];
    char text[X509_SUBJECT_MAX], long_name[500];
    struct slice der = x509_build_name(SLICE("plain name"), name, sizeof(name));
    size_t n = x509_subject_text(slice_sub(der, 2, der.len), text);
    assert_true(slice_eq(slice_of(text, n), SLICE("CN=plain name")));
    der = x509_build_name(SLICE(" a+b;\n\""), name, sizeof(name));
    n = x509_subject_text(slice_sub(der, 2, der.len), text);
    assert_true(slice_eq(slice_of(text, n), SLICE("CN=\\20a\\2Bb\\3B\\0A\\22")));
    memset(long_name, '"', sizeof(long_name));
    der = x509_build_name(slice_of(long_name, 300), name, sizeof(name));
    n = x509_subject_text(slice_sub(der, 4, der.len), text);
    assert_true(n <= X509_SUBJECT_MAX);
    assert_true(slice_ends_with(slice_of(text, n), SLICE("...")));
    assert_int_equal(x509_subject_text((struct slice){NULL, 0}, text), 0);
    n = x509_subject_text(SLICE("\x31\x7f junk"), text);
    assert_true(slice_eq(slice_of(text, n), SLICE("...")));
    /* C=DE, O=x: the most specific part first. */
    n = x509_subject_text(SLICE("\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02"
                                "DE"
                                "\x31\x0a\x30\x08\x06\x03\x55\x04\x0a\x0c\x01x"),
                          text);
    assert_true(slice_eq(slice_of(text, n), SLICE("O=x,C=DE")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip), cmocka_unit_test(test_several_blocks),
        cmocka_unit_test(test_bad_blocks), cmocka_unit_test(test_times),
        cmocka_unit_test(test_bad_times),  cmocka_unit_test(test_subject),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
