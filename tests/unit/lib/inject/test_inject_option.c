/* Tests of annotations: each form, what is refused, and that the documentation names them all.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/inject_option.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/inject/pod_text.h"

static enum err read_one(struct arena *a, const char *name, const char *value,
                         struct inject_options *out, struct slice *why)
{
    char yaml[300];
    snprintf(yaml, sizeof(yaml), "{weft.dev/%s: %s}", name, value);
    const struct doc *said[INJECT_OWNER_COUNT] = {pod_text_parse(a, yaml)};
    return inject_option_read(said, true, a, out, why);
}

static void check(const char *name, const char *value, bool good)
{
    struct arena arena;
    struct inject_options options;
    struct slice why = {0};
    arena_init(&arena, 4096);
    enum err e = read_one(&arena, name, value, &options, &why);
    if ((e == ERR_OK) != good)
        fail_msg("%s: %s: %s", name, value, err_text(e));
    if (!good)
        assert_int_equal(slice_find(why, slice_from_cstr(name)) < why.len, true);
    arena_dispose(&arena);
}

static void test_forms(void **state)
{
    static const struct {
        const char *name, *good[4], *bad[7];
    } rows[] = {
        {"redirect", {"iptables", "none"}, {"None", "\"\"", "7", "[none]"}},
        {"native-sidecar", {"\"true\"", "\"no\""}, {"\"maybe\"", "true", "\"1\""}},
        {"inbound-forward", {"\"1\"", "\"65535\""}, {"\"0\"", "\"65536\"", "80", "\"80,81\""}},
        {"exclude-inbound-ports",
         {"\"80\"", "\"80,81\"", "\"\""},
         {"\"*\"", "\"80, 81\"", "\",80\"", "\"a\"", "\"80-90\"", "\"80;reboot\"", "\"$(X)\""}},
        {"exclude-outbound-cidrs",
         {"10.0.0.0/8", "\"10.0.0.0/8,fd00::/8\"", "1.2.3.4"},
         {"10.0.0.1/8", "\"10.0.0.0/33\"", "\"x\""}},
        {"include-outbound-cidrs", {"\"*\"", "10.0.0.0/8"}, {"\"*,10.0.0.0/8\""}},
        {"include-inbound-ports", {"\"*\"", "\"80\""}, {"\"*,80\""}},
        {"exclude-interfaces",
         {"eth1", "\"eth1,veth+\""},
         {"\"+\"", "\"a b\"", "\"-x\"", "\"a+b\""}},
        {"proxy-cpu-request",
         {"100m", "\"2\"", "\"0.5\"", "1.5Gi"},
         {"\"-1\"", "\"\"", "\"1e3\"", "\"1.\"", "\"m\"", "\"1.2.3\"", "\"1mm\""}},
        {"proxy-workers", {"\"1\"", "\"64\""}, {"\"0\"", "\"65\"", "\"x\""}},
        {"proxy-log-level", {"debug"}, {"loud"}},
        {"proxy-access-log",
         {"\"off\"", "\"errors,json\""},
         {"\"some\"", "\"json,errors\"", "\"all,\""}},
        {"proxy-drain-time", {"30s", "\"1h\""}, {"\"30\"", "\"2h\"", "\"-1s\""}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; k < 4 && rows[i].good[k]; k++)
            check(rows[i].name, rows[i].good[k], true);
        for (size_t k = 0; k < 7 && rows[i].bad[k]; k++)
            check(rows[i].name, rows[i].bad[k], false);
    }
}

static void test_defaults(void **state)
{
    struct arena arena;
    struct inject_options options;
    struct slice why;
    arena_init(&arena, 4096);
    const struct doc *said[INJECT_OWNER_COUNT] = {NULL};
    assert_int_equal(inject_option_read(said, true, &arena, &options, &why), ERR_OK);
    assert_true(inject_option_is(&options, INJECT_NATIVE, "true"));
    assert_true(inject_option_is(&options, INJECT_REDIRECT, "iptables"));
    assert_int_equal(options.value[INJECT_CPU_LIMIT].len, 0);
    assert_int_equal(inject_option_read(said, false, &arena, &options, &why), ERR_OK);
    assert_true(inject_option_is(&options, INJECT_NATIVE, "false"));
    for (size_t i = 0; i < INJECT_OPTION_COUNT; i++) {
        const struct inject_option_row *row = &inject_option_rows[i];
        if (row->fallback[0] && !row->is_valid(slice_from_cstr(row->fallback)))
            fail_msg("the default of %s is not valid", row->name);
    }
    arena_dispose(&arena);
}

static void test_faults(void **state)
{
    struct arena arena;
    arena_init(&arena, 4096);
    const struct doc *d = pod_text_parse(
        &arena, "{x: y, weft.dev/proxy-workers: \"0\", weft.dev/opaque-ports: \"1\", "
                "weft.dev/proxy-cpus: a, weft.dev/redirect: none, weft.dev/proxy-cpu-limit: \"\"}");
    assert_true(slice_eq(inject_option_fault(d, 0, &arena),
                         SLICE("annotation weft.dev/proxy-workers: \"0\" is not a number from 1 "
                               "to 64")));
    assert_true(slice_eq(inject_option_fault(d, 1, &arena),
                         SLICE("annotation weft.dev/proxy-cpus is not known")));
    assert_int_equal(inject_option_fault(d, 2, &arena).len, 0);
    assert_int_equal(inject_option_fault(NULL, 0, &arena).len, 0);
    arena_dispose(&arena);
}

/* A line of docs/reference/annotations.md is "| `name` | default | what |". */
static void test_documented(void **state)
{
    static char text[65536], path[1024];
    const char *root = getenv("WEFT_SOURCE");
    snprintf(path, sizeof(path), "%s/docs/reference/annotations.md", root ? root : ".");
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[len] = 0;
    for (size_t i = 0; i < INJECT_OPTION_COUNT; i++) {
        const struct inject_option_row *row = &inject_option_rows[i];
        char line[600];
        bool has = row->fallback[0];
        snprintf(line, sizeof(line), "| `%s` | %s%s%s | %s |\n", row->name, has ? "`" : "",
                 row->fallback, has ? "`" : "", row->what);
        if (!strstr(text, line))
            fail_msg("docs/reference/annotations.md lacks the line\n%s", line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
