/* The bed for HTTP connections; see http_bed.h. One thread; no sockets, no clock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/net/http_bed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/io/loop_sim.h"

enum { START_MS = 1000 };

static struct http_bed_stream *stream_of(struct http_stream *st)
{
    return container_of(st, struct http_bed_stream, st);
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct http_bed_stream *s = stream_of(st);
    assert_true(http_stream_is_live(st));
    s->head = head;
    s->heads++;
    s->head_end = end;
    if (s->bed->reset_on_head)
        http_stream_reset(st, ERR_CANCELED);
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct http_bed_stream *s = stream_of(st);
    (void)owner;
    assert_true(s->heads > 0);
    assert_int_equal(s->ends, 0);
    assert_true(len > 0);
    size_t room = s->body_len < sizeof(s->body) ? sizeof(s->body) - s->body_len : 0;
    memcpy(s->body + (room ? s->body_len : 0), data, len < room ? len : room);
    s->body_len += len;
    if (s->bed->reset_on_body)
        http_stream_reset(st, ERR_CANCELED);
    else if (s->bed->consume)
        http_stream_consume(st, len);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct http_bed_stream *s = stream_of(st);
    assert_true(s->heads > 0);
    s->ends++;
    s->trailers = trailers;
    if (s->bed->reset_on_end)
        http_stream_reset(st, ERR_CANCELED);
}

static void on_writable(struct http_stream *st)
{
    stream_of(st)->writables++;
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct http_bed_stream *s = stream_of(st);
    assert_false(http_stream_is_live(st));
    s->aborts++;
    s->abort_why = why;
}

static void on_done(struct http_stream *st)
{
    struct http_bed_stream *s = stream_of(st);
    assert_false(http_stream_is_live(st));
    s->dones++;
}

static const struct http_events events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

struct http_bed_stream *http_bed_new_stream(struct http_bed *b)
{
    assert_in_range(b->stream_count, 0, HTTP_BED_STREAMS - 1);
    struct http_bed_stream *s = &b->streams[b->stream_count++];
    s->bed = b;
    arena_init(&s->arena, 1024);
    s->st.events = &events;
    s->st.owner = s;
    s->st.arena = &s->arena;
    return s;
}

static struct http_stream *on_stream(struct http_server *server)
{
    struct http_bed *b = http_server_owner(server);
    return b->refuse ? NULL : &http_bed_new_stream(b)->st;
}

static void on_server_closed(struct http_server *server, enum err why, const char *detail)
{
    struct http_bed *b = http_server_owner(server);
    (void)detail;
    b->closed++;
    b->closed_why = why;
    b->server = NULL;
}

static void on_bad_request(struct http_server *server, unsigned status, const char *reason,
                           char id[MESSAGE_REQUEST_ID_SIZE])
{
    struct http_bed *b = http_server_owner(server);
    b->bad_requests++;
    b->bad_status = status;
    memcpy(id, "bed", 4);
    b->bad_reason = reason;
}

static const struct http_server_events server_events = {
    .on_stream = on_stream,
    .on_closed = on_server_closed,
    .on_bad_request = on_bad_request,
};

static void on_capacity(struct http_client *client)
{
    ((struct http_bed *)http_client_owner(client))->capacities++;
}

static void on_retired(struct http_client *client)
{
    ((struct http_bed *)http_client_owner(client))->retired++;
    assert_int_equal(http_client_capacity(client), 0);
}

static void on_client_closed(struct http_client *client, enum err why)
{
    struct http_bed *b = http_client_owner(client);
    b->closed++;
    b->closed_why = why;
    b->client = NULL;
}

static const struct http_client_events client_events = {
    .on_capacity = on_capacity,
    .on_retired = on_retired,
    .on_closed = on_client_closed,
};

static void on_peer_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct http_bed *b = s->owner;
    (void)owner;
    size_t room = b->got_len < sizeof(b->got) ? sizeof(b->got) - b->got_len : 0;
    memcpy(b->got + (room ? b->got_len : 0), data, len < room ? len : room);
    b->got_len += len;
}

static void on_peer_eof(struct stream *s)
{
    ((struct http_bed *)s->owner)->peer_eof = true;
}

static void on_peer_fail(struct stream *s, enum err why)
{
    (void)why;
    ((struct http_bed *)s->owner)->peer_failed = true;
}

static const struct stream_events peer_events = {
    .on_data = on_peer_data,
    .on_eof = on_peer_eof,
    .on_fail = on_peer_fail,
};

static struct http_bed *create(const struct memstream_options *options)
{
    struct http_bed *b = mem_zalloc(sizeof(*b));
    b->loop = loop_sim_create(START_MS);
    b->consume = true;
    memstream_pair(b->loop, options, &b->ours, &b->peer);
    stream_use(b->peer, &peer_events, b);
    stream_read_start(b->peer);
    return b;
}

struct http_bed *http_bed_create_server(const struct http_server_config *config,
                                        const struct memstream_options *options)
{
    struct http_bed *b = create(options);
    if (config)
        b->server_config = *config;
    b->server_config.scheme = SLICE("http");
    b->server =
        http_server_create(b->ours, HTTP_PROTOCOL_1, &b->server_config, &server_events, b, NULL);
    return b;
}

struct http_bed *http_bed_create_client(const struct http_client_config *config,
                                        const struct memstream_options *options)
{
    struct http_bed *b = create(options);
    if (config)
        b->client_config = *config;
    b->client = http_client_create(b->ours, HTTP_PROTOCOL_1, &b->client_config, &client_events, b);
    return b;
}

void http_bed_destroy(struct http_bed *b)
{
    for (unsigned i = 0; i < b->stream_count; i++) {
        if (http_stream_is_live(&b->streams[i].st))
            http_stream_reset(&b->streams[i].st, ERR_CANCELED);
    }
    if (b->server)
        http_server_close(b->server);
    if (b->client)
        http_client_close(b->client);
    assert_int_equal(b->closed, 1);
    stream_close(b->peer);
    http_bed_run(b);
    for (unsigned i = 0; i < b->stream_count; i++)
        arena_dispose(&b->streams[i].arena);
    loop_destroy(b->loop);
    mem_free(b);
}

void http_bed_assert_done(const struct http_bed_stream *s)
{
    assert_int_equal(s->dones, 1);
    assert_int_equal(s->aborts, 0);
}

void http_bed_assert_aborted(const struct http_bed_stream *s, enum err why)
{
    assert_int_equal(s->dones, 0);
    assert_int_equal(s->aborts, 1);
    assert_int_equal(s->abort_why, why);
}

void http_bed_forget_streams(struct http_bed *b)
{
    for (unsigned i = 0; i < b->stream_count; i++) {
        assert_false(http_stream_is_live(&b->streams[i].st));
        arena_dispose(&b->streams[i].arena);
        b->streams[i] = (struct http_bed_stream){.bed = NULL};
    }
    b->stream_count = 0;
}

void http_bed_run(struct http_bed *b)
{
    assert_true(loop_sim_turn(b->loop));
}

void http_bed_write(struct http_bed *b, struct slice bytes)
{
    struct buf out;
    buf_init(&out);
    buf_append_slice(&out, bytes);
    stream_write(b->peer, &out);
}

void http_bed_feed_bytes(struct http_bed *b, struct slice bytes)
{
    http_bed_write(b, bytes);
    http_bed_run(b);
}

void http_bed_feed(struct http_bed *b, const char *text)
{
    http_bed_feed_bytes(b, slice_from_cstr(text));
}

void http_bed_expect(struct http_bed *b, const char *text)
{
    http_bed_run(b);
    if (!slice_eq_cstr(slice_of(b->got, b->got_len), text))
        fail_msg("got: [%.*s]\nnot: [%s]", (int)b->got_len, b->got, text);
    b->got_len = 0;
}

void http_bed_half_close(struct http_bed *b)
{
    stream_shutdown(b->peer);
    http_bed_run(b);
}

void http_bed_half_close_bare(struct http_bed *b)
{
    memstream_shut_bare(b->peer);
    http_bed_run(b);
}

void http_bed_expect_body(const struct http_bed_stream *s, const char *text)
{
    if (!slice_eq_cstr(slice_of(s->body, s->body_len), text))
        fail_msg("body: [%.*s]\nnot: [%s]", (int)s->body_len, s->body, text);
}

struct message *http_bed_message(struct http_bed_stream *s)
{
    struct message *m = arena_alloc(&s->arena, sizeof(*m));
    message_init(m, &s->arena);
    return m;
}

void http_bed_send_text(struct http_bed_stream *s, const char *text, bool end)
{
    struct buf data;
    buf_init(&data);
    buf_append_slice(&data, slice_from_cstr(text));
    http_stream_send_body(&s->st, &data, end);
}

static void set_length(struct http_bed_stream *s, struct message *m, int64_t length)
{
    m->content_length = length;
    if (length >= 0)
        headers_add_id(&m->headers, HEADER_CONTENT_LENGTH,
                       arena_printf(&s->arena, "%lld", (long long)length));
}

void http_bed_answer(struct http_bed_stream *s, unsigned status, const char *body, int64_t length)
{
    struct message *m = http_bed_message(s);
    m->status = (uint16_t)status;
    set_length(s, m, length);
    http_stream_send_head(&s->st, m, body && !*body);
    if (body && *body)
        http_bed_send_text(s, body, true);
}

struct http_bed_stream *http_bed_send(struct http_bed *b, const struct message *m, bool end)
{
    struct http_bed_stream *s = http_bed_new_stream(b);
    assert_int_equal(http_client_capacity(b->client), 1);
    http_client_send(b->client, &s->st, m, end);
    return s;
}

struct http_bed_stream *http_bed_request(struct http_bed *b, const char *method, const char *body,
                                         int64_t length)
{
    struct http_bed_stream *s = http_bed_new_stream(b);
    struct message *m = http_bed_message(s);
    m->method = slice_from_cstr(method);
    m->path = SLICE("/");
    m->authority = SLICE("a");
    set_length(s, m, length);
    assert_int_equal(http_client_capacity(b->client), 1);
    http_client_send(b->client, &s->st, m, body && !*body);
    if (body && *body)
        http_bed_send_text(s, body, true);
    return s;
}
