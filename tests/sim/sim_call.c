/* What codecs tell about a call is written down; bodies are consumed at once unless they are held.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_call.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/sim/cmocka_sim.h"
#include "tests/sim/sim_http.h"

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct sim_call *c = st->owner;
    (void)end;
    if (!c->server && head->status < 200 && head->status != 101) {
        c->interims++;
        c->last_interim = head->status;
        return;
    }
    assert_null(c->head);
    c->head = head;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct sim_call *c = st->owner;
    (void)owner;
    assert_non_null(c->head);
    assert_false(c->ended);
    sim_text_add(&c->body, data, len);
    if (c->hold)
        c->held += len;
    else
        http_stream_consume(st, len);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct sim_call *c = st->owner;
    assert_non_null(c->head);
    assert_false(c->ended);
    c->ended = true;
    c->trailers = trailers;
    if (!c->server)
        return;
    sim_server_note_due(c);
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct sim_call *c = st->owner;
    assert_false(c->done || c->aborted);
    c->aborted = true;
    c->why = why;
}

static void on_done(struct http_stream *st)
{
    struct sim_call *c = st->owner;
    assert_false(c->aborted);
    /* A server may be done with a request that it did not read to its end. */
    assert_true(c->ended || c->server);
    c->done = true;
}

static const struct http_events events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

struct sim_call *sim_call_create(struct list *calls, struct sim_server *server)
{
    struct sim_call *c = mem_zalloc(sizeof(*c));
    arena_init(&c->arena, 4096);
    c->st.events = &events;
    c->st.owner = c;
    c->st.arena = &c->arena;
    c->server = server;
    list_init(&c->due);
    list_link_last(calls, &c->node);
    return c;
}

void sim_call_destroy_all(struct list *calls)
{
    LIST_FOREACH_SAFE(node, next, calls)
    {
        struct sim_call *c = container_of(node, struct sim_call, node);
        if (http_stream_is_live(&c->st))
            http_stream_reset(&c->st, ERR_CANCELED);
        list_unlink(&c->node);
        list_unlink(&c->due);
        sim_text_dispose(&c->body);
        arena_dispose(&c->arena);
        mem_free(c);
    }
}

struct message *sim_call_request(struct sim_call *call, const char *method, const char *authority,
                                 const char *path)
{
    struct message *m = arena_zalloc(&call->arena, sizeof(*m));
    message_init(m, &call->arena);
    m->version = HTTP_1_1;
    m->method = arena_copy(&call->arena, slice_from_cstr(method));
    m->scheme = SLICE("http");
    m->authority = arena_copy(&call->arena, slice_from_cstr(authority));
    m->path = arena_copy(&call->arena, slice_from_cstr(path));
    m->content_length = -1;
    return m;
}

void sim_call_add(struct message *m, struct sim_call *call, const char *name, const char *value)
{
    struct slice n = arena_copy(&call->arena, slice_from_cstr(name));
    struct slice v = arena_copy(&call->arena, slice_from_cstr(value));
    struct header *h = headers_add(&m->headers, n, v);
    if (h->id == HEADER_CONTENT_LENGTH)
        m->content_length = (int64_t)strtoll(value, NULL, 10);
}

const char *sim_call_header(struct sim_call *call, const char *name)
{
    const struct header *h = headers_find(&call->head->headers, slice_from_cstr(name));
    return h ? arena_strdup(&call->arena, h->value) : "";
}

void sim_call_send(struct sim_call *call, const char *body, bool end)
{
    struct buf data;
    buf_init(&data);
    buf_append(&data, body, strlen(body));
    http_stream_send_body(&call->st, &data, end);
}

void sim_call_send_zeros(struct sim_call *call, size_t len, bool end)
{
    static const char zeros[4096];
    struct buf data;
    buf_init(&data);
    while (len > 0) {
        size_t n = len < sizeof(zeros) ? len : sizeof(zeros);
        buf_append(&data, zeros, n);
        len -= n;
    }
    http_stream_send_body(&call->st, &data, end);
}

void sim_call_reset(struct sim_call *call, enum err why)
{
    http_stream_reset(&call->st, why);
}

void sim_call_release(struct sim_call *call)
{
    size_t held = call->held;
    call->hold = false;
    call->held = 0;
    if (http_stream_is_live(&call->st))
        http_stream_consume(&call->st, held);
}
