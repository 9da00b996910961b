/* list of subscribers.c, subscriber.c and subscriber_serve.c: who is served, for how long, and how
 * much one may ask for. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "policies/proto/discovery.pb-c.h"
#include "tests/sim/fake_clock.h"
#include "tests/sim/plane_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"

#define POD(name, account, labels)                                                               \
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: " name ", labels: {" labels "}}, " \
    "spec: {serviceAccountName: " account ", containers: [{name: c}]}}\n---\n"
#define GATEWAY                                                                                 \
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: " \
    "door}, spec: {gatewayClassName: weft, listeners: [{name: h, port: 80, protocol: HTTP}]}}\n" \
    "---\n"
#define OF_DOOR "gateway.networking.k8s.io/gateway-name: door"
#define ID(rest) "spiffe://" PLANE_DOMAIN rest
#define APP ID("/ns/a/sa/app")

enum { ADDRESSES_MAX = 16384, KNOWN_MAX = 65536, VERSION_MAX = 64, TICK_MS = 2000 };

static const char objects[] = POD("app-1", "app", "") POD("door-1", "door-weft", OF_DOOR)
    POD("named-1", "door", OF_DOOR) GATEWAY;
static const char without_app[] = POD("door-1", "door-weft", OF_DOOR) GATEWAY;
static const char app_of_another[] = POD("app-1", "other", "") GATEWAY;

static struct plane_bed bed;
static struct plane plane;

static int set_up(void **state)
{
    plane_bed_open(&bed, objects, true);
    return 0;
}

static int tear_down(void **state)
{
    plane_disconnect(&plane);
    plane_bed_close(&bed);
    return 0;
}

static void connect_as(const char *id)
{
    plane_connect(&plane, &bed, id, clock_wall_ms() + PLANE_LIFE_MS);
}

static void expect_refused(enum grpc_status status, const char *why)
{
    assert_null(plane.stream);
    assert_int_equal(plane.status, status);
    if (!strstr(plane.why, why))
        fail_msg("refused for \"%s\", not for \"%s\"", plane.why, why);
    assert_int_equal(plane_bed_count(&bed).refused, 1);
    assert_int_equal(plane_bed_count(&bed).subscribers, 0);
}

/* ---- certificates ---- */

static void test_a_workload_is_served(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    assert_non_null(plane.stream);
    assert_int_equal(plane.updates, 1);
    assert_string_equal(plane.removed, "");
    assert_int_equal(plane_bed_count(&bed).waiting, 0);
}

static void expect_no_workload(const char *id)
{
    plane_bed_open(&bed, objects, true);
    connect_as(id);
    expect_refused(GRPC_UNAUTHENTICATED, "a certificate of this mesh");
    plane_disconnect(&plane);
    plane_bed_close(&bed);
}

static void test_certificates_that_are_no_workloads(void **state)
{
    expect_no_workload(NULL);
    expect_no_workload("");
    expect_no_workload("spiffe://another/ns/a/sa/app");
    expect_no_workload(ID("/node/one"));
    expect_no_workload(ID("/ns/a"));
    expect_no_workload(ID("/ns/a/sa/app/more"));
    expect_no_workload(ID("/sa/app/ns/a"));
    expect_no_workload(ID("/"));
}

static void test_a_certificate_that_ends_ends_its_stream(void **state)
{
    plane_connect(&plane, &bed, APP, clock_wall_ms() + 60000);
    plane_hello(&plane, "app-1", "", NULL);
    plane_ack(&plane);
    plane_bed_advance(&bed, 60000 - TICK_MS);
    assert_non_null(plane.stream);
    plane_bed_advance(&bed, 2 * TICK_MS);
    expect_refused(GRPC_PERMISSION_DENIED, "its certificate has expired");
}

static void test_a_certificate_that_ends_before_the_hello(void **state)
{
    plane_connect(&plane, &bed, APP, clock_wall_ms() + TICK_MS);
    plane_bed_advance(&bed, 2 * TICK_MS);
    expect_refused(GRPC_PERMISSION_DENIED, "its certificate has expired");
}

static void test_a_wall_clock_that_jumps_ends_what_it_says_is_over(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    plane_ack(&plane);
    fake_clock_jump(PLANE_LIFE_MS);
    plane_bed_advance(&bed, 2 * TICK_MS);
    expect_refused(GRPC_PERMISSION_DENIED, "its certificate has expired");
}

/* ---- pods ---- */

static void test_the_pod_of_somebody_else(void **state)
{
    connect_as(ID("/ns/a/sa/thief"));
    plane_hello(&plane, "app-1", "", NULL);
    expect_refused(GRPC_PERMISSION_DENIED, "has the service account app");
    assert_int_equal(plane.updates, 0);
}

static void test_a_pod_that_vanished_keeps_its_stream_for_a_minute(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    plane_ack(&plane);
    plane_bed_change(&bed, without_app);
    plane_bed_advance(&bed, 50000);
    assert_non_null(plane.stream);
    plane_bed_advance(&bed, 20000);
    expect_refused(GRPC_PERMISSION_DENIED, "there is no pod a/app-1");
}

static void test_a_pod_that_comes_back_goes_on(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    plane_ack(&plane);
    for (int i = 0; i < 3; i++) {
        plane_bed_change(&bed, without_app);
        plane_bed_advance(&bed, 50000);
        plane_bed_change(&bed, objects);
        plane_bed_advance(&bed, 2 * TICK_MS);
    }
    assert_non_null(plane.stream);
    assert_int_equal(plane_bed_count(&bed).refused, 0);
}

/* Another pod of the same name: what was served goes on not one update longer. */
static void test_a_pod_that_is_somebody_elses_now(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    plane_ack(&plane);
    plane_bed_change(&bed, app_of_another);
    assert_int_equal(plane.updates, 1);
    expect_refused(GRPC_PERMISSION_DENIED, "has the service account other");
}

/* Also while an update is under way, when nobody looks at it but the clock. */
static void test_a_pod_that_is_somebody_elses_during_an_update(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    plane_bed_change(&bed, app_of_another);
    assert_non_null(plane.stream);
    plane_bed_advance(&bed, 2 * TICK_MS);
    expect_refused(GRPC_PERMISSION_DENIED, "has the service account other");
}

static void test_a_pod_that_nobody_knows_yet_is_waited_for(void **state)
{
    plane_bed_change(&bed, without_app);
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    assert_int_equal(plane.updates, 0);
    assert_int_equal(plane_bed_count(&bed).waiting, 1);
    plane_bed_advance(&bed, 10000);
    plane_bed_change(&bed, objects);
    assert_int_equal(plane.updates, 1);
}

static void test_a_pod_that_never_comes(void **state)
{
    plane_bed_change(&bed, without_app);
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    plane_bed_advance(&bed, 14000);
    assert_non_null(plane.stream);
    plane_bed_advance(&bed, 4000);
    expect_refused(GRPC_PERMISSION_DENIED, "there is no pod a/app-1");
}

static void test_until_the_objects_are_known_everybody_waits(void **state)
{
    bed.is_ready = false;
    connect_as(ID("/ns/a/sa/thief"));
    plane_hello(&plane, "app-1", "", NULL);
    plane_bed_advance(&bed, 120000);
    assert_non_null(plane.stream);
    assert_int_equal(plane.updates, 0);
    bed.is_ready = true;
    plane_bed_change(&bed, objects);
    expect_refused(GRPC_PERMISSION_DENIED, "has the service account app");
}

/* ---- Gateways ---- */

static void test_a_gateways_configuration_is_for_its_pods(void **state)
{
    connect_as(ID("/ns/a/sa/door-weft"));
    plane_hello(&plane, "door-1", "door", NULL);
    assert_non_null(strstr(plane.resources, "gateway/a/door:80"));
}

static void test_an_account_named_like_the_gateway_gets_nothing(void **state)
{
    connect_as(ID("/ns/a/sa/door"));
    plane_hello(&plane, "named-1", "door", NULL);
    assert_int_equal(plane.updates, 0);
    expect_refused(GRPC_PERMISSION_DENIED, "is served by the service account door-weft");
}

/* A second hello is judged like the first. */
static void test_an_app_that_says_it_is_a_gateway_later(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    plane_ack(&plane);
    plane_hello(&plane, "app-1", "door", NULL);
    assert_int_equal(plane.updates, 1);
    expect_refused(GRPC_PERMISSION_DENIED, "has no label");
}

static void test_a_gateway_that_is_gone_is_told_so(void **state)
{
    connect_as(ID("/ns/a/sa/door-weft"));
    plane_hello(&plane, "door-1", "door", NULL);
    plane_ack(&plane);
    plane_bed_change(&bed, POD("door-1", "door-weft", OF_DOOR));
    assert_non_null(strstr(plane.removed, "gateway/a/door:80"));
    plane_ack(&plane);
    plane_bed_advance(&bed, 70000);
    expect_refused(GRPC_PERMISSION_DENIED, "there is no Gateway a/door");
}

/* ---- what one may ask for ---- */

static void ask_for_all_but(unsigned less, unsigned more)
{
    char text[32];
    for (unsigned i = less; i < ADDRESSES_MAX + more && plane.stream; i++) {
        snprintf(text, sizeof text, "10.%u.%u.%u:80", 64 + (i >> 16), i >> 8 & 255, i & 255);
        plane_ask(&plane, text, NULL);
    }
}

static void test_addresses_are_bounded(void **state)
{
    bed.is_ready = false; /* nothing has to be compiled */
    connect_as(APP);
    plane_hello(&plane, "app-1", "", "10.64.0.0:80");
    ask_for_all_but(0, 0);
    assert_non_null(plane.stream);
    assert_int_equal(plane_bed_count(&bed).addresses, ADDRESSES_MAX);
    plane_ask(&plane, "10.64.0.1:80", NULL); /* one that it has */
    plane_ask(&plane, "10.99.0.1:80", "10.64.0.1:80");
    assert_non_null(plane.stream);
    assert_int_equal(plane_bed_count(&bed).addresses, ADDRESSES_MAX);
    plane_ask(&plane, "10.99.0.2:80", NULL);
    expect_refused(GRPC_RESOURCE_EXHAUSTED, "too many addresses");
}

static void test_what_is_no_address_of_an_endpoint(void **state)
{
    static const char *const wrong[] = {"10.0.0.1",     "10.0.0.1:0", "10.0.0.01:80", "app:80",
                                        "10.0.0.1:80 ", "",           "::1:80", "[::0001]:80"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        plane_bed_close(&bed);
        plane_bed_open(&bed, objects, true);
        connect_as(APP);
        plane_hello(&plane, "app-1", "", wrong[i]);
        expect_refused(GRPC_INVALID_ARGUMENT, "no address with a port");
        plane_disconnect(&plane);
    }
    connect_as(APP);
}

/* Hello as a message, with that many known resources of that name. */
static void send_hello(size_t known, const char *name, const char *version, const char *pod_ip)
{
    Weft__Discovery__V1__Request m = WEFT__DISCOVERY__V1__REQUEST__INIT;
    Weft__Discovery__V1__Hello hello = WEFT__DISCOVERY__V1__HELLO__INIT;
    Weft__Discovery__V1__Known one = WEFT__DISCOVERY__V1__KNOWN__INIT;
    Weft__Discovery__V1__Known **all = mem_alloc((known + 1) * sizeof *all);
    one.name = (char *)(uintptr_t)name;
    for (size_t i = 0; i < known; i++)
        all[i] = &one;
    hello.pod = (char *)(uintptr_t) "app-1";
    hello.pod_ip = (char *)(uintptr_t)pod_ip;
    hello.version = (char *)(uintptr_t)version;
    hello.known = all;
    hello.n_known = known;
    m.body_case = WEFT__DISCOVERY__V1__REQUEST__BODY_HELLO;
    m.hello = &hello;
    size_t len = weft__discovery__v1__request__get_packed_size(&m);
    uint8_t *bytes = mem_alloc(len);
    weft__discovery__v1__request__pack(&m, bytes);
    plane_say(&plane, bytes, len);
    mem_free(bytes);
    mem_free(all);
}

static void test_a_hello_is_bounded(void **state)
{
    char version[VERSION_MAX + 2] = "", name[1026] = "";
    memset(version, 'v', VERSION_MAX);
    memset(name, 'n', 1024);
    connect_as(APP);
    send_hello(KNOWN_MAX, "x", version, "10.1.0.1");
    send_hello(1, name, "", "");
    assert_non_null(plane.stream);
    send_hello(KNOWN_MAX + 1, "x", "", "");
    expect_refused(GRPC_INVALID_ARGUMENT, "too many resources");
    for (int i = 0; i < 3; i++) {
        plane_disconnect(&plane);
        plane_bed_close(&bed);
        plane_bed_open(&bed, objects, true);
        connect_as(APP);
        version[VERSION_MAX] = name[1024] = 'x';
        send_hello(i == 0, name, i == 1 ? version : "", i == 2 ? "10.1.0.1:80" : "");
        expect_refused(GRPC_INVALID_ARGUMENT, i == 0   ? "whose name is too long"
                                              : i == 1 ? "a version that is too long"
                                                       : "a pod IP that is no address");
    }
}

/* ---- order and time ---- */

static void test_the_first_message_is_a_hello(void **state)
{
    connect_as(APP);
    plane_ask(&plane, "10.0.0.1:80", NULL);
    expect_refused(GRPC_FAILED_PRECONDITION, "the first message must be a hello");
}

static void test_what_is_no_message(void **state)
{
    connect_as(APP);
    plane_say(&plane, "\xff\xff\xff", 3);
    expect_refused(GRPC_INVALID_ARGUMENT, "cannot be read");
}

static void test_who_never_says_hello(void **state)
{
    connect_as(APP);
    plane_bed_advance(&bed, 8000);
    assert_non_null(plane.stream);
    plane_bed_advance(&bed, 6000);
    expect_refused(GRPC_DEADLINE_EXCEEDED, "it never said hello");
}

static void test_a_roster_that_is_dismissed_takes_nobody(void **state)
{
    connect_as(APP);
    plane_hello(&plane, "app-1", "", NULL);
    subscriber_list_dismiss(bed.subscribers);
    plane_bed_turn(&bed);
    assert_null(plane.stream);
    assert_int_equal(plane.status, GRPC_UNAVAILABLE);
    plane_disconnect(&plane);
    connect_as(APP);
    assert_null(plane.stream);
    assert_int_equal(plane.status, GRPC_UNAVAILABLE);
}

/* ---- how many streams ---- */

static void test_streams_of_one_peer_are_bounded(void **state)
{
    enum { MAX = PLANE_STREAMS_MAX };
    static struct plane planes[MAX], other;
    int64_t not_after_ms = clock_wall_ms() + PLANE_LIFE_MS;
    for (size_t i = 0; i < MAX; i++) {
        plane_connect(&planes[i], &bed, APP, not_after_ms);
        assert_non_null(planes[i].stream);
    }
    /* One more, whatever the port; those that are there go on. */
    for (int i = 0; i < 2; i++) {
        plane_connect_from(&plane, &bed, APP, not_after_ms, "10.1.0.1:50000");
        assert_null(plane.stream);
        assert_int_equal(plane.status, GRPC_RESOURCE_EXHAUSTED);
        assert_non_null(strstr(plane.why, "from this address and may have no more"));
        plane_disconnect(&plane);
    }
    assert_int_equal(plane_bed_count(&bed).crowded, 2);
    assert_int_equal(plane_bed_count(&bed).refused, 0);
    plane_hello(&planes[0], "app-1", "", NULL);
    assert_int_equal(planes[0].updates, 1);
    /* Somebody else, and the same from somewhere else, are others. */
    plane_connect(&other, &bed, ID("/ns/a/sa/other"), not_after_ms);
    assert_non_null(other.stream);
    plane_disconnect(&other);
    plane_connect_from(&other, &bed, APP, not_after_ms, "10.1.0.2:40000");
    assert_non_null(other.stream);
    plane_disconnect(&other);
    /* One that leaves makes room for one. */
    plane_disconnect(&planes[1]);
    plane_bed_turn(&bed);
    connect_as(APP);
    assert_non_null(plane.stream);
    plane_disconnect(&planes[0]);
    for (size_t i = 2; i < MAX; i++)
        plane_disconnect(&planes[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_workload_is_served),
        cmocka_unit_test(test_certificates_that_are_no_workloads),
        TEST(test_a_certificate_that_ends_ends_its_stream),
        TEST(test_a_certificate_that_ends_before_the_hello),
        TEST(test_a_wall_clock_that_jumps_ends_what_it_says_is_over),
        TEST(test_the_pod_of_somebody_else),
        TEST(test_a_pod_that_vanished_keeps_its_stream_for_a_minute),
        TEST(test_a_pod_that_comes_back_goes_on),
        TEST(test_a_pod_that_is_somebody_elses_now),
        TEST(test_a_pod_that_is_somebody_elses_during_an_update),
        TEST(test_a_pod_that_nobody_knows_yet_is_waited_for),
        TEST(test_a_pod_that_never_comes),
        TEST(test_until_the_objects_are_known_everybody_waits),
        TEST(test_a_gateways_configuration_is_for_its_pods),
        TEST(test_an_account_named_like_the_gateway_gets_nothing),
        TEST(test_an_app_that_says_it_is_a_gateway_later),
        TEST(test_a_gateway_that_is_gone_is_told_so),
        TEST(test_addresses_are_bounded),
        TEST(test_what_is_no_address_of_an_endpoint),
        TEST(test_a_hello_is_bounded),
        TEST(test_the_first_message_is_a_hello),
        TEST(test_what_is_no_message),
        TEST(test_who_never_says_hello),
        TEST(test_streams_of_one_peer_are_bounded),
        TEST(test_a_roster_that_is_dismissed_takes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
