/* list of subscribers.c and subscriber_send.c: what is sent when, what an answer to it changes, and
 * what the list of subscribers says of it. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "tests/sim/plane_bed.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/policies/policyd/fake_fit.h"

#define SERVICE(name, ip)                                                              \
    "{apiVersion: v1, kind: Service, metadata: {namespace: a, name: " name "}, spec: " \
    "{clusterIP: " ip ", ports: [{name: http, port: 80}]}}\n---\n"
#define GATEWAY(port)                                                                           \
    "{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {namespace: a, name: " \
    "door}, spec: {gatewayClassName: weft, listeners: [{name: h, port: " port                   \
    ", protocol: HTTP}]}}\n---\n"
#define ID(account) "spiffe://" PLANE_DOMAIN "/ns/a/sa/" account

static const char objects[] = SERVICE("one", "10.0.0.1") SERVICE("two", "10.0.0.2") GATEWAY("80");
static const char other_one[] = SERVICE("one", "10.0.0.3") SERVICE("two", "10.0.0.2") GATEWAY("81");

#define NODE(name, zone) \
    "{apiVersion: v1, kind: Node, metadata: {name: " name ", labels: {" \
    "topology.kubernetes.io/zone: " zone "}}}\n---\n"
#define NEAR                                                                                     \
    SERVICE("near", "10.0.0.8")                                                                  \
    "{apiVersion: v1, kind: Pod, metadata: {namespace: a, name: p}, spec: {nodeName: n1, "       \
    "serviceAccountName: app}, status: {podIP: 10.7.0.1}}\n---\n"                                \
    "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {namespace: a, name: n, "  \
    "labels: {kubernetes.io/service-name: near}}, addressType: IPv4, ports: [{name: http, "      \
    "port: 80}], endpoints: [{addresses: [10.9.0.1], hints: {forZones: [{name: z1}]}}, "         \
    "{addresses: [10.9.0.2], hints: {forZones: [{name: z2}]}}]}\n---\n"

static struct plane_bed bed;
static struct plane plane;

static int set_up(void **state)
{
    fake_fit_bad = NULL;
    plane_bed_open(&bed, objects, false);
    plane_connect(&plane, &bed, ID("app"), clock_wall_ms() + PLANE_LIFE_MS);
    return 0;
}

static int tear_down(void **state)
{
    plane_disconnect(&plane);
    plane_bed_close(&bed);
    return 0;
}

static void expect_sent(unsigned updates, const char *answers)
{
    assert_int_equal(plane.updates, updates);
    assert_int_equal(plane.serial, updates);
    assert_string_equal(plane.answers, answers);
}

static void test_an_address_is_answered_once(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    expect_sent(1, "10.0.0.1:80=2 ");
    assert_non_null(strstr(plane.resources, "one"));
    plane_ack(&plane);
    plane_ask(&plane, "10.0.0.2:80", NULL);
    expect_sent(2, "10.0.0.2:80=2 ");
    assert_null(strstr(plane.resources, "one"));
    plane_ack(&plane);
    plane_ask(&plane, "10.0.0.2:80", NULL);
    assert_int_equal(plane.updates, 2);
    plane_ask(&plane, NULL, "10.0.0.1:80");
    assert_int_equal(plane.updates, 3);
    assert_non_null(strstr(plane.removed, "one"));
}

/* Where a data plane is decides what it is sent, also when it is found out later. */
static void test_an_answer_by_zone(void **state)
{
    plane_bed_change(&bed, NEAR NODE("n2", "z2"));
    plane_hello(&plane, "p", "", "10.0.0.8:80");
    expect_sent(1, "10.0.0.8:80=2 ");
    plane_ack(&plane);
    plane_bed_change(&bed, NEAR NODE("n2", "z1"));
    assert_int_equal(plane.updates, 1); /* somebody else's node */
    plane_bed_change(&bed, NEAR NODE("n1", "z1"));
    assert_int_equal(plane.updates, 2);
    assert_non_null(strstr(plane.resources, "cluster/"));
    plane_ack(&plane);
    plane_bed_change(&bed, NEAR NODE("n1", "z2"));
    assert_int_equal(plane.updates, 3);
    plane_ack(&plane);
    plane_bed_change(&bed, NEAR NODE("n1", "z2") NODE("n3", "z1"));
    assert_int_equal(plane.updates, 3);
}

static void test_nothing_of_the_mesh_is_an_answer(void **state)
{
    plane_hello(&plane, "", "", "192.0.2.1:443");
    expect_sent(1, "192.0.2.1:443=0 ");
}

static void test_one_update_is_under_way_at_a_time(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_ask(&plane, "10.0.0.2:80", NULL);
    plane_bed_change(&bed, other_one);
    assert_int_equal(plane.updates, 1);
    plane_ack(&plane);
    assert_int_equal(plane.updates, 2);
    assert_non_null(strstr(plane.answers, "10.0.0.1:80=0 "));
    assert_non_null(strstr(plane.answers, "10.0.0.2:80=2 "));
}

static void test_a_refused_update_is_not_sent_again(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_nack(&plane, "not with me");
    assert_int_equal(plane.updates, 1);
    assert_int_equal(plane_bed_count(&bed).nacks, 1);
    plane_bed_change(&bed, objects); /* the same again */
    plane_bed_advance(&bed, 60000);
    plane_ask(&plane, "192.0.2.1:443", NULL); /* nothing of the mesh, so nothing new to be had */
    plane_ask(&plane, NULL, "192.0.2.1:443");
    assert_int_equal(plane.updates, 1);
    assert_int_equal(plane_bed_count(&bed).behind, 1);
    plane_bed_change(&bed, other_one);
    assert_int_equal(plane.updates, 2);
    plane_ack(&plane);
    assert_int_equal(plane_bed_count(&bed).behind, 0);
}

/* A refusal is of some resources, and not of every question that comes after it. */
static void test_what_needs_nothing_new_is_answered_after_a_refusal(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_ack(&plane);
    plane_ask(&plane, "10.0.0.2:80", NULL);
    assert_int_equal(plane.updates, 2);
    plane_nack(&plane, "not with me");
    plane_ask(&plane, "192.0.2.1:443", NULL);
    expect_sent(3, "192.0.2.1:443=0 ");
    assert_string_equal(plane.resources, "");
    assert_string_equal(plane.removed, "");
    assert_int_equal(plane_bed_count(&bed).behind, 1);
    plane_ack(&plane);
    assert_non_null(plane.stream);
    plane_bed_advance(&bed, 60000);
    assert_int_equal(plane.updates, 3);
    assert_int_equal(plane_bed_count(&bed).behind, 1); /* it still has not what it should have */
    plane_bed_change(&bed, other_one);
    assert_int_equal(plane.updates, 4);
    assert_non_null(strstr(plane.answers, "10.0.0.2:80=2 "));
    plane_ack(&plane);
    assert_int_equal(plane_bed_count(&bed).behind, 0);
}

/* Also where both were in the update that was refused. */
static void test_what_was_asked_with_it_is_answered_after_a_refusal(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_ack(&plane);
    plane_ask(&plane, "10.0.0.2:80 192.0.2.1:443", NULL);
    assert_int_equal(plane.updates, 2);
    plane_nack(&plane, "not with me");
    expect_sent(3, "192.0.2.1:443=0 ");
    assert_string_equal(plane.resources, "");
}

static void test_answers_alone_can_be_refused_too(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_ack(&plane);
    plane_ask(&plane, "10.0.0.2:80", NULL);
    plane_nack(&plane, "not with me");
    plane_ask(&plane, "192.0.2.1:443", NULL);
    assert_int_equal(plane.updates, 3);
    plane_nack(&plane, "nor this");
    plane_bed_advance(&bed, 20000);
    assert_int_equal(plane.updates, 3);
}

/* Whoever says hello again may be able to use it now. */
static void test_a_refused_update_is_sent_to_who_comes_back(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_nack(&plane, "not with me");
    plane_hello(&plane, "", "", "10.0.0.1:80");
    expect_sent(2, "10.0.0.1:80=2 ");
}

static void test_an_answer_to_an_earlier_update_is_nothing(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_ack(&plane);
    plane_ack(&plane);
    assert_non_null(plane.stream);
    plane.serial = 2;
    plane_ack(&plane);
    assert_null(plane.stream);
    assert_int_equal(plane.status, GRPC_INVALID_ARGUMENT);
}

static void test_an_answer_to_an_earlier_update_does_not_settle_this_one(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_ack(&plane);
    plane_ask(&plane, "10.0.0.2:80", NULL);
    assert_int_equal(plane.updates, 2);
    plane.serial = 1;
    plane_ack(&plane);
    assert_int_equal(plane_bed_count(&bed).acks, 1);
    assert_int_equal(plane_bed_count(&bed).behind, 1);
    plane.serial = 2;
    plane_ack(&plane);
    assert_int_equal(plane_bed_count(&bed).behind, 0);
}

static void test_who_has_something_else_comes_back(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane.digest ^= 1;
    plane_ack(&plane);
    assert_null(plane.stream);
    assert_int_equal(plane.status, GRPC_ABORTED);
    assert_int_equal(plane_bed_count(&bed).desynced, 1);
}

static void test_who_does_not_answer_is_sent_away(void **state)
{
    plane_hello(&plane, "", "", "10.0.0.1:80");
    plane_bed_advance(&bed, 28000);
    assert_non_null(plane.stream);
    plane_bed_advance(&bed, 6000);
    assert_null(plane.stream);
    assert_int_equal(plane.status, GRPC_DEADLINE_EXCEEDED);
    assert_int_equal(plane_bed_count(&bed).slow, 1);
}

/* ---- what a Gateway's status is made of ---- */

static enum subscriber_gateway how_is(const char *namespace_name, const char *name,
                                      const char **why)
{
    static char text[100];
    struct slice refusal;
    enum subscriber_gateway state = subscriber_list_find_gateway(
        bed.subscribers, slice_from_cstr(namespace_name), slice_from_cstr(name), &refusal);
    snprintf(text, sizeof text, "%.*s", SLICE_ARG(refusal));
    *why = text;
    return state;
}

static void test_how_a_gateway_is(void **state)
{
    struct plane listener;
    const char *why;
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_ABSENT);
    plane_hello(&plane, "", "", NULL);
    plane_connect(&listener, &bed, ID("door-weft"), clock_wall_ms() + PLANE_LIFE_MS);
    plane_hello(&listener, "", "door", NULL);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_BEHIND);
    assert_int_equal(how_is("b", "door", &why), SUBSCRIBER_GATEWAY_ABSENT);
    assert_int_equal(how_is("a", "doo", &why), SUBSCRIBER_GATEWAY_ABSENT);
    assert_true(subscriber_list_is_busy(bed.subscribers));
    plane_ack(&listener);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_CURRENT);
    assert_false(subscriber_list_is_busy(bed.subscribers));
    plane_bed_change(&bed, other_one);
    plane_nack(&listener, "no such port here");
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_REFUSING);
    assert_string_equal(why, "no such port here");
    unsigned moves = bed.gateway_moves;
    plane_disconnect(&listener);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_ABSENT);
    assert_int_equal(bed.gateway_moves, moves + 1);
}

static void connect_door(struct plane *listener)
{
    plane_connect(listener, &bed, ID("door-weft"), clock_wall_ms() + PLANE_LIFE_MS);
    plane_hello(listener, "", "door", NULL);
}

/* The update is in force but for a part: that is so until the next one. */
static void test_a_part_that_a_data_plane_refuses(void **state)
{
    struct plane listener;
    const char *why;
    connect_door(&listener);
    unsigned moves = bed.gateway_moves;
    plane_ack_refused(&listener, "gateway/a/door:80: no such thing");
    assert_int_equal(bed.gateway_moves, moves + 1);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_REFUSING);
    assert_string_equal(why, "gateway/a/door:80: no such thing");
    plane_bed_advance(&bed, 60000);
    assert_int_equal(listener.updates, 1); /* it has it, and would refuse it again */
    assert_int_equal(plane_bed_count(&bed).behind, 0);
    plane_bed_change(&bed, other_one);
    assert_int_equal(listener.updates, 2);
    plane_ack(&listener);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_CURRENT);
    plane_disconnect(&listener);
}

#define NAMED GATEWAY("80, hostname: bad.example")

/* What policyd finds out by itself is not sent, and said all the same. */
static void test_what_no_data_plane_could_use(void **state)
{
    struct plane listener;
    const char *why;
    connect_door(&listener);
    plane_ack(&listener);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_CURRENT);
    fake_fit_bad = "bad.example";
    plane_bed_change(&bed, SERVICE("one", "10.0.0.1") SERVICE("two", "10.0.0.2") NAMED);
    assert_int_equal(listener.updates, 1);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_REFUSING);
    assert_non_null(strstr(why, ": it has bad.example"));
    plane_bed_change(&bed, objects);
    assert_int_equal(listener.updates, 1);
    assert_int_equal(how_is("a", "door", &why), SUBSCRIBER_GATEWAY_CURRENT);
    plane_disconnect(&listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_an_address_is_answered_once),
        TEST(test_an_answer_by_zone),
        TEST(test_nothing_of_the_mesh_is_an_answer),
        TEST(test_one_update_is_under_way_at_a_time),
        TEST(test_a_refused_update_is_not_sent_again),
        TEST(test_what_needs_nothing_new_is_answered_after_a_refusal),
        TEST(test_what_was_asked_with_it_is_answered_after_a_refusal),
        TEST(test_answers_alone_can_be_refused_too),
        TEST(test_a_refused_update_is_sent_to_who_comes_back),
        TEST(test_an_answer_to_an_earlier_update_is_nothing),
        TEST(test_an_answer_to_an_earlier_update_does_not_settle_this_one),
        TEST(test_who_has_something_else_comes_back),
        TEST(test_who_does_not_answer_is_sent_away),
        TEST(test_how_a_gateway_is),
        TEST(test_a_part_that_a_data_plane_refuses),
        TEST(test_what_no_data_plane_could_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
