/* One request to a webhook: gathered, judged, answered. Callbacks only note; the step that decides
 * runs at the end of the turn. On the injector's only thread. Must not know what is asked.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/webhook_listener_priv.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"

enum { ARENA_BLOCK = 4096, REQUEST_MS = 10000 };

struct request {
    struct webhook_listener *listener;
    struct http_stream st;
    struct arena arena;
    struct message *head;
    struct buf body;
    bool is_whole, is_too_large, is_late, is_answered, is_gone;
    struct loop_task step, grave;
    struct timer timer;
};

static struct request *request_of(struct http_stream *st)
{
    return st->owner;
}

static void wake(struct request *r)
{
    loop_run_soon(r->listener->loop, &r->step);
}

/* ---- facts */

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    (void)end;
    request_of(st)->head = head;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct request *r = request_of(st);
    http_stream_consume(st, len);
    if (r->is_too_large)
        return;
    if (r->body.len + len > r->listener->config.max_body) {
        r->is_too_large = true;
        buf_dispose(&r->body);
        wake(r);
    } else {
        buf_append_shared(&r->body, owner, data, len);
    }
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    (void)trailers;
    request_of(st)->is_whole = true;
    wake(request_of(st));
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    (void)why;
    request_of(st)->is_gone = true;
    wake(request_of(st));
}

static void on_done(struct http_stream *st)
{
    request_of(st)->is_gone = true;
    wake(request_of(st));
}

static void on_time(struct timer *t)
{
    struct request *r = container_of(t, struct request, timer);
    r->is_late = true;
    wake(r);
}

/* ---- answers */

static void send_answer(struct request *r, unsigned status, struct buf *body)
{
    struct message head;
    r->is_answered = true;
    message_init(&head, &r->arena);
    head.version = r->head->version;
    head.status = (uint16_t)status;
    head.content_length = (int64_t)body->len;
    headers_add_id(&head.headers, HEADER_CONTENT_TYPE,
                   status == 200 ? SLICE("application/json") : SLICE("text/plain; charset=utf-8"));
    headers_add_id(&head.headers, HEADER_CONTENT_LENGTH, arena_printf(&r->arena, "%zu", body->len));
    http_stream_send_head(&r->st, &head, body->len == 0);
    if (body->len && !r->is_gone)
        http_stream_send_body(&r->st, body, true);
    buf_dispose(body);
}

static void refuse(struct request *r, unsigned status, const char *sentence)
{
    struct buf body;
    buf_init(&body);
    buf_append_slice(&body, slice_from_cstr(sentence));
    send_answer(r, status, &body);
}

static bool is_json(struct slice type)
{
    struct slice word;
    return slice_split(&type, ';', &word) &&
           slice_eq_nocase(slice_trim(word), SLICE("application/json"));
}

static void judge(struct request *r)
{
    const struct webhook_listener_config *config = &r->listener->config;
    struct buf out;
    size_t len;
    char *bytes = buf_take_text(&r->body, &len);
    buf_init(&out);
    unsigned status =
        config->answer(config->owner, message_path_only(r->head), slice_of(bytes, len), &out);
    mem_free(bytes);
    send_answer(r, status, &out);
}

static void decide(struct request *r)
{
    const struct message *head = r->head;
    if (r->is_too_large)
        refuse(r, 413, "the body is larger than any object of the API server\n");
    else if (r->is_whole && !slice_eq(head->method, SLICE("POST")))
        refuse(r, 405, "webhooks are called with POST\n");
    else if (r->is_whole && !is_json(headers_get_id(&head->headers, HEADER_CONTENT_TYPE)))
        refuse(r, 415, "the body must be application/json\n");
    else if (r->is_whole)
        judge(r);
    else if (r->is_late)
        refuse(r, 408, "the request did not arrive in time\n");
}

static void free_request(struct loop_task *task)
{
    struct request *r = container_of(task, struct request, grave);
    buf_dispose(&r->body);
    buf_dispose(&r->st.out);
    arena_dispose(&r->arena);
    mem_free(r);
}

static void step(struct loop_task *task)
{
    struct request *r = container_of(task, struct request, step);
    if (!r->is_gone && !r->is_answered && r->head)
        decide(r);
    /* An answer that nobody takes. */
    if (!r->is_gone && r->is_late && (r->is_answered || !r->head) && http_stream_is_live(&r->st)) {
        http_stream_reset(&r->st, ERR_TIMEOUT);
        r->is_gone = true;
    }
    if (!r->is_gone)
        return;
    timer_stop(&r->timer);
    loop_bury(r->listener->loop, &r->grave);
}

struct http_stream *webhook_request_begin(struct http_server *server,
                                          struct webhook_listener *listener)
{
    static const struct http_events events = {
        .on_head = on_head,
        .on_body = on_body,
        .on_end = on_end,
        .on_writable = on_writable,
        .on_abort = on_abort,
        .on_done = on_done,
    };
    struct request *r = mem_zalloc(sizeof(*r));
    (void)server;
    r->listener = listener;
    arena_init(&r->arena, ARENA_BLOCK);
    buf_init(&r->body);
    loop_task_init(&r->step, step);
    loop_task_init(&r->grave, free_request);
    timer_init(&r->timer, listener->loop, on_time);
    timer_start(&r->timer, REQUEST_MS);
    r->st.events = &events;
    r->st.owner = r;
    r->st.arena = &r->arena;
    return &r->st;
}
