/* Tests of what counts as proof by a service-account token: every answer that is not exactly right
 * is a no.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/review_answer.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define USER "system:serviceaccount:shop:frontend"
#define GROUPS \
    "[\"system:serviceaccounts\",\"system:serviceaccounts:shop\",\"system:authenticated\"]"
#define EXTRA                                                      \
    "{\"authentication.kubernetes.io/pod-name\":[\"frontend-a\"]," \
    "\"authentication.kubernetes.io/pod-uid\":[\"u-1\"]}"

static char why[REVIEW_DETAIL_MAX];

static char *review(const char *authenticated, const char *audiences, const char *user,
                    const char *groups, const char *extra)
{
    return mem_printf(
        "{\"kind\":\"TokenReview\",\"apiVersion\":\"authentication.k8s.io/v1\","
        "\"spec\":{\"token\":\"x\"},\"status\":{\"authenticated\":%s,"
        "\"audiences\":%s,\"user\":{\"username\":\"%s\",\"groups\":%s,\"extra\":%s}}}",
        authenticated, audiences, user, groups, extra);
}

static void check_refused(char *body, const char *sentence)
{
    struct review_caller caller;
    why[0] = 0;
    enum err e = review_answer_read(slice_from_cstr(body), "weft-certd", &caller, why);
    if (!e || !strstr(why, sentence))
        fprintf(stderr, "wanted '%s', got '%s' for %s\n", sentence, why, body);
    assert_int_not_equal(e, ERR_OK);
    assert_non_null(strstr(why, sentence));
    assert_null(caller.namespace_name);
    mem_free(body);
}

static void test_good(void **state)
{
    struct review_caller caller;
    char *body = review("true", "[\"other\",\"weft-certd\"]", USER, GROUPS, EXTRA);
    assert_int_equal(review_answer_read(slice_from_cstr(body), "weft-certd", &caller, why), ERR_OK);
    assert_string_equal(caller.namespace_name, "shop");
    assert_string_equal(caller.service_account, "frontend");
    assert_string_equal(caller.pod_name, "frontend-a");
    assert_string_equal(caller.pod_uid, "u-1");
    review_answer_dispose(&caller);
    mem_free(body);
}

static void test_refused(void **state)
{
    const char *ours = "[\"weft-certd\"]";
    check_refused(review("false", ours, USER, GROUPS, EXTRA), "does not accept the token");
    check_refused(review("\"true\"", ours, USER, GROUPS, EXTRA), "does not accept the token");
    check_refused(review("1", ours, USER, GROUPS, EXTRA), "does not accept the token");
    /* A server that knows no audiences answers with none: that means its own. */
    check_refused(review("true", "[]", USER, GROUPS, EXTRA), "not for the audience weft-certd");
    check_refused(review("true", "null", USER, GROUPS, EXTRA), "not for the audience");
    check_refused(review("true", "\"weft-certd\"", USER, GROUPS, EXTRA), "not for the audience");
    check_refused(review("true", "[\"weft-certd2\"]", USER, GROUPS, EXTRA), "not for the audience");
    check_refused(review("true", ours, "admin", GROUPS, EXTRA), "not a service account's");
    check_refused(review("true", ours, "system:serviceaccount:shop", GROUPS, EXTRA),
                  "not a service account's");
    check_refused(review("true", ours, USER ":x", GROUPS, EXTRA), "not a service account's");
    check_refused(review("true", ours, "system:serviceaccount:shop/x:a", GROUPS, EXTRA),
                  "not a service account's");
    check_refused(review("true", ours, "system:serviceaccount:a.b:c", GROUPS, EXTRA),
                  "not a service account's");
    check_refused(review("true", ours, "system:serviceaccount::a", GROUPS, EXTRA),
                  "not a service account's");
    check_refused(review("true", ours, USER, "[\"system:authenticated\"]", EXTRA),
                  "not a service account's");
    check_refused(review("true", ours, USER, GROUPS, "{}"), "not bound to a pod");
    check_refused(review("true", ours, USER, GROUPS,
                         "{\"authentication.kubernetes.io/pod-name\":[\"a\",\"b\"],"
                         "\"authentication.kubernetes.io/pod-uid\":[\"u\"]}"),
                  "not bound to a pod");
    check_refused(review("true", ours, USER, GROUPS,
                         "{\"authentication.kubernetes.io/pod-name\":[\"../x\"],"
                         "\"authentication.kubernetes.io/pod-uid\":[\"u\"]}"),
                  "not bound to a pod");
    check_refused(mem_strdup("{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,"
                             "\"error\":\"token expired\"}}"),
                  "does not accept the token: token expired");
    check_refused(mem_strdup("{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,"
                             "\"user\":{\"username\":\"" USER "\",\"groups\":" GROUPS "}}}"),
                  "not for the audience");
    check_refused(mem_strdup("{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,"
                             "\"audiences\":[\"weft-certd\"],\"user\":{\"username\":\"" USER
                             "\"}}}"),
                  "not a service account's");
    check_refused(mem_strdup("{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,"
                             "\"audiences\":[\"weft-certd\"]}}"),
                  "not a service account's");
    check_refused(mem_strdup("{\"kind\":\"TokenReview\"}"), "does not accept the token");
    check_refused(mem_strdup("{\"kind\":\"Status\"}"), "no TokenReview");
    check_refused(mem_strdup("{}"), "no TokenReview");
    check_refused(mem_strdup("[]"), "no TokenReview");
    check_refused(mem_strdup("<html>"), "no JSON");
    check_refused(mem_strdup(""), "no JSON");
    /* Said twice, it is not said at all. */
    check_refused(mem_strdup("{\"kind\":\"TokenReview\",\"kind\":\"TokenReview\"}"), "no JSON");
}

static void check_user(const char *user, bool good)
{
    struct review_caller caller;
    char *body = review("true", "[\"weft-certd\"]", user, GROUPS, EXTRA);
    enum err e = review_answer_read(slice_from_cstr(body), "weft-certd", &caller, why);
    mem_free(body);
    if ((e == ERR_OK) != good)
        fail_msg("%s: %s", user, good ? why : "accepted");
    if (e == ERR_OK)
        review_answer_dispose(&caller);
}

/* Namespaces are labels of up to 63 bytes, accounts names of up to 253 with dots in them. */
static void test_names_of_namespaces_and_accounts(void **state)
{
    static const struct {
        const char *name;
        bool label, name_with_dots;
    } cases[] = {
        {"a", true, true},     {"9", true, true},    {"a-b", true, true},   {"a.b", false, true},
        {"a--b", true, true},  {"z0", true, true},   {"-a", false, false},  {"a-", false, false},
        {".a", false, false},  {"a.", false, false}, {"A", false, false},   {"a_b", false, false},
        {"a/b", false, false}, {"", false, false},   {"a:b", false, false}, {"a b", false, false},
    };
    char user[400], longest[300];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(user, sizeof(user), "system:serviceaccount:%s:frontend", cases[i].name);
        check_user(user, cases[i].label);
        snprintf(user, sizeof(user), "system:serviceaccount:shop:%s", cases[i].name);
        check_user(user, cases[i].name_with_dots);
    }
    memset(longest, 'a', sizeof(longest));
    for (int len = 62; len <= 65; len++) {
        snprintf(user, sizeof(user), "system:serviceaccount:%.*s:frontend", len, longest);
        check_user(user, len <= 63);
    }
    for (int len = 252; len <= 255; len++) {
        snprintf(user, sizeof(user), "system:serviceaccount:shop:%.*s", len, longest);
        check_user(user, len <= 253);
    }
}

static const struct review_caller frontend = {(char *)"shop", (char *)"frontend",
                                              (char *)"frontend-a", (char *)"u-1"};

static enum err check_pod(const char *name, const char *uid, const char *account,
                          const char *status, const char *peer)
{
    struct addr at;
    char *body = mem_printf("{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":"
                            "\"shop\",\"name\":\"%s\",\"uid\":\"%s\"},\"spec\":"
                            "{\"serviceAccountName\":\"%s\"},\"status\":%s}",
                            name, uid, account, status);
    if (peer)
        assert_int_equal(addr_parse(slice_from_cstr(peer), &at), ERR_OK);
    enum err e = review_answer_check_pod(slice_from_cstr(body), &frontend, peer ? &at : NULL, why);
    mem_free(body);
    return e;
}

static void test_pod(void **state)
{
    const char *up =
        "{\"phase\":\"Running\",\"podIPs\":[{\"ip\":\"10.0.0.7\"},{\"ip\":\"fd00::7\"}]}";
    assert_int_equal(check_pod("frontend-a", "u-1", "frontend", up, NULL), ERR_OK);
    assert_int_equal(check_pod("frontend-a", "u-1", "frontend", up, "10.0.0.7:4000"), ERR_OK);
    assert_int_equal(check_pod("frontend-a", "u-1", "frontend", up, "[fd00::7]:4000"), ERR_OK);
    assert_int_equal(check_pod("frontend-a", "u-1", "frontend", up, "10.0.0.8:4000"), ERR_DENIED);
    assert_int_equal(check_pod("frontend-a", "u-1", "frontend", "{}", "10.0.0.7:4000"), ERR_AGAIN);
    assert_int_equal(check_pod("frontend-a", "u-2", "frontend", up, NULL), ERR_DENIED);
    assert_non_null(strstr(why, "an earlier pod shop/frontend-a"));
    assert_int_equal(check_pod("frontend-a", "u-1", "admin", up, NULL), ERR_DENIED);
    assert_int_equal(check_pod("frontend-b", "u-1", "frontend", up, NULL), ERR_SYNTAX);
    assert_int_equal(check_pod("frontend-a", "u-1", "frontend", "{\"phase\":\"Succeeded\"}", NULL),
                     ERR_DENIED);
    assert_int_equal(review_answer_check_pod(SLICE("{}"), &frontend, NULL, why), ERR_SYNTAX);
}

static void test_token_form(void **state)
{
    assert_true(review_answer_is_token(SLICE("eyJh.eyJz.Zm9v_-")));
    assert_false(review_answer_is_token(SLICE("")));
    assert_false(review_answer_is_token(SLICE("a.b")));
    assert_false(review_answer_is_token(SLICE("a.b.c.d")));
    assert_false(review_answer_is_token(SLICE("a.b.c\"")));
    assert_false(review_answer_is_token(SLICE("a.b. c")));
    char *long_one = mem_alloc(REVIEW_TOKEN_MAX + 1);
    memset(long_one, 'a', REVIEW_TOKEN_MAX + 1);
    long_one[1] = long_one[3] = '.';
    assert_true(review_answer_is_token(slice_of(long_one, REVIEW_TOKEN_MAX)));
    assert_false(review_answer_is_token(slice_of(long_one, REVIEW_TOKEN_MAX + 1)));
    mem_free(long_one);
}

static void test_question(void **state)
{
    struct buf out;
    char text[256] = "";
    buf_init(&out);
    review_answer_ask(SLICE("a.b.c"), "weft-certd", &out);
    assert_true(out.len < sizeof(text));
    buf_copy_out(&out, text, out.len);
    buf_dispose(&out);
    assert_string_equal(text,
                        "{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"TokenReview\","
                        "\"spec\":{\"token\":\"a.b.c\",\"audiences\":[\"weft-certd\"]}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_names_of_namespaces_and_accounts),
        cmocka_unit_test(test_pod),      cmocka_unit_test(test_token_form),
        cmocka_unit_test(test_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
