/* The bed behind h2_bed.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/codec/h2/h2_bed.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/h2/h2_guard.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

static struct h2_bed_stream *new_stream(struct h2_bed_side *side)
{
    assert_true(side->count < H2_BED_STREAMS);
    struct h2_bed_stream *s = &side->streams[side->count++];
    s->side = side;
    return s;
}

static struct h2_bed_side *side_of(struct h2 *h)
{
    return h2_owner(h);
}

static struct arena *on_stream(struct h2 *h, struct h2_stream *hs)
{
    struct h2_bed_side *side = side_of(h);
    if (side->refuse)
        return NULL;
    struct h2_bed_stream *s = new_stream(side);
    s->hs = hs;
    hs->user = s;
    hs->out = &s->out;
    return &s->arena;
}

static void on_head(struct h2_stream *hs, struct message *head, bool end)
{
    struct h2_bed_stream *s = hs->user;
    s->head = head;
    s->heads++;
    s->head_end = end;
    if (s->side->reset_on_head) {
        s->hs = NULL;
        h2_stream_reset(hs, ERR_CANCELED);
    }
}

static void on_data(struct h2_stream *hs, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct h2_bed_stream *s = hs->user;
    assert_null(owner);
    assert_true(len > 0 && s->body_len + len <= H2_BED_BODY);
    if (!s->body)
        s->body = mem_alloc(H2_BED_BODY);
    memcpy(s->body + s->body_len, data, len);
    s->body_len += len;
    if (s->side->consume)
        h2_stream_consume(hs, len);
}

static void trail(struct h2_bed_stream *s)
{
    struct arena arena;
    struct headers t;
    arena_init(&arena, 256);
    headers_init(&t, &arena);
    headers_add(&t, arena_copy(&arena, SLICE("x-sum")), arena_copy(&arena, SLICE("1")));
    h2_bed_respond(s, 200, false, NULL);
    h2_send_trailers(s->hs, &t);
    memset(t.items, 0xa5, sizeof(*t.items));
    arena_dispose(&arena);
}

static void on_end(struct h2_stream *hs, const struct headers *trailers)
{
    struct h2_bed_stream *s = hs->user;
    s->ends++;
    s->trailers = trailers;
    if (s->side->trail)
        trail(s);
    if (!s->side->answer)
        return;
    h2_bed_respond(s, 200, false, NULL);
    h2_bed_body(s, s->body, s->body_len, true);
}

static void on_taken(struct h2_stream *hs)
{
    struct h2_bed_stream *s = hs->user;
    s->taken++;
}

static void on_done(struct h2_stream *hs)
{
    struct h2_bed_stream *s = hs->user;
    s->dones++;
    s->hs = NULL;
}

static void on_abort(struct h2_stream *hs, enum err why)
{
    struct h2_bed_stream *s = hs->user;
    s->aborts++;
    s->why = why;
    s->hs = NULL;
}

static void on_bad_head(struct h2 *h, unsigned status, const char *reason,
                        char id[MESSAGE_REQUEST_ID_SIZE])
{
    struct h2_bed_side *side = side_of(h);
    side->bad_heads++;
    side->bad_status = status;
    side->bad_reason = reason;
    memcpy(id, "bed", 4);
}

static void on_settings(struct h2 *h)
{
    side_of(h)->settings++;
}

static void on_pong(struct h2 *h)
{
    side_of(h)->pongs++;
}

static void on_goaway(struct h2 *h, uint32_t code)
{
    side_of(h)->goaways++;
    side_of(h)->goaway_code = code;
}

static const struct h2_events events = {
    .on_stream = on_stream,
    .on_head = on_head,
    .on_data = on_data,
    .on_end = on_end,
    .on_taken = on_taken,
    .on_done = on_done,
    .on_abort = on_abort,
    .on_bad_head = on_bad_head,
    .on_settings = on_settings,
    .on_pong = on_pong,
    .on_goaway = on_goaway,
};

static void open_side(struct h2_bed *b, struct h2_bed_side *side, const struct h2_config *config)
{
    side->streams = mem_zalloc(H2_BED_STREAMS * sizeof(*side->streams));
    for (unsigned i = 0; i < H2_BED_STREAMS; i++) {
        arena_init(&side->streams[i].arena, 1024);
        buf_init(&side->streams[i].out);
    }
    side->h2 = h2_create(config, &events, side, b->now_ms);
}

void h2_bed_open(struct h2_bed *b, const char *role)
{
    if (!b->data_room)
        b->data_room = 1 << 20;
    b->server_config.server = true;
    if (strchr(role, 'c'))
        open_side(b, &b->client, &b->client_config);
    if (strchr(role, 's'))
        open_side(b, &b->server, &b->server_config);
}

static void close_side(struct h2_bed_side *side)
{
    if (!side->h2)
        return;
    h2_destroy(side->h2);
    for (unsigned i = 0; i < H2_BED_STREAMS; i++) {
        arena_dispose(&side->streams[i].arena);
        buf_dispose(&side->streams[i].out);
        mem_free(side->streams[i].body);
    }
    mem_free(side->streams);
}

void h2_bed_close(struct h2_bed *b)
{
    close_side(&b->client);
    close_side(&b->server);
}

static void feed(struct h2_bed *b, struct h2_bed_side *to, const uint8_t *data, size_t len)
{
    size_t piece = b->piece ? b->piece : len;
    for (size_t n; len && !to->failed; data += n, len -= n) {
        n = piece < len ? piece : len;
        if (!h2_feed(to->h2, b->now_ms, NULL, data, n))
            to->failed = true;
    }
}

static void drain(struct h2_bed *b, struct h2_bed_side *from)
{
    if (!h2_drain(from->h2, b->data_room))
        from->failed = true;
}

void h2_bed_carry(struct h2_bed *b, struct h2_bed_side *from, struct h2_bed_side *to)
{
    drain(b, from);
    struct buf *out = h2_output(from->h2);
    struct iovec v;
    while (buf_peek(out, &v, 1)) {
        feed(b, to, v.iov_base, v.iov_len);
        buf_drain(out, v.iov_len);
    }
}

void h2_bed_run(struct h2_bed *b)
{
    for (unsigned i = 0; i < 10000; i++) {
        h2_bed_carry(b, &b->client, &b->server);
        h2_bed_carry(b, &b->server, &b->client);
        drain(b, &b->client);
        if (buf_is_empty(h2_output(b->client.h2)))
            return;
    }
    fail_msg("the two never stop talking");
}

struct message *h2_bed_message(struct h2_bed_stream *s)
{
    struct message *m = arena_alloc(&s->arena, sizeof(*m));
    message_init(m, &s->arena);
    return m;
}

static void add_fields(struct message *m, const char *const *fields)
{
    for (; fields && *fields; fields += 2) {
        headers_add(&m->headers, slice_from_cstr(fields[0]), slice_from_cstr(fields[1]));
    }
}

struct h2_bed_stream *h2_bed_request(struct h2_bed *b, const char *method, bool end,
                                     const char *const *fields)
{
    struct h2_bed_stream *s = new_stream(&b->client);
    struct message *m = h2_bed_message(s);
    m->method = slice_from_cstr(method);
    m->scheme = SLICE("http");
    m->authority = SLICE("example.com");
    m->path = SLICE("/path?query");
    add_fields(m, fields);
    s->hs = h2_send_request(b->client.h2, m, end, s, &s->arena, &s->out);
    return s;
}

void h2_bed_respond(struct h2_bed_stream *s, unsigned status, bool end, const char *const *fields)
{
    struct message *m = h2_bed_message(s);
    m->status = (uint16_t)status;
    add_fields(m, fields);
    h2_send_head(s->hs, m, end);
}

void h2_bed_body(struct h2_bed_stream *s, const void *data, size_t len, bool end)
{
    buf_append(&s->out, data, len);
    h2_send_body(s->hs, end);
}

void h2_bed_trailers(struct h2_bed_stream *s, const char *name, const char *value)
{
    struct headers *t = arena_alloc(&s->arena, sizeof(*t));
    headers_init(t, &s->arena);
    headers_add(t, slice_from_cstr(name), slice_from_cstr(value));
    h2_send_trailers(s->hs, t);
}

/* ---- frames by hand ---- */

void h2_bed_feed(struct h2_bed *b, struct h2_bed_side *to, const void *data, size_t len)
{
    feed(b, to, data, len);
    drain(b, to);
}

void h2_bed_send_frame(struct h2_bed *b, struct h2_bed_side *to, uint8_t type, uint8_t flags,
                       uint32_t id, const void *payload, size_t len)
{
    uint8_t *frame = mem_alloc(H2_FRAME_HEAD + len);
    const uint8_t head[H2_FRAME_HEAD] = {
        (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len,       type,       flags,
        (uint8_t)(id >> 24),  (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
    memcpy(frame, head, sizeof(head));
    if (len)
        memcpy(frame + sizeof(head), payload, len);
    h2_bed_feed(b, to, frame, sizeof(head) + len);
    mem_free(frame);
}

size_t h2_bed_block(uint8_t *block, const char *const *fields)
{
    uint8_t *to = block;
    for (; *fields; fields += 2) {
        *to++ = 0;
        for (unsigned i = 0; i < 2; i++) {
            size_t len = strlen(fields[i]);
            assert_true(len < 127);
            *to++ = (uint8_t)len;
            memcpy(to, fields[i], len);
            to += len;
        }
    }
    return (size_t)(to - block);
}

void h2_bed_send_headers(struct h2_bed *b, struct h2_bed_side *to, uint8_t flags, uint32_t id,
                         const char *const *fields)
{
    uint8_t block[4096];
    h2_bed_send_frame(b, to, H2_HEADERS, flags, id, block, h2_bed_block(block, fields));
}

void h2_bed_greet(struct h2_bed *b, struct h2_bed_side *to)
{
    static const char magic[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    if (to == &b->server)
        h2_bed_feed(b, to, magic, sizeof(magic) - 1);
    h2_bed_send_frame(b, to, H2_SETTINGS, 0, 0, NULL, 0);
    h2_bed_send_frame(b, to, H2_SETTINGS, 1, 0, NULL, 0);
    assert_int_equal(to->settings, 1);
    assert_true(h2_bed_is_quiet(to));
}

bool h2_bed_next(struct h2_bed_side *from, struct h2_bed_frame *f)
{
    struct buf *out = h2_output(from->h2);
    struct h2_frame head;
    uint8_t bytes[H2_FRAME_HEAD];
    if (buf_is_empty(out))
        return false;
    buf_copy_out(out, bytes, sizeof(bytes));
    h2_frame_read(&head, bytes);
    buf_drain(out, sizeof(bytes));
    *f = (struct h2_bed_frame){
        .type = head.type, .flags = head.flags, .id = head.id, .length = head.length};
    buf_copy_out(out, f->payload, f->length < sizeof(f->payload) ? f->length : sizeof(f->payload));
    buf_drain(out, f->length);
    return true;
}

void h2_bed_expect(struct h2_bed_side *from, uint8_t type, struct h2_bed_frame *f)
{
    while (h2_bed_next(from, f)) {
        if (f->type == type)
            return;
    }
    fail_msg("no frame of type %u", type);
}

static uint32_t load(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void h2_bed_expect_goaway(struct h2_bed_side *from, uint32_t code)
{
    struct h2_bed_frame f;
    h2_bed_expect(from, H2_GOAWAY, &f);
    assert_int_equal(load(f.payload + 4), code);
    assert_true(h2_is_over(from->h2));
    assert_int_not_equal(h2_error(from->h2, NULL), ERR_OK);
}

void h2_bed_expect_reset(struct h2_bed_side *from, uint32_t id, uint32_t code)
{
    struct h2_bed_frame f;
    h2_bed_expect(from, H2_RST_STREAM, &f);
    assert_int_equal(f.id, id);
    assert_int_equal(load(f.payload), code);
}

void h2_bed_expect_error(struct h2_bed_side *from, uint32_t id, uint32_t code)
{
    struct h2_bed_frame f;
    while (h2_bed_next(from, &f)) {
        if (f.type == H2_GOAWAY) {
            assert_int_equal(load(f.payload + 4), code);
            return;
        }
        if (f.type == H2_RST_STREAM) {
            assert_int_equal(f.id, id);
            assert_int_equal(load(f.payload), code);
            return;
        }
    }
    fail_msg("neither RST_STREAM nor GOAWAY");
}

bool h2_bed_is_quiet(struct h2_bed_side *from)
{
    struct h2_bed_frame f;
    bool quiet = true;
    while (h2_bed_next(from, &f))
        quiet &= f.type == H2_WINDOW_UPDATE || f.type == H2_SETTINGS || f.type == H2_PING;
    return quiet;
}
