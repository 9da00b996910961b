/* sha1.c: the vectors of RFC 3174 §7.3, and every length around a block against one another.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/text/sha1.h"

static void expect(struct slice data, const char *want)
{
    char got[SHA1_HEX_MAX];
    sha1_hex(data, got);
    assert_string_equal(got, want);
}

static void test_vectors(void **state)
{
    static char many[1000000];
    (void)state;
    expect(SLICE(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    expect(SLICE("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    expect(SLICE("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
           "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    memset(many, 'a', sizeof(many));
    expect(slice_of(many, sizeof(many)), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

/* Where the length still fits into the last block, and where it does not. */
static void test_lengths_around_a_block(void **state)
{
    static const struct {
        size_t len;
        const char *want;
    } rows[] = {
        {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
        {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
        {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
        {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
        {65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
    };
    char text[65];
    (void)state;
    memset(text, 'a', sizeof(text));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        expect(slice_of(text, rows[i].len), rows[i].want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_lengths_around_a_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
