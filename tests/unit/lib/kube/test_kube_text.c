/* kube_path.c and kube_time.c: what goes into paths and bodies.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths), cmocka_unit_test(test_times)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
