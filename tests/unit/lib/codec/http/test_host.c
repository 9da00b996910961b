/* Tests of taking authorities apart.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/host.h"

#include "tests/unit/sidecar/cmocka_sidecar.h"

struct form {
    const char *authority, *host;
    uint16_t port;
};

static const struct form forms[] = {
    {"a.b", "a.b", 0},
    {"a.b:80", "a.b", 80},
    {"a.b.", "a.b", 0},
    {"a.b.:8080", "a.b", 8080},
    {"[::1]", "[::1]", 0},
    {"[::1]:443", "[::1]", 443},
    {"[fe80::1]", "[fe80::1]", 0},
    {"10.0.0.1:9080", "10.0.0.1", 9080},
    {"", "", 0},
    {".", ".", 0},
    {"a:99999", "a", 0},
    {"a1", "a1", 0},
    {"a:", "a", 0},
};

static void test_forms(void **state)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct slice authority = slice_from_cstr(forms[i].authority);
        assert_slice(host_of_authority(authority), forms[i].host);
        assert_int_equal(host_port_of_authority(authority), forms[i].port);
    }
}

static void test_lower(void **state)
{
    char to[HOST_MAX], longest[HOST_MAX + 1];
    assert_slice(host_lower(SLICE("Reviews.EXAMPLE.com"), to), "reviews.example.com");
    memset(longest, 'A', sizeof(longest));
    assert_int_equal(host_lower(slice_of(longest, HOST_MAX), to).len, HOST_MAX);
    assert_int_equal(host_lower(slice_of(longest, HOST_MAX + 1), to).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_lower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
