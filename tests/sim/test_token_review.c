/* token_review.c: what is asked of the API server, and what each of its answers means.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/token_review.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/addr.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define DOMAIN "mesh.example.com"
#define ID "spiffe://" DOMAIN "/ns/shop/sa/app"
#define REVIEWS "/apis/authentication.k8s.io/v1/tokenreviews"
#define POD "/api/v1/namespaces/shop/pods/app-1"

static struct loop *loop;
static struct fake_kube *kube;
static struct token_review *reviews;
static struct addr peer;

static const char good[] =
    "{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,\"audiences\":[\"weft-certd\"],"
    "\"user\":{\"username\":\"system:serviceaccount:shop:app\",\"groups\":["
    "\"system:serviceaccounts\"],\"extra\":{\"authentication.kubernetes.io/pod-name\":[\"app-1\"],"
    "\"authentication.kubernetes.io/pod-uid\":[\"uid-1\"]}}}}";
static const char bad[] = "{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":false}}";

static void open_reviews(bool match_pod_address)
{
    struct token_review_config review = {DOMAIN, match_pod_address};
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    kube = fake_kube_open(loop);
    reviews = token_review_create(loop, fake_kube_client(kube), &review);
    assert_int_equal(addr_parse(SLICE("10.0.0.1:5000"), &peer), ERR_OK);
    fake_kube_put(kube, POD,
                  "{kind: Pod, metadata: {namespace: shop, name: app-1}, spec: "
                  "{serviceAccountName: app}, status: {phase: Running, podIPs: [{ip: 10.0.0.1}]}}");
}

static int set_up(void **state)
{
    open_reviews(false);
    return 0;
}

static int set_up_strict(void **state)
{
    open_reviews(true);
    return 0;
}

static int tear_down(void **state)
{
    token_review_destroy(reviews);
    fake_kube_close(kube);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

static struct {
    unsigned answers;
    enum err e;
    char id[100], detail[200];
} judged;

static void on_reviewed(void *owner, enum err e, const char *id, const char *detail)
{
    judged.answers++;
    judged.e = e;
    snprintf(judged.id, sizeof judged.id, "%s", id ? id : "");
    snprintf(judged.detail, sizeof judged.detail, "%s", detail);
}

static void start_review(const char *token)
{
    judged.answers = 0;
    token_review_start(reviews, slice_from_cstr(token), &peer, on_reviewed, NULL);
    assert_int_equal(judged.answers, 0); /* never from inside */
}

static void expect_review(enum err e, const char *id, const char *detail)
{
    assert_true(loop_sim_turn(loop));
    assert_int_equal(judged.answers, 1);
    assert_int_equal(judged.e, e);
    assert_string_equal(judged.id, id);
    if (!strstr(judged.detail, detail))
        fail_msg("said \"%s\", not \"%s\"", judged.detail, detail);
}

static void test_reviews(void **state)
{
    fake_kube_answer(kube, REVIEWS, 201, good);
    start_review("a.b.c");
    expect_review(ERR_OK, ID, "");
    start_review("no token");
    expect_review(ERR_DENIED, "", "no service-account token");
    fake_kube_remove(kube, POD);
    start_review("a.b.c");
    expect_review(ERR_DENIED, "", "does not exist any more");
    fake_kube_put(kube, POD, "{kind: Pod, metadata: {namespace: shop, name: app-1}, spec: "
                             "{serviceAccountName: app}}");
    start_review("a.b.c");
    expect_review(ERR_DENIED, "", "an earlier pod");
    fake_kube_refuse(kube, "GET", POD, 500);
    start_review("a.b.c");
    expect_review(ERR_IO, "", "cannot be read");
    fake_kube_answer(kube, REVIEWS, 201, "{\"kind\":\"Status\"}");
    start_review("a.b.c");
    expect_review(ERR_SYNTAX, "", "no TokenReview");
    fake_kube_answer(kube, REVIEWS, 403, "{}");
    start_review("a.b.c");
    expect_review(ERR_IO, "", "did not review");
}

static void test_reviews_are_bounded_and_end_with_us(void **state)
{
    judged.answers = 0;
    for (int i = 0; i < 129; i++)
        token_review_start(reviews, SLICE("a.b.c"), &peer, on_reviewed, NULL);
    assert_int_equal(judged.answers, 0);
    token_review_destroy(reviews);
    reviews = NULL;
    assert_int_equal(judged.answers, 129);
    assert_int_equal(judged.e, ERR_CANCELED);
}

static void test_one_review_too_many_is_told_to_come_again(void **state)
{
    fake_kube_answer(kube, REVIEWS, 201, bad);
    judged.answers = 0;
    for (int i = 0; i < 128; i++)
        token_review_start(reviews, SLICE("a.b.c"), &peer, on_reviewed, NULL);
    token_review_start(reviews, SLICE("a.b.c"), &peer, on_reviewed, NULL);
    assert_true(loop_sim_turn(loop));
    assert_int_equal(judged.answers, 129);
    assert_int_equal(fake_kube_count(kube, "POST", REVIEWS), 128);
    start_review("a.b.c");
    expect_review(ERR_DENIED, "", "does not accept the token");
}

static void test_the_callers_address_is_its_pods(void **state)
{
    fake_kube_answer(kube, REVIEWS, 201, good);
    start_review("a.b.c");
    expect_review(ERR_OK, ID, "");
    assert_int_equal(addr_parse(SLICE("10.0.0.2:5000"), &peer), ERR_OK);
    start_review("a.b.c");
    expect_review(ERR_DENIED, "", "another address than the caller");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_reviews),
        TEST(test_reviews_are_bounded_and_end_with_us),
        TEST(test_one_review_too_many_is_told_to_come_again),
        cmocka_unit_test_setup_teardown(test_the_callers_address_is_its_pods, set_up_strict,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, fake_kube_set_up, fake_kube_tear_down);
}
