/* The player behind h2_play.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/fuzz/h2_play.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/arena.h"
#include "lib/codec/h2/h2.h"
#include "lib/codec/h2/h2_guard.h"

enum { STREAMS = 64, RECORDS_MAX = 4000, DATA_ROOM = 3000 };

struct user {
    struct h2_stream *hs;
    struct arena arena;
    struct buf out;
    unsigned heads, ends;
    bool final, over;
    int64_t promised;
};

struct play {
    struct h2 *h2;
    bool server;
    struct user users[STREAMS];
    unsigned count;
    const uint8_t *at, *end;
    uint64_t now_ms;
};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static struct arena *on_stream(struct h2 *h, struct h2_stream *hs)
{
    struct play *p = h2_owner(h);
    must(p->server);
    if (p->count == STREAMS)
        return NULL;
    struct user *u = &p->users[p->count++];
    u->hs = hs;
    hs->user = u;
    hs->out = &u->out;
    return &u->arena;
}

static void check_headers(const struct headers *headers)
{
    for (uint32_t i = 0; i < headers->count; i++) {
        const struct header *item = &headers->items[i];
        must(item->name.len > 0 && message_name_is_valid(item->name));
        must(message_value_is_valid(item->value));
        for (size_t k = 0; k < item->name.len; k++)
            must(item->name.ptr[k] < 'A' || item->name.ptr[k] > 'Z');
        must(item->id == header_id_of(item->name));
        must(item->id != HEADER_CONNECTION && item->id != HEADER_TRANSFER_ENCODING);
        must(item->id != HEADER_HOST && item->id != HEADER_UPGRADE);
    }
}

static void on_head(struct h2_stream *hs, struct message *m, bool end)
{
    struct user *u = hs->user;
    struct play *p = h2_owner(hs->h2);
    must(!u->over && !u->final && u->ends == 0);
    u->heads++;
    u->final = p->server || m->status >= 200;
    u->promised = m->content_length;
    check_headers(&m->headers);
    must(p->server == (m->status == 0));
    if (p->server) {
        must(message_path_is_valid(m->path) || slice_eq_cstr(m->path, "*"));
        must(message_authority_is_valid(m->authority) && message_name_is_valid(m->method));
    } else {
        must(m->status >= 100 && m->status != 101 && m->status <= 999);
    }
    must(!end || u->final);
}

static void on_data(struct h2_stream *hs, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct user *u = hs->user;
    (void)owner;
    must(!u->over && u->final && u->ends == 0 && len > 0);
    volatile uint8_t last = data[len - 1]; /* a sanitizer looks at it */
    (void)last;
    if (u->promised >= 0)
        u->promised -= (int64_t)len;
    must(u->promised >= -1);
}

static void on_end(struct h2_stream *hs, const struct headers *trailers)
{
    struct user *u = hs->user;
    must(!u->over && u->final && u->ends++ == 0);
    if (trailers)
        check_headers(trailers);
}

static void on_taken(struct h2_stream *hs)
{
    must(!((struct user *)hs->user)->over);
}

static void over(struct h2_stream *hs)
{
    struct user *u = hs->user;
    must(!u->over);
    u->over = true;
    u->hs = NULL;
    buf_dispose(&u->out);
    arena_reset(&u->arena);
}

static void on_done(struct h2_stream *hs)
{
    must(((struct user *)hs->user)->ends == 1);
    over(hs);
}

static void on_abort(struct h2_stream *hs, enum err why)
{
    must(why != ERR_OK);
    over(hs);
}

static void on_bad_head(struct h2 *h, unsigned status, const char *reason,
                        char id[MESSAGE_REQUEST_ID_SIZE])
{
    (void)id;
    must(((struct play *)h2_owner(h))->server && status >= 400 && reason);
}

static void on_connection(struct h2 *h)
{
    must(h2_owner(h) != NULL);
}

static void on_goaway(struct h2 *h, uint32_t code)
{
    (void)code;
    on_connection(h);
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
    .on_settings = on_connection,
    .on_pong = on_connection,
    .on_goaway = on_goaway,
};

static uint8_t take_byte(struct play *p)
{
    return p->at < p->end ? *p->at++ : 0;
}

static size_t take_bytes(struct play *p, const uint8_t **bytes)
{
    size_t len = take_byte(p), left = (size_t)(p->end - p->at);
    len = len < left ? len : left;
    *bytes = p->at;
    p->at += len;
    return len;
}

static bool play_frame(struct play *p, uint8_t type)
{
    uint8_t frame[H2_FRAME_HEAD + 255] = {0};
    const uint8_t *payload;
    frame[3] = type;
    frame[4] = take_byte(p);
    frame[8] = take_byte(p);
    size_t len = take_bytes(p, &payload);
    frame[2] = (uint8_t)len;
    memcpy(frame + H2_FRAME_HEAD, payload, len);
    return h2_feed(p->h2, p->now_ms, NULL, frame, H2_FRAME_HEAD + len);
}

static struct message *new_message(struct user *u)
{
    struct message *m = arena_alloc(&u->arena, sizeof(*m));
    message_init(m, &u->arena);
    headers_add(&m->headers, SLICE("x-played"), SLICE("some value"));
    headers_add_id(&m->headers, HEADER_COOKIE, SLICE("secret=1"));
    return m;
}

static void open_request(struct play *p, bool end)
{
    if (p->count == STREAMS || h2_capacity(p->h2) == 0)
        return;
    struct user *u = &p->users[p->count++];
    struct message *m = new_message(u);
    m->method = p->count % 5 ? SLICE("GET") : SLICE("HEAD");
    m->authority = SLICE("example.com");
    m->path = SLICE("/played");
    u->hs = h2_send_request(p->h2, m, end, u, &u->arena, &u->out);
}

static void send_trailers(struct user *u)
{
    struct headers *t = arena_alloc(&u->arena, sizeof(*t));
    headers_init(t, &u->arena);
    headers_add(t, SLICE("x-trailer"), SLICE("t"));
    h2_send_trailers(u->hs, t);
}

static void reset(struct user *u, enum err why)
{
    struct h2_stream *hs = u->hs;
    u->hs = NULL;
    u->over = true;
    h2_stream_reset(hs, why);
    buf_dispose(&u->out);
    arena_reset(&u->arena);
}

/* What users do to one stream. */
static void act(struct user *u, unsigned what)
{
    struct message *m;
    switch (what) {
    case 0:
    case 1:
        m = new_message(u);
        m->status = what ? 200 : 103;
        h2_send_head(u->hs, m, false);
        return;
    case 2:
        m = new_message(u);
        m->status = 204;
        h2_send_head(u->hs, m, true);
        return;
    case 3:
    case 4:
        buf_append(&u->out, "0123456789012345678901234567890123456789", 40);
        h2_send_body(u->hs, what == 4);
        return;
    case 5:
        send_trailers(u);
        return;
    case 6:
        h2_stream_consume(u->hs, 100);
        return;
    default:
        reset(u, what % 2 ? ERR_OK : ERR_CANCELED);
    }
}

static void play_user(struct play *p, unsigned what)
{
    unsigned which = take_byte(p);
    switch (what) {
    case 10:
        h2_ping(p->h2);
        return;
    case 11:
        h2_goaway(p->h2);
        return;
    case 12:
        h2_notice(p->h2);
        return;
    case 13:
        p->now_ms += which * 10;
        return;
    default:
        break;
    }
    if (!p->server && what < 3) {
        open_request(p, what == 2);
        return;
    }
    struct user *u = p->count ? &p->users[which % p->count] : NULL;
    if (u && u->hs)
        act(u, what);
}

/* What comes out are whole frames. */
static void check_output(struct play *p, bool first)
{
    struct buf *out = h2_output(p->h2);
    if (first && !p->server)
        buf_drain(out, 24);
    while (!buf_is_empty(out)) {
        uint8_t head[H2_FRAME_HEAD];
        struct h2_frame f;
        must(out->len >= sizeof(head));
        buf_copy_out(out, head, sizeof(head));
        h2_frame_read(&f, head);
        must(f.type <= H2_CONTINUATION && f.type != H2_PUSH_PROMISE && f.type != H2_PRIORITY);
        must(f.length <= H2_FRAME_MAX && out->len >= sizeof(head) + f.length);
        buf_drain(out, sizeof(head) + f.length);
    }
}

static bool play_record(struct play *p)
{
    uint8_t op = take_byte(p);
    const uint8_t *bytes;
    if (op < 0x10)
        return play_frame(p, op);
    if (op < 0x20) {
        size_t len = take_bytes(p, &bytes);
        return h2_feed(p->h2, p->now_ms, NULL, bytes, len);
    }
    play_user(p, op & 0xf);
    return true;
}

void h2_play(bool server, const uint8_t *data, size_t size)
{
    static const uint8_t preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    struct play p = {.server = server, .at = data, .end = data + size, .now_ms = 1};
    struct h2_config config = {.server = server,
                               .max_header_bytes = 3000,
                               .max_streams = 20,
                               .max_resets = 200,
                               .stream_window = 5000};
    for (unsigned i = 0; i < STREAMS; i++) {
        arena_init(&p.users[i].arena, 512);
        buf_init(&p.users[i].out);
    }
    p.h2 = h2_create(&config, &events, &p, p.now_ms);
    check_output(&p, true);
    bool fine = !server || h2_feed(p.h2, p.now_ms, NULL, preface, sizeof(preface) - 1);
    for (unsigned i = 0; fine && p.at < p.end && i < RECORDS_MAX; i++) {
        fine = play_record(&p);
        fine = h2_drain(p.h2, DATA_ROOM) && fine;
        check_output(&p, false);
    }
    must(fine == (h2_error(p.h2, NULL) == ERR_OK));
    h2_destroy(p.h2);
    for (unsigned i = 0; i < STREAMS; i++) {
        arena_dispose(&p.users[i].arena);
        buf_dispose(&p.users[i].out);
    }
}
