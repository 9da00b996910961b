/* What a certificate may be used for (key usage, extended key usage), in each part that a peer can
 * play. wolfSSL checks some of it too, within a handshake; these are our own checks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_verify.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/tls/pem.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/use_leaves.h"

enum part { CLIENT, HOST, SANS, SVID, PART_COUNT };

static const char *const part_names[PART_COUNT] = {"client", "server by name", "server by SAN",
                                                   "mesh peer"};

static enum err judge(enum part part, struct slice der, char why[TLS_DETAIL_MAX])
{
    const struct slice site = SLICE("site.example");
    struct tls_identity *id = NULL;
    enum err e = ERR_OK;
    switch (part) {
    case CLIENT:
        e = tls_verify_client(der, &id, why);
        break;
    case HOST:
        return tls_verify_host(der, site, why);
    case SANS:
        return tls_verify_sans(der, &site, 1, NULL, 0, why);
    default:
        e = tls_verify_svid(der, SLICE("mesh.example.com"), (struct slice){NULL, 0}, &id, why);
        break;
    }
    assert_true(!e == (id != NULL));
    tls_verify_destroy(id);
    return e;
}

static const char no_client[] = "its extended key usage lacks client authentication",
                  no_server[] = "its extended key usage lacks server authentication",
                  not_both[] = "its extended key usage must allow both",
                  no_digital[] = "its key usage lacks digitalSignature", is_ca[] = "CA certificate";

/* NULL: good. */
static const struct {
    const char *what, *pem, *expected[PART_COUNT];
} table[] = {
    {"both", use_both, {NULL, NULL, NULL, NULL}},
    {"no extended use", use_none, {NULL, NULL, NULL, NULL}},
    {"servers only", use_server, {no_client, NULL, NULL, not_both}},
    {"clients only", use_client, {NULL, no_server, no_server, not_both}},
    {"any use", use_any, {NULL, NULL, NULL, not_both}},
    {"signing code", use_code, {no_client, no_server, no_server, not_both}},
    {"signing code, and clients", use_code_client, {NULL, no_server, no_server, not_both}},
    {"encipherment", use_encipher, {no_digital, no_digital, no_digital, no_digital}},
    {"a CA", use_ca, {is_ca, NULL, NULL, is_ca}},
};

static void test_uses(void **state)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]) * PART_COUNT; i++) {
        enum part part = (enum part)(i % PART_COUNT);
        const char *expected = table[i / PART_COUNT].expected[part];
        char why[TLS_DETAIL_MAX] = "";
        uint8_t *der;
        size_t len;
        assert_int_equal(
            pem_find(slice_from_cstr(table[i / PART_COUNT].pem), "CERTIFICATE", NULL, &der, &len),
            ERR_OK);
        enum err e = judge(part, slice_of(der, len), why);
        if (e != (expected ? ERR_UNTRUSTED : ERR_OK) || (expected && !strstr(why, expected)))
            fail_msg("%s as %s: %s: %s", table[i / PART_COUNT].what, part_names[part], err_name(e),
                     why);
        mem_free(der);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_uses)};
    assert_int_equal(tls_lib_init(), ERR_OK);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
