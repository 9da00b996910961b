/* Answers that come from us and not from an app: each says why, to the client in x-weft-reason and
 * in one sentence. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange_priv.h"

static struct message *make_head(struct exchange *ex, unsigned status)
{
    struct message *head = arena_zalloc(&ex->arena, sizeof(*head));
    message_init(head, &ex->arena);
    head->version = HTTP_1_1;
    head->status = (uint16_t)status;
    exchange_identify(ex);
    headers_add_id(&head->headers, HEADER_X_REQUEST_ID,
                   headers_get_id(&ex->request->headers, HEADER_X_REQUEST_ID));
    return head;
}

struct message *exchange_reply(struct exchange *ex, unsigned status, struct slice body)
{
    struct message *head = make_head(ex, status);
    ex->response = head;
    ex->reply_body = body;
    if (status != 204 && status != 304) {
        head->content_length = (int64_t)body.len;
        headers_add_id(&head->headers, HEADER_CONTENT_LENGTH,
                       arena_printf(&ex->arena, "%zu", body.len));
    }
    return head;
}

/* As the gRPC protocol wants it: printable ASCII, everything else and '%' escaped. */
static struct slice escape_message(struct exchange *ex, struct slice text)
{
    static const char hex[] = "0123456789ABCDEF";
    char *escaped = arena_alloc(&ex->arena, text.len * 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.ptr[i];
        if (byte >= 0x20 && byte < 0x7f && byte != '%') {
            escaped[len++] = (char)byte;
            continue;
        }
        escaped[len++] = '%';
        escaped[len++] = hex[byte >> 4];
        escaped[len++] = hex[byte & 15];
    }
    return slice_of(escaped, len);
}

/* gRPC clients read grpc-status, and a plain 503 tells them nothing: a "trailers only" answer. */
static void reply_grpc(struct exchange *ex, const struct fail_info *info, struct slice sentence)
{
    struct message *head = make_head(ex, 200);
    head->content_length = -1;
    ex->response = head;
    ex->reply_body = (struct slice){0};
    headers_add_id(&head->headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    headers_add_id(&head->headers, HEADER_GRPC_STATUS,
                   arena_printf(&ex->arena, "%u", info->grpc_status));
    headers_add_id(&head->headers, HEADER_GRPC_MESSAGE, escape_message(ex, sentence));
    headers_add_id(&head->headers, HEADER_WEFT_REASON, info->label);
}

void exchange_reply_fail(struct exchange *ex, enum fail fail, struct slice detail)
{
    const struct fail_info *info = fail_info(fail);
    ex->fail = fail;
    ex->detail = detail;
    struct slice sentence = info->text;
    if (detail.len)
        sentence = arena_printf(&ex->arena, "%.*s: %.*s", SLICE_ARG(info->text), SLICE_ARG(detail));
    if (ex->request && message_is_grpc(ex->request)) {
        reply_grpc(ex, info, sentence);
        return;
    }
    struct slice body = arena_printf(&ex->arena, "%.*s\n", SLICE_ARG(sentence));
    struct message *head = exchange_reply(ex, info->http_status, body);
    headers_add_id(&head->headers, HEADER_CONTENT_TYPE, SLICE("text/plain; charset=utf-8"));
    headers_add_id(&head->headers, HEADER_WEFT_REASON, info->label);
}

enum progress exchange_step_reply(struct exchange *ex)
{
    bool is_late = has(ex, GOT_REQUEST_TIMEOUT | GOT_IDLE_TIMEOUT);
    if (exchange_answer_chain(ex) == FILTER_WAIT && !is_late)
        return PARK;
    exchange_answer_unreached(ex);
    exchange_cut_upstream(ex);
    exchange_lift_deadlines(ex); /* what ended the attempt does not end the reply to it */
    bool is_head = slice_eq(ex->request->method, SLICE("HEAD"));
    bool end = is_head || ex->reply_body.len == 0;
    ex->got |= SENT_RESPONSE_HEAD | SENT_RESPONSE_END;
    http_stream_send_head(&ex->down, ex->response, end);
    if (!end) {
        struct buf body;
        buf_init(&body);
        buf_append_slice(&body, ex->reply_body);
        ex->response_bytes = ex->reply_body.len;
        if (http_stream_is_live(&ex->down))
            http_stream_send_body(&ex->down, &body, true);
        buf_dispose(&body);
    }
    ex->step = STEP_flush;
    return GO;
}
