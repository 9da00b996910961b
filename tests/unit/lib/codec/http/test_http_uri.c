/* URIs of documents: which are taken, as what, and which are refused because another reader could
 * take them for something else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/http_uri.h"

#include "tests/unit/lib/base/cmocka_base.h"

static void test_good(void **state)
{
    static const struct {
        const char *text, *host, *authority, *path;
        uint16_t port;
        bool is_tls;
    } rows[] = {
        {"https://a.b/c", "a.b", "a.b", "/c", 443, true},
        {"http://a", "a", "a", "/", 80, false},
        {"http://a/", "a", "a", "/", 80, false},
        {"https://a-1.b:8443/c?d=e&f", "a-1.b", "a-1.b:8443", "/c?d=e&f", 8443, true},
        {"http://10.0.0.1:80/.well-known/jwks.json", "10.0.0.1", "10.0.0.1:80",
         "/.well-known/jwks.json", 80, false},
        {"https://[fd00::1]:444/k", "fd00::1", "[fd00::1]:444", "/k", 444, true},
        {"https://[fd00::1]/k", "fd00::1", "[fd00::1]", "/k", 443, true},
        {"https://1a.b/c", "1a.b", "1a.b", "/c", 443, true},
        {"https://a/%41", "a", "a", "/%41", 443, true},
    };
    struct http_uri u;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!http_uri_read(slice_from_cstr(rows[i].text), &u))
            fail_msg("%s", rows[i].text);
        assert_true(slice_eq_cstr(u.host, rows[i].host));
        assert_true(slice_eq_cstr(u.authority, rows[i].authority));
        assert_true(slice_eq_cstr(u.path, rows[i].path));
        assert_int_equal(u.port, rows[i].port);
        assert_int_equal(u.is_tls, rows[i].is_tls);
    }
}

static void test_bad(void **state)
{
    static const char *const rows[] = {
        "",
        "a",
        "ftp://a/",
        "HTTPS://a/",
        "https:/a",
        "https://",
        "https:///a",
        "https://:443/",
        "https://a:/x:",
        "https://a:0/",
        "https://a:65536/",
        "https://a:4x/",
        "https://a:80:81/",
        "https://user@a/",
        "https://user:secret@a/",
        "https://A/",
        "https://a b/",
        "https://a/b c",
        "https://a/b\r\nx: y",
        "https://a/b#c",
        "https://a?b",
        "https://a\\b/",
        "https://.a/",
        "https://a./",
        "https://a..b/",
        "https://-a/",
        "https://a_b/",
        "https://2130706433/", /* 127.0.0.1, to some */
        "https://0x7f.1/",
        "https://127.1/",
        "https://1.2.3/",
        "https://10.0.0.1.2/",
        "https://[10.0.0.1]/",
        "https://[::1/",
        "https://::1/",
        "https://[::1]x/",
        "https://[fe80::1%25eth0]/",
    };
    struct http_uri u;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (http_uri_read(slice_from_cstr(rows[i]), &u))
            fail_msg("%s", rows[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
