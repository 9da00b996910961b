/* One request: its events record what happened and wake its step, which alone tells the owner.
 * Freed as a grave, so that an owner may cancel it from inside what it is told. Owned by its
 * client's loop. Must not know how connections come and go.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/kube/kube_client_priv.h"

enum {
    ARENA_BLOCK = 2048,
    TIMEOUT_MS = 30000,
    BODY_MAX = 16 << 20,
    TRIES_MAX = 3,
};

static void free_request(struct loop_task *task)
{
    struct kube_request *r = container_of(task, struct kube_request, task);
    buf_dispose(&r->in);
    buf_dispose(&r->out);
    arena_dispose(&r->arena);
    mem_free(r->why);
    mem_free(r);
}

/* Nothing is told from now on. */
static void finish(struct kube_request *r)
{
    r->over = true;
    if (http_stream_is_live(&r->st))
        http_stream_reset(&r->st, ERR_CANCELED);
    list_unlink(&r->node);
    timer_stop(&r->timer);
    loop_task_cancel(&r->task);
    loop_task_init(&r->task, free_request);
    loop_bury(r->client->loop, &r->task);
    kube_client_wake(r->client);
}

void kube_request_cancel(struct kube_request *r)
{
    if (!r->over)
        finish(r);
}

void kube_request_drop(struct kube_request *r)
{
    finish(r);
    if (r->dropped)
        r->dropped(r->owner);
}

void kube_request_on_drop(struct kube_request *r, void (*dropped)(void *owner))
{
    r->dropped = dropped;
}

/* ---- telling the owner */

static bool is_good(const struct kube_request *r)
{
    return r->head && (r->head->status == 101 || r->head->status / 100 == 2);
}

static void tell(struct kube_request *r, const struct kube_result *result)
{
    finish(r);
    if (r->done)
        r->done(r->owner, result);
    else
        r->events.on_end(r->owner, result);
}

static void tell_answer(struct kube_request *r)
{
    struct kube_result result = {.status = r->head->status};
    size_t len;
    char *body = buf_take_text(&r->in, &len);
    result.body = slice_of(body, len);
    if (result.status == 401)
        r->client->token_is_old = true;
    if (!is_good(r)) {
        result.detail = kube_request_failure(r, result.body);
        result.retry_after_ms = kube_request_pause(r);
    }
    tell(r, &result);
    mem_free(body);
}

static void tell_failure(struct kube_request *r, struct slice why)
{
    tell(r, &(struct kube_result){.detail = why});
}

/* What a stream has, as far as its owner lets it go on. */
static void tell_bytes(struct kube_request *r)
{
    if (!r->head_told) {
        r->head_told = true;
        timer_stop(&r->timer);
        if (r->idle_ms)
            timer_start(&r->timer, r->idle_ms);
        if (r->events.on_head)
            r->events.on_head(r->owner, r->head->status);
    }
    while (!r->over && !buf_is_empty(&r->in)) {
        struct slice front = buf_front(&r->in);
        r->events.on_bytes(r->owner, front);
        if (r->over)
            return;
        buf_drain(&r->in, front.len);
        if (http_stream_is_live(&r->st))
            http_stream_consume(&r->st, front.len);
    }
}

static void repeat(struct kube_request *r)
{
    buf_dispose(&r->in);
    buf_dispose(&r->out);
    r->gone = r->may_repeat = false;
    r->broke = ERR_OK;
    list_unlink(&r->node);
    list_link_first(&r->client->waiting, &r->node);
    kube_client_wake(r->client);
}

static void run_request(struct loop_task *task)
{
    struct kube_request *r = container_of(task, struct kube_request, task);
    if (!r->done && is_good(r))
        tell_bytes(r);
    if (r->over)
        return;
    if (r->too_large)
        tell_failure(r, SLICE("the answer is too large"));
    else if (r->ended && r->head)
        tell_answer(r);
    else if (r->why)
        tell_failure(r, slice_from_cstr(r->why));
    else if (r->late)
        tell_failure(r, arena_printf(&r->arena, "%s: %s for %u s", r->client->url,
                                     r->head_told ? "nothing came" : "no answer",
                                     (r->head_told ? r->idle_ms : r->timeout_ms) / 1000));
    else if (r->gone && r->may_repeat && r->tries < TRIES_MAX)
        repeat(r);
    else if (r->gone)
        tell_failure(r, arena_printf(&r->arena, "%s: the connection broke: %s", r->client->url,
                                     err_text(r->broke)));
}

/* ---- what happens to it */

static void wake(struct kube_request *r)
{
    if (!r->over)
        loop_run_soon(r->client->loop, &r->task);
}

static struct kube_request *request_of(struct http_stream *st)
{
    return container_of(st, struct kube_request, st);
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    (void)end;
    if (head->status < 200 && head->status != 101)
        return;
    request_of(st)->head = head;
    wake(request_of(st));
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct kube_request *r = request_of(st);
    bool flows = !r->done && is_good(r);
    if (!flows)
        http_stream_consume(st, len);
    if (!flows && r->in.len + len > BODY_MAX)
        r->too_large = true;
    else
        buf_append_shared(&r->in, owner, data, len);
    if (flows && r->head_told && r->idle_ms)
        timer_start(&r->timer, r->idle_ms);
    if (flows || r->too_large)
        wake(r);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    (void)trailers;
    request_of(st)->ended = true;
    wake(request_of(st));
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

/* A request may go out again when the server provably did not act upon it, or when it cannot have
 * meant anything: a question, lost in the race with the end of an idle connection. */
static void on_abort(struct http_stream *st, enum err why)
{
    struct kube_request *r = request_of(st);
    struct http_client *http = r->conn->http;
    bool raced = (why == ERR_CLOSED || why == ERR_RESET) && http_client_was_reused(http) &&
                 !http_client_answer_began(http, st) && strcmp(r->method, "GET") == 0;
    r->may_repeat = !r->head && (why == ERR_UNDELIVERED || raced);
    r->gone = true;
    r->broke = why;
    wake(r);
}

/* Comes behind on_end, which has told. */
static void on_done(struct http_stream *st)
{
    (void)st;
}

static void on_timer(struct timer *timer)
{
    struct kube_request *r = container_of(timer, struct kube_request, timer);
    r->late = true;
    wake(r);
}

/* ---- sending it */

static const struct http_events stream_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

void kube_request_send(struct kube_request *r, struct kube_conn *conn)
{
    char *why = NULL;
    if (kube_request_head(r, &why)) {
        kube_request_fail(r, why);
        mem_free(why);
        return;
    }
    r->tries++;
    r->conn = conn;
    r->st = (struct http_stream){.events = &stream_events, .owner = r, .arena = &r->arena};
    http_client_send(conn->http, &r->st, &r->request, r->body.len == 0 && !r->websocket);
    if (r->body.len && http_stream_is_live(&r->st)) {
        buf_append_slice(&r->out, r->body);
        http_stream_send_body(&r->st, &r->out, true);
    }
}

void kube_request_write(struct kube_request *r, struct buf *data)
{
    if (!r->over && http_stream_is_live(&r->st))
        http_stream_send_body(&r->st, data, false);
    else
        buf_dispose(data);
}

void kube_request_fail(struct kube_request *r, const char *why)
{
    if (!r->why)
        r->why = mem_strdup(why);
    wake(r);
}

static struct kube_request *create(struct kube_client *c, const struct kube_call *call, void *owner)
{
    struct kube_request *r = mem_zalloc(sizeof(*r));
    r->client = c;
    r->owner = owner;
    arena_init(&r->arena, ARENA_BLOCK);
    r->method = call->method;
    r->content_type = call->content_type ? call->content_type : "application/json";
    r->websocket = call->websocket;
    r->path = arena_printf(&r->arena, "%s%.*s", c->config.path_prefix, SLICE_ARG(call->path));
    r->body = arena_copy(&r->arena, call->body);
    buf_init(&r->in);
    buf_init(&r->out);
    loop_task_init(&r->task, run_request);
    r->timeout_ms = call->timeout_ms ? call->timeout_ms : TIMEOUT_MS;
    timer_init(&r->timer, c->loop, on_timer);
    timer_start(&r->timer, r->timeout_ms);
    list_init(&r->node);
    list_link_last(&c->waiting, &r->node);
    kube_client_wake(c);
    return r;
}

struct kube_request *kube_client_send(struct kube_client *c, const struct kube_call *call,
                                      kube_done_fn done, void *owner)
{
    struct kube_request *r = create(c, call, owner);
    r->done = done;
    return r;
}

struct kube_request *kube_client_stream(struct kube_client *c, const struct kube_call *call,
                                        uint32_t idle_ms, const struct kube_stream_events *events,
                                        void *owner)
{
    struct kube_request *r = create(c, call, owner);
    r->events = *events;
    r->idle_ms = idle_ms;
    return r;
}
