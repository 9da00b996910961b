/* The bed behind h2_net_bed.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/net/h2_net_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"
#include "lib/io/loop_sim.h"

#include <cmocka.h>

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct h2_net_stream *s = st->owner;
    s->head = head;
    s->head_end = end;
    s->heads++;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct h2_net_stream *s = st->owner;
    for (size_t i = 0; i < len && s->body_len + i < sizeof(s->body); i++)
        s->body[s->body_len + i] = (char)data[i];
    s->body_len += len;
    (void)owner;
    if (!s->bed->hold)
        http_stream_consume(st, len);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct h2_net_stream *s = st->owner;
    s->ends++;
    s->trailers = trailers;
}

static void on_writable(struct http_stream *st)
{
    struct h2_net_stream *s = st->owner;
    s->writables++;
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct h2_net_stream *s = st->owner;
    assert_false(http_stream_is_live(st));
    s->aborts++;
    s->why = why;
}

static void on_done(struct http_stream *st)
{
    struct h2_net_stream *s = st->owner;
    assert_false(http_stream_is_live(st));
    s->dones++;
}

static const struct http_events stream_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

static struct h2_net_stream *new_stream(struct h2_net_bed *b)
{
    assert_true(b->count < H2_NET_STREAMS);
    struct h2_net_stream *s = &b->streams[b->count++];
    s->bed = b;
    s->st.events = &stream_events;
    s->st.owner = s;
    s->st.arena = &s->arena;
    arena_init(&s->arena, 1024);
    return s;
}

static struct http_stream *on_stream(struct http_server *server)
{
    struct h2_net_bed *b = http_server_owner(server);
    if (b->refuse)
        return NULL;
    struct h2_net_stream *s = new_stream(b);
    s->server_side = true;
    b->requests[b->request_count++] = s;
    return &s->st;
}

static void on_server_closed(struct http_server *server, enum err why, const char *detail)
{
    struct h2_net_bed *b = http_server_owner(server);
    b->server_closed++;
    b->server_why = why;
    b->has_detail = detail;
    b->server = NULL;
}

static void on_bad_request(struct http_server *server, unsigned status, const char *reason,
                           char id[MESSAGE_REQUEST_ID_SIZE])
{
    struct h2_net_bed *b = http_server_owner(server);
    assert_non_null(reason);
    b->bad_requests++;
    b->bad_status = status;
    memcpy(id, "bed", 4);
}

static const struct http_server_events server_events = {
    .on_stream = on_stream,
    .on_closed = on_server_closed,
    .on_bad_request = on_bad_request,
};

static void on_capacity(struct http_client *client)
{
    struct h2_net_bed *b = http_client_owner(client);
    b->capacities++;
}

static void on_retired(struct http_client *client)
{
    struct h2_net_bed *b = http_client_owner(client);
    b->retired++;
}

static void on_client_closed(struct http_client *client, enum err why)
{
    struct h2_net_bed *b = http_client_owner(client);
    b->client_closed++;
    b->client_why = why;
    b->client = NULL;
}

static const struct http_client_events client_events = {
    .on_capacity = on_capacity,
    .on_retired = on_retired,
    .on_closed = on_client_closed,
};

/* ---- the test as a peer ---- */

static void peer_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct h2_net_bed *b = s->owner;
    (void)owner;
    buf_append(&b->got, data, len);
}

static void peer_eof(struct stream *s)
{
    ((struct h2_net_bed *)s->owner)->peer_eof = true;
}

static void peer_fail(struct stream *s, enum err why)
{
    (void)why;
    ((struct h2_net_bed *)s->owner)->peer_failed = true;
}

static const struct stream_events peer_events = {
    .on_data = peer_data, .on_eof = peer_eof, .on_fail = peer_fail};

static void open_peer(struct h2_net_bed *b, struct stream *end)
{
    b->theirs = end;
    stream_use(end, &peer_events, b);
    stream_read_start(end);
}

static void open_pipe(struct h2_net_bed *b, const struct memstream_options *options,
                      struct stream **one, struct stream **two)
{
    static const struct memstream_options none;
    b->loop = loop_sim_create(1000);
    buf_init(&b->got);
    memstream_pair(b->loop, options ? options : &none, one, two);
}

static void make_server(struct h2_net_bed *b, struct stream *end)
{
    b->server =
        http_server_create(end, HTTP_PROTOCOL_2, &b->server_config, &server_events, b, &b->early);
    assert_true(buf_is_empty(&b->early));
    assert_ptr_equal(http_server_transport(b->server), end);
}

static void make_client(struct h2_net_bed *b, struct stream *end)
{
    b->client = http_client_create(end, HTTP_PROTOCOL_2, &b->client_config, &client_events, b);
    assert_ptr_equal(http_client_transport(b->client), end);
}

void h2_net_open(struct h2_net_bed *b, const struct memstream_options *options)
{
    struct stream *one, *two;
    open_pipe(b, options, &one, &two);
    b->ours = two;
    make_client(b, one);
    make_server(b, two);
}

void h2_net_open_server(struct h2_net_bed *b, const struct memstream_options *options)
{
    struct stream *one, *two;
    open_pipe(b, options, &one, &two);
    b->ours = two;
    open_peer(b, one);
    make_server(b, two);
}

void h2_net_open_client(struct h2_net_bed *b, const struct memstream_options *options)
{
    struct stream *one, *two;
    open_pipe(b, options, &one, &two);
    b->ours = one;
    make_client(b, one);
    open_peer(b, two);
}

void h2_net_close(struct h2_net_bed *b)
{
    if (b->server)
        http_server_close(b->server);
    if (b->client)
        http_client_close(b->client);
    if (b->theirs)
        stream_close(b->theirs);
    loop_sim_turn(b->loop);
    for (unsigned i = 0; i < b->count; i++) {
        assert_false(http_stream_is_live(&b->streams[i].st));
        arena_dispose(&b->streams[i].arena);
    }
    buf_dispose(&b->got);
    loop_destroy(b->loop);
}

void h2_net_run(struct h2_net_bed *b)
{
    assert_true(loop_sim_turn(b->loop));
}

void h2_net_advance(struct h2_net_bed *b, uint64_t ms)
{
    loop_sim_advance(b->loop, ms);
}

static struct message *new_message(struct h2_net_stream *s)
{
    struct message *m = arena_alloc(&s->arena, sizeof(*m));
    message_init(m, &s->arena);
    headers_add(&m->headers, SLICE("x-field"), SLICE("a value"));
    return m;
}

struct h2_net_stream *h2_net_request(struct h2_net_bed *b, const char *method, bool end)
{
    struct h2_net_stream *s = new_stream(b);
    struct message *m = new_message(s);
    m->method = slice_from_cstr(method);
    m->scheme = SLICE("http");
    m->authority = SLICE("example.com");
    m->path = SLICE("/");
    http_client_send(b->client, &s->st, m, end);
    return s;
}

void h2_net_respond(struct h2_net_stream *s, unsigned status, bool end)
{
    struct message *m = new_message(s);
    m->status = (uint16_t)status;
    http_stream_send_head(&s->st, m, end);
}

void h2_net_body(struct h2_net_stream *s, size_t len, bool end)
{
    struct buf data;
    buf_init(&data);
    for (size_t i = 0; i < len; i++)
        buf_append(&data, &"0123456789"[i % 10], 1);
    http_stream_send_body(&s->st, &data, end);
    assert_true(buf_is_empty(&data));
}

void h2_net_trailers(struct h2_net_stream *s)
{
    struct headers *t = arena_alloc(&s->arena, sizeof(*t));
    headers_init(t, &s->arena);
    headers_add_id(t, HEADER_GRPC_STATUS, SLICE("0"));
    http_stream_send_trailers(&s->st, t);
}

void h2_net_write(struct h2_net_bed *b, const void *data, size_t len)
{
    struct buf bytes;
    buf_init(&bytes);
    buf_append(&bytes, data, len);
    stream_write(b->theirs, &bytes);
}

void h2_net_greet(struct h2_net_bed *b, bool to_server)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    if (to_server)
        h2_net_write(b, hello, 33);
    else
        h2_net_write(b, hello + 24, 9);
    h2_net_run(b);
}

unsigned h2_net_count(struct h2_net_bed *b, uint8_t type)
{
    unsigned n = 0;
    uint8_t head[24];
    if (b->got.len >= 24) {
        buf_copy_out(&b->got, head, 24);
        if (memcmp(head, "PRI * HTTP/2.0", 14) == 0)
            buf_drain(&b->got, 24);
    }
    while (b->got.len >= H2_FRAME_HEAD) {
        struct h2_frame f;
        buf_copy_out(&b->got, head, H2_FRAME_HEAD);
        h2_frame_read(&f, head);
        if (b->got.len < H2_FRAME_HEAD + f.length)
            break;
        buf_drain(&b->got, H2_FRAME_HEAD + f.length);
        n += f.type == type;
    }
    return n;
}
