/* Hashes of passwords: those that crypt(3) and Argon2 write, and what is none. The hashes were made
 * with mkpasswd, htpasswd and argon2, with cheap settings; that of SHA-512 is one of its
 * specification's examples. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/password.h"

#include "tests/unit/lib/base/cmocka_base.h"

static bool check(const char *password, const char *hash)
{
    return password_is(slice_from_cstr(password), slice_from_cstr(hash));
}

static const struct {
    const char *password, *hash;
} good[] = {
    {"Hello world!",
     "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBF"
     "dcbYEdFCoEOfaS35inz1"},
    {"Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"},
    {"Hello world!", "$2b$04$abcdefghijklmnopqrstuuyeG8laUfZvsCmc.AE6qIDYSPGM2efmK"},
    {"Hello world!", "$2y$04$abcdefghijklmnopqrstuuyeG8laUfZvsCmc.AE6qIDYSPGM2efmK"},
    {"Hello world!", "$y$j75$abcdefgh$seYLk3C3HyTtiwemJi2fPeplJP3Gd5RaKYGEt1rRkF2"},
    {"Hello world!",
     "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$4J/ySmqAcybdC7SLPJUOne+7qm75u5yW"},
    {"Hello world!", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$A13rcmsDkabNsuKkkYjaz/BafyQDPZrx"},
};

static void test_good_ones(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(password_hash_is_known(slice_from_cstr(good[i].hash)));
        assert_true(check(good[i].password, good[i].hash));
    }
}

static void test_others_are_not(void **state)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char close[PASSWORD_HASH_MAX];
        size_t len = strlen(good[i].hash);
        assert_false(check("Hello world?", good[i].hash));
        assert_false(check("", good[i].hash));
        /* Another hash, and the first half of it. */
        memcpy(close, good[i].hash, len);
        close[len - 3] = close[len - 3] == 'A' ? 'B' : 'A';
        assert_false(password_is(slice_from_cstr(good[i].password), slice_of(close, len)));
        assert_false(password_is(slice_from_cstr(good[i].password), slice_of(close, len / 2)));
    }
}

static void test_no_hashes(void **state)
{
    static const char *const bad[] = {"", "$", "Hello world!", "$1$abc$def", "*0", "$6$",
                                      "abJnggxhB/yWI", "$argon2id$v=19$m=", "$2b$", "{SHA}abc="};
    char large[PASSWORD_MAX + 2];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(check("Hello world!", bad[i]));
    memset(large, 'a', sizeof large);
    assert_false(password_is(slice_of(large, PASSWORD_MAX + 1), slice_from_cstr(good[0].hash)));
    assert_false(password_is(slice_of("Hello world!\0x", 14), slice_from_cstr(good[0].hash)));
    assert_false(password_hash_is_known(SLICE("$1$abc$def")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_ones),
        cmocka_unit_test(test_others_are_not),
        cmocka_unit_test(test_no_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
