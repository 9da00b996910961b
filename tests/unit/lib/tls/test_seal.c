/* Tests of sealing. What is expected was computed by another implementation (OpenSSL's).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/seal.h"

#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"

#define TEXT "a text"
#define LEN (sizeof(TEXT) - 1)

static uint8_t key[SEAL_KEY_SIZE], salt[SEAL_SALT_SIZE];

static int set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    for (unsigned i = 0; i < sizeof(salt); i++)
        salt[i] = (uint8_t)(0x40 + i);
    return 0;
}

/* AES-256-GCM under HMAC-SHA256(key, the salt's first half), with its second half as nonce. */
static void known_answers(void **state)
{
    static const uint8_t want[] = {0x26, 0x37, 0xb2, 0x6e, 0x89, 0x91, 0xc5, 0x66,
                                   0x9e, 0x4e, 0xf4, 0x3d, 0x52, 0x70, 0x82, 0x38,
                                   0xb8, 0xf6, 0x5c, 0x3b, 0x37, 0x12};
    static const uint8_t empty[] = {0x59, 0x48, 0xdf, 0xcb, 0xd1, 0x95, 0xe1, 0x7d,
                                    0xfe, 0x27, 0xf0, 0xdd, 0x93, 0xf3, 0x92, 0xd5};
    uint8_t out[LEN + SEAL_OVERHEAD];
    (void)state;
    seal_close(key, salt, SLICE("a context"), SLICE(TEXT), out);
    assert_memory_equal(out, salt, sizeof(salt));
    assert_memory_equal(out + sizeof(salt), want, sizeof(want));
    seal_close(key, salt, SLICE(""), SLICE(""), out);
    assert_memory_equal(out + sizeof(salt), empty, sizeof(empty));
}

static void back_again(void **state)
{
    uint8_t sealed[LEN + SEAL_OVERHEAD], out[LEN];
    struct slice all = slice_of(sealed, sizeof(sealed));
    (void)state;
    seal_close(key, salt, SLICE("a context"), SLICE(TEXT), sealed);
    assert_true(seal_open(key, SLICE("a context"), all, out));
    assert_memory_equal(out, TEXT, LEN);
    assert_false(seal_open(key, SLICE("a contexT"), all, out));
    assert_false(seal_open(key, SLICE(""), all, out));
    for (size_t i = 0; i < all.len; i++)
        assert_false(seal_open(key, SLICE("a context"), slice_sub(all, 0, i), out));
    for (size_t i = 0; i < 8 * all.len; i++) {
        sealed[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_false(seal_open(key, SLICE("a context"), all, out));
        sealed[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    key[31] ^= 1;
    assert_false(seal_open(key, SLICE("a context"), all, out));
    key[31] ^= 1;
}

/* None of nothing, which has only its seal. */
static void nothing(void **state)
{
    uint8_t sealed[SEAL_OVERHEAD], out[1];
    (void)state;
    seal_close(key, salt, SLICE("c"), SLICE(""), sealed);
    assert_true(seal_open(key, SLICE("c"), slice_of(sealed, sizeof(sealed)), out));
    assert_false(seal_open(key, SLICE("c"), SLICE(""), out));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(back_again),
        cmocka_unit_test(nothing),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
