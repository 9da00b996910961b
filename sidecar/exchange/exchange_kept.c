/* A response that a filter has kept takes the place of one from a backend: the filters in front of
 * that one, the client and the log see no difference, but for what it does not take. Its body lies
 * where it lies, and is lent. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

/* More than the high-water mark, so that the stream says when it wants more. */
#define PIECE (2 * HTTP_STREAM_HIGH_WATER)

void exchange_answer_kept(struct exchange *ex, struct message *head, struct buf *body)
{
    exchange_cut_upstream(ex);
    exchange_lift_deadlines(ex);
    ex->got &= ~(uint32_t)(IS_REPLY | PEEKS_RESPONSE_BODY | GOT_UP_ABORT);
    ex->got |= IS_KEPT | GOT_RESPONSE_HEAD | GOT_RESPONSE_END;
    ex->fail = FAIL_NONE;
    ex->detail = (struct slice){0};
    ex->interim_count = 0;
    ex->response = head;
    ex->response_trailers = NULL;
    ex->response_bytes = body->len;
    ex->response_early = 0;
    buf_dispose(&ex->response_body);
    buf_move_all(&ex->response_body, body);
    filter_road_wake(&ex->road);
}

void exchange_pump_kept(struct exchange *ex)
{
    struct buf piece;
    if (http_stream_unsent(&ex->down) > HTTP_STREAM_HIGH_WATER)
        return;
    buf_init(&piece);
    buf_move(&piece, &ex->response_body,
             ex->response_body.len < PIECE ? ex->response_body.len : PIECE);
    bool ended = exchange_response_ended(ex) && buf_is_empty(&ex->response_body);
    http_stream_send_body(&ex->down, &piece, ended);
    ex->got |= ended ? SENT_RESPONSE_END : 0;
}
