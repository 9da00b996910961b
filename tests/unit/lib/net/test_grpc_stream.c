/* Tests of gRPC calls with messages both ways, from end to end in memory: client, HTTP/2, server,
 * on a simulated loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "lib/net/grpc_client.h"
#include "lib/net/grpc_server.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum { BIG = 300000 };

struct end {
    struct grpc_stream *stream; /* NULL: none, or over */
    unsigned opened, messages, writable, closed;
    size_t bytes;
    enum grpc_status status;
    char last[100], text[200];
    bool close_at_message; /* what on_message does: end, from inside */
    bool echo;
};

struct bed {
    struct loop *loop;
    struct grpc_service service;
    struct grpc_client *client;
    struct grpc_server *server;
    struct stream *near_lower, *far_lower; /* of the last connection */
    struct loop_task connected;
    struct end near, far;
    unsigned connections, servers_closed, noted;
    enum grpc_status noted_status;
    bool refuse, refuse_call;
};

static void on_open(void *owner)
{
    struct end *e = owner;
    e->opened++;
}

static void on_message(void *owner, struct slice message)
{
    struct end *e = owner;
    e->messages++;
    e->bytes += message.len;
    snprintf(e->last, sizeof(e->last), "%.*s", message.len < 90 ? (int)message.len : 90,
             message.ptr);
    if (e->echo)
        grpc_stream_send(e->stream, message.ptr, message.len);
    if (!e->close_at_message)
        return;
    grpc_stream_close(e->stream, GRPC_ABORTED, "enough after %u", e->messages);
    e->stream = NULL;
}

static void on_writable(void *owner)
{
    struct end *e = owner;
    e->writable++;
}

static void on_closed(void *owner, enum grpc_status status, struct slice text)
{
    struct end *e = owner;
    e->closed++;
    e->status = status;
    e->stream = NULL;
    snprintf(e->text, sizeof(e->text), "%.*s", SLICE_ARG(text));
}

static const struct grpc_stream_events events = {
    .on_open = on_open,
    .on_message = on_message,
    .on_writable = on_writable,
    .on_closed = on_closed,
};

static void open_talk(struct grpc_call *call, struct grpc_stream *stream)
{
    struct bed *b = grpc_call_owner(call);
    assert_true(slice_eq(grpc_call_metadata(call, "who"), SLICE("me")));
    if (b->refuse_call) {
        grpc_stream_close(stream, GRPC_PERMISSION_DENIED, "not %s", "you");
        return;
    }
    b->far.stream = stream;
    grpc_stream_use(stream, &events, &b->far);
}

static void handle_unary(struct grpc_call *call, struct slice request)
{
    grpc_call_reply(call, request.ptr, request.len);
}

static const struct grpc_method methods[] = {
    {.path = "/test.Test/Talk", .open = open_talk},
    {.path = "/test.Test/Unary", .handle = handle_unary},
};

static void note(void *owner, struct slice path, enum grpc_status status, const char *text)
{
    struct bed *b = owner;
    assert_true(path.len > 0 && text);
    b->noted++;
    b->noted_status = status;
}

static void on_server_closed(void *owner, enum err why, const char *detail)
{
    struct bed *b = owner;
    b->server = NULL;
    b->servers_closed++;
}

static const struct stream_events no_events;

static void connected(struct loop_task *task)
{
    struct bed *b = container_of(task, struct bed, connected);
    b->near_lower->events->on_open(b->near_lower);
}

static struct stream *dial(struct loop *l, void *owner, const struct stream_events *stream_events,
                           void *stream_owner)
{
    struct bed *b = owner;
    struct stream *near, *far;
    memstream_pair(l, NULL, &near, &far);
    stream_use(near, stream_events, stream_owner);
    b->connections++;
    b->near_lower = near;
    b->far_lower = far;
    if (b->refuse) {
        memstream_cut(near, ERR_REFUSED);
        stream_use(far, &no_events, b);
        stream_close(far);
    } else {
        loop_task_init(&b->connected, connected);
        loop_run_soon(l, &b->connected);
        b->server = grpc_server_create(far, HTTP_PROTOCOL_2, &b->service, on_server_closed, b);
    }
    return near;
}

static void open_bed(struct bed *b)
{
    *b = (struct bed){
        .loop = loop_sim_create(1000),
        .service = {.methods = methods, .method_count = 2, .max_request = BIG, .on_call = note},
    };
    b->service.owner = b;
    struct grpc_client_config config = {.authority = SLICE("policyd"),
                                        .max_response = BIG,
                                        .idle_ms = 1000,
                                        .dial = dial,
                                        .dial_owner = b};
    b->client = grpc_client_create(b->loop, &config);
}

static void open_stream_at(struct bed *b, const char *path)
{
    static const struct grpc_metadata metadata[] = {{SLICE("who"), SLICE("me"), false}};
    b->near.stream = grpc_client_open_stream(b->client, path, metadata, 1, &events, &b->near);
}

static void open_stream(struct bed *b)
{
    open_stream_at(b, "/test.Test/Talk");
}

static void close_bed(struct bed *b)
{
    grpc_client_destroy(b->client);
    assert_true(loop_sim_turn(b->loop));
    if (b->server)
        grpc_server_close(b->server);
    assert_true(loop_sim_turn(b->loop));
    assert_null(b->server);
    assert_null(b->far.stream);
    loop_destroy(b->loop);
}

static void say(struct grpc_stream *s, const char *text)
{
    grpc_stream_send(s, text, strlen(text));
}

static void test_both_ways(void **state)
{
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    say(b.near.stream, "before there is a connection");
    assert_true(grpc_stream_unsent(b.near.stream) > 0);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.opened, 1);
    assert_string_equal(b.far.last, "before there is a connection");
    say(b.far.stream, "one");
    say(b.far.stream, "");
    say(b.far.stream, "three");
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.messages, 3);
    assert_string_equal(b.near.last, "three");
    /* Unary calls share the connection; a long silence ends neither. */
    loop_sim_advance(b.loop, 3600000);
    say(b.near.stream, "still here");
    assert_true(loop_sim_turn(b.loop));
    assert_string_equal(b.far.last, "still here");
    assert_int_equal(b.connections, 1);
    assert_int_equal(b.near.closed + b.far.closed, 0);
    close_bed(&b);
}

static void test_server_ends(void **state)
{
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    say(b.far.stream, "last words");
    grpc_stream_close(b.far.stream, GRPC_UNAVAILABLE, "restarting: %d%%", 100);
    b.far.stream = NULL;
    assert_true(loop_sim_turn(b.loop));
    assert_string_equal(b.near.last, "last words");
    assert_int_equal(b.near.closed, 1);
    assert_int_equal(b.near.status, GRPC_UNAVAILABLE);
    assert_string_equal(b.near.text, "restarting: 100%");
    assert_int_equal(b.far.closed, 0);
    assert_int_equal(b.noted, 1);
    assert_int_equal(b.noted_status, GRPC_UNAVAILABLE);
    close_bed(&b);
}

static void test_client_ends(void **state)
{
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    grpc_stream_close(b.near.stream, GRPC_OK, "bye");
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.closed, 0);
    assert_int_equal(b.far.closed, 1);
    assert_int_equal(b.noted, 1);
    /* And before it has reached the wire. */
    open_stream(&b);
    grpc_stream_close(b.near.stream, GRPC_OK, "never mind");
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.far.messages, 0);
    assert_int_equal(b.noted, 1);
    /* The connection is then unused. */
    loop_sim_advance(b.loop, 5000);
    assert_int_equal(b.servers_closed, 1);
    close_bed(&b);
}

static void test_end_from_inside(void **state)
{
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    b.far.close_at_message = true;
    say(b.near.stream, "one");
    say(b.near.stream, "two");
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.far.messages, 1);
    assert_int_equal(b.near.status, GRPC_ABORTED);
    assert_string_equal(b.near.text, "enough after 1");
    b.far = (struct end){0};
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    b.near.close_at_message = true;
    b.near.messages = 0;
    say(b.far.stream, "one");
    say(b.far.stream, "two");
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.messages, 1);
    assert_int_equal(b.far.closed, 1);
    close_bed(&b);
}

static void test_refusals(void **state)
{
    struct bed b;
    open_bed(&b);
    b.refuse_call = true;
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.status, GRPC_PERMISSION_DENIED);
    assert_string_equal(b.near.text, "not you");
    open_stream_at(&b, "/test.Test/Nothing");
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.closed, 2);
    assert_int_equal(b.near.status, GRPC_UNIMPLEMENTED);
    close_bed(&b);
    open_bed(&b);
    b.refuse = true;
    open_stream(&b);
    say(b.near.stream, "to nobody");
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.closed, 1);
    assert_int_equal(b.near.status, GRPC_UNAVAILABLE);
    assert_true(b.near.text[0]);
    close_bed(&b);
}

static void test_connection_breaks(void **state)
{
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    memstream_cut(b.near_lower, ERR_RESET);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.status, GRPC_UNAVAILABLE);
    assert_int_equal(b.far.status, GRPC_UNAVAILABLE);
    assert_int_equal(b.near.closed, 1);
    assert_int_equal(b.far.closed, 1);
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.connections, 2);
    assert_int_equal(b.near.opened, 2);
    close_bed(&b);
}

/* The server goes away gracefully: the stream stays until its owner ends it. */
static void test_drain(void **state)
{
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    grpc_server_drain(b.server);
    loop_sim_advance(b.loop, 60000);
    say(b.far.stream, "during the drain");
    assert_true(loop_sim_turn(b.loop));
    assert_string_equal(b.near.last, "during the drain");
    assert_int_equal(b.servers_closed, 0);
    grpc_stream_close(b.far.stream, GRPC_UNAVAILABLE, "draining");
    b.far.stream = NULL;
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.closed, 1);
    loop_sim_advance(b.loop, 1000);
    assert_int_equal(b.servers_closed, 1);
    close_bed(&b);
}

/* A message larger than every window; more than one in flight; on_writable when it has left. */
static void test_large(void **state)
{
    static char big[BIG];
    struct bed b;
    memset(big, 'x', sizeof(big));
    open_bed(&b);
    open_stream(&b);
    b.far.echo = true;
    for (int i = 0; i < 5; i++)
        grpc_stream_send(b.near.stream, big, sizeof(big));
    assert_true(grpc_stream_unsent(b.near.stream) >= 5 * sizeof(big));
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.far.messages, 5);
    assert_int_equal(b.near.messages, 5);
    assert_int_equal(b.near.bytes, 5 * sizeof(big));
    assert_int_equal(grpc_stream_unsent(b.near.stream), 0);
    assert_true(b.near.writable > 0);
    assert_true(b.far.writable > 0);
    close_bed(&b);
}

/* All that was sent before the end arrives, even what no window had room for. */
static void test_large_then_end(void **state)
{
    static char big[BIG];
    struct bed b;
    memset(big, 'x', sizeof(big));
    open_bed(&b);
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    for (int i = 0; i < 3; i++)
        grpc_stream_send(b.far.stream, big, sizeof(big));
    grpc_stream_close(b.far.stream, GRPC_NOT_FOUND, "that was all");
    b.far.stream = NULL;
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.messages, 3);
    assert_int_equal(b.near.status, GRPC_NOT_FOUND);
    close_bed(&b);
}

static void test_too_large(void **state)
{
    static char big[BIG + 1];
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    grpc_stream_send(b.near.stream, big, sizeof(big));
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.far.messages, 0);
    assert_int_equal(b.far.status, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(b.near.status, GRPC_RESOURCE_EXHAUSTED);
    b.far = (struct end){0};
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    grpc_stream_send(b.far.stream, big, sizeof(big));
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.near.messages, 0);
    assert_int_equal(b.near.status, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(b.far.closed, 1);
    close_bed(&b);
}

/* A peer that vanished without a word does not keep the other waiting for ever. */
static void test_deaf_peers(void **state)
{
    for (int client_is_deaf = 0; client_is_deaf < 2; client_is_deaf++) {
        struct bed b;
        open_bed(&b);
        open_stream(&b);
        assert_true(loop_sim_turn(b.loop));
        struct end *waits = client_is_deaf ? &b.far : &b.near;
        stream_read_stop(client_is_deaf ? b.near_lower : b.far_lower);
        loop_sim_advance(b.loop, 60000);
        assert_int_equal(waits->closed, 1);
        assert_int_equal(waits->status, GRPC_UNAVAILABLE);
        close_bed(&b);
    }
}

static void test_destroyed_with_streams(void **state)
{
    struct bed b;
    open_bed(&b);
    open_stream(&b);
    assert_true(loop_sim_turn(b.loop));
    open_stream(&b);
    close_bed(&b);
    assert_int_equal(b.near.closed, 0);
    assert_int_equal(b.far.closed, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),      cmocka_unit_test(test_server_ends),
        cmocka_unit_test(test_client_ends),    cmocka_unit_test(test_end_from_inside),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_connection_breaks),
        cmocka_unit_test(test_drain),          cmocka_unit_test(test_large),
        cmocka_unit_test(test_large_then_end), cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_deaf_peers),     cmocka_unit_test(test_destroyed_with_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
