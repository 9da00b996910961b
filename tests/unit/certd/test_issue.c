/* Tests of the issuing rules, the rate limits and the command line.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/issue.h"

#include <stdio.h>
#include <string.h>

#include "certd/ca_folder.h"
#include "certd/options.h"
#include "certd/rate.h"
#include "lib/base/mem.h"
#include "lib/tls/pem.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"

#define ID "spiffe://mesh.example.com/ns/shop/sa/frontend"

static const int64_t now = 1800000000000, day = 86400000;
static const struct issue_policy policy = {"mesh.example.com", 3600000, 7200000, NULL, 0};
static char why[TLS_DETAIL_MAX];

static int set_up(void **state)
{
    return tls_lib_init();
}

static char *make_request(const char *id)
{
    char *key, *csr;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    assert_int_equal(x509_make_csr(slice_from_cstr(key), slice_from_cstr(id), &csr), ERR_OK);
    mem_free(key);
    return csr;
}

static void check_checked(const char *request_id, const char *caller, int64_t asked,
                          enum err expected, const char *sentence)
{
    struct x509_csr csr = {0};
    char *pem = make_request(request_id);
    why[0] = 0;
    enum err e = issue_check(&policy, slice_from_cstr(pem), caller, asked, &csr, why);
    if (e != expected || !strstr(why, sentence))
        fprintf(stderr, "wanted '%s', got '%s'\n", sentence, why);
    assert_int_equal(e, expected);
    assert_non_null(strstr(why, sentence));
    x509_csr_dispose(&csr);
    mem_free(pem);
}

static void test_check(void **state)
{
    check_checked(ID, ID, 0, ERR_OK, "");
    check_checked("spiffe://mesh.example.com/ns/shop/sa/admin", ID, 0, ERR_DENIED,
                  "but the caller is '" ID "'");
    check_checked(ID, "spiffe://other.example.com/ns/shop/sa/frontend", 0, ERR_DENIED,
                  "another trust domain");
    check_checked(ID, "spiffe://mesh.example.com", 0, ERR_DENIED, "not that of a workload");
    check_checked(ID, ID, -1, ERR_INVALID, "validity_duration");
    check_checked(ID, ID, 1, ERR_INVALID, "validity_duration");
    struct x509_csr csr = {0};
    assert_int_equal(issue_check(&policy, SLICE("garbage"), ID, 0, &csr, why), ERR_SYNTAX);
}

static void check_life(const struct ca *ca, int64_t asked, int64_t want_ms)
{
    struct x509_csr csr;
    struct issued issued;
    struct x509_facts facts;
    char *pem = make_request(ID);
    assert_int_equal(issue_check(&policy, slice_from_cstr(pem), ID, asked, &csr, why), ERR_OK);
    assert_int_equal(issue_sign(&policy, ca, &csr, ID, asked, now, &issued, why), ERR_OK);
    assert_int_equal(issued.not_after_ms - now, want_ms);
    assert_int_equal(x509_read(slice_from_cstr(issued.cert_pem), &facts), ERR_OK);
    assert_string_equal(facts.spiffe_id, ID);
    assert_string_equal(facts.serial, issued.serial);
    /* Half of its whole life must still lie ahead when it is new. */
    assert_true(facts.not_before_ms + (facts.not_after_ms - facts.not_before_ms) / 2 > now);
    x509_facts_dispose(&facts);
    issue_dispose(&issued);
    x509_csr_dispose(&csr);
    mem_free(pem);
}

static void test_lifetimes(void **state)
{
    struct folder f;
    struct ca ca;
    char detail[CA_DETAIL_MAX];
    folder_init(&f);
    struct ca_config config = {f.path, "mesh.example.com", (uint64_t)(365 * day),
                               (uint64_t)(90 * day)};
    assert_int_equal(ca_folder_open(&config, now, &ca, detail), ERR_OK);
    check_life(&ca, 0, 3600000);
    check_life(&ca, 60, 60000);
    check_life(&ca, 5, 5000);
    check_life(&ca, 7200, 7200000);
    check_life(&ca, 7201, 7200000);
    check_life(&ca, INT64_MAX, 7200000);
    ca_close(&ca);
    folder_dispose(&f);
}

/* The subject alternative names, as openssl would list them: looked for in the DER. */
static bool carries(const char *pem, const char *name)
{
    uint8_t *der;
    size_t len;
    assert_int_equal(pem_find(slice_from_cstr(pem), "CERTIFICATE", NULL, &der, &len), ERR_OK);
    bool yes = slice_find(slice_of(der, len), slice_from_cstr(name)) < len;
    mem_free(der);
    return yes;
}

static void check_name(const struct ca *ca, const char *id, bool expected)
{
    struct issue_name name = {(char *)"weft-system", (char *)"weft-injector",
                              (char *)"weft-injector.weft-system.svc"};
    struct issue_policy named = policy;
    struct x509_csr csr;
    struct issued issued;
    named.names = &name;
    named.name_count = 1;
    char *pem = make_request(id);
    assert_int_equal(issue_check(&named, slice_from_cstr(pem), id, 0, &csr, why), ERR_OK);
    assert_int_equal(issue_sign(&named, ca, &csr, id, 0, now, &issued, why), ERR_OK);
    assert_int_equal(carries(issued.cert_pem, name.dns_name), expected);
    issue_dispose(&issued);
    x509_csr_dispose(&csr);
    mem_free(pem);
}

/* The program that is called by name gets it into its certificate, and nobody else does. */
static void test_dns_names(void **state)
{
    struct folder f;
    struct ca ca;
    char detail[CA_DETAIL_MAX];
    folder_init(&f);
    struct ca_config config = {f.path, "mesh.example.com", (uint64_t)(365 * day),
                               (uint64_t)(90 * day)};
    assert_int_equal(ca_folder_open(&config, now, &ca, detail), ERR_OK);
    check_name(&ca, "spiffe://mesh.example.com/ns/weft-system/sa/weft-injector", true);
    check_name(&ca, "spiffe://mesh.example.com/ns/shop/sa/weft-injector", false);
    check_name(&ca, "spiffe://mesh.example.com/ns/weft-system/sa/other", false);
    check_name(&ca, "spiffe://mesh.example.com/weft-system/weft-injector", false);
    ca_close(&ca);
    folder_dispose(&f);
}

/* ---- rate limits */

static void test_rate(void **state)
{
    struct rate r;
    rate_init(&r, 60, 3);
    for (int i = 0; i < 3; i++)
        assert_true(rate_take(&r, SLICE("a"), 1000));
    assert_false(rate_take(&r, SLICE("a"), 1000));
    rate_give(&r, SLICE("a"));
    rate_give(&r, SLICE("nobody"));
    assert_true(rate_take(&r, SLICE("a"), 1000));
    assert_false(rate_take(&r, SLICE("a"), 1000));
    assert_true(rate_take(&r, SLICE("b"), 1000));
    assert_false(rate_take(&r, SLICE("a"), 1999));
    assert_true(rate_take(&r, SLICE("a"), 2000));
    assert_false(rate_take(&r, SLICE("a"), 2000));
    /* Never more than the burst, however long it was quiet. */
    for (int i = 0; i < 3; i++)
        assert_true(rate_take(&r, SLICE("a"), 1000000000));
    assert_false(rate_take(&r, SLICE("a"), 1000000000));
    for (int i = 0; i < 5; i++)
        rate_give(&r, SLICE("a"));
    for (int i = 0; i < 3; i++)
        assert_true(rate_take(&r, SLICE("a"), 1000000000));
    assert_false(rate_take(&r, SLICE("a"), 1000000000));
    rate_dispose(&r);
}

static void test_rate_is_bounded(void **state)
{
    struct rate r;
    char name[20];
    rate_init(&r, 60, 2);
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "%d", i);
        assert_true(rate_take(&r, slice_from_cstr(name), 1000));
    }
    assert_false(rate_take(&r, SLICE("one more"), 1000));
    /* A second later all are full again, and forgotten. */
    assert_true(rate_take(&r, SLICE("one more"), 2000));
    assert_int_equal(r.buckets.count, 1);
    rate_dispose(&r);
}

/* ---- command line */

static int parse(struct options *o, const char *line)
{
    static char words[400];
    char *argv[32];
    int argc = 0;
    snprintf(words, sizeof(words), "weft-certd %s", line);
    for (char *at = words; at && *at && argc < 31;) {
        argv[argc++] = at;
        at = strchr(at, ' ');
        if (at)
            *at++ = 0;
    }
    argv[argc] = NULL;
    return options_parse(o, argc, argv);
}

static void test_options(void **state)
{
    static const char *const bad[] = {
        "",
        "--state",
        "--state /s --nonsense 1",
        "--state /s stray",
        "--state /s --listen nonsense",
        "--state /s --listen off",
        "--state /s --trust-domain Upper",
        "--state /s --trust-domain a/b",
        "--state /s --leaf-ttl 1s",
        "--state /s --leaf-ttl 400h",
        "--state /s --rate 0",
        "--state /s --ttl 10m",
        "token",
        "token list --state /s",
        "token create --state /s",
        "token create --state /s --spiffe-id spiffe://td",
        "token create --state /s --spiffe-id x",
        "token create --state /s --spiffe-id spiffe://td/a --listen 1.2.3.4:5",
        "--kubernetes --state /s",
        "--kubernetes --bundle-out /b",
        "--kubernetes=maybe",
        "--kubernetes --dns-for a=b",
        "--kubernetes --dns-for a/b",
        "--kubernetes --dns-for a/b=",
        "--kubernetes --dns-for a/b/c=d",
    };
    struct options o;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(parse(&o, bad[i]), 2);
        options_dispose(&o);
    }
    assert_int_equal(parse(&o, "--state /s --leaf-ttl=12s --dns-name a.example.com --dns-name b"),
                     -1);
    assert_string_equal(o.state_dir, "/s");
    assert_int_equal(o.leaf_ttl_ms, 12000);
    assert_int_equal(o.listen.port, 15012);
    assert_int_equal(o.dns_name_count, 2);
    assert_false(o.is_token_create);
    options_dispose(&o);
    assert_int_equal(parse(&o, "--kubernetes --match-pod-address --dns-for weft-system/a=a.example "
                               "--kubeconfig /k"),
                     -1);
    assert_true(o.kubernetes && o.match_pod_address);
    assert_string_equal(o.kubeconfig, "/k");
    assert_int_equal(options_policy(&o).name_count, 1);
    assert_string_equal(o.names[0].namespace_name, "weft-system");
    assert_string_equal(o.names[0].service_account, "a");
    assert_string_equal(o.names[0].dns_name, "a.example");
    options_dispose(&o);
    assert_int_equal(parse(&o, "token create --state /s --spiffe-id " ID), -1);
    assert_true(o.is_token_create);
    assert_int_equal(o.token_ttl_ms, 600000);
    options_dispose(&o);
    assert_int_equal(parse(&o, "--help"), 0);
    options_dispose(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),           cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_dns_names),       cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_is_bounded), cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
