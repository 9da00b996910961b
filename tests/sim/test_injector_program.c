/* weft-injector as a whole, in memory: its certificate opens its port, the API server is told of
 * it, reviews are answered, and on SIGTERM they still are for a while.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/injector.h"

#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "injector/injector_options.h"
#include "lib/base/mem.h"
#include "tests/sim/program_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"
#include "tests/unit/lib/tls/pki.h"

#define LISTEN "127.0.0.1:15017"
#define HEALTH "127.0.0.1:15018"
#define NAME "weft-injector.shop.svc"
#define LEASE "/apis/coordination.k8s.io/v1/namespaces/shop/leases/weft-injector"
#define HOOKS "/apis/admissionregistration.k8s.io/v1/"
#define MUTATING HOOKS "mutatingwebhookconfigurations/weft-injector"
#define REVIEW(kind_of_pod)                                                            \
    "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":" \
    "{\"uid\":\"u1\",\"operation\":\"CREATE\",\"namespace\":\"town\",\"object\":"       \
    "{\"apiVersion\":\"v1\",\"kind\":\"" kind_of_pod "\",\"metadata\":{\"name\":\"one\"}," \
    "\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"a\"}]}}}}"

enum { DRAIN_MS = 4000 };

static struct folder dir;
static struct pki pki, other;
static struct injector_options options;
static bool has_run;

static int set_up_group(void **state)
{
    int status = program_set_up(state);
    pki_init(&pki);
    pki_init(&other);
    return status;
}

static int tear_down_group(void **state)
{
    pki_dispose(&pki);
    pki_dispose(&other);
    return program_tear_down(state);
}

static void write_certificate(const struct pki *p)
{
    struct pki_spec spec;
    pki_spec_init(p, &spec, "spiffe://" PKI_DOMAIN "/ns/shop/sa/weft-injector");
    spec.names[1] = (struct x509_name){X509_NAME_DNS, SLICE(NAME)};
    spec.x.name_count = 2;
    struct pki_leaf own = pki_build(p, &spec, NULL);
    folder_put(&dir, "tls.key", own.key);
    assert_int_equal(chmod(folder_at(&dir, "tls.key"), 0600), 0);
    folder_put(&dir, "tls.crt", own.chain);
    folder_put(&dir, "ca.crt", p->root);
    pki_leaf_dispose(&own);
}

static char *at(const char *name)
{
    return mem_strdup(folder_at(&dir, name));
}

static int set_up(void **state)
{
    folder_init(&dir);
    write_certificate(&pki);
    options = (struct injector_options){.trust_bundle = at("ca.crt"),
                                        .cert_file = at("tls.crt"),
                                        .key_file = at("tls.key"),
                                        .cluster_domain = mem_strdup("cluster.local"),
                                        .trust_domain = mem_strdup(PKI_DOMAIN),
                                        .namespace_name = mem_strdup("shop"),
                                        .service_account = mem_strdup("weft-injector"),
                                        .image = mem_strdup("weft:test"),
                                        .pull_policy = mem_strdup("IfNotPresent"),
                                        .discovery = mem_strdup("10.0.0.1:15010"),
                                        .sidecar_certd = mem_strdup("10.0.0.2:15012"),
                                        .drain_ms = DRAIN_MS};
    assert_int_equal(addr_parse(SLICE(LISTEN), &options.listen), ERR_OK);
    assert_int_equal(addr_parse(SLICE(HEALTH), &options.health), ERR_OK);
    has_run = false;
    return 0;
}

static int tear_down(void **state)
{
    sim_net_refuse_listeners(ERR_OK);
    injector_options_dispose(&options);
    folder_dispose(&dir);
    return 0;
}

static int serve(void)
{
    return injector_serve(&options);
}

static void expect_good(void (*before)(void), void (*script)(void))
{
    assert_int_equal(program_run(serve, before, script), 0);
    assert_true(has_run);
}

static void expect_review(const char *path, const char *json, unsigned status, const char *part)
{
    char *line = mem_printf("HTTP/1.1 %u ", status);
    const char *got = program_post(LISTEN, pki.root, NAME, path, json);
    if (strncmp(got, line, strlen(line)) != 0 || !strstr(got, part))
        fail_msg("%s: want %u and \"%s\", got:\n%s", path, status, part, got);
    mem_free(line);
}

/* ---- alone ---- */

static void serves_script(void)
{
    program_expect(HEALTH, "/healthz", 200, "ok");
    program_expect(HEALTH, "/readyz", 200, "ok");
    expect_review("/inject", REVIEW("Pod"), 200, "\"patch\":");
    expect_review("/inject", REVIEW("Job"), 200, "\"allowed\":true");
    expect_review("/validate", REVIEW("Pod"), 200, "\"uid\":\"u1\"");
    expect_review("/elsewhere", REVIEW("Pod"), 404, "only /inject and /validate are here");
    program_expect(HEALTH, "/metrics", 200,
                   "\nweft_injector_admissions_total{webhook=\"inject\",outcome=\"patched\"} 1\n");
    /* Nobody is deaf while whoever asks has not heard that we go. */
    program_signal(SIGHUP);
    program_expect(HEALTH, "/readyz", 200, "ok");
    program_signal(SIGTERM);
    assert_false(program_is_over());
    program_expect(HEALTH, "/readyz", 503, "stopping");
    program_advance(DRAIN_MS - 500);
    assert_false(program_is_over());
    expect_review("/inject", REVIEW("Pod"), 200, "\"patch\":");
    program_advance(600);
    assert_true(program_is_over());
    has_run = true;
}

static void test_it_answers_reviews(void **state)
{
    expect_good(NULL, serves_script);
}

static void twice_script(void)
{
    program_signal(SIGINT);
    assert_false(program_is_over());
    program_signal(SIGINT);
    assert_true(program_is_over());
    has_run = true;
}

static void test_who_is_told_twice_does_not_wait(void **state)
{
    options.health.family = 0;
    expect_good(NULL, twice_script);
}

static void other_certificate_script(void)
{
    expect_review("/inject", REVIEW("Pod"), 200, "\"patch\":");
    write_certificate(&other);
    program_touch_files();
    program_advance(10000);
    assert_string_equal(program_post(LISTEN, pki.root, NAME, "/inject", REVIEW("Pod")), "");
    assert_non_null(strstr(program_post(LISTEN, other.root, NAME, "/inject", REVIEW("Pod")),
                           "\"patch\":"));
    twice_script();
}

static void test_another_certificate(void **state)
{
    expect_good(NULL, other_certificate_script);
}

static void never(void)
{
    fail_msg("it runs");
}

static void test_it_cannot_start(void **state)
{
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
    assert_int_equal(program_run(serve, NULL, never), 1);
    options.health.family = 0;
    assert_int_equal(program_run(serve, NULL, never), 1);
    sim_net_refuse_listeners(ERR_OK);
    assert_int_equal(chmod(folder_at(&dir, "tls.key"), 0644), 0);
    assert_int_equal(program_run(serve, NULL, never), 1);
}

/* ---- with webhook configurations to keep ---- */

static void fill_cluster(void)
{
    static const char *const kinds[] = {"mutating", "validating"};
    for (int i = 0; i < 2; i++) {
        char *path = mem_printf(HOOKS "%swebhookconfigurations/weft-injector", kinds[i]);
        fake_kube_put(program_kube(), path,
                      "{metadata: {name: weft-injector}, webhooks: [{name: one, clientConfig: "
                      "{service: {name: i}}}]}");
        mem_free(path);
    }
    fake_kube_put(program_kube(), "/api/v1/namespaces/town", "{metadata: {name: town}}");
}

static const char *holder(void)
{
    return fake_kube_text(program_kube(), LEASE, "spec.holderIdentity");
}

static void cluster_script(void)
{
    program_advance(30000);
    program_expect(HEALTH, "/readyz", 200, "ok");
    program_expect(HEALTH, "/metrics", 200, "\nweft_injector_leader 1\n");
    program_expect(HEALTH, "/metrics", 200, "\nweft_injector_webhooks_current 1\n");
    assert_string_not_equal(holder(), "");
    assert_string_not_equal(
        fake_kube_text(program_kube(), MUTATING, "webhooks[0].clientConfig.caBundle"), "");
    expect_review("/inject", REVIEW("Pod"), 200, "\"patch\":");
    program_signal(SIGTERM);
    program_advance(1000);
    assert_string_equal(holder(), "");
    assert_false(program_is_over());
    program_advance(DRAIN_MS);
    assert_true(program_is_over());
    has_run = true;
}

static void test_it_keeps_its_webhooks(void **state)
{
    options.webhooks = mem_strdup("weft-injector");
    expect_good(fill_cluster, cluster_script);
}

static void no_webhooks_script(void)
{
    program_advance(30000);
    program_expect(HEALTH, "/readyz", 503, "the webhook configurations are not there");
    twice_script();
}

static void test_nobody_could_check_its_certificate(void **state)
{
    options.webhooks = mem_strdup("weft-injector");
    expect_good(NULL, no_webhooks_script);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_answers_reviews),
        TEST(test_who_is_told_twice_does_not_wait),
        TEST(test_another_certificate),
        TEST(test_it_cannot_start),
        TEST(test_it_keeps_its_webhooks),
        TEST(test_nobody_could_check_its_certificate),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
