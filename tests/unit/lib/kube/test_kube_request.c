/* kube_request.c: one request in its course: when its owner is told, how long it waits, and how
 * often it goes out again. test_kube_client.c and test_kube_lost.c have how connections come and
 * go.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "tests/unit/lib/kube/kube_bed.h"

struct told {
    unsigned heads, count, status;
    char body[100], detail[300];
};

static void on_done(void *owner, const struct kube_result *r)
{
    struct told *t = owner;
    t->count++;
    t->status = r->status;
    snprintf(t->detail, sizeof(t->detail), "%.*s", SLICE_ARG(r->detail));
    if (r->body.len)
        snprintf(t->body, sizeof(t->body), "%.*s", SLICE_ARG(r->body));
}

static void on_head(void *owner, unsigned status)
{
    struct told *t = owner;
    t->heads++;
    t->status = status;
}

static void on_bytes(void *owner, struct slice bytes)
{
    struct told *t = owner;
    size_t len = strlen(t->body);
    snprintf(t->body + len, sizeof(t->body) - len, "%.*s", SLICE_ARG(bytes));
}

static void ask(struct kube_bed *b, struct told *t, const char *method)
{
    struct kube_call call = {.method = method, .path = SLICE("/x")};
    *t = (struct told){0};
    kube_client_send(b->client, &call, on_done, t);
}

static void stream(struct kube_bed *b, struct told *t, uint32_t idle_ms)
{
    static const struct kube_stream_events events = {on_head, on_bytes, on_done};
    struct kube_call call = {.method = "GET", .path = SLICE("/watch")};
    *t = (struct told){0};
    kube_client_stream(b->client, &call, idle_ms, &events, t);
}

static const char *const versions[] = {"h2", "http/1.1"};

/* A server that refuses a request has not acted upon it, so it is asked again, whatever it was; but
 * not for ever. Over HTTP/1.1 nothing says so. */
static void test_refused_by_a_server_that_is_busy(void **state)
{
    static const char *const methods[] = {"GET", "POST"};
    for (int i = 0; i < 4; i++) {
        bool is_too_much = i % 2;
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, "h2", NULL);
        b.wire.refuse_streams = is_too_much ? 3 : 2;
        kube_bed_say(&b, 200, "in the end");
        ask(&b, &t, methods[i / 2]);
        kube_bed_turn(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(b.wire.refuse_streams, 0);
        assert_int_equal(b.request_count, is_too_much ? 0 : 1);
        if (is_too_much)
            assert_non_null(strstr(t.detail, "https://192.0.2.1:6443: the connection broke: "
                                             "refused by the peer before it was processed"));
        else
            assert_string_equal(t.body, "in the end");
        kube_bed_dispose(&b);
    }
}

/* Whoever follows a stream hears that it began before the first byte of it comes. */
static void test_a_head_is_told_at_once(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i], NULL);
        kube_bed_say_open(&b, "");
        stream(&b, &t, 0);
        kube_bed_turn(&b);
        assert_int_equal(t.heads, 1);
        assert_int_equal(t.count, 0);
        kube_bed_push(&b, "one");
        assert_string_equal(t.body, "one");
        assert_int_equal(t.heads, 1);
        kube_bed_dispose(&b);
    }
}

/* The time without bytes counts from the head on, as well as from the last byte. */
static void test_a_stream_that_falls_silent(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i / 2], NULL);
        kube_bed_say_open(&b, "");
        stream(&b, &t, 40000);
        kube_bed_turn(&b);
        if (i % 2) {
            loop_sim_advance(b.loop, 39000);
            kube_bed_push(&b, "x");
        }
        loop_sim_advance(b.loop, 39000);
        assert_int_equal(t.count, 0);
        loop_sim_advance(b.loop, 2000);
        assert_int_equal(t.count, 1);
        assert_string_equal(t.detail, "https://192.0.2.1:6443: nothing came for 40 s");
        kube_bed_dispose(&b);
    }
}

/* Without a limit for silence no byte begins one. */
static void test_a_stream_that_may_be_silent(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i], NULL);
        kube_bed_say_open(&b, "one ");
        stream(&b, &t, 0);
        kube_bed_turn(&b);
        kube_bed_push(&b, "two ");
        loop_sim_advance(b.loop, 3600000);
        assert_int_equal(t.count, 0);
        kube_bed_push(&b, "three");
        assert_string_equal(t.body, "one two three");
        kube_bed_dispose(&b);
    }
}

/* A failure that comes piece by piece is whole when it is told; no limit for silence ends it. */
static void test_a_failure_that_comes_slowly(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i], NULL);
        kube_bed_answer(&b, &(struct kube_bed_answer){403, "{\"message\":", NULL, true});
        stream(&b, &t, 1000);
        kube_bed_turn(&b);
        loop_sim_advance(b.loop, 20000);
        assert_int_equal(t.count, 0);
        kube_bed_push(&b, "\"not yours\"}");
        kube_bed_finish(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.heads, 0);
        assert_int_equal(t.status, 403);
        assert_string_equal(t.detail, "not yours");
        kube_bed_dispose(&b);
    }
}

/* RFC 9110, 15.2: any number of interim responses may come before the one that counts. */
static void test_interim_answers(void **state)
{
    static const uint16_t interim[] = {100, 102, 103};
    for (int i = 0; i < 4; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i / 2], NULL);
        if (i % 2)
            stream(&b, &t, 0);
        else
            ask(&b, &t, "GET");
        kube_bed_turn(&b);
        struct kube_wire_call *c = container_of(b.wire.calls.next, struct kube_wire_call, node);
        for (size_t k = 0; k < sizeof(interim) / sizeof(interim[0]); k++) {
            struct message head;
            message_init(&head, &c->arena);
            head.status = interim[k];
            http_stream_send_head(&c->st, &head, false);
            kube_bed_turn(&b);
            assert_int_equal(t.heads + t.count, 0);
        }
        kube_bed_say(&b, 200, "the one");
        kube_bed_turn(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.status, 200);
        assert_string_equal(t.body, "the one");
        kube_bed_dispose(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_by_a_server_that_is_busy),
        cmocka_unit_test(test_a_head_is_told_at_once),
        cmocka_unit_test(test_a_stream_that_falls_silent),
        cmocka_unit_test(test_a_stream_that_may_be_silent),
        cmocka_unit_test(test_a_failure_that_comes_slowly),
        cmocka_unit_test(test_interim_answers),
    };
    return cmocka_run_group_tests(tests, kube_wire_set_up, kube_wire_tear_down);
}
