/* HTTP/1 connections under a user and a peer that do anything in any order: the input is a list of
 * deeds. Each stream ends exactly once, the connection too, and nothing is left behind. The first
 * byte chooses the end, the second how the transport cuts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "lib/net/http_client.h"
#include "lib/net/http_server.h"

enum { BODY_MAX = 4096, DEEDS_MAX = 200, ADVANCE_MS = 400 };

struct user {
    struct http_stream st;
    struct world *world;
    struct list node;
    struct arena arena;
    bool over;     /* done, aborted or reset */
    bool seen_end; /* of what the peer sends */
};

struct world {
    struct loop *loop;
    struct http_server *server;
    struct http_client *client;
    struct stream *peer;
    struct list users;
    struct user *last;
    unsigned closed;
    bool reset_in_event;
};

static void need(bool promise)
{
    if (!promise)
        abort();
}

static struct user *user_of(struct http_stream *st)
{
    return container_of(st, struct user, st);
}

static void give_up(struct user *u)
{
    if (!http_stream_is_live(&u->st))
        return;
    need(!u->over);
    u->over = true;
    http_stream_reset(&u->st, ERR_CANCELED);
    need(!http_stream_is_live(&u->st));
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct user *u = user_of(st);
    (void)end;
    need(!u->over && !u->seen_end && head != NULL);
    if (u->world->reset_in_event)
        give_up(u);
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct user *u = user_of(st);
    (void)owner;
    (void)data;
    need(!u->over && !u->seen_end && len > 0);
    if (u->world->reset_in_event)
        give_up(u);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct user *u = user_of(st);
    (void)trailers;
    need(!u->over && !u->seen_end);
    u->seen_end = true;
    if (u->world->reset_in_event)
        give_up(u);
}

static void on_writable(struct http_stream *st)
{
    need(!user_of(st)->over);
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct user *u = user_of(st);
    need(!u->over && why != ERR_OK && !http_stream_is_live(st));
    u->over = true;
}

static void on_done(struct http_stream *st)
{
    struct user *u = user_of(st);
    need(!u->over && !http_stream_is_live(st));
    u->over = true;
}

static const struct http_events events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

static struct user *new_user(struct world *w)
{
    struct user *u = mem_zalloc(sizeof(*u));
    u->world = w;
    arena_init(&u->arena, 1024);
    u->st.events = &events;
    u->st.arena = &u->arena;
    list_init(&u->node);
    list_link_last(&w->users, &u->node);
    w->last = u;
    return u;
}

static struct http_stream *on_stream(struct http_server *s)
{
    return &new_user(http_server_owner(s))->st;
}

static void on_server_closed(struct http_server *s, enum err why, const char *detail)
{
    struct world *w = http_server_owner(s);
    (void)why;
    (void)detail;
    need(http_server_active(s) == 0);
    w->closed++;
    w->server = NULL;
}

static void on_client_closed(struct http_client *c, enum err why)
{
    struct world *w = http_client_owner(c);
    (void)why;
    need(http_client_active(c) == 0);
    w->closed++;
    w->client = NULL;
}

static void on_peer_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s;
    (void)owner;
    (void)data;
    (void)len;
}

static void on_peer_eof(struct stream *s)
{
    (void)s;
}

static void on_peer_fail(struct stream *s, enum err why)
{
    (void)s;
    (void)why;
}

static const struct stream_events peer_events = {
    .on_data = on_peer_data, .on_eof = on_peer_eof, .on_fail = on_peer_fail};
static const struct http_server_events server_events = {.on_stream = on_stream,
                                                        .on_closed = on_server_closed};
static const struct http_client_events client_events = {.on_closed = on_client_closed};
static const struct http_server_config server_config = {
    .scheme = {"http", 4}, .head_timeout_ms = 1000, .idle_timeout_ms = 3000};
static const struct http_client_config client_config = {.max_header_count = 20};

static void open_world(struct world *w, bool as_client, uint8_t cuts)
{
    struct memstream_options options = {.piece = cuts & 15, .capacity = (cuts >> 4) * 64u};
    struct stream *ours;
    list_init(&w->users);
    w->loop = loop_sim_create(1000);
    memstream_pair(w->loop, &options, &ours, &w->peer);
    stream_use(w->peer, &peer_events, w);
    stream_read_start(w->peer);
    if (as_client)
        w->client = http_client_create(ours, HTTP_PROTOCOL_1, &client_config, &client_events, w);
    else
        w->server =
            http_server_create(ours, HTTP_PROTOCOL_1, &server_config, &server_events, w, NULL);
}

static void close_world(struct world *w)
{
    struct list *node;
    if (w->server)
        http_server_close(w->server);
    if (w->client)
        http_client_close(w->client);
    stream_close(w->peer);
    loop_sim_turn(w->loop);
    need(w->closed == 1);
    while ((node = list_take_first(&w->users))) {
        struct user *u = container_of(node, struct user, node);
        need(u->over);
        arena_dispose(&u->arena);
        mem_free(u);
    }
    loop_destroy(w->loop);
}

static void peer_sends(struct world *w, const uint8_t *data, size_t len)
{
    struct buf out;
    buf_init(&out);
    buf_append(&out, data, len);
    stream_write(w->peer, &out);
}

static void send_head(struct world *w, uint8_t how)
{
    static const uint16_t statuses[] = {100, 101, 103, 200, 200, 204, 304, 503};
    struct message m;
    message_init(&m, &w->last->arena);
    m.status = statuses[how & 7];
    m.content_length = how & 8 ? (how >> 5) * 3 : -1;
    if (m.status == 101)
        m.upgrade = SLICE("x");
    http_stream_send_head(&w->last->st, &m, (how & 16) != 0);
}

static void send_request(struct world *w, uint8_t how)
{
    static const struct slice methods[] = {{"GET", 3}, {"HEAD", 4}, {"POST", 4}, {"CONNECT", 7}};
    struct message m;
    if (!w->client || http_client_capacity(w->client) == 0)
        return;
    struct user *u = new_user(w);
    message_init(&m, &u->arena);
    m.version = how & 64 ? HTTP_1_0 : HTTP_1_1;
    m.method = methods[how & 3];
    m.authority = SLICE("a:1");
    m.path = SLICE("/");
    m.content_length = how & 8 ? (how >> 5) * 3 : -1;
    if (how & 4)
        m.upgrade = SLICE("x");
    http_client_send(w->client, &u->st, &m, (how & 16) != 0);
}

static void send_body(struct world *w, size_t len, bool end)
{
    static const char bytes[BODY_MAX];
    struct buf data;
    buf_init(&data);
    buf_append(&data, bytes, len % BODY_MAX);
    http_stream_send_body(&w->last->st, &data, end);
}

static void send_trailers(struct world *w)
{
    struct headers *trailers = arena_alloc(&w->last->arena, sizeof(*trailers));
    headers_init(trailers, &w->last->arena);
    headers_add(trailers, SLICE("x-t"), SLICE("v"));
    http_stream_send_trailers(&w->last->st, trailers);
}

static void do_to_stream(struct world *w, uint8_t what, uint8_t how)
{
    if (!w->last || !http_stream_is_live(&w->last->st))
        return;
    switch (what) {
    case 0:
        if (w->server)
            send_head(w, how);
        break;
    case 1:
        send_body(w, how * 37u, false);
        break;
    case 2:
        send_body(w, how, true);
        break;
    case 3:
        send_trailers(w);
        break;
    case 4:
        http_stream_consume(&w->last->st, how * 1000u);
        break;
    default:
        give_up(w->last);
        break;
    }
}

static void do_to_connection(struct world *w, uint8_t what, uint8_t how)
{
    switch (what) {
    case 0:
        send_request(w, how);
        break;
    case 1:
        loop_sim_turn(w->loop);
        break;
    case 2:
        loop_sim_advance(w->loop, ADVANCE_MS);
        break;
    case 3:
        stream_shutdown(w->peer);
        break;
    case 4:
        memstream_cut(w->peer, how & 1 ? ERR_RESET : ERR_TIMEOUT);
        break;
    case 5:
        if (w->server)
            http_server_drain(w->server);
        if (w->client)
            http_client_drain(w->client);
        break;
    case 6:
        w->reset_in_event = how & 1;
        break;
    default:
        if (how & 1)
            stream_read_stop(w->peer);
        else
            stream_read_start(w->peer);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct world w = {.loop = NULL};
    if (len < 2)
        return 0;
    open_world(&w, data[0] & 1, data[1]);
    size_t at = 2;
    for (unsigned deeds = 0; at + 2 <= len && deeds < DEEDS_MAX; deeds++) {
        uint8_t what = data[at], how = data[at + 1];
        at += 2;
        if (what < 0x40) {
            do_to_connection(&w, what & 7, how);
        } else if (what < 0x80) {
            do_to_stream(&w, what % 6, how);
        } else {
            /* The next `how` bytes come from the peer. */
            size_t n = how < len - at ? how : len - at;
            peer_sends(&w, data + at, n);
            at += n;
            loop_sim_turn(w.loop);
        }
    }
    close_world(&w);
    return 0;
}
