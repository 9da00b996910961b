/* Tests of addresses and prefixes: reading, writing, comparing, and what is refused. * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "tests/unit/lib/base/cmocka_base.h"

static struct addr parsed(const char *text)
{
    struct addr a;
    if (addr_parse(slice_from_cstr(text), &a))
        fail_msg("'%s' was refused", text);
    return a;
}

static struct cidr prefix(const char *text)
{
    struct cidr c;
    if (cidr_parse(slice_from_cstr(text), &c))
        fail_msg("'%s' was refused", text);
    return c;
}

static void check_round_trip(const char *text, const char *want)
{
    char out[ADDR_TEXT_MAX];
    struct addr a = parsed(text);
    assert_string_equal(addr_format(&a, out), want);
    struct addr again = parsed(want);
    assert_true(addr_eq(&a, &again));
}

static void test_round_trips(void **state)
{
    check_round_trip("10.0.0.1:80", "10.0.0.1:80");
    check_round_trip("10.0.0.1", "10.0.0.1:0");
    check_round_trip("255.255.255.255:65535", "255.255.255.255:65535");
    check_round_trip("[::1]:80", "[::1]:80");
    check_round_trip("::1", "[::1]:0");
    check_round_trip("[2001:DB8::0:1]:443", "[2001:db8::1]:443");
    check_round_trip("[::]", "[::]:0");
    check_round_trip("[::ffff:10.1.2.3]:15001", "10.1.2.3:15001");
    check_round_trip("::ffff:a01:203", "10.1.2.3:0");
    check_round_trip("[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
                     "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static void test_refused(void **state)
{
    const char *bad[] = {
        "",
        ":",
        ":80",
        "10.0.0",
        "10.0.0.256",
        "10.0.0.01",
        "10.0.0.1:",
        "1.2.3.4:-1",
        "1.2.3.4:+1",
        "1.2.3.4:080",
        "1.2.3.4:65536",
        "1.2.3.4:80 ",
        " 1.2.3.4",
        "0x7f.0.0.1",
        "127.1",
        "2130706433",
        "[10.0.0.1]:80",
        "[::1",
        "[::1]80",
        "[::1]:",
        "[]:80",
        "[::1]:65536",
        "fe80::1%eth0",
        "[fe80::1%2]:80",
        "::1::",
        "1:2:3",
        "12345::",
        "localhost:80",
        "[[::1]]:80",
        "::ffff:1.2.3.256",
        "[::1]:8a",
        "1.2.3.4.5",
    };
    struct addr a = {.family = 9};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (addr_parse(slice_from_cstr(bad[i]), &a) != ERR_SYNTAX)
            fail_msg("'%s' was taken", bad[i]);
    }
    assert_int_equal(addr_parse(SLICE("1.2.3.4\0"), &a), ERR_SYNTAX);
    assert_int_equal(addr_parse(SLICE("1.2.3.4\0:80"), &a), ERR_SYNTAX);
    assert_int_equal(a.family, 9);
}

static void test_format_none(void **state)
{
    char text[ADDR_TEXT_MAX];
    struct addr a = {0};
    assert_string_equal(addr_format(&a, text), "none");
    assert_string_equal(addr_format_ip(&a, text), "none");
    a = parsed("[::1]:9");
    assert_string_equal(addr_format_ip(&a, text), "::1");
}

static void test_compare(void **state)
{
    struct addr a = parsed("10.0.0.1:80"), b = parsed("10.0.0.1:81"),
                c = parsed("[::ffff:10.0.0.1]:80");
    assert_false(addr_eq(&a, &b));
    assert_true(addr_eq_ip(&a, &b));
    assert_true(addr_eq(&a, &c));
    assert_true(addr_hash(&a) == addr_hash(&c));
    assert_true(addr_hash(&a) != addr_hash(&b));
    struct addr v4 = parsed("0.0.0.0"), v6 = parsed("::"), none = {0};
    assert_false(addr_eq_ip(&v4, &v6));
    assert_true(addr_is_any(&v4));
    assert_true(addr_is_any(&v6));
    assert_false(addr_is_any(&none));
    assert_false(addr_is_any(&a));
}

static void test_loopback(void **state)
{
    const char *yes[] = {"127.0.0.1", "127.255.0.6", "::1", "::ffff:127.0.0.1"};
    const char *no[] = {"128.0.0.1", "::2", "::", "1::1", "0.0.0.0"};
    for (size_t i = 0; i < 4; i++) {
        struct addr a = parsed(yes[i]);
        assert_true(addr_is_loopback(&a));
    }
    for (size_t i = 0; i < 5; i++) {
        struct addr a = parsed(no[i]);
        assert_false(addr_is_loopback(&a));
    }
}

static void check_sockaddr(const char *text, socklen_t want)
{
    struct sockaddr_storage ss;
    struct addr a = parsed(text), back;
    assert_int_equal(addr_to_sockaddr(&a, &ss), want);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &back), ERR_OK);
    assert_true(addr_eq(&a, &back));
}

static void test_sockaddr(void **state)
{
    struct sockaddr_storage ss;
    struct addr none = {0}, out;
    check_sockaddr("10.1.2.3:8080", sizeof(struct sockaddr_in));
    check_sockaddr("[2001:db8::5]:8080", sizeof(struct sockaddr_in6));
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    assert_int_equal(inet_pton(AF_INET6, "::ffff:1.2.3.4", &mapped.sin6_addr), 1);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&mapped, &out), ERR_OK);
    struct addr plain = parsed("1.2.3.4:7");
    assert_true(addr_eq(&out, &plain));
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&un, &out), ERR_UNSUPPORTED);
    assert_int_equal(out.family, 0);
    addr_to_sockaddr(&none, &ss);
    assert_int_equal(ss.ss_family, AF_UNSPEC);
}

static void check_contains(const char *range, const char *ip, bool want)
{
    struct cidr c = prefix(range);
    struct addr a = parsed(ip);
    if (cidr_contains(&c, &a) != want)
        fail_msg("%s contains %s: %d", range, ip, !want);
}

static void test_cidr_contains(void **state)
{
    check_contains("10.0.0.0/8", "10.255.1.2", true);
    check_contains("10.0.0.0/8", "11.0.0.0", false);
    check_contains("10.0.0.0/9", "10.127.0.0", true);
    check_contains("10.0.0.0/9", "10.128.0.0", false);
    check_contains("0.0.0.0/0", "1.2.3.4", true);
    check_contains("0.0.0.0/0", "::1", false);
    check_contains("::/0", "1.2.3.4", false);
    check_contains("::/0", "2001:db8::1", true);
    check_contains("10.0.0.1", "10.0.0.1", true);
    check_contains("10.0.0.1", "10.0.0.2", false);
    check_contains("10.0.0.2/31", "10.0.0.3", true);
    check_contains("2001:db8::/33", "2001:db8:7fff::", true);
    check_contains("2001:db8::/33", "2001:db8:8000::", false);
    check_contains("::1", "::1", true);
    check_contains("::ffff:10.0.0.0/104", "10.1.2.3", true);
    check_contains("::ffff:0:0/96", "8.8.8.8", true);
    check_contains("::ffff:10.0.0.1", "10.0.0.1", true);
}

static void test_cidr_refused(void **state)
{
    const char *bad[] = {
        "",
        "/8",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.1/8",
        "10.0.0.0/08",
        "10.0.0.0/8 ",
        "::/129",
        "10.128.0.0/8",
        "::1/127",
        "10.0.0.0:80/8",
        "[::]/0",
        "10.0.0.0/8/8",
        "10.0.0.0/-1",
        "::ffff:10.0.0.0/102",
        "::ffff:0:0/90",
        "10.0.0.0/99999999999999999999",
    };
    struct cidr c = {.bits = 77};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (cidr_parse(slice_from_cstr(bad[i]), &c) != ERR_SYNTAX)
            fail_msg("'%s' was taken", bad[i]);
    }
    assert_int_equal(c.bits, 77);
}

static void test_split(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {
        {"certd.weft-system.svc:15012", "certd.weft-system.svc", 15012},
        {"10.0.0.1:1", "10.0.0.1", 1},
        {"[::1]:65535", "::1", 65535},
    };
    static const char *const bad[] = {"",       ":80",     "host",      "host:",  "host:0",
                                      "host:x", "host:-1", "h:65536",   "::1:80", "[::1:80",
                                      "[]:80",  "[::1]80", "host:80:90"};
    struct slice host;
    uint16_t port;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(addr_split(slice_from_cstr(good[i].text), &host, &port), ERR_OK);
        assert_true(slice_eq_cstr(host, good[i].host));
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (addr_split(slice_from_cstr(bad[i]), &host, &port) != ERR_SYNTAX)
            fail_msg("%s was taken", bad[i]);
}

static void test_cidr_none(void **state)
{
    struct cidr all = prefix("0.0.0.0/0"), unset = {0};
    struct addr none = {0};
    assert_false(cidr_contains(&all, &none));
    assert_false(cidr_contains(&unset, &none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_format_none),   cmocka_unit_test(test_compare),
        cmocka_unit_test(test_loopback),      cmocka_unit_test(test_sockaddr),
        cmocka_unit_test(test_cidr_contains), cmocka_unit_test(test_cidr_refused),
        cmocka_unit_test(test_cidr_none),     cmocka_unit_test(test_split),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
