/* What of a text may be shown to strangers, and what may not, in the forms in which secrets turn
 * up: in JSON, in logs, in lines, in base64.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_write.h"
#include "weftctl/install/scrub.h"

#define SECRETS                                                                     \
    "[{\"data\":{\"password\":\"aHVudGVyMmh1bnRlcjI=\",\"short\":\"YWJj\","          \
    "\"two\":\"Zmlyc3Qtc2VjcmV0LWxpbmUKc2Vjb25kLXNlY3JldC1saW5lCg==\"}},"           \
    "{\"data\":{\"tls.crt\":\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCnB1YmxpYy1saW5lLW9m"    \
    "LWl0Ci0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K\"}}]"

static const struct doc *parse(struct arena *a, const char *json)
{
    const struct doc *d;
    struct doc_error error;
    assert_int_equal(doc_json_parse(slice_from_cstr(json), a, &d, &error), ERR_OK);
    return d;
}

static void expect(const char *text, const char *clean)
{
    struct scrub *s = scrub_create();
    struct arena a;
    size_t len;
    arena_init(&a, 4096);
    scrub_learn(s, parse(&a, SECRETS));
    char *got = scrub_text(s, slice_from_cstr(text), &len);
    assert_string_equal(got, clean);
    assert_int_equal(len, strlen(clean));
    mem_free(got);
    arena_dispose(&a);
    scrub_destroy(s);
}

static void values_of_secrets_go_wherever_they_stand(void **state)
{
    (void)state;
    expect("user=a password=hunter2hunter2!", "user=a password=(removed)!");
    expect("aHVudGVyMmh1bnRlcjI=", "(removed)");
    expect("x second-secret-line\\nfirst-secret-line", "x (removed)\\n(removed)");
    expect("abc is too short, public-line-of-it is public",
           "abc is too short, public-line-of-it is public");
    expect("hunter2hunter", "hunter2hunter");
    expect("", "");
}

static void what_looks_like_a_secret_goes(void **state)
{
    (void)state;
    expect("a -----BEGIN EC PRIVATE KEY-----\nMHc=\n-----END EC PRIVATE KEY----- b",
           "a -----BEGIN EC PRIVATE KEY-----(removed) b");
    expect("\"-----BEGIN PRIVATE KEY-----\\nMHc=", "\"-----BEGIN PRIVATE KEY-----(removed)");
    expect("-----BEGIN CERTIFICATE-----\nMHc=\n", "-----BEGIN CERTIFICATE-----\nMHc=\n");
    expect("t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJlLW9m-it end",
           "t (removed) end");
    expect("eyJ is no token", "eyJ is no token");
}

static void credentials_of_headers_go(void **state)
{
    (void)state;
    expect("Authorization: Basic dTpw\nHost: a", "Authorization: (removed)\nHost: a");
    expect("{\"authorization\":\"Bearer x\",\"b\":1}", "{\"authorization\":\"(removed)\",\"b\":1}");
    expect("\\\"cookie\\\": \\\"a=b; c=d\\\"", "\\\"cookie\\\": \\\"(removed)\\\"");
    expect("x-api-key=k1", "x-api-key=(removed)");
    expect("{\"authorization\":[1,2],\"cookie\":null}",
           "{\"authorization\":[1,2],\"cookie\":null}");
    expect("the authorization policy", "the authorization policy");
}

static void expect_doc(const char *json, const char *clean)
{
    struct arena a;
    struct buf out;
    struct json_write w;
    arena_init(&a, 4096);
    buf_init(&out);
    json_write_init(&w, &out);
    doc_write_json(&w, scrub_doc(&a, parse(&a, json)));
    char *got = buf_take_text(&out, NULL);
    assert_string_equal(got, clean);
    mem_free(got);
    arena_dispose(&a);
}

static void objects_lose_what_is_named_so(void **state)
{
    (void)state;
    expect_doc("{\"a\":1,\"managedFields\":[2],\"spec\":{\"apiKey\":\"k\",\"token\":{\"x\":1}}}",
               "{\"a\":1,\"spec\":{\"apiKey\":\"(removed)\",\"token\":{\"x\":1}}}");
    expect_doc("{\"env\":[{\"name\":\"DB\",\"value\":\"p\"},"
               "{\"name\":\"WEFT_IMAGE\",\"value\":\"i\"}]}",
               "{\"env\":[{\"name\":\"DB\",\"value\":\"(removed)\"},"
               "{\"name\":\"WEFT_IMAGE\",\"value\":\"i\"}]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_secrets_go_wherever_they_stand),
        cmocka_unit_test(what_looks_like_a_secret_goes),
        cmocka_unit_test(credentials_of_headers_go),
        cmocka_unit_test(objects_lose_what_is_named_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
