/* certd's service.c, attest.c and what they are made of: whom a certificate is given, how often,
 * and that nothing leaves that was not written down. Callers and the API server are in memory.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_service.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "certd/token_review.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/io/loop_sim.h"
#include "lib/proto/istio_ca.pb-c.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/fake_kube.h"
#include "tests/sim/fake_peer.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"

#define DOMAIN "mesh.example.com"
#define ID "spiffe://" DOMAIN "/ns/shop/sa/app"
#define CREATE "/istio.v1.auth.IstioCertificateService/CreateCertificate"
#define BUNDLE "/weft.ca.v1.Trust/FetchBundle"
#define REVIEWS "/apis/authentication.k8s.io/v1/tokenreviews"
#define POD "/api/v1/namespaces/shop/pods/app-1"

enum { HOUR_MS = 3600000, RATE = 5, ADDRESS_BURST = 60 };

static struct loop *loop;
static struct folder dir;
static struct ca ca;
static struct ca_material material;
static struct audit *audit;
static struct ca_service service;
static struct fake_peer peer;
static struct fake_kube *kube; /* NULL: certd has no cluster */
static struct token_review *reviews;
static char *csr;

/* What the last call was answered. */
static struct {
    unsigned answers;
    enum grpc_status status;
    char text[200], leaf[4000];
} got;

static int set_up_group(void **state)
{
    char *key;
    signal(SIGXFSZ, SIG_IGN);
    if (fake_kube_set_up(state) || x509_make_key(&key) ||
        x509_make_csr(slice_from_cstr(key), SLICE(ID), &csr))
        return 1;
    mem_free(key);
    return 0;
}

static int tear_down_group(void **state)
{
    mem_free(csr);
    return fake_kube_tear_down(state);
}

static void open_service(bool in_cluster)
{
    char why[CA_DETAIL_MAX];
    unsigned made;
    struct ca_config config = {"test", DOMAIN, 24 * (uint64_t)HOUR_MS, 12 * (uint64_t)HOUR_MS};
    struct token_review_config review = {DOMAIN, false};
    loop = loop_sim_create(1000);
    fake_clock_follow(loop);
    folder_init(&dir);
    material = (struct ca_material){0};
    assert_int_equal(ca_settle(&config, clock_wall_ms(), &material, &made, &ca, why), ERR_OK);
    assert_int_equal(audit_open(dir.path, &audit), ERR_OK);
    kube = in_cluster ? fake_kube_open(loop) : NULL;
    reviews = kube ? token_review_create(loop, fake_kube_client(kube), &review) : NULL;
    struct ca_service_config serve = {.reviews = reviews,
                                   .policy = {DOMAIN, HOUR_MS, 2 * HOUR_MS, NULL, 0},
                                   .ca = &ca,
                                   .audit = audit,
                                   .rate_per_minute = RATE};
    ca_service_init(&service, &serve);
    memset(&got, 0, sizeof got);
}

static int set_up(void **state)
{
    open_service(false);
    fake_peer_init(&peer, loop, &service.grpc, ID, clock_wall_ms() + HOUR_MS, "10.0.0.1:5000");
    return 0;
}

static int set_up_cluster(void **state)
{
    open_service(true);
    fake_peer_init(&peer, loop, &service.grpc, NULL, 0, "10.0.0.1:5000");
    fake_kube_put(kube, POD,
                  "{kind: Pod, metadata: {namespace: shop, name: app-1}, spec: "
                  "{serviceAccountName: app}, status: {phase: Running}}");
    return 0;
}

static int tear_down(void **state)
{
    fake_peer_dispose(&peer);
    token_review_destroy(reviews);
    if (kube)
        fake_kube_close(kube);
    ca_service_dispose(&service);
    audit_close(audit);
    ca_close(&ca);
    ca_material_dispose(&material);
    folder_dispose(&dir);
    fake_clock_follow(NULL);
    loop_destroy(loop);
    return 0;
}

/* ---- a call ---- */

static void on_answer(void *owner, const struct grpc_result *r)
{
    got.answers++;
    got.status = r->status;
    snprintf(got.text, sizeof got.text, "%.*s", SLICE_ARG(r->text));
    got.leaf[0] = 0;
    if (r->status != GRPC_OK || owner)
        return;
    Istio__V1__Auth__IstioCertificateResponse *m =
        istio__v1__auth__istio_certificate_response__unpack(NULL, r->response.len,
                                                            (const uint8_t *)r->response.ptr);
    assert_non_null(m);
    assert_int_equal(m->n_cert_chain, 3);
    snprintf(got.leaf, sizeof got.leaf, "%s", m->cert_chain[0]);
    istio__v1__auth__istio_certificate_response__free_unpacked(m, NULL);
}

static void ask_by(struct grpc_client *client, const char *metadata, const char *token)
{
    Istio__V1__Auth__IstioCertificateRequest m = ISTIO__V1__AUTH__ISTIO_CERTIFICATE_REQUEST__INIT;
    char text[300];
    m.csr = csr;
    m.metadata.data = (uint8_t *)(uintptr_t)metadata;
    m.metadata.len = strlen(metadata);
    snprintf(text, sizeof text, "Bearer %s", token ? token : "");
    struct grpc_metadata bearer = {SLICE("authorization"), slice_from_cstr(text), true};
    size_t len = istio__v1__auth__istio_certificate_request__get_packed_size(&m);
    uint8_t *bytes = mem_alloc(len);
    istio__v1__auth__istio_certificate_request__pack(&m, bytes);
    grpc_client_call(client, CREATE, &bearer, token != NULL, slice_of(bytes, len), 30000, on_answer,
                     NULL);
    mem_free(bytes);
}

static void ask(const char *token)
{
    ask_by(peer.client, "", token);
    assert_true(loop_sim_turn(loop));
}

static void expect_certificate(void)
{
    if (got.status)
        fail_msg("refused: %s", got.text);
    assert_non_null(strstr(got.leaf, "BEGIN CERTIFICATE"));
}

static void expect_refused(enum grpc_status status, const char *text)
{
    assert_int_equal(got.status, status);
    assert_string_equal(got.leaf, "");
    if (!strstr(got.text, text))
        fail_msg("refused with \"%s\", not \"%s\"", got.text, text);
}

static unsigned lines_written(void)
{
    char *text;
    size_t len, lines = 0;
    assert_int_equal(file_read(folder_at(&dir, "issued.log"), 1 << 20, &text, &len), ERR_OK);
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    mem_free(text);
    return (unsigned)lines;
}

/* ---- by a certificate ---- */

static void test_who_has_a_certificate_gets_another(void **state)
{
    struct x509_facts facts;
    char *log;
    size_t len;
    ask(NULL);
    expect_certificate();
    assert_int_equal(x509_read(slice_from_cstr(got.leaf), &facts), ERR_OK);
    assert_string_equal(facts.spiffe_id, ID);
    x509_facts_dispose(&facts);
    assert_int_equal(lines_written(), 1);
    assert_int_equal(file_read(folder_at(&dir, "issued.log"), 4000, &log, &len), ERR_OK);
    assert_non_null(strstr(log, "\"id\":\"" ID "\""));
    assert_non_null(strstr(log, "\"by\":\"svid\""));
    mem_free(log);
    assert_int_equal(service.issued, 1);
}

static void test_nobody_gets_nothing(void **state)
{
    fake_peer_dispose(&peer);
    fake_peer_init(&peer, loop, &service.grpc, NULL, 0, "10.0.0.1:5000");
    ask(NULL);
    expect_refused(GRPC_UNAUTHENTICATED, "certd's log says why");
    assert_int_equal(service.refused, 1);
    assert_int_equal(lines_written(), 0);
}

static void test_a_certificate_that_ended_on_the_connection(void **state)
{
    fake_clock_jump(HOUR_MS - 1);
    ask(NULL);
    expect_certificate();
    fake_clock_jump(1);
    ask(NULL);
    expect_refused(GRPC_UNAUTHENTICATED, "certd's log says why");
}

static void test_somebody_elses_certificate(void **state)
{
    char *key, *theirs, *own = csr;
    assert_int_equal(x509_make_key(&key), ERR_OK);
    assert_int_equal(x509_make_csr(slice_from_cstr(key), SLICE("spiffe://" DOMAIN "/ns/shop/sa/x"),
                                   &theirs),
                     ERR_OK);
    csr = theirs;
    ask(NULL);
    csr = own;
    expect_refused(GRPC_PERMISSION_DENIED, "but the caller is");
    mem_free(key);
    mem_free(theirs);
}

static void test_nobody_asks_for_others(void **state)
{
    ask_by(peer.client, "\n\x14ImpersonatedIdentity\x12\x01x", NULL);
    assert_true(loop_sim_turn(loop));
    expect_refused(GRPC_PERMISSION_DENIED, "impersonation is not allowed");
}

static void test_what_is_no_request(void **state)
{
    grpc_client_call(peer.client, CREATE, NULL, 0, SLICE("\xff\xff"), 1000, on_answer, NULL);
    assert_true(loop_sim_turn(loop));
    expect_refused(GRPC_INVALID_ARGUMENT, "no IstioCertificateRequest");
}

static void test_one_identity_gets_only_so_many(void **state)
{
    for (int i = 0; i < RATE; i++) {
        ask(NULL);
        expect_certificate();
    }
    ask(NULL);
    expect_refused(GRPC_RESOURCE_EXHAUSTED, "too many certificates for this identity");
    loop_sim_advance(loop, 60000 / RATE);
    ask(NULL);
    expect_certificate();
}

static void test_the_bundle_is_for_everybody(void **state)
{
    fake_peer_dispose(&peer);
    fake_peer_init(&peer, loop, &service.grpc, NULL, 0, "10.0.0.1:5000");
    grpc_client_call(peer.client, BUNDLE, NULL, 0, SLICE(""), 1000, on_answer, &peer);
    assert_true(loop_sim_turn(loop));
    assert_int_equal(got.status, GRPC_OK);
}

/* ---- what is not written down is not handed out ---- */

static void limit_files(rlim_t most)
{
    struct rlimit l;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
    l.rlim_cur = most;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void test_a_log_that_cannot_be_written(void **state)
{
    limit_files(1);
    ask(NULL);
    limit_files(RLIM_INFINITY);
    expect_refused(GRPC_INTERNAL, "could not be written down");
    assert_int_equal(service.issued, 0);
    assert_int_equal(service.refused, 1);
    ask(NULL);
    expect_certificate();
    assert_int_equal(lines_written(), 1);
}

static void test_a_log_that_cannot_be_put_aside(void **state)
{
    folder_make(&dir, "issued.log.1");
    assert_int_equal(truncate(folder_at(&dir, "issued.log"), 16 << 20), 0);
    ask(NULL);
    expect_refused(GRPC_INTERNAL, "could not be written down");
    assert_int_equal(service.issued, 0);
}

/* ---- by a service account's token ---- */

static const char good[] =
    "{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":true,\"audiences\":[\"weft-certd\"],"
    "\"user\":{\"username\":\"system:serviceaccount:shop:app\",\"groups\":["
    "\"system:serviceaccounts\"],\"extra\":{\"authentication.kubernetes.io/pod-name\":[\"app-1\"],"
    "\"authentication.kubernetes.io/pod-uid\":[\"uid-1\"]}}}}";
static const char bad[] = "{\"kind\":\"TokenReview\",\"status\":{\"authenticated\":false}}";

static void test_a_good_token(void **state)
{
    fake_kube_answer(kube, REVIEWS, 201, good);
    ask("a.b.c");
    expect_certificate();
    assert_int_equal(fake_kube_count(kube, "POST", REVIEWS), 1);
    assert_non_null(strstr(fake_kube_body(kube, "POST", REVIEWS), "\"token\":\"a.b.c\""));
}

static void test_a_bad_token(void **state)
{
    fake_kube_answer(kube, REVIEWS, 201, bad);
    ask("a.b.c");
    expect_refused(GRPC_UNAUTHENTICATED, "certd's log says why");
    assert_int_equal(lines_written(), 0);
}

static void test_a_server_that_cannot_say(void **state)
{
    fake_kube_answer(kube, REVIEWS, 503, "{}");
    for (int i = 0; i < 2 * ADDRESS_BURST; i++) {
        ask("a.b.c");
        loop_sim_advance(loop, 1);
        expect_refused(GRPC_UNAVAILABLE, "try again");
    }
    assert_int_equal(service.unreviewed, 0);
}

/* As many as may be wrong, each address for itself; then only as fast as attempts come back. */
static void expect_bound(unsigned before)
{
    ask("a.b.c");
    expect_refused(GRPC_RESOURCE_EXHAUSTED, "too many attempts");
    assert_int_equal(fake_kube_count(kube, "POST", REVIEWS), before);
    assert_int_equal(service.unreviewed, 1);
    fake_peer_dispose(&peer);
    fake_peer_init(&peer, loop, &service.grpc, NULL, 0, "10.0.0.2:5000");
    ask("a.b.c");
    assert_int_equal(fake_kube_count(kube, "POST", REVIEWS), before + 1);
    fake_peer_dispose(&peer);
    fake_peer_init(&peer, loop, &service.grpc, NULL, 0, "10.0.0.1:6000");
    ask("a.b.c");
    assert_int_equal(fake_kube_count(kube, "POST", REVIEWS), before + 1);
    loop_sim_advance(loop, 60000 / ADDRESS_BURST);
    ask("a.b.c");
    assert_int_equal(fake_kube_count(kube, "POST", REVIEWS), before + 2);
}

static void test_bad_tokens_are_reviewed_only_so_often(void **state)
{
    fake_kube_answer(kube, REVIEWS, 201, bad);
    for (int i = 0; i < ADDRESS_BURST; i++) {
        ask("a.b.c");
        expect_refused(GRPC_UNAUTHENTICATED, "certd's log says why");
    }
    expect_bound(ADDRESS_BURST);
}

/* None of them has an answer when the next one comes. */
static void test_tokens_at_the_same_time_are_bounded_too(void **state)
{
    enum { PEERS = 4, EACH = 20 };
    struct fake_peer peers[PEERS];
    fake_kube_answer(kube, REVIEWS, 201, bad);
    for (int i = 0; i < PEERS; i++) {
        fake_peer_init(&peers[i], loop, &service.grpc, NULL, 0, "10.0.0.1:7000");
        for (int n = 0; n < EACH; n++)
            ask_by(peers[i].client, "", "a.b.c");
    }
    assert_true(loop_sim_turn(loop));
    assert_int_equal(got.answers, PEERS * EACH);
    assert_int_equal(fake_kube_count(kube, "POST", REVIEWS), ADDRESS_BURST);
    assert_int_equal(service.unreviewed, PEERS * EACH - ADDRESS_BURST);
    for (int i = 0; i < PEERS; i++)
        fake_peer_dispose(&peers[i]);
}

/* A good token that is shown for ever is no way around. */
static void test_good_tokens_are_reviewed_only_so_often(void **state)
{
    fake_kube_answer(kube, REVIEWS, 201, good);
    for (int i = 0; i < RATE; i++) {
        ask("a.b.c");
        expect_certificate();
    }
    for (int i = 0; i < ADDRESS_BURST; i++) {
        ask("a.b.c");
        expect_refused(GRPC_RESOURCE_EXHAUSTED, "too many certificates for this identity");
    }
    expect_bound(ADDRESS_BURST + RATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define CLUSTER(name) cmocka_unit_test_setup_teardown(name, set_up_cluster, tear_down)
        TEST(test_who_has_a_certificate_gets_another),
        TEST(test_nobody_gets_nothing),
        TEST(test_a_certificate_that_ended_on_the_connection),
        TEST(test_somebody_elses_certificate),
        TEST(test_nobody_asks_for_others),
        TEST(test_what_is_no_request),
        TEST(test_one_identity_gets_only_so_many),
        TEST(test_the_bundle_is_for_everybody),
        TEST(test_a_log_that_cannot_be_written),
        TEST(test_a_log_that_cannot_be_put_aside),
        CLUSTER(test_a_good_token),
        CLUSTER(test_a_bad_token),
        CLUSTER(test_a_server_that_cannot_say),
        CLUSTER(test_bad_tokens_are_reviewed_only_so_often),
        CLUSTER(test_tokens_at_the_same_time_are_bounded_too),
        CLUSTER(test_good_tokens_are_reviewed_only_so_often),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
