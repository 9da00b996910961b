/* kube_tunnel.c: what it asks for, the frames it writes and reads, and how it ends. The request is
 * the test's own: what it defines takes the place of kube_client.c and kube_request.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_tunnel.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/kube/kube_client_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum { LOTS = 1 << 23 };

static struct {
    char path[200], method[10], websocket[40];
    uint32_t timeout_ms, idle_ms;
    const struct kube_stream_events *events;
    void *owner;
    unsigned requests, cancels;
    size_t len;
    uint8_t *bytes; /* written to the server */
} server;
static int request;

struct kube_request *kube_client_stream(struct kube_client *c, const struct kube_call *call,
                                        uint32_t idle_ms, const struct kube_stream_events *events,
                                        void *owner)
{
    snprintf(server.path, sizeof server.path, "%.*s", SLICE_ARG(call->path));
    snprintf(server.method, sizeof server.method, "%s", call->method);
    snprintf(server.websocket, sizeof server.websocket, "%s", call->websocket);
    server.timeout_ms = call->timeout_ms;
    server.idle_ms = idle_ms;
    server.events = events;
    server.owner = owner;
    server.requests++;
    return (struct kube_request *)(void *)&request;
}

void kube_request_write(struct kube_request *r, struct buf *data)
{
    assert_ptr_equal(r, &request);
    assert_true(server.len + data->len <= LOTS);
    buf_copy_out(data, server.bytes + server.len, data->len);
    server.len += data->len;
    buf_dispose(data);
}

void kube_request_cancel(struct kube_request *r)
{
    assert_ptr_equal(r, &request);
    server.cancels++;
}

/* ---- both ends */

struct bed {
    struct loop *loop;
    struct kube_client client;
    struct kube_tunnel *tunnel;
    struct stream *out;
    size_t got_len;
    uint8_t *got; /* what the user of the tunnel read */
    bool is_eof, is_failed;
    unsigned troubles, status;
    char detail[400];
};

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct bed *b = s->owner;
    assert_true(b->got_len + len <= LOTS);
    memcpy(b->got + b->got_len, data, len);
    b->got_len += len;
}

static void on_eof(struct stream *s)
{
    ((struct bed *)s->owner)->is_eof = true;
}

static void on_fail(struct stream *s, enum err why)
{
    ((struct bed *)s->owner)->is_failed = true;
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct bed *b = owner;
    b->troubles++;
    b->status = status;
    snprintf(b->detail, sizeof b->detail, "%.*s", SLICE_ARG(detail));
}

static const struct stream_events events = {
    .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

static void turn(struct bed *b)
{
    assert_true(loop_sim_turn(b->loop));
}

static void open_bed(struct bed *b)
{
    server.len = 0;
    server.requests = server.cancels = 0;
    server.bytes = mem_alloc(LOTS);
    *b = (struct bed){.loop = loop_sim_create(1000), .got = mem_alloc(LOTS)};
    b->client.loop = b->loop;
    b->tunnel = kube_tunnel_open(&b->client, SLICE("shop"), SLICE("a/1"), 8080, &b->out,
                                 on_trouble, b);
    stream_use(b->out, &events, b);
    stream_read_start(b->out);
    turn(b);
}

static void close_bed(struct bed *b)
{
    kube_tunnel_close(b->tunnel);
    if (b->out)
        stream_close(b->out);
    turn(b);
    loop_destroy(b->loop);
    mem_free(b->got);
    mem_free(server.bytes);
}

static void say(struct bed *b, const void *bytes, size_t len)
{
    server.events->on_bytes(server.owner, slice_of((const char *)bytes, len));
    turn(b);
}

/* A frame of a server: not masked. first < 0: no byte before the data. */
static size_t make_frame(uint8_t *to, unsigned op, int first, const uint8_t *data, size_t len)
{
    size_t whole = len + (first >= 0), n = 0;
    unsigned more = whole < 126 ? 0 : whole < 65536 ? 2 : 8;
    to[n++] = (uint8_t)(0x80 | op);
    to[n++] = more == 0 ? (uint8_t)whole : more == 2 ? 126 : 127;
    for (unsigned i = 0; i < more; i++)
        to[n++] = (uint8_t)(whole >> 8 * (more - 1 - i));
    if (first >= 0)
        to[n++] = (uint8_t)first;
    if (len)
        memcpy(to + n, data, len);
    return n + len;
}

static void say_frame(struct bed *b, unsigned op, int first, const char *data)
{
    uint8_t frame[1024];
    say(b, frame, make_frame(frame, op, first, (const uint8_t *)data, strlen(data)));
}

/* The server opens it, and says each channel's first message: the port. */
static void greet(struct bed *b)
{
    server.events->on_head(server.owner, 101);
    say_frame(b, 2, 0, "\x90\x1f");
    say_frame(b, 2, 1, "\x90\x1f");
}

/* The next frame of what was written from *at on, unmasked into `to`; returns its length. */
static size_t take_frame(size_t *at, unsigned *op, uint8_t *to)
{
    const uint8_t *p = server.bytes + *at;
    assert_true(*at + 6 <= server.len);
    assert_int_equal(p[0] & 0xf0, 0x80);
    assert_int_equal(p[1] & 0x80, 0x80);
    *op = p[0] & 0x0f;
    size_t len = p[1] & 0x7f, size = 2;
    if (len == 126) {
        len = (size_t)p[2] << 8 | p[3];
        size = 4;
        assert_true(len > 125);
    }
    assert_int_not_equal(p[1] & 0x7f, 127);
    assert_true(*at + size + 4 + len <= server.len);
    for (size_t i = 0; i < len; i++)
        to[i] = p[size + 4 + i] ^ p[size + i % 4];
    *at += size + 4 + len;
    return len;
}

/* ---- tests */

static void test_what_is_asked(void **state)
{
    struct bed b;
    open_bed(&b);
    assert_string_equal(server.method, "GET");
    assert_string_equal(server.path, "/api/v1/namespaces/shop/pods/a%2F1/portforward?ports=8080");
    assert_string_equal(server.websocket, "v4.channel.k8s.io");
    assert_int_equal(server.timeout_ms, 10000);
    assert_int_equal(server.idle_ms, 60000);
    close_bed(&b);
    assert_int_equal(server.cancels, 1);
    kube_tunnel_close(NULL);
}

static void write_out(struct bed *b, const uint8_t *data, size_t len)
{
    struct buf piece;
    buf_init(&piece);
    buf_append(&piece, data, len);
    stream_write(b->out, &piece);
    turn(b);
}

/* Around each length at which a frame's head or the number of frames changes; before and after the
 * server has opened it. */
static void test_bytes_out(void **state)
{
    static const size_t lengths[] = {1, 124, 125, 126, 511, 512, 32767, 32768, 32769, 70000};
    static uint8_t data[70000], payload[70000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    for (unsigned i = 0; i < 2 * sizeof lengths / sizeof *lengths; i++) {
        struct bed b;
        size_t at = 0, done = 0, len = lengths[i / 2];
        open_bed(&b);
        if (i % 2)
            greet(&b);
        write_out(&b, data, len);
        if (i % 2 == 0) {
            assert_int_equal(server.len, 0);
            greet(&b);
        }
        while (done < len) {
            unsigned op;
            size_t n = take_frame(&at, &op, payload);
            assert_int_equal(op, 2);
            assert_true(n > 1);
            assert_int_equal(payload[0], 0);
            assert_true(n - 1 <= len - done && n - 1 <= 32768);
            assert_memory_equal(payload + 1, data + done, n - 1);
            done += n - 1;
        }
        assert_int_equal(at, server.len);
        close_bed(&b);
    }
}

/* Frames of all three forms of length, in pieces of every kind. */
static void test_bytes_in(void **state)
{
    static const size_t lengths[] = {0, 1, 124, 125, 65534, 65535, 100000};
    static uint8_t data[100000], frame[100020];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 5 + i / 253);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        static const size_t pieces[] = {1, 2, 7, 5000, 200000};
        for (size_t k = 0; k < sizeof pieces / sizeof *pieces; k++) {
            struct bed b;
            size_t step = lengths[i] > 1000 && pieces[k] < 100 ? 97 : pieces[k];
            open_bed(&b);
            greet(&b);
            size_t len = make_frame(frame, 2, 0, data, lengths[i]);
            for (size_t at = 0; at < len; at += step)
                say(&b, frame + at, len - at < step ? len - at : step);
            assert_int_equal(b.got_len, lengths[i]);
            assert_memory_equal(b.got, data, lengths[i]);
            assert_false(b.is_eof);
            close_bed(&b);
        }
    }
}

static void test_several_frames_at_once(void **state)
{
    struct bed b;
    uint8_t frames[200];
    size_t len = 0;
    open_bed(&b);
    server.events->on_head(server.owner, 101);
    /* The ports of both channels are no bytes, and nor is what belongs to a channel that nobody
     * knows, or to none. */
    len += make_frame(frames + len, 2, 0, (const uint8_t *)"\x90\x1f", 2);
    len += make_frame(frames + len, 2, 1, (const uint8_t *)"\x90\x1f", 2);
    len += make_frame(frames + len, 2, 0, (const uint8_t *)"one", 3);
    len += make_frame(frames + len, 2, 2, (const uint8_t *)"x", 1);
    len += make_frame(frames + len, 2, -1, NULL, 0);
    len += make_frame(frames + len, 1, 0, (const uint8_t *)"text", 4);
    len += make_frame(frames + len, 2, 0, (const uint8_t *)"two", 3);
    say(&b, frames, len);
    assert_int_equal(b.got_len, 6);
    assert_memory_equal(b.got, "onetwo", 6);
    assert_int_equal(b.troubles, 0);
    close_bed(&b);
}

static void test_pings_are_answered(void **state)
{
    static const uint8_t long_one[126] = {1};
    uint8_t frame[200], payload[200];
    struct bed b;
    unsigned op;
    size_t at = 0;
    open_bed(&b);
    greet(&b);
    say_frame(&b, 9, -1, "are you there?");
    assert_int_equal(take_frame(&at, &op, payload), 14);
    assert_int_equal(op, 10);
    assert_memory_equal(payload, "are you there?", 14);
    say(&b, frame, make_frame(frame, 9, -1, long_one, 125));
    assert_int_equal(take_frame(&at, &op, payload), 125);
    assert_memory_equal(payload, long_one, 125);
    say(&b, frame, make_frame(frame, 9, -1, long_one, 126)); /* no PING may be so long */
    say_frame(&b, 10, -1, "unasked");
    assert_int_equal(server.len, at);
    assert_int_equal(b.got_len, 0);
    assert_false(b.is_eof);
    close_bed(&b);
}

static void test_a_close_is_the_end(void **state)
{
    struct bed b;
    open_bed(&b);
    greet(&b);
    say_frame(&b, 8, -1, "\x03\xe8");
    assert_true(b.is_eof);
    assert_int_equal(b.troubles, 0);
    close_bed(&b);
}

/* Told in the words of the other end, cut where they are too many, and once. */
static void test_trouble_at_the_other_end(void **state)
{
    struct bed b;
    char text[301];
    open_bed(&b);
    greet(&b);
    memset(text, 'x', 300);
    text[300] = '\0';
    say_frame(&b, 2, 1, text);
    assert_int_equal(b.troubles, 1);
    assert_int_equal(b.status, 0);
    assert_int_equal(strlen(b.detail), 256);
    assert_true(b.is_eof);
    say_frame(&b, 2, 1, "more");
    assert_int_equal(b.troubles, 1);
    close_bed(&b);
}

static void test_frames_have_a_bound(void **state)
{
    static const uint8_t fits[] = {0x82, 127, 0, 0, 0, 0, 0, 0x40, 0, 0},
                         too_large[] = {0x82, 127, 0, 0, 0, 0, 0, 0x40, 0, 1},
                         huge[] = {0x82, 127, 1, 0, 0, 0, 0, 0, 0, 0};
    struct bed b;
    open_bed(&b);
    greet(&b);
    say(&b, fits, sizeof fits);
    uint8_t *data = mem_zalloc(0x400000);
    say(&b, data, 0x400000);
    mem_free(data);
    assert_int_equal(b.got_len, 0x3fffff);
    assert_int_equal(b.troubles, 0);
    say(&b, too_large, sizeof too_large);
    assert_int_equal(b.troubles, 1);
    assert_string_equal(b.detail, "a frame of the WebSocket is too large");
    assert_true(b.is_eof);
    close_bed(&b);
    open_bed(&b);
    greet(&b);
    say(&b, huge, sizeof huge);
    assert_int_equal(b.troubles, 1);
    close_bed(&b);
}

static void test_no_websocket(void **state)
{
    struct bed b;
    open_bed(&b);
    write_out(&b, (const uint8_t *)"hello", 5);
    server.events->on_head(server.owner, 200);
    turn(&b);
    assert_int_equal(b.troubles, 1);
    assert_int_equal(b.status, 200);
    assert_string_equal(b.detail, "the API server opens no WebSocket");
    assert_true(b.is_eof);
    assert_int_equal(server.len, 0);
    close_bed(&b);
}

static void end(struct bed *b, unsigned status, const char *detail)
{
    struct kube_result result = {.status = status, .detail = slice_from_cstr(detail)};
    server.events->on_end(server.owner, &result);
    turn(b);
}

/* The request is over: it is not cancelled, and nothing is written to it any more. */
static void test_the_request_ends(void **state)
{
    struct bed b;
    open_bed(&b);
    end(&b, 403, "may not");
    assert_int_equal(b.troubles, 1);
    assert_int_equal(b.status, 403);
    assert_string_equal(b.detail, "may not");
    assert_true(b.is_eof);
    close_bed(&b);
    assert_int_equal(server.cancels, 0);

    open_bed(&b);
    greet(&b);
    end(&b, 200, "");
    assert_int_equal(b.troubles, 0);
    assert_true(b.is_eof);
    write_out(&b, (const uint8_t *)"late", 4);
    assert_int_equal(server.len, 0);
    close_bed(&b);
    assert_int_equal(server.cancels, 0);
}

static void test_the_user_goes(void **state)
{
    struct bed b;
    open_bed(&b);
    greet(&b);
    stream_close_reset(b.out);
    b.out = NULL;
    turn(&b);
    assert_int_equal(server.cancels, 1);
    close_bed(&b);
    assert_int_equal(server.cancels, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked),
        cmocka_unit_test(test_bytes_out),
        cmocka_unit_test(test_bytes_in),
        cmocka_unit_test(test_several_frames_at_once),
        cmocka_unit_test(test_pings_are_answered),
        cmocka_unit_test(test_a_close_is_the_end),
        cmocka_unit_test(test_trouble_at_the_other_end),
        cmocka_unit_test(test_frames_have_a_bound),
        cmocka_unit_test(test_no_websocket),
        cmocka_unit_test(test_the_request_ends),
        cmocka_unit_test(test_the_user_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
