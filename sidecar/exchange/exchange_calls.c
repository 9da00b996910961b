/* Requests that filters send while their exchange waits (filters/filter.h): upstream/call.h between
 * a struct filter_call and a cluster. They end with their exchange. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

#include "sidecar/telemetry/report.h"
#include "sidecar/upstream/call.h"

#define TIMEOUT_MS 5000
#define BODY_MAX (64u * 1024)

/* In the exchange's arena. */
struct exchange_call {
    struct list node; /* in exchange->calls */
    struct exchange *ex;
    struct filter_call *asked;
    struct upstream_call up;
};

static struct exchange_call *call_of(struct list *node)
{
    return container_of(node, struct exchange_call, node);
}

/* ---- the end ---- */

static void finish(struct exchange *ex, struct filter_call *asked, enum fail why,
                   struct slice detail)
{
    asked->is_done = true;
    asked->failed = why == FAIL_NONE ? NULL : fail_info(why);
    asked->detail = detail;
    filter_road_wake(&ex->road);
    exchange_wake(ex);
}

/* As any request that this data plane sends. */
static void count(const struct exchange_call *c)
{
    const struct upstream_call *up = &c->up;
    const struct message *answer = up->why == FAIL_NONE ? up->answer : NULL;
    struct worker *w = c->ex->worker;
    struct metrics_key key = {
        .protocol = METRICS_HTTP, .fail = up->why, .grpc_status = METRICS_NO_GRPC_STATUS};
    key.status = answer ? answer->status : fail_info(up->why)->http_status;
    report_fill_sent(&key, w, up->up.cluster, up->up.endpoint);
    metrics_request(w->metrics, &key, (loop_now_ns(w->loop) - up->began_ns) / 1000,
                    c->asked->body.len, up->answered);
}

static void on_over(struct upstream_call *up)
{
    struct exchange_call *c = container_of(up, struct exchange_call, up);
    count(c);
    list_unlink(&c->node);
    if (up->why == FAIL_NONE) {
        c->asked->response = up->answer;
        c->asked->trailers = up->answer_trailers;
        c->asked->response_body = buf_take_into(&up->answer_body, &c->ex->arena);
    }
    buf_dispose(&up->answer_body);
    finish(c->ex, c->asked, up->why, up->detail);
}

void exchange_cancel_calls(struct exchange *ex)
{
    LIST_FOREACH_SAFE(node, next, &ex->calls)
    {
        struct exchange_call *c = call_of(node);
        list_unlink(&c->node);
        upstream_call_cancel(&c->up);
        buf_dispose(&c->up.answer_body);
    }
}

/* ---- the beginning ---- */

static uint32_t timeout_ms(const struct filter_call *asked, const struct cluster_conf *to)
{
    if (asked->timeout_ms)
        return asked->timeout_ms;
    uint32_t policy = to->timeouts.backend_ms ? to->timeouts.backend_ms : to->timeouts.request_ms;
    return to->has_timeouts && policy ? policy : TIMEOUT_MS;
}

static enum http_version version_for(const struct message *request, const struct cluster_conf *to)
{
    bool is_http2 =
        to->protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2 || message_is_grpc(request);
    return is_http2 ? HTTP_2 : HTTP_1_1;
}

/* What the filter left out. */
static void complete_head(struct exchange *ex, struct filter_call *asked,
                          const struct cluster_conf *to)
{
    struct message *m = asked->request;
    struct slice id = headers_get_id(&ex->request->headers, HEADER_X_REQUEST_ID);
    if (!m->authority.len)
        m->authority = to->service;
    m->content_length = asked->body.len ? (int64_t)asked->body.len : -1;
    if (asked->body.len)
        headers_set_id(&m->headers, HEADER_CONTENT_LENGTH,
                       arena_printf(&ex->arena, "%zu", asked->body.len));
    if (id.len && !headers_find_id(&m->headers, HEADER_X_REQUEST_ID))
        headers_add_id(&m->headers, HEADER_X_REQUEST_ID, id);
}

void exchange_call(struct exchange *ex, struct filter_call *asked)
{
    const struct cluster_conf *to = snapshot_find_cluster(ex->lease->snapshot, asked->cluster);
    if (!to) {
        finish(ex, asked, FAIL_NO_CLUSTER, asked->cluster);
        return;
    }
    struct exchange_call *c = arena_zalloc(&ex->arena, sizeof(*c));
    c->ex = ex;
    c->asked = asked;
    c->up.keeps_answer = c->up.has_end = true;
    c->up.behind_max = SIZE_MAX; /* the filter has made it: it lies here anyway */
    c->up.answer_max = asked->body_max ? asked->body_max : BODY_MAX;
    upstream_call_init(&c->up, &ex->arena, on_over);
    enum fail why =
        upstream_call_begin(&c->up, cluster_of(&ex->worker->clusters, to), &ex->client.client);
    if (why != FAIL_NONE) {
        finish(ex, asked, why, to->service);
        return;
    }
    list_link_last(&ex->calls, &c->node);
    complete_head(ex, asked, to);
    buf_append_slice(&c->up.body, asked->body);
    upstream_call_run(&c->up, asked->request, version_for(asked->request, to),
                      timeout_ms(asked, to));
}
