/* Messages both ways on one HTTP/2 stream. Events of the http stream record what happened and wake
 * one step, which alone tells the owner. Owned by the connection's loop, on its thread. Must not
 * know which end it is, but by what the holder gives it, nor what the messages say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/net/grpc_stream.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/net/grpc_stream_priv.h"

enum { TEXT_MAX = 300 };

static struct grpc_stream *stream_of(struct http_stream *st)
{
    return st->owner;
}

void grpc_stream_wake(struct grpc_stream *s)
{
    if (!s->is_over)
        loop_run_soon(s->loop, &s->task);
}

/* ---- events: facts only */

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct grpc_stream *s = stream_of(st);
    if (head->status < 200)
        return;
    s->head = head;
    s->head_last = end;
    grpc_stream_wake(s);
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct grpc_stream *s = stream_of(st);
    http_stream_consume(st, len);
    if (s->is_over)
        return;
    buf_append_shared(&s->reader.in, owner, data, len);
    grpc_stream_wake(s);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct grpc_stream *s = stream_of(st);
    s->ended = true;
    s->trailers = trailers;
    grpc_stream_wake(s);
}

static void on_writable(struct http_stream *st)
{
    stream_of(st)->is_writable = true;
    grpc_stream_wake(stream_of(st));
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct grpc_stream *s = stream_of(st);
    s->gone = true;
    s->broke = why;
    grpc_stream_wake(s);
}

static void on_done(struct http_stream *st)
{
    stream_of(st)->gone = true;
    grpc_stream_wake(stream_of(st));
}

const struct http_events grpc_stream_http_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

/* ---- ends */

static void run_grave(struct loop_task *task)
{
    struct grpc_stream *s = container_of(task, struct grpc_stream, grave);
    grpc_stream_dispose(s);
    s->end->release(s);
}

static void let_go(struct grpc_stream *s)
{
    s->is_over = true;
    s->events = NULL;
    loop_task_cancel(&s->task);
    loop_bury(s->loop, &s->grave);
}

void grpc_stream_end(struct grpc_stream *s, enum grpc_status status, struct slice text)
{
    const struct grpc_stream_events *events = s->events;
    if (s->is_over)
        return;
    let_go(s);
    if (events)
        events->on_closed(s->owner, status, text);
}

static void end_by_us(struct grpc_stream *s, enum grpc_status status, const char *text)
{
    s->end->finish(s, status, text);
    grpc_stream_end(s, status, slice_from_cstr(text));
}

/* ---- the step */

static bool is_good_head(const struct grpc_stream *s)
{
    return s->head->status == 200 &&
           grpc_is_content_type(headers_get_id(&s->head->headers, HEADER_CONTENT_TYPE));
}

/* The answer has begun. */
static void look_at_head(struct grpc_stream *s)
{
    char text[80];
    if (!is_good_head(s)) {
        unsigned status = s->head->status;
        snprintf(text, sizeof(text), "the peer is no gRPC service: HTTP status %u", status);
        end_by_us(s, status == 200 ? GRPC_UNKNOWN : grpc_status_from_http(status), text);
        return;
    }
    s->is_opened = true;
    if (!s->head_last && s->events->on_open)
        s->events->on_open(s->owner);
}

static void deliver(struct grpc_stream *s)
{
    char *message;
    size_t len;
    enum err e = ERR_OK;
    while (!s->is_over && (e = grpc_reader_next(&s->reader, &message, &len)) == ERR_OK) {
        s->events->on_message(s->owner, slice_of(message, len));
        mem_free(message);
    }
    if (s->is_over || e == ERR_AGAIN)
        return;
    if (e == ERR_UNSUPPORTED)
        end_by_us(s, GRPC_UNIMPLEMENTED, "compressed messages are not supported");
    else
        end_by_us(s, GRPC_RESOURCE_EXHAUSTED, "a message is too large");
}

static void peer_ended(struct grpc_stream *s)
{
    struct slice text = {NULL, 0};
    enum grpc_status status = s->end->verdict(s, &text);
    if (status == GRPC_OK && !buf_is_empty(&s->reader.in)) {
        end_by_us(s, GRPC_INTERNAL, "the last message is cut short");
        return;
    }
    s->end->finish(s, status, "");
    grpc_stream_end(s, status, text);
}

static void broke(struct grpc_stream *s)
{
    char text[TEXT_MAX];
    snprintf(text, sizeof(text), "the connection broke: %s", err_text(s->broke));
    grpc_stream_end(s, s->broke == ERR_CANCELED ? GRPC_CANCELLED : GRPC_UNAVAILABLE,
                    slice_from_cstr(text));
}

static void run(struct loop_task *task)
{
    struct grpc_stream *s = container_of(task, struct grpc_stream, task);
    if (!s->events || s->is_over)
        return;
    if (s->is_client && s->head && !s->is_opened)
        look_at_head(s);
    if (!s->is_over && (s->is_opened || !s->is_client))
        deliver(s);
    if (!s->is_over && s->is_writable) {
        s->is_writable = false;
        if (s->events->on_writable)
            s->events->on_writable(s->owner);
    }
    if (!s->is_over && s->ended && (s->is_opened || !s->is_client))
        peer_ended(s);
    else if (!s->is_over && s->gone)
        broke(s);
}

/* ---- what owners call */

void grpc_stream_use(struct grpc_stream *s, const struct grpc_stream_events *events, void *owner)
{
    s->events = events;
    s->owner = owner;
    grpc_stream_wake(s);
}

void grpc_stream_send(struct grpc_stream *s, const void *message, size_t len)
{
    struct buf framed;
    if (s->is_over || s->gone)
        return;
    buf_init(&framed);
    grpc_frame(&framed, message, len);
    if (s->is_sent)
        http_stream_send_body(s->st, &framed, false);
    else
        buf_move_all(&s->early, &framed);
    buf_dispose(&framed);
}

size_t grpc_stream_unsent(const struct grpc_stream *s)
{
    if (!s->is_sent)
        return s->early.len;
    return http_stream_is_live(s->st) ? http_stream_unsent(s->st) : 0;
}

void grpc_stream_close(struct grpc_stream *s, enum grpc_status status, const char *format, ...)
{
    char text[TEXT_MAX];
    va_list args;
    if (s->is_over)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    s->end->finish(s, status, text);
    let_go(s);
}

void grpc_stream_peer(const struct grpc_stream *s, struct stream_info *out)
{
    s->end->peer(s, out);
}

/* ---- what holders call */

void grpc_stream_init(struct grpc_stream *s, const struct grpc_stream_end *end, struct loop *loop,
                      struct http_stream *st, size_t max_message)
{
    *s = (struct grpc_stream){.end = end, .loop = loop, .st = st};
    grpc_reader_init(&s->reader, max_message);
    buf_init(&s->early);
    loop_task_init(&s->task, run);
    loop_task_init(&s->grave, run_grave);
}

void grpc_stream_begin(struct grpc_stream *s)
{
    s->is_sent = true;
    if (!s->gone && !buf_is_empty(&s->early))
        http_stream_send_body(s->st, &s->early, false);
}

void grpc_stream_dispose(struct grpc_stream *s)
{
    s->is_over = true;
    loop_task_cancel(&s->task);
    loop_task_cancel(&s->grave);
    grpc_reader_dispose(&s->reader);
    buf_dispose(&s->early);
}
