/* Bodies that a filter sees before the head goes on, and may replace. A sender that has to wait for
 * nobody but the filter is told to go on. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

size_t exchange_untold(size_t *early, size_t len)
{
    size_t told = len < *early ? len : *early;
    *early -= told;
    return len - told;
}

/* What lies here has left, or will not leave at all: its sender may send as much again. */
static void tell_sender(struct http_stream *from, const struct buf *body, size_t *early)
{
    size_t news = body->len - *early;
    if (news && http_stream_is_live(from))
        http_stream_consume(from, news);
    *early += news;
}

/* The same where filters have it first, by what came from the sender. */
static void tell_unread(struct http_stream *from, size_t *unread)
{
    if (*unread && http_stream_is_live(from))
        http_stream_consume(from, *unread);
    *unread = 0;
}

static void ask_for_more(struct exchange *ex)
{
    ex->got |= PEEKS_REQUEST_BODY;
    if (!has(ex, FILTERS_REQUEST_BODY))
        tell_sender(&ex->down, &ex->request_body, &ex->request_early);
    else if (ex->road.request_body.held <= FILTER_HOLD_MAX)
        tell_unread(&ex->down, &ex->request_unread);
    if (!ex->request->expect_continue || !http_stream_is_live(&ex->down))
        return;
    struct message *go_on = arena_zalloc(&ex->arena, sizeof(*go_on));
    message_init(go_on, &ex->arena);
    go_on->status = 100;
    http_stream_send_head(&ex->down, go_on, false);
    ex->request->expect_continue = false;
    headers_remove_id(&ex->request->headers, HEADER_EXPECT);
}

static struct slice copy_start(struct exchange *ex, const struct buf *body, size_t max)
{
    size_t len = body->len < max ? body->len : max;
    char *copy = arena_alloc(&ex->arena, len);
    buf_copy_out(body, copy, len);
    return slice_of(copy, len);
}

/* What those before it let go. False: one of them has ended the matter. */
static bool filter_request(struct exchange *ex)
{
    exchange_begin_request_body(ex);
    enum filter_verdict verdict =
        has(ex, FILTERS_REQUEST_BODY) ? exchange_run_request_body(ex) : FILTER_NEXT;
    if (verdict != FILTER_NEXT)
        filter_road_break(&ex->road, verdict);
    return verdict == FILTER_NEXT;
}

bool exchange_peek_request(struct exchange *ex, size_t max, struct slice *out, bool *is_whole)
{
    /* What follows a switch of protocols has no end to wait for; nobody may take it for all. */
    bool may_switch = message_may_switch(ex->request);
    if (!filter_request(ex))
        return false;
    if (!may_switch && !exchange_request_ended(ex) && ex->request_body.len <= max) {
        ask_for_more(ex);
        return false;
    }
    ex->got &= ~(uint32_t)PEEKS_REQUEST_BODY;
    *is_whole = ex->request_body.len <= max && !may_switch;
    *out = copy_start(ex, &ex->request_body, max);
    return true;
}

static bool may_have_switched(const struct exchange *ex)
{
    return ex->response->status == 101 ||
           (ex->response->status / 100 == 2 && message_is_connect(ex->request));
}

static bool filter_response(struct exchange *ex, bool switched)
{
    if (!switched)
        exchange_begin_response_body(ex);
    enum filter_verdict verdict =
        has(ex, FILTERS_RESPONSE_BODY) ? exchange_run_response_body(ex) : FILTER_NEXT;
    if (verdict != FILTER_NEXT)
        filter_road_break(&ex->road, verdict);
    return verdict == FILTER_NEXT;
}

static void ask_for_more_response(struct exchange *ex)
{
    ex->got |= PEEKS_RESPONSE_BODY;
    if (!has(ex, FILTERS_RESPONSE_BODY))
        tell_sender(&ex->up.stream, &ex->response_body, &ex->response_early);
    else if (ex->road.response_body.held <= FILTER_HOLD_MAX)
        tell_unread(&ex->up.stream, &ex->response_unread);
}

bool exchange_peek_response(struct exchange *ex, size_t max, struct slice *out, bool *is_whole)
{
    if (has(ex, IS_REPLY)) {
        *is_whole = ex->reply_body.len <= max;
        *out = slice_sub(ex->reply_body, 0, max);
        return true;
    }
    bool switched = may_have_switched(ex);
    if (!filter_response(ex, switched))
        return false;
    if (!switched && !exchange_response_ended(ex) && ex->response_body.len <= max) {
        ask_for_more_response(ex);
        return false;
    }
    ex->got &= ~(uint32_t)PEEKS_RESPONSE_BODY;
    *is_whole = ex->response_body.len <= max && !switched;
    *out = copy_start(ex, &ex->response_body, max);
    return true;
}

/* The client can still be told what went wrong. */
static enum progress fail_whole(struct exchange *ex, enum fail why, struct slice detail)
{
    if (why == FAIL_REQUEST_TIMEOUT || why == FAIL_IDLE_TIMEOUT)
        if (exchange_waits_for_endpoint(ex))
            upstream_request_failed(&ex->up, why);
    return exchange_fail(ex, why, detail);
}

/* The request's body goes on meanwhile: the backend may want it before it ends its response. */
enum progress exchange_response_waits(struct exchange *ex)
{
    enum filter_verdict verdict = exchange_filter_request_body(ex);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, verdict, STEP_respond);
    exchange_pump_request(ex);
    if (!has(ex, PEEKS_RESPONSE_BODY))
        return exchange_take_verdict(ex, FILTER_WAIT, STEP_respond);
    if (has(ex, GOT_UP_ABORT) && !has(ex, GOT_RESPONSE_END))
        return fail_whole(ex, exchange_why_cut(ex), slice_from_cstr(err_text(ex->up.error)));
    if (has(ex, GOT_REQUEST_TIMEOUT | GOT_ATTEMPT_TIMEOUT))
        return fail_whole(ex, FAIL_REQUEST_TIMEOUT, SLICE(""));
    if (has(ex, GOT_IDLE_TIMEOUT))
        return fail_whole(ex, FAIL_IDLE_TIMEOUT, SLICE(""));
    return PARK;
}

/* ---- another body ---- */

static void drop(struct http_stream *from, struct buf *body, size_t *early, size_t *unread)
{
    if (unread)
        tell_unread(from, unread);
    else
        tell_sender(from, body, early);
    *early = 0;
    buf_dispose(body);
}

static void set_length(struct exchange *ex, struct message *m, size_t len)
{
    m->content_length = (int64_t)len;
    headers_set_id(&m->headers, HEADER_CONTENT_LENGTH, arena_decimal(&ex->arena, len));
}

void exchange_replace_request(struct exchange *ex, struct slice body)
{
    bool is_filtered = has(ex, FILTERS_REQUEST_BODY);
    drop(&ex->down, &ex->request_body, &ex->request_early,
         is_filtered ? &ex->request_unread : NULL);
    buf_append_slice(&ex->request_body, body);
    ex->request_early = is_filtered ? 0 : body.len; /* nobody sends more for it */
    set_length(ex, ex->request, body.len);
}

void exchange_replace_response(struct exchange *ex, struct slice body)
{
    struct message *m = ex->response;
    bool has_none = m->status == 204 || m->status == 304;
    if (has_none) {
        m->content_length = -1;
        headers_remove_id(&m->headers, HEADER_CONTENT_LENGTH);
        body = SLICE("");
    } else {
        set_length(ex, m, body.len);
    }
    if (has(ex, IS_REPLY)) {
        ex->reply_body = body;
        return;
    }
    bool is_filtered = has(ex, FILTERS_RESPONSE_BODY);
    drop(&ex->up.stream, &ex->response_body, &ex->response_early,
         is_filtered ? &ex->response_unread : NULL);
    if (slice_eq_cstr(ex->request->method, "HEAD"))
        return;
    buf_append_slice(&ex->response_body, body);
    ex->response_early = is_filtered ? 0 : body.len;
}
