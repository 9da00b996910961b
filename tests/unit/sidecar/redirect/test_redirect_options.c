/* Tests of the arguments of `weft-sidecar redirect`: defaults, every flag, and each kind of
 * mistake with the flag's name in the message. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_options.h"

#include <stdio.h>

#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct redirect_options o;

static int parse(int count, const char *const *arguments)
{
    char *argv[16] = {(char *)"redirect"};
    for (int i = 0; i < count; i++)
        argv[i + 1] = (char *)arguments[i];
    return redirect_options_parse(&o, count + 1, argv);
}

#define PARSE(...)                                                     \
    parse(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), \
          (const char *const[]){__VA_ARGS__})

static void test_defaults(void **state)
{
    assert_int_equal(parse(0, NULL), -1);
    assert_int_equal(o.action, REDIRECT_APPLY);
    assert_int_equal(o.inbound_port, 15006);
    assert_int_equal(o.outbound_port, 15001);
    assert_int_equal(o.uid, 1337);
    assert_false(o.has_gid);
    assert_true(o.include_inbound.all);
    assert_true(o.include_cidrs.all);
    assert_false(o.include_outbound.all);
    assert_int_equal(o.exclude_inbound.count, 2);
    assert_int_equal(o.exclude_outbound.count, 0);
    assert_int_equal(o.ipv6, REDIRECT_IPV6_AUTO);
}

static void test_all_flags(void **state)
{
    assert_int_equal(PARSE("--remove", "--inbound-port=1", "--outbound-port", "65535",
                           "--proxy-uid", "0", "--proxy-gid=12"), -1);
    assert_int_equal(o.action, REDIRECT_REMOVE);
    assert_int_equal(o.inbound_port, 1);
    assert_int_equal(o.outbound_port, 65535);
    assert_int_equal(o.uid, 0);
    assert_true(o.has_gid);
    assert_int_equal(o.gid, 12);
    assert_int_equal(PARSE("--print", "--include-inbound-ports", "80,443,80", "--ipv6=on",
                           "--exclude-inbound-ports", "", "--include-outbound-ports=*",
                           "--exclude-interfaces=eth1,veth+,br-0.1", "--include-outbound-cidrs",
                           "10.0.0.0/8,fd00::/8,192.0.2.1", "--exclude-outbound-cidrs="), -1);
    assert_int_equal(o.action, REDIRECT_PRINT);
    assert_false(o.include_inbound.all);
    assert_int_equal(o.include_inbound.count, 2);
    assert_int_equal(o.include_inbound.port[1], 443);
    assert_int_equal(o.exclude_inbound.count, 0);
    assert_true(o.include_outbound.all);
    assert_int_equal(o.interface_count, 3);
    assert_string_equal(o.exclude_interface[1], "veth+");
    assert_false(o.include_cidrs.all);
    assert_int_equal(o.include_cidrs.count, 3);
    assert_int_equal(o.include_cidrs.cidr[2].bits, 32);
    assert_int_equal(o.exclude_cidrs.count, 0);
    assert_int_equal(o.ipv6, REDIRECT_IPV6_ON);
    assert_int_equal(PARSE("--include-inbound-ports="), -1);
    assert_false(o.include_inbound.all);
    assert_int_equal(o.include_inbound.count, 0);
    assert_int_equal(PARSE("-h"), 0);
}

/* With what it printed. */
static int listen_to(const char *flag, const char *value, char said[1000])
{
    FILE *to = fmemopen(said, 1000, "w"), *before = stderr;
    *said = '\0';
    stderr = to;
    int status = value ? PARSE(flag, value) : PARSE("--print", flag);
    stderr = before;
    fclose(to);
    return status;
}

static void test_mistakes(void **state)
{
    static const struct {
        const char *flag, *value;
    } rows[] = {
        {"--inbound-port", "0"},
        {"--inbound-port", "65536"},
        {"--inbound-port", "-1"},
        {"--inbound-port", "80x"},
        {"--inbound-port", ""},
        {"--inbound-port", "*"},
        {"--inbound-port", "15001"},
        {"--proxy-uid", "envoy"},
        {"--proxy-uid", "4294967295"},
        {"--proxy-gid", ""},
        {"--include-inbound-ports", "80,"},
        {"--include-inbound-ports", ",80"},
        {"--include-inbound-ports", "80, 81"},
        {"--include-inbound-ports", "80,*"},
        {"--exclude-inbound-ports", "*"},
        {"--exclude-outbound-ports", "80:90"},
        {"--include-outbound-cidrs", "10.0.0.1/8"},
        {"--include-outbound-cidrs", "10.0.0.0/33"},
        {"--include-outbound-cidrs", "example"},
        {"--include-outbound-cidrs", "10.0.0.0/8,,"},
        {"--exclude-outbound-cidrs", "*"},
        {"--exclude-outbound-cidrs", "fe80::1%eth0"},
        {"--exclude-interfaces", "a name"},
        {"--exclude-interfaces", "-j"},
        {"--exclude-interfaces", "eth0,"},
        {"--exclude-interfaces", "+"},
        {"--exclude-interfaces", "sixteen-letters-"},
        {"--exclude-interfaces", "a\nb"},
        {"--ipv6", "maybe"},
        {"--what", "x"},
        {"--apply", NULL},
        {"--proxy-uid", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char said[1000];
        int status = listen_to(rows[i].flag, rows[i].value, said);
        if (status != 2 || !strstr(said, rows[i].flag))
            fail_msg("%s '%s' said: %s", rows[i].flag, rows[i].value ? rows[i].value : "", said);
    }
}

static void test_limits(void **state)
{
    char list[4096] = "1";
    for (int i = 2; i <= REDIRECT_LIST_MAX; i++)
        snprintf(list + strlen(list), sizeof(list) - strlen(list), ",%d", i);
    assert_int_equal(PARSE("--exclude-outbound-ports", list), -1);
    assert_int_equal(o.exclude_outbound.count, REDIRECT_LIST_MAX);
    snprintf(list + strlen(list), sizeof(list) - strlen(list), ",9999");
    assert_int_equal(PARSE("--exclude-outbound-ports", list), 2);
    assert_int_equal(PARSE("--exclude-interfaces", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_flags),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
