/* The bodies of an exchange on their way through its filters, and what their senders are told of
 * it. Worker thread. Must not know what filters do with them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/exchange/mirror.h"

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
    if (has(ex, FILTERS_REQUEST_BODY) || !filter_road_sees_request_body(&ex->road))
        return;
    ex->got |= FILTERS_REQUEST_BODY;
    buf_move_all(&ex->request_in, &ex->request_body);
}

void exchange_begin_response_body(struct exchange *ex)
{
    if (has(ex, IS_SWITCHED | FILTERS_RESPONSE_BODY) ||
        !filter_road_sees_response_body(&ex->road))
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

/* Filters may make more of a body than has come: above that they rest. It is more than the stream
 * that takes it likes to have, which therefore says when it has less, and so wakes them. */
#define BEHIND_MAX (2 * HTTP_STREAM_HIGH_WATER)

/* out: what all of them let go, but for those that have come since. */
static bool may_rest(const struct filter_body *body, const struct buf *out)
{
    return out->len >= BEHIND_MAX && body->ran == body->count;
}

/* What leaves the last filter, copies of the request get as well. */
static void hand_on_request(struct exchange *ex, struct buf *out)
{
    if (list_is_empty(&ex->copies))
        return;
    mirror_give_buf(&ex->copies, out);
    if (ex->road.request_body.is_over)
        mirror_give_end(&ex->copies, ex->request_trailers);
}

enum filter_verdict exchange_run_request_body(struct exchange *ex)
{
    struct filter_body *body = &ex->road.request_body;
    struct buf out;
    if (body->is_over)
        return FILTER_NEXT;
    bool has_copies = !list_is_empty(&ex->copies);
    buf_init(&out);
    ex->request_unread += exchange_untold(&ex->request_early, ex->request_in.len);
    enum filter_verdict verdict =
        filter_road_request_body(&ex->road, exchange_view(ex), &ex->request_in,
                                 has(ex, GOT_REQUEST_END), has_copies ? &out : &ex->request_body);
    hand_on_request(ex, &out);
    buf_move_all(&ex->request_body, &out);
    give_back(&ex->down, &ex->request_body, body->held, &ex->request_unread);
    return verdict;
}

enum filter_verdict exchange_filter_request_body(struct exchange *ex)
{
    if (!has(ex, FILTERS_REQUEST_BODY))
        return FILTER_NEXT;
    return may_rest(&ex->road.request_body, &ex->request_body) ? FILTER_NEXT
                                                               : exchange_run_request_body(ex);
}

enum filter_verdict exchange_run_response_body(struct exchange *ex)
{
    struct filter_body *body = &ex->road.response_body;
    if (body->is_over)
        return FILTER_NEXT;
    ex->response_unread += exchange_untold(&ex->response_early, ex->response_in.len);
    enum filter_verdict verdict =
        filter_road_response_body(&ex->road, exchange_view(ex), &ex->response_in,
                                  has(ex, GOT_RESPONSE_END), &ex->response_body);
    give_back(&ex->up.stream, &ex->response_body, body->held, &ex->response_unread);
    return verdict;
}

enum filter_verdict exchange_filter_response_body(struct exchange *ex)
{
    if (!has(ex, FILTERS_RESPONSE_BODY))
        return FILTER_NEXT;
    return may_rest(&ex->road.response_body, &ex->response_body) ? FILTER_NEXT
                                                                 : exchange_run_response_body(ex);
}

void exchange_request_was_sent(struct exchange *ex, size_t len)
{
    if (len)
        exchange_listener_measure(ex);
    if (has(ex, FILTERS_REQUEST_BODY))
        give_back(&ex->down, &ex->request_body, ex->road.request_body.held, &ex->request_unread);
    else if ((len = exchange_untold(&ex->request_early, len)) > 0 &&
             http_stream_is_live(&ex->down))
        http_stream_consume(&ex->down, len);
}

void exchange_response_was_sent(struct exchange *ex, size_t len)
{
    if (has(ex, FILTERS_RESPONSE_BODY))
        give_back(&ex->up.stream, &ex->response_body, ex->road.response_body.held,
                  &ex->response_unread);
    else if ((len = exchange_untold(&ex->response_early, len)) > 0 &&
             http_stream_is_live(&ex->up.stream))
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
