/* Bodies of an exchange on their way: from the stream that received them to the stream that sends
 * them, by reference, with the receiver's window opened only as the sender gets rid of bytes.
 * Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

/* Hands on what `to` has room for; the other end is told. True when the end went out as well. */
static bool pump(struct exchange *ex, struct buf *body, struct http_stream *to, bool ended,
                 const struct headers *trailers)
{
    size_t len = body->len;
    if (len > 0 && http_stream_unsent(to) > HTTP_STREAM_HIGH_WATER)
        return false;
    bool end = ended && !trailers;
    if (len > 0 || end)
        http_stream_send_body(to, body, end);
    if (to == &ex->up)
        exchange_request_was_sent(ex, len);
    else
        exchange_response_was_sent(ex, len);
    if (ended && trailers && http_stream_is_live(to))
        http_stream_send_trailers(to, trailers);
    return ended;
}

/* Keeps a second view of the body while the attempt may have to be repeated. */
static void keep_for_replay(struct exchange *ex)
{
    if (!has(ex, IS_REPLAYABLE) || buf_is_empty(&ex->request_body))
        return;
    if (ex->replay.len + ex->request_body.len > EXCHANGE_REPLAY_MAX) {
        ex->got &= ~(uint32_t)IS_REPLAYABLE;
        buf_dispose(&ex->replay);
        return;
    }
    buf_share(&ex->replay, &ex->request_body);
}

bool exchange_pump_request(struct exchange *ex)
{
    bool ended = exchange_request_ended(ex);
    if (buf_is_empty(&ex->request_body) && !ended)
        return false;
    if (http_stream_unsent(&ex->up) <= HTTP_STREAM_HIGH_WATER)
        keep_for_replay(ex);
    return pump(ex, &ex->request_body, &ex->up, ended, ex->request_trailers);
}

bool exchange_pump_response(struct exchange *ex)
{
    bool ended = exchange_response_ended(ex);
    if (buf_is_empty(&ex->response_body) && !ended)
        return false;
    return pump(ex, &ex->response_body, &ex->down, ended, ex->response_trailers);
}
