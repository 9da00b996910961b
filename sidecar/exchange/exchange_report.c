/* The end of an exchange in numbers: which request, between whom, how it ended, as metrics and as a
 * line of the access log. Worker thread; only reads the exchange.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/telemetry/report.h"

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
    if (ex->session->info.direction == DIRECTION_INBOUND && !ex->session->is_mesh)
        metrics_count_plaintext(ex->worker->metrics,
                                slice_from_cstr(addr_format_ip(&ex->session->info.peer, text)));
}

static void log_line(struct exchange *ex, uint64_t duration_us, bool is_grpc)
{
    const struct message *request = ex->request;
    const struct fail_info *info = fail_info(ex->fail);
    struct access_record r;
    report_fill_record(&r, ex->session, ex->up.cluster, ex->up.endpoint, duration_us);
    r.method = request->method;
    r.path = ex->original_path;
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
    access_log_write(&r, report_is_json(ex->worker));
}

static bool is_error(const struct exchange *ex, bool is_grpc)
{
    int16_t grpc = is_grpc ? grpc_status_of(ex) : METRICS_NO_GRPC_STATUS;
    return ex->fail != FAIL_NONE || status_of(ex) >= 400 || status_of(ex) == 0 ||
           (grpc != METRICS_NO_GRPC_STATUS && grpc != 0);
}

void exchange_report(struct exchange *ex)
{
    if (!has(ex, GOT_REQUEST_HEAD))
        return; /* it broke before there was a request */
    uint64_t duration_us = (loop_now_ns(ex->worker->loop) - ex->start_ns) / 1000;
    bool is_grpc = message_is_grpc(ex->request);
    count(ex, duration_us, is_grpc);
    count_plaintext(ex);
    if (report_is_logged(ex->worker, is_error(ex, is_grpc)))
        log_line(ex, duration_us, is_grpc);
}
