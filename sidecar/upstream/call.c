/* One attempt of a request that has nobody to drive it but itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/call.h"

#include "sidecar/worker/worker.h"

static struct loop *loop_of(const struct upstream_call *c)
{
    return c->up.cluster->worker->loop;
}

void upstream_call_wake(struct upstream_call *c)
{
    if (!c->is_over)
        loop_run_soon(loop_of(c), &c->turn);
}

/* ---- the turn ---- */

static void fail(struct upstream_call *c, enum fail why, struct slice detail)
{
    c->why = why;
    c->detail = detail;
    c->is_over = true;
}

static void send_head(struct upstream_call *c)
{
    bool end = c->has_end && buf_is_empty(&c->body) && !c->trailers;
    switch (upstream_request_send(&c->up, c->head, end, c->version, POOL_REUSE_CHECKED)) {
    case POOL_WAITING:
        break;
    case POOL_SENT:
        c->is_sent = true;
        c->is_end_sent = end;
        break;
    case POOL_FAILED:
        fail(c, c->up.wait.why, arena_copy(c->arena, slice_from_cstr(c->up.wait.detail)));
        break;
    }
}

static void send_body(struct upstream_call *c)
{
    if (!c->is_end_sent && http_stream_is_live(&c->up.stream))
        c->is_end_sent = http_stream_pump(&c->up.stream, &c->body, c->has_end, c->trailers);
}

static void stop(struct upstream_call *c)
{
    c->is_over = true;
    timer_stop(&c->deadline);
    loop_task_cancel(&c->turn);
    buf_dispose(&c->body);
    upstream_request_end(&c->up);
}

/* An answer that came before the request was sent counts; the rest of that is not wanted then. */
static bool is_answered_early(const struct upstream_call *c)
{
    return c->keeps_answer && c->is_answered &&
           (!c->is_end_sent || http_stream_unsent(&c->up.stream) > 0);
}

static bool teaches(const struct upstream_call *c)
{
    return c->keeps_answer && !c->is_check;
}

static void on_turn(struct loop_task *task)
{
    struct upstream_call *c = container_of(task, struct upstream_call, turn);
    if (!c->is_over && !c->is_sent)
        send_head(c);
    if (!c->is_over && c->is_sent)
        send_body(c);
    if (!c->is_over && c->answered > c->answer_max)
        fail(c, FAIL_UPSTREAM_TOO_LARGE, SLICE("its body is over the limit"));
    else if (!c->is_over && c->body.len + http_stream_unsent(&c->up.stream) > c->behind_max)
        fail(c, FAIL_OVERFLOW, SLICE("the endpoint does not take the body as fast as it comes"));
    else if (is_answered_early(c))
        c->is_over = true;
    if (!c->is_over)
        return;
    if (teaches(c) && !c->answer && upstream_request_is_fault(&c->up, c->why))
        upstream_request_failed(&c->up, c->why);
    c->on_over(c);
    stop(c);
}

/* ---- what happens to it ---- */

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct upstream_call *c = st->owner;
    (void)end;
    if (head->status < 200)
        return;
    c->answer = head;
    if (teaches(c))
        upstream_request_answered(&c->up, head);
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct upstream_call *c = st->owner;
    c->answered += len;
    if (c->keeps_answer && c->answered <= c->answer_max)
        buf_append_shared(&c->answer_body, owner, data, len);
    http_stream_consume(st, len);
    if (c->answered > c->answer_max)
        upstream_call_wake(c);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct upstream_call *c = st->owner;
    c->is_answered = true;
    c->answer_trailers = trailers;
    upstream_call_wake(c);
}

static void on_writable(struct http_stream *st)
{
    upstream_call_wake(st->owner);
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct upstream_call *c = st->owner;
    upstream_call_wake(c);
    if (c->keeps_answer && c->is_answered)
        c->is_over = true; /* a server need not read all of a request that it has answered */
    else
        fail(c, upstream_request_fail_of(why), slice_from_cstr(err_text(why)));
}

static void on_done(struct http_stream *st)
{
    struct upstream_call *c = st->owner;
    upstream_call_wake(c);
    c->is_over = true;
}

static const struct http_events events = {.on_head = on_head,
                                          .on_body = on_body,
                                          .on_end = on_end,
                                          .on_writable = on_writable,
                                          .on_abort = on_abort,
                                          .on_done = on_done};

static void on_ready(struct pool_wait *w)
{
    upstream_call_wake(container_of(w, struct upstream_call, up.wait));
}

static void on_deadline(struct timer *t)
{
    struct upstream_call *c = container_of(t, struct upstream_call, deadline);
    upstream_call_wake(c);
    if (!c->is_over)
        fail(c, FAIL_ATTEMPT_TIMEOUT, (struct slice){0});
}

/* ---- beginning and end ---- */

void upstream_call_init(struct upstream_call *c, struct arena *arena,
                        void (*on_over)(struct upstream_call *c))
{
    c->arena = arena;
    c->on_over = on_over;
    upstream_request_init(&c->up, &events, c, arena, on_ready);
    loop_task_init(&c->turn, on_turn);
}

enum fail upstream_call_begin(struct upstream_call *c, struct cluster *cluster,
                              const struct addr *client)
{
    upstream_request_begin(&c->up, cluster);
    enum fail why = upstream_request_pick(&c->up, client);
    if (why != FAIL_NONE)
        upstream_request_end(&c->up);
    return why;
}

enum fail upstream_call_begin_at(struct upstream_call *c, struct endpoint *e)
{
    upstream_request_begin(&c->up, e->cluster);
    enum fail why = upstream_request_take(&c->up, e);
    if (why != FAIL_NONE)
        upstream_request_end(&c->up);
    return why;
}

void upstream_call_run(struct upstream_call *c, struct message *head, enum http_version version,
                       uint32_t deadline_ms)
{
    c->head = head;
    c->version = version;
    c->began_ns = loop_now_ns(loop_of(c));
    upstream_request_address(&c->up, &head->headers, version);
    timer_init(&c->deadline, loop_of(c), on_deadline);
    timer_start(&c->deadline, deadline_ms);
    upstream_call_wake(c);
}

void upstream_call_give_up(struct upstream_call *c)
{
    upstream_call_wake(c);
    if (!c->is_over)
        fail(c, FAIL_DOWNSTREAM_GONE, (struct slice){0});
}

void upstream_call_cancel(struct upstream_call *c)
{
    if (c->up.cluster)
        stop(c);
}
