/* A stream's life beside nghttp2's: who listens to it, what it still owes, how it ends. Owned by
 * its struct h2, on that thread. Must not know heads nor frames.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_priv.h"

#include <string.h>

#include "lib/base/mem.h"

enum { REST_ARENA_BLOCK = 512 };

struct h2_rest {
    struct buf body;
    struct arena arena;
};

struct h2_stream *h2_stream_create(struct h2 *h, int32_t id)
{
    struct h2_stream *st = mem_zalloc(sizeof(*st));
    st->h2 = h;
    st->id = id;
    st->promised = -1;
    list_link_last(&h->streams, &st->node);
    return st;
}

struct h2_stream *h2_stream_of(struct h2 *h, int32_t id)
{
    if (id == h->recent_id)
        return h->recent;
    struct h2_stream *st = nghttp2_session_get_stream_user_data(h->session, id);
    if (st) {
        h->recent_id = id;
        h->recent = st;
    }
    return st;
}

void h2_stream_destroy(struct h2_stream *st)
{
    list_unlink(&st->node);
    if (st == st->h2->opening)
        st->h2->opening = NULL;
    while (st->heads) {
        struct h2_out_head *out = st->heads;
        st->heads = out->next;
        h2_send_drop(st->h2, out);
    }
    if (st->rest) {
        buf_dispose(&st->rest->body);
        arena_dispose(&st->rest->arena);
        mem_free(st->rest);
    }
    mem_free(st);
}

/* What a user still has of a stream that has ended is his own business. */
static void give_back(struct h2_stream *st)
{
    if (st->unconsumed)
        h2_window_freed(st->h2, st->unconsumed);
    st->unconsumed = 0;
}

void h2_stream_consume(struct h2_stream *st, size_t n)
{
    if (n > st->unconsumed)
        n = st->unconsumed;
    if (n == 0)
        return;
    st->unconsumed -= n;
    h2_window_freed(st->h2, n);
    if (!(st->flags & H2_ST_CLOSED))
        nghttp2_session_consume_stream(st->h2->session, st->id, n);
}

/* Nothing of the user's is touched after this. */
static void let_go(struct h2_stream *st)
{
    st->user = NULL;
    st->out = NULL;
    st->arena = NULL;
    st->trailers = NULL;
    give_back(st);
}

static void cut(struct h2_stream *st, uint32_t code)
{
    if (st->flags & H2_ST_CLOSED)
        return;
    nghttp2_submit_rst_stream(st->h2->session, NGHTTP2_FLAG_NONE, st->id, code);
    h2_guard_let_go(&st->h2->guard, (uint32_t)st->id);
}

void h2_stream_fail(struct h2_stream *st, uint32_t code, enum err why)
{
    cut(st, code);
    if (st->user) {
        h2_recv_died(st->h2);
        st->h2->events->on_abort(st, why);
    }
    let_go(st);
}

bool h2_end_input(struct h2 *h)
{
    bool whole = true;
    h->input_ended = true;
    LIST_FOREACH_SAFE(node, next, &h->streams)
    {
        struct h2_stream *st = container_of(node, struct h2_stream, node);
        if (!st->user || st->flags & H2_ST_REMOTE_END)
            continue;
        whole = false;
        h2_stream_fail(st, H2_CANCEL, ERR_CLOSED);
    }
    h2_push(h);
    return whole;
}

static bool is_stuck(const struct h2_stream *st)
{
    nghttp2_session *session = st->h2->session;
    return st->out && !buf_is_empty(st->out) &&
           (nghttp2_session_get_remote_window_size(session) <= 0 ||
            nghttp2_session_get_stream_remote_window_size(session, st->id) <= 0);
}

void h2_stream_end_stuck(struct h2 *h)
{
    LIST_FOREACH_SAFE(node, next, &h->streams)
    {
        struct h2_stream *st = container_of(node, struct h2_stream, node);
        if (is_stuck(st))
            h2_stream_fail(st, H2_CANCEL, ERR_CLOSED);
    }
    h2_push(h);
}

/* The user goes before its last bytes do. */
static void keep_rest(struct h2_stream *st)
{
    struct h2_rest *rest = mem_alloc(sizeof(*rest));
    buf_init(&rest->body);
    buf_move_all(&rest->body, st->out);
    arena_init(&rest->arena, REST_ARENA_BLOCK);
    const struct headers *trailers = st->trailers;
    let_go(st);
    st->rest = rest;
    st->out = &rest->body;
    if (trailers) {
        struct headers *copy = arena_alloc(&rest->arena, sizeof(*copy));
        headers_init(copy, &rest->arena);
        headers_copy(copy, trailers);
        st->trailers = copy;
    }
}

static uint32_t code_of(enum err why)
{
    switch (why) {
    case ERR_OK:
        return H2_NO_ERROR;
    case ERR_CANCELED:
        return H2_CANCEL;
    case ERR_LIMIT:
        return H2_ENHANCE_YOUR_CALM;
    case ERR_PROTOCOL:
        return H2_PROTOCOL_ERROR;
    default:
        return H2_INTERNAL_ERROR;
    }
}

void h2_stream_reset(struct h2_stream *st, enum err why)
{
    struct h2 *h = st->h2;
    bool sent = st->flags & H2_ST_LOCAL_SENT, ended = st->flags & H2_ST_LOCAL_END;
    if (why == ERR_OK && ended && !sent && !(st->flags & H2_ST_CLOSED)) {
        st->flags |= H2_ST_CUT_AFTER;
        keep_rest(st);
        return;
    }
    let_go(st);
    if (!sent || !(st->flags & H2_ST_REMOTE_END))
        cut(st, code_of(why));
    h2_push(h);
}

static enum err err_of(const struct h2_stream *st, uint32_t code)
{
    if (st->flags & H2_ST_WE_RESET)
        return ERR_PROTOCOL;
    switch (code) {
    case H2_REFUSED_STREAM:
        return st->h2->server ? ERR_RESET : ERR_UNDELIVERED;
    case H2_CANCEL:
        return ERR_CANCELED;
    case H2_ENHANCE_YOUR_CALM:
        return ERR_OVERLOAD;
    default:
        return ERR_RESET;
    }
}

/* A server may end the answer and then say with RST_STREAM(NO_ERROR) that it wants no more of the
 * request (RFC 9113 §8.1): that is a good end. */
static bool is_done(const struct h2_stream *st, uint32_t code)
{
    bool answered = st->flags & H2_ST_REMOTE_END;
    return code == H2_NO_ERROR && answered && (!st->h2->server || (st->flags & H2_ST_LOCAL_SENT));
}

void h2_stream_closed(struct h2_stream *st, uint32_t code)
{
    st->flags |= H2_ST_CLOSED;
    st->code = code;
    st->h2->recent_id = 0;
    st->h2->recent = NULL;
    list_unlink(&st->node);
    list_link_last(&st->h2->closed, &st->node);
}

static void finish(struct h2_stream *st)
{
    give_back(st);
    if (st->user && is_done(st, st->code))
        st->h2->events->on_done(st);
    else if (st->user)
        st->h2->events->on_abort(st, err_of(st, st->code));
    h2_stream_destroy(st);
}

void h2_stream_settle(struct h2 *h)
{
    struct list *node;
    while ((node = list_take_first(&h->closed)))
        finish(container_of(node, struct h2_stream, node));
}
