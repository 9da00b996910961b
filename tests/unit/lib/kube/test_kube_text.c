/* kube_path.c, kube_time.c and kube_name.c: what goes into paths, bodies and arguments.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/kube/kube_name.h"
#include "lib/kube/kube_path.h"
#include "lib/kube/kube_time.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void check_path(const char *text, const char *want)
{
    char *got = kube_path_escape(slice_from_cstr(text));
    assert_string_equal(got, want);
    mem_free(got);
}

static void test_paths(void **state)
{
    check_path("", "");
    check_path("my-pod_1.a~b", "my-pod_1.a~b");
    check_path("a/b?c=d&e#f%g", "a%2Fb%3Fc%3Dd%26e%23f%25g");
    check_path("system:masters", "system%3Amasters");
    check_path("../x", "..%2Fx");
    check_path("\xc3\xa9 \n", "%C3%A9%20%0A");
}

static void check_time(int64_t ms, const char *want)
{
    char text[KUBE_TIME_TEXT_MAX];
    assert_string_equal(kube_time_text(ms, text), want);
}

static void test_times(void **state)
{
    check_time(0, "1970-01-01T00:00:00.000000Z");
    check_time(1767323045678, "2026-01-02T03:04:05.678000Z");
    check_time(-1, "1969-12-31T23:59:59.999000Z");
}

static void check_domain(const char *resolv_conf, const char *want)
{
    struct slice got = kube_name_find_domain(slice_from_cstr(resolv_conf));
    assert_true(slice_eq(got, slice_from_cstr(want)));
}

static void test_domains(void **state)
{
    check_domain("search weft-system.svc.cluster.local svc.cluster.local cluster.local\n"
                 "nameserver 10.96.0.10\noptions ndots:5\n",
                 "cluster.local");
    check_domain("nameserver 10.96.0.10\nsearch a.svc.corp.example \t svc.corp.example",
                 "corp.example");
    check_domain(" \t search\t \tsvc.far.example\t\n", "far.example");
    check_domain("search svc.one svc.two\n", "one");
    check_domain("search \t", "");
    check_domain(" \t\n", "");
    check_domain("search svc.one\nsearch svc.two.\n", "two");
    check_domain("search svc.one\nsearch example.org\n", "");
    check_domain("#search svc.one\nsearching svc.two\n", "");
    check_domain("search svc.\n", "");
    check_domain("", "");
}

static void check_name(const char *address, const char *want)
{
    char *got = kube_name_complete(slice_from_cstr(address), SLICE("corp.example"));
    assert_string_equal(got, want);
    mem_free(got);
}

static void test_names(void **state)
{
    check_name("weft-certd.weft-system.svc:15012",
               "weft-certd.weft-system.svc.corp.example.:15012");
    check_name("weft-certd.weft-system.svc", "weft-certd.weft-system.svc.corp.example.");
    check_name("weft-certd.weft-system.svc.:1", "weft-certd.weft-system.svc.:1");
    check_name("weft-certd.weft-system.svc.cluster.local:1",
               "weft-certd.weft-system.svc.cluster.local:1");
    check_name("certd.example:15012", "certd.example:15012");
    check_name("10.96.0.7:15012", "10.96.0.7:15012");
    check_name("[fd00::7]:15012", "[fd00::7]:15012");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths), cmocka_unit_test(test_times),
        cmocka_unit_test(test_domains), cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
