/* weft-certd as a whole, in memory: with a folder and in a cluster. It starts, or says that it
 * cannot; serves who comes; stays fit while days go by; hears signals; and leaves nothing behind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/certd.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/ca_controller.h"
#include "certd/certd_priv.h"
#include "certd/join_token.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "tests/sim/certd_caller.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/program_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"

#define LISTEN "127.0.0.1:15012"
#define HEALTH "127.0.0.1:15013"
#define DOMAIN "mesh.example.com"
#define ID "spiffe://" DOMAIN "/ns/shop/sa/app"
#define SECRET "/api/v1/namespaces/shop/secrets/" CA_CONTROLLER_SECRET
#define LEASE "/apis/coordination.k8s.io/v1/namespaces/shop/leases/weft-certd"

static const uint64_t minute = 60000, hour = 60 * 60000, day = 24 * 60 * 60000;
static struct folder dir;
static struct options options;
static char *bundle_path;
static bool has_run;

static int set_up_group(void **state)
{
    return program_set_up(state) || certd_caller_set_up(ID);
}

static int tear_down_group(void **state)
{
    certd_caller_tear_down();
    return program_tear_down(state);
}

static int set_up(void **state)
{
    folder_init(&dir);
    folder_make(&dir, "state");
    bundle_path = mem_strdup(folder_at(&dir, "roots.pem"));
    static char more[] = "ca.example.com";
    options = (struct options){.state_dir = mem_strdup(folder_at(&dir, "state")),
                               .trust_domain = (char *)(uintptr_t)DOMAIN,
                               .bundle_out = bundle_path,
                               .dns_names = {more},
                               .dns_name_count = 1,
                               .leaf_ttl_ms = hour,
                               .max_leaf_ttl_ms = 2 * hour,
                               .root_ttl_ms = 3650 * day,
                               .intermediate_ttl_ms = 90 * day,
                               .rate_per_minute = 60};
    assert_int_equal(addr_parse(SLICE(LISTEN), &options.listen), ERR_OK);
    assert_int_equal(addr_parse(SLICE(HEALTH), &options.health), ERR_OK);
    has_run = false;
    return 0;
}

static int tear_down(void **state)
{
    sim_net_refuse_listeners(ERR_OK);
    mem_free(options.state_dir);
    mem_free(bundle_path);
    folder_dispose(&dir);
    return 0;
}

static int serve(void)
{
    return certd_serve(&options);
}

/* The script's last word: the program ends, and what it listened on is closed. */
static void leave(void)
{
    assert_false(program_is_over());
    program_signal(SIGTERM);
    assert_true(program_is_over());
    has_run = true;
}

/* It runs to the end of the script, and ends well. */
static void expect_good(void (*before)(void), void (*script)(void))
{
    assert_int_equal(program_run(serve, before, script), 0);
    assert_true(has_run);
}

/* ---- callers ---- */

/* A workload with a fresh token gets a certificate, by the roots that are published. */
static void expect_served_as(const char *name)
{
    char token[JOIN_TOKEN_TEXT_MAX], *roots;
    size_t len;
    struct certd_caller c;
    assert_int_equal(file_read(bundle_path, 1 << 20, &roots, &len), ERR_OK);
    certd_caller_open(&c, LISTEN, roots, name);
    assert_int_equal(join_token_create(options.state_dir, SLICE(ID), clock_wall_ms() + 60000,
                                       token),
                     ERR_OK);
    certd_caller_ask(&c, token);
    if (c.status)
        fail_msg("%s: %s", name, c.text);
    certd_caller_close(&c);
    mem_free(roots);
}

static char *read_file(const char *path)
{
    char *text;
    size_t len;
    assert_int_equal(file_read(path, 1 << 20, &text, &len), ERR_OK);
    return text;
}

/* ---- with a folder ---- */

static void serves_script(void)
{
    program_expect(HEALTH, "/readyz", 200, "ok");
    program_expect(HEALTH, "/healthz", 200, "ok");
    program_expect(HEALTH, "/metrics", 200, "\nweft_certd_bundle_version 1\n");
    program_expect(HEALTH, "/metrics", 200, "\nweft_certd_root_replaced_timestamp_seconds 0\n");
    expect_served_as("weft-certd.weft-system.svc");
    expect_served_as("localhost");
    expect_served_as("ca.example.com");
    program_expect(HEALTH, "/metrics", 200, "\nweft_certd_certificates_issued_total 3\n");
    char *roots = read_file(bundle_path), *log = read_file(folder_at(&dir, "state/issued.log"));
    struct stat st;
    assert_int_equal(stat(bundle_path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_non_null(strstr(log, "\"id\":\"" ID "\""));
    assert_non_null(strstr(log, "\"peer\":\"10.0.0.7:"));
    struct certd_caller c;
    certd_caller_open(&c, LISTEN, roots, "weft-certd");
    certd_caller_ask(&c, NULL);
    assert_int_equal(c.status, GRPC_UNAUTHENTICATED);
    certd_caller_close(&c);
    certd_caller_open(&c, LISTEN, roots, "elsewhere.example.com");
    certd_caller_ask(&c, NULL);
    assert_int_equal(c.status, GRPC_UNAUTHENTICATED);
    assert_non_null(strstr(c.text, "elsewhere.example.com"));
    certd_caller_close(&c);
    mem_free(log);
    mem_free(roots);
    program_signal(SIGUSR1);
    assert_false(program_is_over());
    leave();
}

static void test_it_serves_from_a_folder(void **state)
{
    expect_good(NULL, serves_script);
}

/* ---- what probes and people are told */

/* What `weft-certd token create` prints is a token; into the folder that it is told. */
static void tokens_script(void)
{
    char printed[JOIN_TOKEN_TEXT_MAX + 2] = "";
    static char id[] = ID;
    struct certd_caller c;
    char *roots = read_file(bundle_path);
    int ends[2], saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    fflush(stdout);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    options.spiffe_id = id;
    options.token_ttl_ms = minute;
    int status = certd_create_token(&options);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], printed, sizeof(printed) - 1);
    close(ends[0]);
    assert_int_equal(status, 0);
    assert_true(n > 1 && printed[n - 1] == '\n');
    printed[n - 1] = '\0';
    certd_caller_open(&c, LISTEN, roots, "weft-certd");
    certd_caller_ask(&c, printed);
    if (c.status)
        fail_msg("%s", c.text);
    certd_caller_ask(&c, printed); /* it works once */
    assert_int_equal(c.status, GRPC_UNAUTHENTICATED);
    fake_clock_jump((int64_t)minute);
    certd_caller_close(&c);
    mem_free(roots);
    leave();
}

static void test_a_token_that_is_printed(void **state)
{
    expect_good(NULL, tokens_script);
    char *good = options.state_dir;
    options.state_dir = bundle_path; /* a file */
    assert_int_equal(certd_create_token(&options), 1);
    options.state_dir = good;
}

static void probes_script(void)
{
    program_expect(HEALTH, "/elsewhere", 404, "only /healthz, /readyz and /metrics are here");
    assert_non_null(strstr(program_ask(HEALTH, "POST", "/readyz"), "HTTP/1.1 405 "));
    assert_non_null(strstr(program_ask(HEALTH, "HEAD", "/readyz"), "HTTP/1.1 200 "));
    /* Whoever cannot sign any more is neither ready nor worth keeping. */
    fake_clock_jump((int64_t)(91 * day));
    program_expect(HEALTH, "/readyz", 503, "the signing certificate has expired");
    program_expect(HEALTH, "/healthz", 503, "the signing certificate has expired");
    fake_clock_jump(-(int64_t)(91 * day));
    program_expect(HEALTH, "/readyz", 200, "ok");
    leave();
}

static void test_what_probes_are_told(void **state)
{
    expect_good(NULL, probes_script);
}

static void interrupted_script(void)
{
    program_signal(SIGINT);
    assert_true(program_is_over());
    has_run = true;
}

static void test_it_ends_when_it_is_interrupted(void **state)
{
    options.health.family = 0;
    options.bundle_out = NULL;
    expect_good(NULL, interrupted_script);
    assert_int_equal(access(bundle_path, F_OK), -1);
    /* The folder is good for the next one: nothing of the lock is left. */
    has_run = false;
    expect_good(NULL, interrupted_script);
}

/* Its own certificate is good for a day, the signer's for ninety: both are renewed in time, and
 * tokens that nobody used are swept away. */
static void days_script(void)
{
    char token[JOIN_TOKEN_TEXT_MAX];
    char *signer = read_file(folder_at(&dir, "state/intermediate.pem")), *next;
    assert_int_equal(
        join_token_create(options.state_dir, SLICE(ID), clock_wall_ms() + 60000, token), ERR_OK);
    for (int i = 0; i < 6; i++) {
        program_advance(9 * hour);
        expect_served_as("weft-certd");
        program_expect(HEALTH, "/readyz", 200, "ok");
    }
    char *none;
    assert_int_equal(
        join_token_look(options.state_dir, slice_from_cstr(token), clock_wall_ms(), &none),
        ERR_NOT_FOUND);
    next = read_file(folder_at(&dir, "state/intermediate.pem"));
    assert_string_equal(next, signer);
    mem_free(next);
    fake_clock_jump((int64_t)(70 * day));
    program_advance(minute);
    next = read_file(folder_at(&dir, "state/intermediate.pem"));
    assert_string_not_equal(next, signer);
    program_expect(HEALTH, "/readyz", 200, "ok");
    expect_served_as("weft-certd");
    mem_free(next);
    mem_free(signer);
    leave();
}

static void test_it_stays_fit(void **state)
{
    expect_good(NULL, days_script);
}

/* SIGHUP: another CA was put into the folder, or one that is broken. */
static void reload_script(void)
{
    char *before = read_file(bundle_path);
    folder_put(&dir, "state/root.pem", "nonsense");
    program_signal(SIGHUP);
    assert_false(program_is_over());
    program_expect(HEALTH, "/readyz", 200, "ok");
    char *kept = read_file(bundle_path);
    assert_string_equal(kept, before);
    expect_served_as("weft-certd");
    static const char *const files[] = {"root.pem", "root.key", "intermediate.pem",
                                        "intermediate.key", "bundle.pem"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *path = mem_printf("%s/%s", options.state_dir, files[i]);
        unlink(path);
        mem_free(path);
    }
    struct certd_caller c;
    certd_caller_open(&c, LISTEN, before, "weft-certd");
    certd_caller_ask(&c, NULL); /* its connection stays: it has shown no certificate */
    program_signal(SIGHUP);
    char *after = read_file(bundle_path);
    assert_string_not_equal(after, before);
    expect_served_as("weft-certd");
    char line[100];
    snprintf(line, sizeof(line), "\nweft_certd_root_replaced_timestamp_seconds %lld\n",
             (long long)clock_wall_ms() / 1000);
    program_expect(HEALTH, "/metrics", 200, line);
    certd_caller_close(&c);
    mem_free(before);
    mem_free(kept);
    mem_free(after);
    leave();
}

static void test_it_reads_its_folder_again(void **state)
{
    expect_good(NULL, reload_script);
}

static void never(void)
{
    fail_msg("it runs");
}

static void expect_bad(void)
{
    assert_int_equal(program_run(serve, NULL, never), 1);
}

static void test_a_folder_that_somebody_serves_from(void **state)
{
    char *path = mem_printf("%s/lock", options.state_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    expect_bad();
    assert_int_equal(access(bundle_path, F_OK), -1);
    close(fd);
    expect_good(NULL, interrupted_script);
    mem_free(path);
}

static void test_it_cannot_start(void **state)
{
    char *good = options.state_dir;
    folder_put(&dir, "file", "");
    options.state_dir = mem_strdup(folder_at(&dir, "file/below"));
    expect_bad();
    mem_free(options.state_dir);
    options.state_dir = good;
    options.bundle_out = options.state_dir; /* is a folder */
    expect_bad();
    options.bundle_out = bundle_path;
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
    expect_bad();
    options.health.family = 0;
    expect_bad();
    sim_net_refuse_listeners(ERR_OK);
    folder_put(&dir, "state/root.pem", "nonsense");
    expect_bad();
}

/* ---- in a cluster ---- */

static void hold_writes(void)
{
    fake_kube_hold(program_kube(), true, false);
}

static void cluster_script(void)
{
    program_expect(HEALTH, "/healthz", 200, "");
    program_expect(HEALTH, "/readyz", 503, "there is no CA yet");
    fake_kube_hold(program_kube(), false, false);
    program_advance(20 * 1000);
    program_expect(HEALTH, "/readyz", 200, "ok");
    program_expect(HEALTH, "/metrics", 200, "\nweft_certd_leader 1\n");
    assert_non_null(fake_kube_get(program_kube(), SECRET));
    assert_string_not_equal(fake_kube_text(program_kube(), LEASE, "spec.holderIdentity"), "");
    program_signal(SIGHUP);
    program_expect(HEALTH, "/readyz", 200, "ok");
    /* It gives the Lease back before it goes. */
    program_signal(SIGTERM);
    program_advance(1000);
    assert_true(program_is_over());
    assert_string_equal(fake_kube_text(program_kube(), LEASE, "spec.holderIdentity"), "");
    has_run = true;
}

static void test_it_serves_in_a_cluster(void **state)
{
    options.kubernetes = true;
    expect_good(hold_writes, cluster_script);
}

/* An API server that says nothing holds it up for three seconds. */
static void slow_leave_script(void)
{
    program_advance(20 * 1000);
    program_expect(HEALTH, "/readyz", 200, "ok");
    fake_kube_hold(program_kube(), true, false);
    program_signal(SIGTERM);
    program_signal(SIGTERM);
    program_advance(2500);
    assert_false(program_is_over());
    program_advance(600);
    assert_true(program_is_over());
    has_run = true;
}

static void test_it_does_not_wait_for_ever(void **state)
{
    options.kubernetes = true;
    expect_good(NULL, slow_leave_script);
}

/* A port that cannot be had is not got by waiting: the pod fails, and says so. */
static void refuse_ports(void)
{
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
}

static void no_port_script(void)
{
    program_advance(minute);
    assert_true(program_is_over());
    has_run = true;
}

static void test_a_port_that_is_not_to_be_had(void **state)
{
    options.kubernetes = true;
    options.health.family = 0;
    assert_int_equal(program_run(serve, refuse_ports, no_port_script), 1);
    assert_true(has_run);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_it_serves_from_a_folder),
        TEST(test_it_ends_when_it_is_interrupted),
        TEST(test_a_token_that_is_printed),
        TEST(test_what_probes_are_told),
        TEST(test_it_stays_fit),
        TEST(test_it_reads_its_folder_again),
        TEST(test_a_folder_that_somebody_serves_from),
        TEST(test_it_cannot_start),
        TEST(test_it_serves_in_a_cluster),
        TEST(test_it_does_not_wait_for_ever),
        TEST(test_a_port_that_is_not_to_be_had),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
