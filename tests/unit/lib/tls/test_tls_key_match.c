/* tls_key_match.c: keys and certificates that belong together, and those that do not.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/tls/tls_key_match.h"
#include "tests/unit/lib/tls/pki.h"

static struct pki pki;
static struct pki_leaf one, two;

static bool fits(const char *chain, const char *key)
{
    return tls_key_match(slice_from_cstr(chain), slice_from_cstr(key));
}

static void test_pairs(void **state)
{
    assert_true(fits(one.chain, one.key));
    assert_true(fits(two.chain, two.key));
}

static void test_strangers(void **state)
{
    assert_false(fits(one.chain, two.key));
    assert_false(fits(two.chain, one.key));
    assert_false(fits(one.key, one.chain));
    assert_false(fits("", ""));
    assert_false(fits(one.chain, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    assert_false(fits("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", one.key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_strangers),
    };
    if (tls_lib_init())
        return 1;
    pki_init(&pki);
    one = pki_svid(&pki, PKI_CLIENT_ID);
    two = pki_svid(&pki, PKI_SERVER_ID);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    pki_leaf_dispose(&one);
    pki_leaf_dispose(&two);
    pki_dispose(&pki);
    return failed;
}
