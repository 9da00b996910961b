/* An exchange as its filters see it: what they may do to it, the requests that they send while it
 * waits, and when their hooks run (filters/chain.h). Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

#include "lib/base/clock.h"
#include "lib/base/rand.h"
#include "sidecar/exchange/fetching.h"
#include "sidecar/telemetry/report.h"
#include "sidecar/upstream/call.h"

#define CALL_TIMEOUT_MS 5000
#define CALL_BODY_MAX (64u * 1024)

static struct exchange *exchange_of(const struct filter_exchange *x)
{
    return container_of(x, struct exchange, view);
}

/* ---- requests of their own ---- */

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

static void finish_call(struct exchange *ex, struct filter_call *asked, enum fail why,
                        struct slice detail)
{
    asked->is_done = true;
    asked->failed = why == FAIL_NONE ? NULL : fail_info(why);
    asked->detail = detail;
    filter_road_wake(&ex->road);
    exchange_wake(ex);
}

/* As any request that this data plane sends. */
static void count_call(const struct exchange_call *c)
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
    count_call(c);
    list_unlink(&c->node);
    if (up->why == FAIL_NONE) {
        c->asked->response = up->answer;
        c->asked->trailers = up->answer_trailers;
        c->asked->response_body = buf_take_into(&up->answer_body, &c->ex->arena);
    }
    buf_dispose(&up->answer_body);
    finish_call(c->ex, c->asked, up->why, up->detail);
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

static uint32_t timeout_ms(const struct filter_call *asked, const struct cluster_conf *to)
{
    if (asked->timeout_ms)
        return asked->timeout_ms;
    uint32_t policy = to->timeouts.backend_ms ? to->timeouts.backend_ms : to->timeouts.request_ms;
    return to->has_timeouts && policy ? policy : CALL_TIMEOUT_MS;
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
    /* Of no body at all a filter may say that its length is 0. */
    bool says_length = headers_find_id(&m->headers, HEADER_CONTENT_LENGTH) != NULL;
    m->content_length = asked->body.len || says_length ? (int64_t)asked->body.len : -1;
    if (asked->body.len)
        headers_set_id(&m->headers, HEADER_CONTENT_LENGTH,
                       arena_decimal(&ex->arena, asked->body.len));
    if (id.len && !headers_find_id(&m->headers, HEADER_X_REQUEST_ID))
        headers_add_id(&m->headers, HEADER_X_REQUEST_ID, id);
}

static void host_call(struct filter_exchange *x, struct filter_call *asked)
{
    struct exchange *ex = exchange_of(x);
    const struct cluster_conf *to = snapshot_find_cluster(ex->lease->snapshot, asked->cluster);
    if (!to) {
        finish_call(ex, asked, FAIL_NO_CLUSTER, asked->cluster);
        return;
    }
    struct exchange_call *c = arena_zalloc(&ex->arena, sizeof(*c));
    c->ex = ex;
    c->asked = asked;
    c->up.keeps_answer = c->up.has_end = true;
    c->up.behind_max = SIZE_MAX; /* the filter has made it: it lies here anyway */
    c->up.answer_max = asked->body_max ? asked->body_max : CALL_BODY_MAX;
    upstream_call_init(&c->up, &ex->arena, on_over);
    enum fail why =
        upstream_call_begin(&c->up, cluster_of(&ex->worker->clusters, to), &ex->client.client);
    if (why != FAIL_NONE) {
        finish_call(ex, asked, why, to->service);
        return;
    }
    list_link_last(&ex->calls, &c->node);
    complete_head(ex, asked, to);
    buf_append_slice(&c->up.body, asked->body);
    upstream_call_run(&c->up, asked->request, version_for(asked->request, to),
                      timeout_ms(asked, to));
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

static void host_answer(struct filter_exchange *x, struct message *head, struct buf *body)
{
    struct exchange *ex = exchange_of(x);
    if (has(ex, SENT_RESPONSE_HEAD)) {
        buf_dispose(body);
        return;
    }
    exchange_answer_kept(ex, head, body);
    x->response = head;
    x->is_answered_here = false;
}

static void host_await(struct filter_exchange *x, const void *what)
{
    exchange_await(exchange_of(x), what);
}

static void host_announce(struct filter_exchange *x, const void *what)
{
    exchange_announce(exchange_of(x), what);
}

static bool host_peek_body(struct filter_exchange *x, size_t max, struct slice *out, bool *is_whole)
{
    return exchange_peek_request(exchange_of(x), max, out, is_whole);
}

static void host_replace_body(struct filter_exchange *x, struct slice body)
{
    exchange_replace_request(exchange_of(x), body);
}

static bool host_peek_response_body(struct filter_exchange *x, size_t max, struct slice *out,
                                    bool *is_whole)
{
    return exchange_peek_response(exchange_of(x), max, out, is_whole);
}

static void host_replace_response_body(struct filter_exchange *x, struct slice body)
{
    exchange_replace_response(exchange_of(x), body);
}

static uint64_t host_now_ms(const struct filter_exchange *x)
{
    return loop_now_ms(exchange_of(x)->worker->loop);
}

static uint64_t host_now_us(const struct filter_exchange *x)
{
    return loop_now_ns(exchange_of(x)->worker->loop) / 1000;
}

static int64_t host_unix_ms(const struct filter_exchange *x)
{
    (void)x;
    return clock_wall_ms();
}

static uint64_t host_random(struct filter_exchange *x)
{
    return rand_next(&exchange_of(x)->worker->rand);
}

static void host_count(struct filter_exchange *x, const struct filter *f, unsigned event)
{
    metrics_count_filter_event(exchange_of(x)->worker->metrics, f->name, f->events[event]);
}

static bool host_fetch(struct filter_exchange *x, struct filter_fetch *what)
{
    return fetching_begin(exchange_of(x)->worker, what);
}

/* The chain that is being walked is the last that was begun. */
static bool is_last_word(const struct exchange *ex)
{
    const struct filter_frame *f = &ex->road.frames[ex->road.frame_count - 1];
    if (!ex->up.cluster || (ex->backend && ex->backend->chain))
        return false;
    for (uint32_t i = f->passed + 1; i < f->chain->count; i++)
        if (f->chain->entries[i].filter->on_request)
            return false;
    return true;
}

static bool host_refetch(struct filter_exchange *x, const struct message *head,
                         struct filter_fetch *what)
{
    struct exchange *ex = exchange_of(x);
    return is_last_word(ex) &&
           fetching_begin_with(ex->worker, what, ex->up.cluster->conf->name, head);
}

static const struct filter_host host = {
    .reply = host_reply,
    .fail = host_fail,
    .answer = host_answer,
    .await = host_await,
    .announce = host_announce,
    .wake = host_wake,
    .wake_after = host_wake_after,
    .now_ms = host_now_ms,
    .now_us = host_now_us,
    .unix_ms = host_unix_ms,
    .random = host_random,
    .call = host_call,
    .fetch = host_fetch,
    .refetch = host_refetch,
    .work = exchange_work,
    .peek_body = host_peek_body,
    .replace_body = host_replace_body,
    .peek_response_body = host_peek_response_body,
    .replace_response_body = host_replace_response_body,
    .redis = exchange_redis,
    .redis_post = exchange_redis_post,
    .count = host_count,
};

/* Only what has filters pays for it. */
struct filter_exchange *exchange_view(struct exchange *ex)
{
    struct filter_exchange *x = &ex->view;
    x->host = &host;
    x->arena = &ex->arena;
    x->request = ex->request;
    x->response = ex->response;
    x->is_answered_here = ex->response && !has(ex, GOT_RESPONSE_HEAD);
    x->original_path = ex->original_path;
    x->original_authority = ex->original_authority;
    x->match_path = ex->match_path;
    x->other_paths = ex->other_paths;
    x->downstream = &ex->session->info;
    x->client = &ex->client;
    x->consumers = snapshot_consumers(ex->lease->snapshot);
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
    return chain ? filter_road_request(&ex->road, exchange_view(ex), chain) : FILTER_NEXT;
}

enum filter_verdict exchange_answer_chain(struct exchange *ex)
{
    return ex->road.frame_count ? filter_road_response(&ex->road, exchange_view(ex)) : FILTER_NEXT;
}

void exchange_answer_unreached(struct exchange *ex)
{
    const struct route_conf *route = exchange_find_route(ex);
    const struct side *side = ex->session->side;
    const struct filter_chain *chain = route            ? route->chain
                                       : side->unrouted ? side->unrouted(ex)
                                                        : NULL;
    if (chain)
        filter_road_unreached(&ex->road, exchange_view(ex), chain);
}

void exchange_end_chain(struct exchange *ex)
{
    if (ex->road.frame_count)
        filter_road_end(&ex->road, exchange_view(ex));
}
