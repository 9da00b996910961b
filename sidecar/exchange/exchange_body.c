/* Bodies of an exchange on their way: from the stream that received them to the stream that sends
 * them, by reference, with the receiver's window opened only as the sender gets rid of bytes.
 * Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

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

void exchange_pump_request(struct exchange *ex)
{
    bool ended = exchange_request_ended(ex);
    size_t len = ex->request_body.len;
    if (has(ex, SENT_REQUEST_END) || !http_stream_is_live(&ex->up.stream) || (!len && !ended))
        return;
    if (http_stream_unsent(&ex->up.stream) <= HTTP_STREAM_HIGH_WATER)
        keep_for_replay(ex);
    if (http_stream_pump(&ex->up.stream, &ex->request_body, ended, ex->request_trailers))
        ex->got |= SENT_REQUEST_END;
    exchange_request_was_sent(ex, len - ex->request_body.len);
}

void exchange_pump_response(struct exchange *ex)
{
    bool ended = exchange_response_ended(ex);
    size_t len = ex->response_body.len;
    if (has(ex, SENT_RESPONSE_END) || (!len && !ended))
        return;
    if (http_stream_pump(&ex->down, &ex->response_body, ended, ex->response_trailers))
        ex->got |= SENT_RESPONSE_END;
    exchange_response_was_sent(ex, len - ex->response_body.len);
}
