/* weft-policyd as a whole, in memory: with a folder and in a cluster. Its certificate opens its
 * port, objects reach data planes over mutual TLS, changes follow, and SIGTERM sends them away.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/control_plane.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/io/loop_sim.h"
#include "lib/net/grpc_client.h"
#include "policies/policyd/policyd_options.h"
#include "tests/sim/plane_bed.h"
#include "tests/sim/program_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"
#include "tests/unit/lib/tls/pki.h"

#define LISTEN "127.0.0.1:15010"
#define HEALTH "127.0.0.1:15014"
#define OWN_ID "spiffe://" PKI_DOMAIN "/ns/shop/sa/weft-policyd"
#define LEASE "/apis/coordination.k8s.io/v1/namespaces/shop/leases/weft-policyd"
#define SERVICE_AT "/api/v1/namespaces/shop/services/reviews"

static struct folder dir;
static struct pki pki, other;
static struct policyd_options options;
static bool has_run;

/* A data plane that comes over TLS. */
static struct {
    struct plane_bed bed;
    struct plane plane;
    struct pki_leaf leaf;
    struct tls_ctx *tls;
    struct grpc_client *client;
} workload;

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
    struct pki_leaf own = pki_svid(p, OWN_ID);
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
    folder_make(&dir, "policies");
    folder_put(&dir, "policies/a.yaml",
               "apiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: reviews}\n"
               "spec: {clusterIP: 10.96.0.1, ports: [{port: 80, name: http}]}\n");
    write_certificate(&pki);
    options = (struct policyd_options){.policy_dir = at("policies"),
                                       .cluster_domain = mem_strdup("cluster.local"),
                                       .trust_domain = mem_strdup(PKI_DOMAIN),
                                       .namespace_name = mem_strdup("shop"),
                                       .service_account = mem_strdup("weft-policyd"),
                                       .pod = mem_strdup("policyd-1"),
                                       .trust_bundle_file = at("ca.crt"),
                                       .cert_file = at("tls.crt"),
                                       .key_file = at("tls.key")};
    assert_int_equal(addr_parse(SLICE(LISTEN), &options.listen), ERR_OK);
    assert_int_equal(addr_parse(SLICE(HEALTH), &options.health), ERR_OK);
    has_run = false;
    return 0;
}

static int tear_down(void **state)
{
    sim_net_refuse_listeners(ERR_OK);
    policyd_options_dispose(&options);
    folder_dispose(&dir);
    return 0;
}

static int serve(void)
{
    return control_plane_run(&options);
}

static void expect_good(void (*before)(void), void (*script)(void))
{
    assert_int_equal(program_run(serve, before, script), 0);
    assert_true(has_run);
}

static void never(void)
{
    fail_msg("it runs");
}

/* ---- the workload ---- */

static struct stream *dial(struct loop *l, void *dial_owner, const struct stream_events *events,
                           void *owner)
{
    struct stream *s = program_dial(LISTEN);
    (void)l;
    (void)dial_owner;
    stream_use(s, events, owner);
    return s;
}

/* roots: whom it trusts. */
static void connect_with(const struct pki *p, const char *id, const char *roots)
{
    static const char *const alpn[] = {"h2", NULL};
    char why[TLS_DETAIL_MAX];
    workload.leaf = pki_svid(p, id);
    struct tls_mesh_config tls = {.cert_chain_pem = slice_from_cstr(workload.leaf.chain),
                                  .key_pem = slice_from_cstr(workload.leaf.key),
                                  .roots_pem = slice_from_cstr(roots),
                                  .trust_domain = SLICE(PKI_DOMAIN),
                                  .alpn = alpn};
    if (tls_ctx_create_mesh(&tls, &workload.tls, why))
        fail_msg("%s", why);
    struct grpc_client_config config = {
        .tls = workload.tls, .expect_spiffe_id = SLICE(OWN_ID), .dial = dial};
    workload.client = grpc_client_create(program_loop(), &config);
    plane_bed_lend(&workload.bed, program_loop(), NULL);
    plane_connect_by(&workload.plane, &workload.bed, workload.client);
}

static void connect_as(const struct pki *p, const char *id)
{
    connect_with(p, id, p->root);
}

static void hang_up(void)
{
    if (workload.plane.stream)
        grpc_stream_close(workload.plane.stream, GRPC_CANCELLED, "the test is over");
    grpc_client_destroy(workload.client);
    assert_true(loop_sim_turn(program_loop()));
    tls_ctx_unref(workload.tls);
    pki_leaf_dispose(&workload.leaf);
}

/* It is there, and asks for the service's address. */
static void say_hello(void)
{
    assert_non_null(workload.plane.stream);
    plane_hello(&workload.plane, "app-1", "", "10.96.0.1:80");
    if (!workload.plane.stream)
        fail_msg("%s", workload.plane.why);
    assert_int_equal(workload.plane.updates, 1);
    plane_ack(&workload.plane);
}

#define APP "spiffe://" PKI_DOMAIN "/ns/shop/sa/app"

static void expect_answer(const char *name)
{
    if (!strstr(workload.plane.resources, name))
        fail_msg("%s is not in %s", name, workload.plane.resources);
}

/* ---- with a folder ---- */

static void serves_script(void)
{
    program_expect(HEALTH, "/readyz", 200, "ok");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_objects 1\n");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_leader 0\n");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_watches_in_trouble 0\n");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_status_writes_total 0\n");
    connect_as(&pki, APP);
    say_hello();
    assert_string_equal(workload.plane.answers, "10.96.0.1:80=2 ");
    expect_answer("destination/shop/reviews:80");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_subscribers 1\n");
    program_expect(HEALTH, "/debug/subscribers", 200, "app-1");
    /* A change reaches it; a mistake reaches nobody. */
    folder_put(&dir, "policies/b.yaml",
               "apiVersion: v1\nkind: Service\nmetadata: {namespace: shop, name: other}\n"
               "spec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n");
    folder_put(&dir, "policies/a.yaml", "");
    program_touch_files();
    program_advance(2000);
    assert_int_equal(workload.plane.updates, 2);
    expect_answer("destination/shop/other:80");
    plane_ack(&workload.plane);
    folder_put(&dir, "policies/c.yaml", "kind: Nonsense\n");
    program_touch_files();
    program_advance(2000);
    program_expect(HEALTH, "/readyz", 200, "ok");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_objects 1\n");
    assert_int_equal(workload.plane.updates, 2);
    program_signal(SIGHUP);
    assert_false(program_is_over());
    /* Data planes are sent away, so that they find another replica at once. */
    program_signal(SIGTERM);
    assert_null(workload.plane.stream);
    assert_int_equal(workload.plane.status, GRPC_UNAVAILABLE);
    program_advance(10);
    assert_true(program_is_over());
    hang_up();
    has_run = true;
}

static void test_it_serves_from_a_folder(void **state)
{
    expect_good(NULL, serves_script);
}

static void interrupted_script(void)
{
    program_signal(SIGINT);
    program_signal(SIGINT);
    program_advance(10);
    assert_true(program_is_over());
    has_run = true;
}

static void test_it_ends_when_it_is_interrupted(void **state)
{
    options.health.family = 0;
    expect_good(NULL, interrupted_script);
}

static void bad_folder_script(void)
{
    program_expect(HEALTH, "/healthz", 200, "ok");
    program_expect(HEALTH, "/readyz", 503, "the objects are not all read yet");
    folder_put(&dir, "policies/a.yaml", "");
    program_touch_files();
    program_expect(HEALTH, "/readyz", 200, "ok");
    interrupted_script();
}

static void test_a_folder_with_a_mistake(void **state)
{
    folder_put(&dir, "policies/a.yaml", "kind: Nonsense\n");
    expect_good(NULL, bad_folder_script);
}

static void test_it_cannot_start(void **state)
{
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
    assert_int_equal(program_run(serve, NULL, never), 1);
    sim_net_refuse_listeners(ERR_OK);
    assert_int_equal(chmod(folder_at(&dir, "tls.key"), 0644), 0);
    assert_int_equal(program_run(serve, NULL, never), 1);
}

/* ---- its certificate ---- */

static void strangers_script(void)
{
    connect_as(&other, APP);
    program_advance(20000);
    assert_null(workload.plane.stream);
    hang_up();
    connect_as(&pki, "spiffe://" PKI_DOMAIN "/node/one");
    program_advance(20000);
    assert_null(workload.plane.stream);
    assert_int_equal(workload.plane.status, GRPC_UNAUTHENTICATED);
    hang_up();
    connect_as(&pki, APP);
    say_hello();
    hang_up();
    interrupted_script();
}

static void test_who_comes_in(void **state)
{
    expect_good(NULL, strangers_script);
}

/* Other roots and another certificate: who has the old ones is sent away, who has the new ones gets
 * in, by a port that was never closed. */
static void other_roots_script(void)
{
    connect_as(&pki, APP);
    say_hello();
    write_certificate(&other);
    program_touch_files();
    program_advance(10000);
    assert_null(workload.plane.stream);
    hang_up();
    connect_as(&other, APP);
    say_hello();
    hang_up();
    interrupted_script();
}

static void test_other_roots(void **state)
{
    expect_good(NULL, other_roots_script);
}

/* ---- in a cluster ---- */

static void fill_cluster(void)
{
    fake_kube_put(program_kube(), SERVICE_AT,
                  "{metadata: {namespace: shop, name: reviews}, spec: {clusterIP: 10.96.0.1, "
                  "ports: [{port: 80, name: http}]}}");
    fake_kube_put(program_kube(), "/api/v1/namespaces/shop/pods/app-1",
                  "{metadata: {namespace: shop, name: app-1}, spec: {serviceAccountName: app, "
                  "containers: [{name: c}]}, status: {podIP: 10.0.0.7, phase: Running}}");
}

static const char *holder(void)
{
    return fake_kube_text(program_kube(), LEASE, "spec.holderIdentity");
}

static void cluster_script(void)
{
    program_advance(30000);
    program_expect(HEALTH, "/readyz", 200, "ok");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_leader 1\n");
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_watches_in_trouble 0\n");
    assert_string_equal(holder(), "policyd-1");
    connect_as(&pki, APP);
    say_hello();
    expect_answer("destination/shop/reviews:80");
    fake_kube_remove(program_kube(), SERVICE_AT);
    program_advance(5000);
    assert_int_equal(workload.plane.updates, 2);
    assert_non_null(strstr(workload.plane.removed, "destination/shop/reviews:80"));
    hang_up();
    /* Whoever is no pod of the cluster is not served. */
    connect_as(&pki, "spiffe://" PKI_DOMAIN "/ns/shop/sa/nobody");
    plane_hello(&workload.plane, "app-1", "", NULL);
    assert_null(workload.plane.stream);
    hang_up();
    program_signal(SIGTERM);
    program_advance(500);
    assert_true(program_is_over());
    assert_string_equal(holder(), "");
    has_run = true;
}

static void in_cluster(void)
{
    mem_free(options.policy_dir);
    options.policy_dir = NULL;
}

static void test_it_serves_in_a_cluster(void **state)
{
    in_cluster();
    expect_good(fill_cluster, cluster_script);
}

#define BUNDLE "/api/v1/namespaces/shop/configmaps/weft-trust-bundle"

static char *both_roots;

static void publish(const char *roots)
{
    struct buf text;
    struct json_write w;
    buf_init(&text);
    json_write_init(&w, &text);
    buf_append_slice(&text, SLICE("{metadata: {namespace: shop, name: weft-trust-bundle}, data: "));
    buf_append_slice(&text, SLICE("{ca.crt: "));
    json_write_string(&w, slice_from_cstr(roots));
    buf_append_slice(&text, SLICE("}}"));
    char *object = buf_take_text(&text, NULL);
    fake_kube_put(program_kube(), BUNDLE, object);
    mem_free(object);
}

/* Another root is trusted as soon as the API server says so, long before the file does; and one
 * that it does not say any more is not. */
static void bundle_script(void)
{
    publish(pki.root);
    program_advance(30000);
    connect_with(&other, APP, both_roots);
    program_advance(20000);
    assert_null(workload.plane.stream);
    hang_up();
    publish(both_roots);
    program_advance(1000);
    connect_with(&other, APP, both_roots);
    say_hello();
    publish(pki.root);
    program_advance(1000);
    assert_null(workload.plane.stream);
    hang_up();
    connect_as(&pki, APP);
    say_hello();
    hang_up();
    program_signal(SIGTERM);
    program_advance(1100);
    assert_true(program_is_over());
    has_run = true;
}

static void test_the_clusters_trust_bundle(void **state)
{
    in_cluster();
    options.certd_address = mem_strdup("weft-certd:15012");
    both_roots = mem_printf("%s%s", pki.root, other.root);
    expect_good(fill_cluster, bundle_script);
    mem_free(both_roots);
}

/* What is deleted while nobody looks is gone all the same, once the lists are read again. */
static void relist_script(void)
{
    program_advance(30000);
    connect_as(&pki, APP);
    say_hello();
    fake_kube_hold(program_kube(), false, true);
    fake_kube_remove(program_kube(), SERVICE_AT);
    program_advance(5000);
    assert_int_equal(workload.plane.updates, 1);
    fake_kube_refuse(program_kube(), "GET", "/api/v1/services", 410); /* its history is gone */
    fake_kube_restart(program_kube());
    fake_kube_hold(program_kube(), false, false);
    program_advance(2000);
    assert_int_equal(workload.plane.updates, 1);
    fake_kube_refuse(program_kube(), "GET", "/api/v1/services", 0);
    program_advance(25000);
    assert_int_equal(workload.plane.updates, 2);
    assert_non_null(strstr(workload.plane.removed, "destination/shop/reviews:80"));
    hang_up();
    program_signal(SIGTERM);
    program_advance(1100);
    assert_true(program_is_over());
    has_run = true;
}

static void test_what_vanishes_while_nobody_looks(void **state)
{
    in_cluster();
    expect_good(fill_cluster, relist_script);
}

/* An API server that says nothing does not hold it up for long. */
static void slow_leave_script(void)
{
    program_advance(30000);
    program_expect(HEALTH, "/metrics", 200, "\nweft_policyd_leader 1\n");
    fake_kube_hold(program_kube(), true, true);
    program_signal(SIGTERM);
    program_advance(900);
    assert_false(program_is_over());
    program_advance(200);
    assert_true(program_is_over());
    has_run = true;
}

static void test_it_does_not_wait_for_ever(void **state)
{
    in_cluster();
    expect_good(fill_cluster, slow_leave_script);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_serves_from_a_folder),
        TEST(test_it_ends_when_it_is_interrupted),
        TEST(test_a_folder_with_a_mistake),
        TEST(test_it_cannot_start),
        TEST(test_who_comes_in),
        TEST(test_other_roots),
        TEST(test_it_serves_in_a_cluster),
        TEST(test_the_clusters_trust_bundle),
        TEST(test_what_vanishes_while_nobody_looks),
        TEST(test_it_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
