/* An exchange as its filters see it: what they may do to it, and when their hooks run
 * (filters/chain.h). Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

#include "lib/base/rand.h"
#include "sidecar/telemetry/metrics.h"

static struct exchange *exchange_of(const struct filter_exchange *x)
{
    return container_of(x, struct exchange, view);
}

/* ---- what filters may do ---- */

static struct message *host_reply(struct filter_exchange *x, unsigned status, struct slice body)
{
    struct exchange *ex = exchange_of(x);
    if (has(ex, SENT_RESPONSE_HEAD)) { /* too late: nobody will see it */
        struct message *nowhere = arena_zalloc(&ex->arena, sizeof(*nowhere));
        message_init(nowhere, &ex->arena);
        return nowhere;
    }
    x->response = exchange_reply(ex, status, body);
    return x->response;
}

static struct message *host_fail(struct filter_exchange *x, const struct fail_info *why,
                                 struct slice detail)
{
    struct exchange *ex = exchange_of(x);
    if (has(ex, SENT_RESPONSE_HEAD)) {
        ex->fail = fail_of(why);
        ex->detail = detail;
        return host_reply(x, why->http_status, detail);
    }
    exchange_reply_fail(ex, fail_of(why), detail);
    x->response = ex->response;
    return x->response;
}

static void host_wake(struct filter_exchange *x)
{
    struct exchange *ex = exchange_of(x);
    filter_road_wake(&ex->road);
    exchange_wake(ex);
}

static void host_wake_after(struct filter_exchange *x, uint32_t ms)
{
    struct exchange *ex = exchange_of(x);
    ex->filter_due_ms = ms ? loop_now_ms(ex->worker->loop) + ms : 0;
    exchange_arm_timer(ex);
}

static uint64_t host_now_ms(const struct filter_exchange *x)
{
    return loop_now_ms(exchange_of(x)->worker->loop);
}

static uint64_t host_random(struct filter_exchange *x)
{
    return rand_next(&exchange_of(x)->worker->rand);
}

static void host_count(struct filter_exchange *x, const struct filter *f, unsigned event)
{
    metrics_count_filter_event(exchange_of(x)->worker->metrics, f->name, f->events[event]);
}

static void host_call(struct filter_exchange *x, struct filter_call *call)
{
    exchange_call(exchange_of(x), call);
}

static const struct filter_host host = {
    .reply = host_reply,
    .fail = host_fail,
    .wake = host_wake,
    .wake_after = host_wake_after,
    .now_ms = host_now_ms,
    .random = host_random,
    .call = host_call,
    .count = host_count,
};

/* Only what has filters pays for it. */
static struct filter_exchange *view_of(struct exchange *ex)
{
    struct filter_exchange *x = &ex->view;
    x->host = &host;
    x->arena = &ex->arena;
    x->request = ex->request;
    x->response = ex->response;
    x->original_path = ex->original_path;
    x->match_path = ex->match_path;
    x->other_paths = ex->other_paths;
    x->downstream = &ex->session->info;
    x->client = &ex->client;
    x->has_odd_names = has(ex, HAS_ODD_NAMES);
    if (ex->route) {
        x->route = ex->route->name;
        x->matched_prefix = ex->route->matched_prefix;
        x->listener_port = ex->route->listener_port;
    }
    return x;
}

/* ---- heads ---- */

enum filter_verdict exchange_enter_chain(struct exchange *ex, const struct filter_chain *chain)
{
    return chain ? filter_road_request(&ex->road, view_of(ex), chain) : FILTER_NEXT;
}

enum filter_verdict exchange_answer_chain(struct exchange *ex)
{
    return ex->road.frame_count ? filter_road_response(&ex->road, view_of(ex)) : FILTER_NEXT;
}

void exchange_answer_unreached(struct exchange *ex)
{
    const struct route_conf *route = exchange_find_route(ex);
    if (route && route->chain)
        filter_road_unreached(&ex->road, view_of(ex), route->chain);
}

void exchange_end_chain(struct exchange *ex)
{
    if (ex->road.frame_count)
        filter_road_end(&ex->road, view_of(ex));
}

/* ---- bodies ---- */

/* Their senders may go on when nothing of what they have sent lies here, but what filters keep. */
static void give_back(struct http_stream *from, const struct buf *body, size_t held, size_t *unread)
{
    if (*unread == 0 || !buf_is_empty(body) || held > FILTER_HOLD_MAX)
        return;
    if (http_stream_is_live(from))
        http_stream_consume(from, *unread);
    *unread = 0;
}

void exchange_begin_request_body(struct exchange *ex)
{
    if (!filter_road_sees_request_body(&ex->road))
        return;
    ex->got |= FILTERS_REQUEST_BODY;
    buf_move_all(&ex->request_in, &ex->request_body);
}

void exchange_begin_response_body(struct exchange *ex)
{
    if (has(ex, IS_SWITCHED) || !filter_road_sees_response_body(&ex->road))
        return;
    ex->got |= FILTERS_RESPONSE_BODY;
    buf_move_all(&ex->response_in, &ex->response_body);
}

/* What follows a switch of protocols is nobody's body. */
void exchange_end_bodies(struct exchange *ex)
{
    ex->got &= ~(uint32_t)(FILTERS_REQUEST_BODY | FILTERS_RESPONSE_BODY);
    buf_move_all(&ex->request_body, &ex->request_in);
}

enum filter_verdict exchange_filter_request_body(struct exchange *ex)
{
    struct filter_body *body = &ex->road.request_body;
    if (!has(ex, FILTERS_REQUEST_BODY) || body->is_over)
        return FILTER_NEXT;
    ex->request_unread += ex->request_in.len;
    enum filter_verdict verdict =
        filter_road_request_body(&ex->road, view_of(ex), &ex->request_in, has(ex, GOT_REQUEST_END),
                                 &ex->request_body);
    give_back(&ex->down, &ex->request_body, body->held, &ex->request_unread);
    return verdict;
}

enum filter_verdict exchange_filter_response_body(struct exchange *ex)
{
    struct filter_body *body = &ex->road.response_body;
    if (!has(ex, FILTERS_RESPONSE_BODY) || body->is_over)
        return FILTER_NEXT;
    ex->response_unread += ex->response_in.len;
    enum filter_verdict verdict =
        filter_road_response_body(&ex->road, view_of(ex), &ex->response_in,
                                  has(ex, GOT_RESPONSE_END), &ex->response_body);
    give_back(&ex->up.stream, &ex->response_body, body->held, &ex->response_unread);
    return verdict;
}

void exchange_request_was_sent(struct exchange *ex, size_t len)
{
    if (has(ex, FILTERS_REQUEST_BODY))
        give_back(&ex->down, &ex->request_body, ex->road.request_body.held, &ex->request_unread);
    else if (len > 0 && http_stream_is_live(&ex->down))
        http_stream_consume(&ex->down, len);
}

void exchange_response_was_sent(struct exchange *ex, size_t len)
{
    if (has(ex, FILTERS_RESPONSE_BODY))
        give_back(&ex->up.stream, &ex->response_body, ex->road.response_body.held,
                  &ex->response_unread);
    else if (len > 0 && http_stream_is_live(&ex->up.stream))
        http_stream_consume(&ex->up.stream, len);
}

bool exchange_keeps_request(const struct exchange *ex)
{
    const struct filter_body *body = &ex->road.request_body;
    return has(ex, FILTERS_REQUEST_BODY) && body->waits && !body->is_over &&
           buf_is_empty(&ex->request_body);
}

bool exchange_request_ended(const struct exchange *ex)
{
    return has(ex, GOT_REQUEST_END) &&
           (!has(ex, FILTERS_REQUEST_BODY) || ex->road.request_body.is_over);
}

bool exchange_response_ended(const struct exchange *ex)
{
    return has(ex, GOT_RESPONSE_END) &&
           (!has(ex, FILTERS_RESPONSE_BODY) || ex->road.response_body.is_over);
}
