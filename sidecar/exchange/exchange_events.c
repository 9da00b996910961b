/* What the two HTTP streams, the pool and the clock tell an exchange: each function writes a fact
 * down and wakes it. None decides. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/traffic_conf.h"
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/exchange/mirror.h"

#include <stdlib.h>

static struct exchange *exchange_of(struct http_stream *st)
{
    struct exchange *ex = st->owner;
    if (ex->magic != EXCHANGE_MAGIC)
        abort(); /* an event for an exchange that is gone: better no sidecar than a wrong answer */
    return ex;
}

static void note(struct exchange *ex, uint32_t fact)
{
    /* What moves is not idle, even if it began to only just now. */
    ex->got = (ex->got & ~(uint32_t)GOT_IDLE_TIMEOUT) | fact;
    ex->activity_ms = loop_now_ms(ex->worker->loop);
    exchange_wake(ex);
}

/* ---- downstream ---- */

static void on_request_head(struct http_stream *st, struct message *head, bool end)
{
    struct exchange *ex = exchange_of(st);
    ex->request = head;
    ex->original_path = head->path;
    ex->original_authority = head->authority;
    ex->body_heard_ms = loop_now_ms(ex->worker->loop);
    note(ex, GOT_REQUEST_HEAD | (end ? GOT_REQUEST_END : 0));
}

/* What a filter waits for may have come. */
static void wake_peeking(struct exchange *ex, uint32_t which)
{
    if (has(ex, which))
        filter_road_wake(&ex->road);
}

static void on_request_body(struct http_stream *st, struct chunk *owner, const uint8_t *data,
                            size_t len)
{
    struct exchange *ex = exchange_of(st);
    bool is_filtered = has(ex, FILTERS_REQUEST_BODY);
    buf_append_shared(is_filtered ? &ex->request_in : &ex->request_body, owner, data, len);
    ex->request_bytes += len;
    if (ex->held)
        exchange_listener_measure(ex);
    if (!is_filtered)
        mirror_give(&ex->copies, owner, data, len);
    wake_peeking(ex, PEEKS_REQUEST_BODY);
    note(ex, 0);
}

static void on_request_end(struct http_stream *st, const struct headers *trailers)
{
    struct exchange *ex = exchange_of(st);
    if (trailers)
        trailers = exchange_clean_trailers(ex, trailers);
    ex->request_trailers = trailers;
    if (!has(ex, FILTERS_REQUEST_BODY))
        mirror_give_end(&ex->copies, trailers);
    wake_peeking(ex, PEEKS_REQUEST_BODY);
    note(ex, GOT_REQUEST_END);
}

static void on_writable(struct http_stream *st)
{
    note(exchange_of(st), 0);
}

static void on_down_abort(struct http_stream *st, enum err why)
{
    (void)why;
    note(exchange_of(st), GOT_DOWN_ABORT);
}

static void on_down_done(struct http_stream *st)
{
    note(exchange_of(st), GOT_DOWN_DONE);
}

const struct http_events exchange_down_events = {
    .on_head = on_request_head,
    .on_body = on_request_body,
    .on_end = on_request_end,
    .on_writable = on_writable,
    .on_abort = on_down_abort,
    .on_done = on_down_done,
};

/* ---- upstream ---- */

static void on_response_head(struct http_stream *st, struct message *head, bool end)
{
    struct exchange *ex = exchange_of(st);
    if (head->status < 200 && head->status != 101) {
        if (ex->interim_count < EXCHANGE_INTERIM_MAX)
            ex->interim[ex->interim_count++] = head;
        note(ex, 0);
        return;
    }
    ex->response = head;
    if (!ex->first_byte_ns)
        ex->first_byte_ns = loop_now_ns(ex->worker->loop);
    note(ex, GOT_RESPONSE_HEAD | (end ? GOT_RESPONSE_END : 0));
}

static void on_response_body(struct http_stream *st, struct chunk *owner, const uint8_t *data,
                             size_t len)
{
    struct exchange *ex = exchange_of(st);
    buf_append_shared(has(ex, FILTERS_RESPONSE_BODY) ? &ex->response_in : &ex->response_body, owner,
                      data, len);
    ex->response_bytes += len;
    wake_peeking(ex, PEEKS_RESPONSE_BODY);
    note(ex, 0);
}

static void on_response_end(struct http_stream *st, const struct headers *trailers)
{
    struct exchange *ex = exchange_of(st);
    ex->response_trailers = ex->view.response_trailers = trailers;
    wake_peeking(ex, PEEKS_RESPONSE_BODY);
    note(ex, GOT_RESPONSE_END);
}

static void on_up_abort(struct http_stream *st, enum err why)
{
    struct exchange *ex = exchange_of(st);
    ex->up.error = why;
    note(ex, GOT_UP_ABORT);
}

static void on_up_done(struct http_stream *st)
{
    note(exchange_of(st), 0);
}

const struct http_events exchange_up_events = {
    .on_head = on_response_head,
    .on_body = on_response_body,
    .on_end = on_response_end,
    .on_writable = on_writable,
    .on_abort = on_up_abort,
    .on_done = on_up_done,
};

void exchange_on_connection(struct pool_wait *w)
{
    exchange_wake(container_of(w, struct exchange, up.wait));
}

/* ---- time: one timer, set to whatever is due first ---- */

/* 0: none. */
static uint64_t idle_deadline(const struct exchange *ex)
{
    uint32_t idle_ms = ex->route ? ex->route->timeouts.idle_ms : TRAFFIC_IDLE_MS;
    return idle_ms ? ex->activity_ms + idle_ms : 0;
}

static bool is_due(uint64_t deadline_ms, uint64_t now_ms)
{
    return deadline_ms && deadline_ms <= now_ms;
}

void exchange_arm_timer(struct exchange *ex)
{
    uint64_t now = loop_now_ms(ex->worker->loop);
    uint64_t due = UINT64_MAX;
    const uint64_t all[] = {idle_deadline(ex), ex->request_deadline_ms, ex->attempt_deadline_ms,
                            ex->backoff_until_ms, ex->filter_due_ms,
                            ex->held ? exchange_listener_body_deadline(ex) : 0};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i] && all[i] < due)
            due = all[i];
    if (due == UINT64_MAX)
        return;
    /* It only ever moves forward; when it fires too early it looks again. */
    if (timer_is_running(&ex->timer) && ex->timer.due_ms <= due)
        return;
    timer_start(&ex->timer, due > now ? due - now : 0);
}

void exchange_lift_deadlines(struct exchange *ex)
{
    ex->got &= ~(uint32_t)(GOT_REQUEST_TIMEOUT | GOT_ATTEMPT_TIMEOUT | GOT_IDLE_TIMEOUT);
    ex->request_deadline_ms = ex->attempt_deadline_ms = ex->backoff_until_ms = 0;
    ex->activity_ms = loop_now_ms(ex->worker->loop);
}

/* The deadlines were for an answer, and this one has come: what follows ends when it has been open
 * for too long, which the caller's side alone knows. */
void exchange_switch_deadlines(struct exchange *ex)
{
    exchange_lift_deadlines(ex);
    if (!ex->route || !ex->route->timeouts.tunnel_ms)
        return;
    ex->request_deadline_ms = loop_now_ms(ex->worker->loop) + ex->route->timeouts.tunnel_ms;
    exchange_arm_timer(ex);
}

void exchange_on_timer(struct timer *t)
{
    struct exchange *ex = container_of(t, struct exchange, timer);
    uint64_t now = loop_now_ms(ex->worker->loop);
    uint32_t before = ex->got;
    if (is_due(ex->request_deadline_ms, now)) {
        ex->got |= GOT_REQUEST_TIMEOUT;
        ex->request_deadline_ms = 0;
    }
    if (is_due(ex->attempt_deadline_ms, now)) {
        ex->got |= GOT_ATTEMPT_TIMEOUT;
        ex->attempt_deadline_ms = 0;
    }
    if (is_due(ex->backoff_until_ms, now)) {
        ex->got |= GOT_BACKOFF_OVER;
        ex->backoff_until_ms = 0;
    }
    if (is_due(ex->filter_due_ms, now)) {
        ex->filter_due_ms = 0;
        filter_road_wake(&ex->road);
        exchange_wake(ex);
    }
    if (ex->held && is_due(exchange_listener_body_deadline(ex), now))
        exchange_listener_body_is_due(ex);
    if (is_due(idle_deadline(ex), now)) {
        ex->got |= GOT_IDLE_TIMEOUT;
        ex->activity_ms = now;
    }
    if (ex->got != before)
        exchange_wake(ex);
    exchange_arm_timer(ex);
}
