/* The small pure parts: durations, quantities and ports of the schema, named forms of strings,
 * label selectors, host names of the Gateway API, times. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/codec/doc/doc_yaml.h"
#include "policies/store/gateway_host.h"
#include "policies/kinds/kind.h"
#include "lib/schema/schema_format.h"
#include "policies/kinds/selector.h"

struct sample {
    int64_t duration, quantity, integer;
    struct schema_port port;
    bool flag;
    struct slice text;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct sample, duration, "duration", DURATION, "", .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct sample, quantity, "quantity", QUANTITY, "", .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct sample, integer, "integer", INT, "", .fallback = 42, .min = -5, .max = 99),
    SCHEMA_FIELD(struct sample, port, "port", PORT, ""),
    SCHEMA_FIELD(struct sample, flag, "flag", BOOL, "", .fallback = 1),
    SCHEMA_FIELD(struct sample, text, "text", STRING, "", .text = "unsaid", .min = 2, .max = 5),
    {0},
};

static const struct schema schema = {
    .name = "Sample", .size = sizeof(struct sample), .fields = fields};

static struct arena arena;

static unsigned parse(const char *yaml, struct sample *out)
{
    struct doc_list list;
    struct doc_error error;
    struct diag_list diags;
    diag_list_init(&diags);
    assert_int_equal(doc_yaml_parse(slice_from_cstr(yaml), &arena, &list, &error), ERR_OK);
    struct schema_run run = {.arena = &arena, .diags = &diags};
    schema_parse(&run, &schema, list.items[0], out);
    assert_int_equal(diags.errors, run.errors);
    diag_list_dispose(&diags);
    return run.errors;
}

static int set_up(void **state)
{
    arena_init(&arena, 4096);
    return 0;
}

static int tear_down(void **state)
{
    arena_dispose(&arena);
    return 0;
}

static void test_defaults(void **state)
{
    struct sample s;
    assert_int_equal(parse("{}", &s), 0);
    assert_int_equal(s.duration, SCHEMA_UNSET);
    assert_int_equal(s.integer, 42);
    assert_true(s.flag);
    assert_true(slice_eq_cstr(s.text, "unsaid"));
    assert_int_equal(s.port.number, 0);
    assert_null(s.port.name.ptr);
}

static void test_durations(void **state)
{
    static const struct {
        const char *yaml;
        int64_t ms;
    } good[] = {
        {"{duration: 0s}", 0},          {"{duration: 5ms}", 5},
        {"{duration: 1m30s}", 90000},   {"{duration: 1h1m1s1ms}", 3661001},
        {"{duration: 99999ms}", 99999}, {"{duration: 1000h}", SCHEMA_DURATION_MAX_MS},
    };
    static const char *const bad[] = {
        "{duration: 5}",    "{duration: ''}",    "{duration: s}",          "{duration: 5x}",
        "{duration: 1.5s}", "{duration: -5s}",   "{duration: 5 s}",        "{duration: 100000s}",
        "{duration: 5S}",   "{duration: 1001h}", "{duration: 1h1h1h1h1h}", "{duration: [5s]}",
    };
    struct sample s;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(parse(good[i].yaml, &s), 0);
        assert_int_equal(s.duration, good[i].ms);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i], &s) != 1)
            fail_msg("%s was accepted", bad[i]);
}

static void test_quantities(void **state)
{
    static const struct {
        const char *yaml;
        int64_t thousandths;
    } good[] = {
        {"{quantity: 2}", 2000},
        {"{quantity: \"2\"}", 2000},
        {"{quantity: 100m}", 100},
        {"{quantity: \"1.5\"}", 1500},
        {"{quantity: 1.5Gi}", INT64_C(1500) << 30},
        {"{quantity: 3k}", 3000000},
        {"{quantity: 1Ki}", 1024000},
        {"{quantity: 0}", 0},
    };
    static const char *const bad[] = {
        "{quantity: -1}",           "{quantity: m}",    "{quantity: 1mm}",
        "{quantity: 1.2.3}",        "{quantity: 1 k}",  "{quantity: 1.2345}",
        "{quantity: 9999999999Ti}", "{quantity: true}", "{quantity: \"\"}",
    };
    struct sample s;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(parse(good[i].yaml, &s), 0);
        assert_int_equal(s.quantity, good[i].thousandths);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (parse(bad[i], &s) != 1)
            fail_msg("%s was accepted", bad[i]);
}

static void test_ports_and_bounds(void **state)
{
    struct sample s;
    assert_int_equal(parse("{port: 8080}", &s), 0);
    assert_int_equal(s.port.number, 8080);
    assert_int_equal(parse("{port: http-2}", &s), 0);
    assert_true(slice_eq_cstr(s.port.name, "http-2"));
    assert_int_equal(parse("{port: 0}", &s), 1);
    assert_int_equal(parse("{port: -1}", &s), 1);
    assert_int_equal(parse("{port: 65536}", &s), 1);
    assert_int_equal(parse("{port: \"80\"}", &s), 1);
    assert_int_equal(parse("{port: HTTP}", &s), 1);
    assert_int_equal(parse("{integer: -5}", &s), 0);
    assert_int_equal(parse("{integer: 100}", &s), 1);
    assert_int_equal(parse("{integer: -6}", &s), 1);
    assert_int_equal(s.integer, 42);
    assert_int_equal(parse("{text: a}", &s), 1);
    assert_int_equal(parse("{text: abcdef}", &s), 1);
    assert_int_equal(parse("{text: abcde, flag: false}", &s), 0);
    assert_false(s.flag);
    assert_int_equal(parse("{text: null, flag: maybe, integer: x, nothing: 1}", &s), 4);
}

static void test_formats(void **state)
{
    static const struct {
        const struct schema_format *format;
        const char *text;
        bool valid;
    } cases[] = {
        {&schema_format_label_name, "a-1", true},
        {&schema_format_label_name, "a.b", false},
        {&schema_format_label_name, "-a", false},
        {&schema_format_label_name, "", false},
        {&schema_format_name, "a.b-c", true},
        {&schema_format_name, "a..b", false},
        {&schema_format_name, "a_b", false},
        {&schema_format_hostname, "*.a.b", true},
        {&schema_format_hostname, "*", false},
        {&schema_format_hostname, "*a.b", false},
        {&schema_format_hostname, "a.b.", false},
        {&schema_format_hostname, "1.2.3.4", false},
        {&schema_format_hostname, "1.2.3.4.5", true},
        {&schema_format_precise_hostname, "*.a.b", false},
        {&schema_format_header_name, "X-A_b!", true},
        {&schema_format_header_name, ":path", false},
        {&schema_format_header_name, "", false},
        {&schema_format_header_value, "a b\tc", true},
        {&schema_format_header_value, "", true},
        {&schema_format_header_value, "a\n", false},
        {&schema_format_header_value, "a ", false},
        {&schema_format_realm, "the shop", true},
        {&schema_format_realm, "", false},
        {&schema_format_realm, "a\"b", false},
        {&schema_format_realm, "a\\b", false},
        {&schema_format_realm, " a", false},
        {&schema_format_mutable_header, "x-a", true},
        {&schema_format_mutable_header, "Transfer-Encoding", false},
        {&schema_format_mutable_header, "HOST", false},
        {&schema_format_path, "/a%20b", true},
        {&schema_format_path, "", true},
        {&schema_format_path, "a", false},
        {&schema_format_path, "/a%2", false},
        {&schema_format_path, "/a?", false},
        {&schema_format_label_key, "a.b/c_D", true},
        {&schema_format_label_key, "/c", false},
        {&schema_format_label_key, "a/", false},
        {&schema_format_label_value, "", true},
        {&schema_format_label_value, "_a", false},
        {&schema_format_port_key, "65535", true},
        {&schema_format_port_key, "065", false},
        {&schema_format_port_key, "65536", false},
        {&schema_format_cidr, "10.0.0.0/8", true},
        {&schema_format_cidr, "::/0", true},
        {&schema_format_cidr, "10.0.0.1/8", false},
        {&schema_format_trust_domain, "a.b", true},
        {&schema_format_trust_domain, "A", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].format->is_valid(slice_from_cstr(cases[i].text)) != cases[i].valid)
            fail_msg("%s: \"%s\"", cases[i].format->name, cases[i].text);
}

static void test_long_names(void **state)
{
    char text[300];
    memset(text, 'a', sizeof text);
    assert_true(schema_format_label_name.is_valid(slice_of(text, 63)));
    assert_false(schema_format_label_name.is_valid(slice_of(text, 64)));
    assert_true(schema_format_name.is_valid(slice_of(text, 253)));
    assert_false(schema_format_name.is_valid(slice_of(text, 254)));
}

static void test_selectors(void **state)
{
    struct schema_pair pairs[] = {{SLICE("app"), SLICE("web")}, {SLICE("tier"), SLICE("")}};
    struct schema_list labels = {pairs, 2, true}, none = {0};
    struct schema_pair wanted = {SLICE("app"), SLICE("web")};
    struct slice values[] = {SLICE("api"), SLICE("web")};
    struct selector s = {.match_labels = {&wanted, 1, true}};
    assert_true(selector_matches(&s, &labels));
    assert_false(selector_matches(&s, &none));
    wanted.value = SLICE("api");
    assert_false(selector_matches(&s, &labels));
    assert_true(selector_matches(&(struct selector){0}, &none));
    static const struct {
        const char *key;
        enum selector_operator operator;
        bool want;
    } cases[] = {
        {"app", SELECTOR_IN, true},
        {"app", SELECTOR_NOT_IN, false},
        {"tier", SELECTOR_IN, false},
        {"tier", SELECTOR_NOT_IN, true},
        {"gone", SELECTOR_IN, false},
        {"gone", SELECTOR_NOT_IN, true},
        {"tier", SELECTOR_EXISTS, true},
        {"gone", SELECTOR_EXISTS, false},
        {"gone", SELECTOR_DOES_NOT_EXIST, true},
        {"tier", SELECTOR_DOES_NOT_EXIST, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct selector_expression e = {slice_from_cstr(cases[i].key), cases[i].operator,
                                        {values, 2, true} };
        struct selector one = {.match_expressions = {&e, 1, true}};
        assert_int_equal(selector_matches(&one, &labels), cases[i].want);
    }
    assert_true(slice_eq_cstr(selector_label(&labels, SLICE("app")), "web"));
    assert_non_null(selector_label(&labels, SLICE("tier")).ptr);
    assert_null(selector_label(&labels, SLICE("gone")).ptr);
}

static void test_hosts_cover(void **state)
{
    static const struct {
        const char *wide, *narrow;
        bool want;
    } cases[] = {
        {"", "a.b", true},          {"*", "*.a", true},      {"", "", true},
        {"a.b", "", false},         {"*.a", "*", false},     {"a.b", "a.b", true},
        {"a.b", "x.a.b", false},    {"*.b", "a.b", true},    {"*.b", "x.a.b", true},
        {"*.b", "b", false},        {"*.b", ".b", false},    {"*.b", "*.b", true},
        {"*.b", "*.a.b", true},     {"*.a.b", "*.b", false}, {"*.b", "ab", false},
        {"*.b.c", "*.xb.c", false}, {"a.b", "*.b", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (gateway_host_covers(slice_from_cstr(cases[i].wide), slice_from_cstr(cases[i].narrow)) !=
            cases[i].want)
            fail_msg("\"%s\" and \"%s\"", cases[i].wide, cases[i].narrow);
}

static void test_hosts_narrower(void **state)
{
    static const char *const order[] = {"a.x.y", "*.b.x.y", "*.x.y", "*"};
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(
                gateway_host_is_narrower(slice_from_cstr(order[i]), slice_from_cstr(order[j])),
                i < j);
    assert_false(gateway_host_is_narrower(SLICE(""), SLICE("*")));
    assert_false(gateway_host_is_narrower(SLICE("aa.x"), SLICE("a.x")));
}

static void test_hosts_intersect(void **state)
{
    static const struct {
        const char *listener, *route, *want;
    } cases[] = {
        {"", "", "*"},
        {"", "a.b", "a.b"},
        {"a.b", "", "a.b"},
        {"*.b", "a.b", "a.b"},
        {"a.b", "*.b", "a.b"},
        {"*.b", "*.a.b", "*.a.b"},
        {"*.a.b", "*.b", "*.a.b"},
        {"a.b", "c.b", NULL},
        {"*.b", "b", NULL},
        {"*.a", "*.b", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice got;
        bool some = gateway_host_intersect(slice_from_cstr(cases[i].listener),
                                           slice_from_cstr(cases[i].route), &got);
        assert_int_equal(some, cases[i].want != NULL);
        if (some)
            assert_true(slice_eq_cstr(got, cases[i].want));
    }
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},          {"2000-02-29T12:34:56Z", 951827696},
        {"2026-01-02T03:04:05Z", 1767323045}, {"2026-01-02T03:04:05", -1},
        {"2026-01-02T03:04:05+01:00", -1},    {"2026-13-02T03:04:05Z", -1},
        {"2026-1-02T03:04:05Z", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct doc_list list;
        struct doc_error error;
        struct diag_list diags;
        struct metadata meta;
        diag_list_init(&diags);
        struct slice yaml =
            arena_printf(&arena, "{name: a, creationTimestamp: \"%s\"}", cases[i].text);
        assert_int_equal(doc_yaml_parse(yaml, &arena, &list, &error), ERR_OK);
        struct schema_run run = {.arena = &arena, .diags = &diags};
        schema_parse(&run, &kind_metadata_schema, list.items[0], &meta);
        assert_int_equal(run.errors, cases[i].seconds < 0);
        if (!run.errors)
            assert_int_equal(meta.created, cases[i].seconds);
        diag_list_dispose(&diags);
    }
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_defaults),
        WITH_ARENA(test_durations),
        WITH_ARENA(test_quantities),
        WITH_ARENA(test_ports_and_bounds),
        cmocka_unit_test(test_formats),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_hosts_cover),
        cmocka_unit_test(test_hosts_narrower),
        cmocka_unit_test(test_hosts_intersect),
        WITH_ARENA(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
