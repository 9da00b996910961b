/* How an exchange ends: answers that come from us and not from an app, and what is told of every
 * request in metrics and the access log. Each answer of ours says why, to the client in
 * x-weft-reason and in one sentence. At a gateway clients are strangers, who get the status alone:
 * what services, policies and addresses there are is not theirs to know. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/log/log_rule.h"
#include "lib/codec/http/grpc_status.h"
#include "sidecar/config/client_head.h"
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/session/side.h"
#include "sidecar/telemetry/access_format.h"
#include "sidecar/telemetry/report.h"

/* ---- answers of our own ---- */

static bool tells_why(struct exchange *ex)
{
    const struct forwarded *client = &ex->client;
    if (!ex->session->side->faces_strangers)
        return true;
    bool is_known = !client->is_unknown && client->client.family;
    return client_head_may_read_reasons(exchange_clients(ex), is_known ? &client->client : NULL);
}

static struct message *make_head(struct exchange *ex, unsigned status)
{
    struct message *head = arena_zalloc(&ex->arena, sizeof(*head));
    /* What a backend may have answered is no more; whoever waits for its body sees this instead. */
    ex->got = (ex->got & ~(uint32_t)(GOT_RESPONSE_HEAD | PEEKS_RESPONSE_BODY)) | IS_REPLY;
    ex->response_trailers = ex->view.response_trailers = NULL;
    filter_road_wake(&ex->road);
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
                       arena_decimal(&ex->arena, body.len));
    }
    return head;
}

/* gRPC clients read grpc-status, and a plain 503 tells them nothing: a "trailers only" answer. */
static struct message *reply_grpc(struct exchange *ex, struct slice status, struct slice sentence)
{
    struct message *head = make_head(ex, 200);
    head->content_length = -1;
    ex->response = head;
    ex->reply_body = (struct slice){0};
    headers_add_id(&head->headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    headers_add_id(&head->headers, HEADER_GRPC_STATUS, status);
    headers_add_id(&head->headers, HEADER_GRPC_MESSAGE, grpc_text_encode(&ex->arena, sentence));
    return head;
}

static struct message *reply_text(struct exchange *ex, unsigned status, struct slice body)
{
    struct message *head = exchange_reply(ex, status, body);
    headers_add_id(&head->headers, HEADER_CONTENT_TYPE, SLICE("text/plain; charset=utf-8"));
    return head;
}

/* What everybody may know: "403 Forbidden", and what to ask the gateway's operator about. */
static void reply_short(struct exchange *ex, unsigned status, struct slice grpc_status)
{
    const char *name = message_reason(status);
    exchange_identify(ex);
    struct slice id = headers_get_id(&ex->request->headers, HEADER_X_REQUEST_ID);
    if (message_is_grpc(ex->request) && grpc_status.len)
        reply_grpc(ex, grpc_status, slice_from_cstr(name));
    else
        reply_text(
            ex, status,
            arena_printf(&ex->arena, "%u %s\nrequest id: %.*s\n", status, name, SLICE_ARG(id)));
}

/* "No API key found in request": the text is the client's, more is not. */
static void reply_public(struct exchange *ex, const struct fail_info *info,
                         struct slice grpc_status)
{
    if (message_is_grpc(ex->request))
        reply_grpc(ex, grpc_status, info->text);
    else
        reply_text(ex, info->http_status,
                   arena_printf(&ex->arena, "%.*s\n", SLICE_ARG(info->text)));
}

void exchange_reply_fail(struct exchange *ex, enum fail fail, struct slice detail)
{
    const struct fail_info *info = fail_info(fail);
    struct slice sentence = info->text, grpc_status;
    struct message *head;
    ex->fail = fail;
    ex->detail = detail;
    grpc_status = arena_decimal(&ex->arena, info->grpc_status);
    if (!tells_why(ex) && info->is_public) {
        reply_public(ex, info, grpc_status);
        return;
    }
    if (!tells_why(ex)) {
        reply_short(ex, info->http_status, grpc_status);
        return;
    }
    if (detail.len)
        sentence = arena_printf(&ex->arena, "%.*s: %.*s", SLICE_ARG(info->text), SLICE_ARG(detail));
    if (message_is_grpc(ex->request))
        head = reply_grpc(ex, grpc_status, sentence);
    else
        head = reply_text(ex, info->http_status,
                          arena_printf(&ex->arena, "%.*s\n", SLICE_ARG(sentence)));
    headers_add_id(&head->headers, HEADER_WEFT_REASON, info->label);
}

/* Only data planes say x-weft-reason: apps cannot (exchange_prepare_response). A challenge is for
 * clients, and a 401 has one (RFC 9110 §15.5.2). */
bool exchange_hide_reason(struct exchange *ex)
{
    const struct headers *said = &ex->response->headers;
    const struct header *reason = headers_find_id(said, HEADER_WEFT_REASON);
    if (exchange_is_kept(ex) || !reason || !endpoint_is_mesh_hop(ex->up.endpoint) || tells_why(ex))
        return false;
    ex->detail = reason->value;
    reply_short(ex, ex->response->status, headers_get_id(said, HEADER_GRPC_STATUS));
    for (uint32_t i = 0; i < said->count; i++)
        if (said->items[i].id == HEADER_WWW_AUTHENTICATE)
            headers_add_id(&ex->response->headers, HEADER_WWW_AUTHENTICATE, said->items[i].value);
    ex->got |= GOT_RESPONSE_HEAD; /* in other words, but not ours */
    ex->step = STEP_reply;
    return true;
}

enum progress exchange_step_reply(struct exchange *ex)
{
    bool is_late = has(ex, GOT_REQUEST_TIMEOUT | GOT_IDLE_TIMEOUT);
    exchange_cut_upstream(ex);
    if (exchange_answer_chain(ex) == FILTER_WAIT && !is_late)
        return PARK;
    if (exchange_is_kept(ex)) {
        ex->step = STEP_respond;
        return GO;
    }
    exchange_answer_unreached(ex);
    exchange_lift_deadlines(ex); /* what ended the attempt does not end the reply to it */
    bool is_head = slice_eq(ex->request->method, SLICE("HEAD"));
    bool end = is_head || ex->reply_body.len == 0;
    ex->got |= SENT_RESPONSE_HEAD | SENT_RESPONSE_END;
    exchange_listener_sign(ex);
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

/* ---- what is told ---- */

static unsigned status_of(const struct exchange *ex)
{
    if (!has(ex, SENT_RESPONSE_HEAD))
        return fail_info(ex->fail)->http_status;
    return ex->response->status;
}

static int16_t grpc_status_of(const struct exchange *ex)
{
    struct slice text = {0};
    uint64_t status;
    if (ex->response_trailers)
        text = headers_get_id(ex->response_trailers, HEADER_GRPC_STATUS);
    if (!text.len && ex->response)
        text = headers_get_id(&ex->response->headers, HEADER_GRPC_STATUS);
    if (!text.len || slice_to_u64(text, &status) != ERR_OK || status > 16)
        return METRICS_NO_GRPC_STATUS;
    return (int16_t)status;
}

static void count(struct exchange *ex, uint64_t duration_us, bool is_grpc)
{
    struct metrics_key key;
    report_fill_key(&key, ex->session, ex->up.cluster, ex->up.endpoint);
    key.protocol = is_grpc ? METRICS_GRPC : METRICS_HTTP;
    key.fail = ex->fail;
    key.status = (uint16_t)status_of(ex);
    key.grpc_status = is_grpc ? grpc_status_of(ex) : METRICS_NO_GRPC_STATUS;
    metrics_request(ex->worker->metrics, &key, duration_us, ex->request_bytes, ex->response_bytes);
}

static void count_plaintext(struct exchange *ex)
{
    char text[ADDR_TEXT_MAX];
    if (ex->session->side == &side_inbound && !ex->session->is_mesh)
        metrics_count_plaintext(ex->worker->metrics,
                                slice_from_cstr(addr_format_ip(&ex->session->info.peer, text)));
}

/* A request that was refused later, for its rate, is its consumer's too. */
static void count_consumer(struct exchange *ex)
{
    const struct filter_caller *caller = ex->view.caller;
    if (caller && caller->consumer_id.len)
        metrics_count_consumer(ex->worker->metrics, caller->consumer_id, (uint16_t)status_of(ex));
}

static void write_line(const struct exchange *ex, const struct access_record *r)
{
    const struct log_rule *rule = ex->view.log;
    if (rule && rule->format.count)
        access_format_write(&rule->format, r);
    else
        access_log_write(r, rule && rule->form ? rule->form == LOG_FORM_JSON
                                               : report_is_json(ex->worker));
}

static void log_line(struct exchange *ex, uint64_t duration_us, bool is_grpc)
{
    const struct message *request = ex->request;
    const struct fail_info *info = fail_info(ex->fail);
    struct access_record r;
    report_fill_record(&r, ex->session, ex->up.cluster, ex->up.endpoint, duration_us);
    r.method = request->method;
    r.path = ex->view.shown_path.len ? ex->view.shown_path : ex->original_path;
    r.protocol = ex->came_in == HTTP_2     ? SLICE("HTTP/2")
                 : ex->came_in == HTTP_1_0 ? SLICE("HTTP/1.0")
                                           : SLICE("HTTP/1.1");
    r.authority = request->authority;
    r.status = (uint16_t)status_of(ex);
    r.grpc_status = is_grpc ? grpc_status_of(ex) : -1;
    r.flags = ex->fail == FAIL_NONE && ex->view.flag.len ? ex->view.flag : info->flag;
    r.details = ex->fail == FAIL_NONE ? SLICE("via_upstream") : info->label;
    r.reason = ex->detail.len ? ex->detail : info->text;
    r.bytes_received = ex->request_bytes;
    r.bytes_sent = ex->response_bytes;
    if (ex->first_byte_ns)
        r.upstream_us = (int64_t)((ex->first_byte_ns - ex->up.attempt_ns) / 1000);
    r.attempts = ex->up.attempts;
    if (ex->client.client.family)
        r.downstream_remote = ex->client.client;
    r.forwarded_for = headers_get_id(&request->headers, HEADER_X_FORWARDED_FOR);
    r.user_agent = headers_get_id(&request->headers, HEADER_USER_AGENT);
    r.request_id = headers_get_id(&request->headers, HEADER_X_REQUEST_ID);
    struct slice traceparent = headers_get_id(&request->headers, HEADER_TRACEPARENT);
    r.trace_id = traceparent.len >= 35 ? slice_sub(traceparent, 3, 32) : (struct slice){0};
    r.route = ex->route ? ex->route->name : (struct slice){0};
    if (ex->view.caller)
        r.consumer = ex->view.caller->consumer_id;
    r.request_headers = &request->headers;
    r.response_headers = ex->response ? &ex->response->headers : NULL;
    write_line(ex, &r);
}

static bool is_error(const struct exchange *ex, bool is_grpc)
{
    int16_t grpc = is_grpc ? grpc_status_of(ex) : METRICS_NO_GRPC_STATUS;
    return ex->fail != FAIL_NONE || status_of(ex) >= 400 || status_of(ex) == 0 ||
           (grpc != METRICS_NO_GRPC_STATUS && grpc != 0);
}

static bool is_logged(struct exchange *ex, uint64_t duration_us, bool error)
{
    const struct log_rule *rule = ex->view.log;
    return rule ? log_rule_wants(rule, status_of(ex), duration_us, error,
                                 rand_next(&ex->worker->rand))
                : report_is_logged(ex->worker, error);
}

void exchange_report(struct exchange *ex)
{
    if (!has(ex, GOT_REQUEST_HEAD))
        return; /* it broke before there was a request */
    uint64_t duration_us = (loop_now_ns(ex->worker->loop) - ex->start_ns) / 1000;
    bool is_grpc = message_is_grpc(ex->request);
    count(ex, duration_us, is_grpc);
    count_plaintext(ex);
    count_consumer(ex);
    if (is_logged(ex, duration_us, is_error(ex, is_grpc)))
        log_line(ex, duration_us, is_grpc);
}
