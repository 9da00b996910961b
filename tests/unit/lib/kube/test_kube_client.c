/* kube_client.c and kube_request.c against a scripted server, over HTTP/2 and HTTP/1.1: answers and
 * failures as they are told, connections that break, requests that nobody waits for any more.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_client.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/kube/kube_client_priv.h"
#include "tests/unit/lib/io/folder.h"
#include "tests/unit/lib/kube/kube_bed.h"

struct told {
    unsigned count, heads;
    unsigned status;
    uint32_t retry_after_ms;
    char detail[300], body[2000];
    size_t body_len;
    struct kube_bed *bed;
    struct kube_request *cancel; /* on the first event */
    bool destroy;                /* the client, on the first event */
};

static void act(struct told *t)
{
    if (t->cancel)
        kube_request_cancel(t->cancel);
    if (t->destroy)
        kube_client_destroy(t->bed->client);
    if (t->destroy)
        t->bed->client = NULL;
    t->cancel = NULL;
    t->destroy = false;
}

static void on_done(void *owner, const struct kube_result *r)
{
    struct told *t = owner;
    t->count++;
    t->status = r->status;
    t->retry_after_ms = r->retry_after_ms;
    snprintf(t->detail, sizeof(t->detail), "%.*s", SLICE_ARG(r->detail));
    if (r->body.len) {
        t->body_len = r->body.len;
        snprintf(t->body, sizeof(t->body), "%.*s", SLICE_ARG(r->body));
    }
    act(t);
}

static void on_head(void *owner, unsigned status)
{
    struct told *t = owner;
    t->heads++;
    assert_int_equal(status, 200);
    act(t);
}

static void on_bytes(void *owner, struct slice bytes)
{
    struct told *t = owner;
    assert_int_equal(t->heads, 1);
    assert_int_equal(t->count, 0);
    assert_true(t->body_len + bytes.len < sizeof(t->body));
    memcpy(t->body + t->body_len, bytes.ptr, bytes.len);
    t->body_len += bytes.len;
    t->body[t->body_len] = '\0';
    act(t);
}

static const struct kube_stream_events stream_events = {on_head, on_bytes, on_done};

static struct kube_request *ask(struct kube_bed *b, struct told *t, const char *method,
                                const char *path, const char *body)
{
    struct kube_call call = {
        .method = method, .path = slice_from_cstr(path), .body = slice_from_cstr(body)};
    *t = (struct told){.bed = b};
    struct kube_request *r = kube_client_send(b->client, &call, on_done, t);
    assert_int_equal(t->count, 0);
    return r;
}

static struct kube_request *stream(struct kube_bed *b, struct told *t, uint32_t idle_ms)
{
    struct kube_call call = {.method = "GET", .path = SLICE("/watch")};
    *t = (struct told){.bed = b};
    return kube_client_stream(b->client, &call, idle_ms, &stream_events, t);
}

static const char *const versions[] = {"h2", "http/1.1"};

static void test_answers(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i], NULL);
        assert_true(slice_eq(kube_client_namespace(b.client), SLICE("shop")));
        kube_bed_say(&b, 200, "{\"a\":1}");
        ask(&b, &t, "GET", "/api/v1/x?limit=1", NULL);
        kube_bed_turn(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.status, 200);
        assert_string_equal(t.body, "{\"a\":1}");
        assert_string_equal(t.detail, "");
        kube_bed_say(&b, 201, "");
        ask(&b, &t, "POST", "/api/v1/y", "{}");
        kube_bed_turn(&b);
        assert_int_equal(t.status, 201);
        kube_bed_expect(&b, 0, "GET /api/v1/x?limit=1");
        kube_bed_expect(&b, 1, "POST /api/v1/y {}");
        assert_string_equal(b.authorization, "Bearer secret");
        assert_int_equal(b.wire.connections, 1);
        kube_bed_dispose(&b);
    }
}

static void test_failures_are_told_in_the_servers_words(void **state)
{
    static const struct {
        struct kube_bed_answer answer;
        const char *detail;
        uint32_t retry_after_ms;
    } cases[] = {
        {{409, "{\"kind\":\"Status\",\"message\":\"it has changed\"}", NULL, 0},
         "it has changed",
         0},
        {{429, "slow down\nplease", "3", 0}, "slow down", 3000},
        {{503, "", "100000", 0}, "HTTP status 503 Service Unavailable", 3600000},
        {{500, "{\"message\":5}", "soon", 0}, "HTTP status 500 Internal Server Error", 0},
        {{502, "\x01\x02", NULL, 0}, "HTTP status 502 Bad Gateway", 0},
        {{302, "", NULL, 0}, "HTTP status 302 Found", 0},
    };
    struct kube_bed b;
    kube_bed_init(&b, "h2", NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases * 2; i++) {
        struct told t;
        kube_bed_answer(&b, &cases[i / 2].answer);
        if (i % 2)
            ask(&b, &t, "GET", "/x", NULL);
        else
            stream(&b, &t, 0);
        kube_bed_turn(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.heads, 0);
        assert_int_equal(t.status, cases[i / 2].answer.status);
        assert_string_equal(t.detail, cases[i / 2].detail);
        assert_int_equal(t.retry_after_ms, cases[i / 2].retry_after_ms);
    }
    kube_bed_dispose(&b);
}

static void test_a_stream_comes_as_it_is_sent(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i], NULL);
        kube_bed_say_open(&b, "one ");
        stream(&b, &t, 0);
        kube_bed_turn(&b);
        assert_string_equal(t.body, "one ");
        loop_sim_advance(b.loop, 600000);
        kube_bed_push(&b, "two");
        assert_string_equal(t.body, "one two");
        assert_int_equal(t.count, 0);
        kube_bed_finish(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.status, 200);
        assert_string_equal(t.detail, "");
        kube_bed_dispose(&b);
    }
}

static void test_streams_that_break(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i / 2], NULL);
        kube_bed_say_open(&b, "half");
        stream(&b, &t, 0);
        kube_bed_turn(&b);
        assert_string_equal(t.body, "half");
        if (i % 2)
            kube_bed_break(&b);
        else
            kube_bed_cut(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.status, 0);
        assert_non_null(strstr(t.detail, "https://192.0.2.1:6443: the connection broke"));
        kube_bed_dispose(&b);
    }
}

static void test_times(void **state)
{
    struct kube_bed b;
    struct told t, s;
    kube_bed_init(&b, "h2", NULL);
    ask(&b, &t, "GET", "/slow", NULL);
    loop_sim_advance(b.loop, 29000);
    assert_int_equal(t.count, 0);
    loop_sim_advance(b.loop, 2000);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.status, 0);
    assert_non_null(strstr(t.detail, "no answer for 30 s"));
    kube_bed_say_open(&b, "begin");
    stream(&b, &s, 5000);
    kube_bed_turn(&b);
    loop_sim_advance(b.loop, 4000);
    kube_bed_push(&b, ".");
    loop_sim_advance(b.loop, 4000);
    assert_int_equal(s.count, 0);
    loop_sim_advance(b.loop, 2000);
    assert_int_equal(s.count, 1);
    assert_non_null(strstr(s.detail, "nothing came for 5 s"));
    kube_bed_dispose(&b);
}

static void test_no_server(void **state)
{
    struct kube_bed b;
    struct told t[3];
    kube_bed_init(&b, "h2", NULL);
    b.wire.refuse = true;
    for (int i = 0; i < 3; i++)
        ask(&b, &t[i], "GET", "/x", NULL);
    kube_bed_turn(&b);
    assert_int_equal(b.wire.refused, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(t[i].count, 1);
        assert_int_equal(t[i].status, 0);
        assert_non_null(strstr(t[i].detail, "https://192.0.2.1:6443"));
        assert_non_null(strstr(t[i].detail, "refused"));
    }
    b.wire.refuse = false;
    kube_bed_say(&b, 200, "back");
    ask(&b, &t[0], "GET", "/x", NULL);
    kube_bed_turn(&b);
    assert_string_equal(t[0].body, "back");
    kube_bed_dispose(&b);
}

/* The wire's connect, and what happens in the middle of it. */
struct eager {
    struct kube_bed *bed;
    struct told late;
    bool asks;
    unsigned addresses; /* that the name has */
    unsigned connects;
    uint8_t last_ip[4];
    struct stream *(*connect)(void *owner, const struct addr *to,
                              const struct stream_events *events, void *stream_owner);
    void *connect_owner;
};

static struct stream *connect_and_ask(void *owner, const struct addr *to,
                                      const struct stream_events *events, void *stream_owner)
{
    struct eager *e = owner;
    struct kube_dial *d = &e->bed->client->dial;
    memcpy(e->last_ip, to->ip, sizeof e->last_ip);
    if (e->connects++ == 0) {
        for (unsigned i = 1; i < e->addresses; i++) {
            d->addrs[i] = d->addrs[0];
            d->addrs[i].ip[3] = (uint8_t)(d->addrs[0].ip[3] + i);
        }
        d->count = e->addresses;
        if (e->asks)
            ask(e->bed, &e->late, "GET", "/late", NULL);
    }
    return e->connect(e->connect_owner, to, events, stream_owner);
}

static void be_eager(struct eager *e, struct kube_bed *b)
{
    struct kube_dial *d = &b->client->dial;
    e->bed = b;
    e->connect = d->connect;
    e->connect_owner = d->connect_owner;
    d->connect = connect_and_ask;
    d->connect_owner = e;
}

/* Who asks while a connection is being made waits for that one. */
static void test_one_connection_is_made_at_a_time(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t;
        struct eager e = {.asks = true, .addresses = 1};
        kube_bed_init(&b, versions[i], NULL);
        be_eager(&e, &b);
        kube_bed_say(&b, 200, "one");
        kube_bed_say(&b, 200, "two");
        ask(&b, &t, "GET", "/x", NULL);
        kube_bed_turn(&b);
        assert_string_equal(t.body, "one");
        assert_string_equal(e.late.body, "two");
        /* HTTP/1.1 has room for one request on it, so another one is made then. */
        assert_int_equal(b.wire.connections, i + 1);
        kube_bed_dispose(&b);
    }
}

/* All addresses of the name are tried, the last one is told. */
static void test_one_address_after_the_other(void **state)
{
    struct kube_bed b;
    struct told t;
    struct eager e = {.addresses = 3};
    kube_bed_init(&b, "h2", NULL);
    be_eager(&e, &b);
    b.wire.refuse = true;
    ask(&b, &t, "GET", "/x", NULL);
    kube_bed_turn(&b);
    assert_int_equal(e.connects, 3);
    assert_int_equal(e.last_ip[3], 3);
    assert_int_equal(t.count, 1);
    assert_int_equal(t.status, 0);
    assert_non_null(strstr(t.detail, "https://192.0.2.1:6443 (192.0.2.3:6443): "));
    kube_bed_dispose(&b);
}

/* Nothing is left of a connection that was being made when the client went. */
static void test_destroyed_while_it_connects(void **state)
{
    struct kube_bed b;
    struct told t;
    kube_bed_init(&b, "h2", NULL);
    ask(&b, &t, "GET", "/x", NULL);
    kube_client_destroy(b.client);
    b.client = NULL;
    kube_bed_turn(&b);
    assert_int_equal(t.count, 0);
    assert_int_equal(b.wire.connections, 0);
    kube_bed_dispose(&b);
}

static void test_a_server_that_leaves(void **state)
{
    struct kube_bed b;
    struct told t, next;
    kube_bed_init(&b, "h2", NULL);
    kube_bed_say_open(&b, "still");
    stream(&b, &t, 0);
    kube_bed_turn(&b);
    http_server_drain(b.wire.server);
    kube_bed_turn(&b);
    ask(&b, &next, "POST", "/x", "{}");
    kube_bed_say(&b, 200, "moved");
    kube_bed_turn(&b);
    assert_int_equal(next.status, 200);
    assert_string_equal(next.body, "moved");
    assert_int_equal(b.wire.connections, 2);
    assert_int_equal(t.count, 0);
    kube_bed_finish(&b);
    assert_int_equal(t.count, 1);
    kube_bed_dispose(&b);
}

static void test_canceled(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told waiting, sent, flowing, good;
        kube_bed_init(&b, versions[i], NULL);
        kube_request_cancel(ask(&b, &waiting, "GET", "/a", NULL));
        kube_bed_turn(&b);
        assert_int_equal(b.request_count, 0);
        struct kube_request *r = ask(&b, &sent, "GET", "/b", NULL);
        kube_bed_turn(&b);
        assert_int_equal(b.request_count, 1);
        kube_request_cancel(r);
        kube_bed_say_open(&b, "x");
        r = stream(&b, &flowing, 0);
        flowing.cancel = r;
        kube_bed_turn(&b);
        kube_bed_say(&b, 200, "ok");
        ask(&b, &good, "GET", "/c", NULL);
        kube_bed_turn(&b);
        assert_string_equal(good.body, "ok");
        assert_int_equal(waiting.count + sent.count + flowing.count, 0);
        assert_int_equal(flowing.heads, 1);
        assert_int_equal(flowing.body_len, 0);
        kube_bed_dispose(&b);
    }
}

static void test_destroyed_inside_what_is_told(void **state)
{
    for (int i = 0; i < 4; i++) {
        struct kube_bed b;
        struct told t, flowing;
        kube_bed_init(&b, versions[i / 2], NULL);
        kube_bed_say_open(&b, "on and on");
        stream(&b, &flowing, 0);
        kube_bed_turn(&b);
        kube_bed_say(&b, 200, "x");
        if (i % 2)
            stream(&b, &t, 0);
        else
            ask(&b, &t, "GET", "/x", NULL);
        t.destroy = true;
        kube_bed_turn(&b);
        assert_null(b.client);
        assert_int_equal(t.count + t.heads, 1);
        assert_int_equal(flowing.count, 0);
        kube_bed_dispose(&b);
    }
}

static void test_the_token_is_read_again(void **state)
{
    struct folder folder;
    struct kube_bed b;
    struct told t;
    folder_init(&folder);
    folder_put(&folder, "token", " \n");
    char *path = mem_strdup(folder_at(&folder, "token"));
    kube_bed_init(&b, "h2", path);
    for (int i = 0; i < 6; i++)
        kube_bed_say(&b, i == 3 ? 401 : 200, "");
    /* Before anything was read nothing is known: nobody is asked without a token. */
    ask(&b, &t, "GET", "/0", NULL);
    kube_bed_turn(&b);
    assert_int_equal(b.request_count, 0);
    assert_non_null(strstr(t.detail, "token is empty"));
    folder_put(&folder, "token", "first\n");
    ask(&b, &t, "GET", "/1", NULL);
    kube_bed_turn(&b);
    assert_string_equal(b.authorization, "Bearer first");
    folder_put(&folder, "token", "second");
    ask(&b, &t, "GET", "/2", NULL);
    kube_bed_turn(&b);
    assert_string_equal(b.authorization, "Bearer first");
    loop_sim_advance(b.loop, 60000);
    ask(&b, &t, "GET", "/3", NULL);
    kube_bed_turn(&b);
    assert_string_equal(b.authorization, "Bearer second");
    folder_put(&folder, "token", "third");
    ask(&b, &t, "GET", "/4", NULL);
    kube_bed_turn(&b);
    assert_int_equal(t.status, 401);
    ask(&b, &t, "GET", "/5", NULL);
    kube_bed_turn(&b);
    assert_string_equal(b.authorization, "Bearer third");
    /* A file that is being replaced badly: what is known still counts. */
    folder_put(&folder, "token", "");
    loop_sim_advance(b.loop, 60000);
    ask(&b, &t, "GET", "/6", NULL);
    kube_bed_turn(&b);
    assert_string_equal(b.authorization, "Bearer third");
    kube_bed_dispose(&b);
    folder_dispose(&folder);
    mem_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_failures_are_told_in_the_servers_words),
        cmocka_unit_test(test_a_stream_comes_as_it_is_sent),
        cmocka_unit_test(test_streams_that_break),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_no_server),
        cmocka_unit_test(test_one_connection_is_made_at_a_time),
        cmocka_unit_test(test_one_address_after_the_other),
        cmocka_unit_test(test_destroyed_while_it_connects),
        cmocka_unit_test(test_a_server_that_leaves),
        cmocka_unit_test(test_canceled),
        cmocka_unit_test(test_destroyed_inside_what_is_told),
        cmocka_unit_test(test_the_token_is_read_again),
    };
    return cmocka_run_group_tests(tests, kube_wire_set_up, kube_wire_tear_down);
}
