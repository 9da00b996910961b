/* One try after another: pick an endpoint, send the request, await the head of the answer, and
 * decide whether a failed try is followed by another. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/backoff.h"
#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/telemetry/metrics.h"

enum progress exchange_step_pick(struct exchange *ex)
{
    struct endpoint *own = ex->persistence ? exchange_persistent_endpoint(ex) : NULL;
    if (!own && !ex->up.key && ex->up.cluster->conf->hash_on_count)
        ex->up.key = exchange_hash(ex);
    enum fail why = own ? upstream_request_take(&ex->up, own)
                        : upstream_request_pick(&ex->up, &ex->client.client);
    if (why == FAIL_OVERFLOW)
        return exchange_fail(ex, why, SLICE("too many requests at once"));
    if (why != FAIL_NONE)
        return exchange_fail(ex, why, ex->up.cluster->conf->service);
    exchange_prepare_attempt(ex);
    const struct route_conf *route = ex->route;
    uint32_t limit_ms = route->retry.per_try_timeout_ms ? route->retry.per_try_timeout_ms
                                                        : route->timeouts.backend_ms;
    if (limit_ms) {
        ex->attempt_deadline_ms = loop_now_ms(ex->worker->loop) + limit_ms;
        exchange_arm_timer(ex);
    }
    ex->step = STEP_send;
    return GO;
}

void exchange_cut_upstream(struct exchange *ex)
{
    /* What is complete in both directions may still be on its way out. */
    bool over = has(ex, SENT_REQUEST_END) && has(ex, GOT_RESPONSE_END);
    upstream_request_cut(&ex->up, over ? ERR_OK : ERR_CANCELED);
}

static bool is_gateway_error(unsigned status)
{
    return status == 502 || status == 503 || status == 504;
}

static bool is_listed(const struct retry_conf *retry, unsigned status)
{
    for (unsigned i = 0; i < retry->status_count; i++)
        if (retry->status_codes[i] == status)
            return true;
    return false;
}

/* Does the policy want this failure tried again, and is it right to? What was provably not
 * processed is safe for any method; everything else only where repeating does no harm. */
static bool policy_retries(const struct exchange *ex, enum fail why)
{
    const struct retry_conf *retry = &ex->route->retry;
    bool harmless = !retry->only_idempotent || message_is_idempotent(ex->request);
    switch (why) {
    case FAIL_CONNECT_FAILED:
    case FAIL_CONNECT_TIMEOUT:
    case FAIL_TLS_FAILED:
    case FAIL_UPSTREAM_REFUSED:
        return retry->on_connect_failure;
    case FAIL_UPSTREAM_CLOSED:
    case FAIL_UPSTREAM_RESET:
        return harmless && retry->on_reset;
    case FAIL_ATTEMPT_TIMEOUT: /* the client would get a 504 */
        return harmless && (retry->on_reset || retry->on_gateway_error || is_listed(retry, 504));
    case FAIL_NONE: { /* an answer */
        unsigned status = ex->response->status;
        bool unavailable = is_gateway_error(status) && retry->on_gateway_error;
        return harmless && (unavailable || is_listed(retry, status));
    }
    default:
        return false;
    }
}

/* At least the base, however long the others wait: the Gateway API promises it. */
static uint64_t pause_before_retry(struct exchange *ex)
{
    const struct retry_conf *retry = &ex->route->retry;
    uint64_t twice = 2 * (uint64_t)retry->backoff_base_ms;
    uint64_t most = retry->backoff_max_ms > twice ? retry->backoff_max_ms : twice;
    return backoff_delay(ex->up.attempts - 1, twice, most, &ex->worker->rand);
}

/* The peer closed an idle connection just as we used it again: no sign of any trouble. */
static bool is_lost_race(const struct exchange *ex, enum fail why)
{
    return why == FAIL_UPSTREAM_CLOSED && ex->up.reused;
}

static bool may_retry(struct exchange *ex, enum fail why)
{
    const struct retry_conf *retry = &ex->route->retry;
    if (ex->up.attempts > retry->attempts || !has(ex, IS_REPLAYABLE) ||
        has(ex, GOT_REQUEST_TIMEOUT | GOT_IDLE_TIMEOUT) || !policy_retries(ex, why))
        return false;
    /* No time is left for another: the client gets what there is. */
    uint64_t now_ms = loop_now_ms(ex->worker->loop);
    bool race = is_lost_race(ex, why);
    ex->backoff_until_ms = now_ms + (race ? 0 : pause_before_retry(ex));
    if (ex->request_deadline_ms && ex->backoff_until_ms >= ex->request_deadline_ms) {
        ex->backoff_until_ms = 0;
        return false;
    }
    if (race || retry_budget_take(&ex->up.cluster->usage->budget, now_ms, retry)) {
        metrics_count_retry(ex->worker->metrics);
        return true;
    }
    ex->backoff_until_ms = 0;
    metrics_count_budget_exhausted(ex->worker->metrics);
    return false;
}

/* Back to the start of an attempt, with the body as it was. */
static enum progress try_again(struct exchange *ex)
{
    upstream_request_abandon(&ex->up);
    buf_dispose(&ex->response_body);
    buf_move_all(&ex->replay, &ex->request_body);
    struct buf body = ex->replay;
    buf_init(&ex->replay);
    ex->request_body = body;
    ex->response = NULL;
    ex->response_trailers = ex->view.response_trailers = NULL;
    ex->response_bytes = 0;
    ex->got &= ~(uint32_t)(GOT_RESPONSE_HEAD | GOT_RESPONSE_END | GOT_UP_ABORT |
                           GOT_ATTEMPT_TIMEOUT | GOT_BACKOFF_OVER | SENT_REQUEST_END);
    ex->attempt_deadline_ms = 0;
    if (ex->backoff_until_ms <= loop_now_ms(ex->worker->loop)) {
        ex->backoff_until_ms = 0;
        ex->got |= GOT_BACKOFF_OVER;
    }
    exchange_arm_timer(ex);
    ex->step = STEP_backoff;
    return GO;
}

bool exchange_waits_for_endpoint(const struct exchange *ex)
{
    bool asks = has(ex, GOT_REQUEST_END) || !buf_is_empty(&ex->request_body) ||
                http_stream_unsent(&ex->up.stream) > 0 ||
                headers_find_id(&ex->request->headers, HEADER_EXPECT);
    bool takes = (buf_is_empty(&ex->response_body) || has(ex, PEEKS_RESPONSE_BODY)) &&
                 http_stream_unsent(&ex->down) == 0;
    return asks && takes && !has(ex, IS_SWITCHED);
}

static bool is_endpoints_fault(const struct exchange *ex, enum fail why)
{
    bool is_timeout =
        why == FAIL_REQUEST_TIMEOUT || why == FAIL_ATTEMPT_TIMEOUT || why == FAIL_IDLE_TIMEOUT;
    return upstream_request_is_fault(&ex->up, why) &&
           (!is_timeout || exchange_waits_for_endpoint(ex));
}

static enum progress attempt_failed(struct exchange *ex, enum fail why, struct slice detail)
{
    ex->fresh_only |= is_lost_race(ex, why);
    if (is_endpoints_fault(ex, why))
        upstream_request_failed(&ex->up, why);
    if (may_retry(ex, why))
        return try_again(ex);
    exchange_cut_upstream(ex);
    return exchange_fail(ex, why, detail);
}

enum progress exchange_step_backoff(struct exchange *ex)
{
    if (!has(ex, GOT_BACKOFF_OVER))
        return PARK;
    if (has(ex, GOT_REQUEST_TIMEOUT)) /* only when we ourselves were late */
        return exchange_fail(ex, FAIL_REQUEST_TIMEOUT, (struct slice){0});
    ex->got &= ~(uint32_t)GOT_IDLE_TIMEOUT; /* the pause was ours */
    ex->step = STEP_pick;
    return GO;
}

static enum progress timed_out(struct exchange *ex)
{
    enum fail why = has(ex, GOT_REQUEST_TIMEOUT)   ? FAIL_REQUEST_TIMEOUT
                    : has(ex, GOT_ATTEMPT_TIMEOUT) ? FAIL_ATTEMPT_TIMEOUT
                                                   : FAIL_IDLE_TIMEOUT;
    return attempt_failed(ex, why, (struct slice){0});
}

/* What meets the peer's closing of an idle connection can be repeated, or must not meet it. */
static enum pool_reuse which_reuse(const struct exchange *ex)
{
    if (ex->fresh_only)
        return POOL_REUSE_NONE;
    bool may_repeat = ex->up.attempts <= ex->route->retry.attempts && has(ex, IS_REPLAYABLE) &&
                      message_is_idempotent(ex->request) &&
                      policy_retries(ex, FAIL_UPSTREAM_CLOSED);
    return may_repeat ? POOL_REUSE_ANY : POOL_REUSE_CHECKED;
}

/* A gRPC server reads the end of its requests from a DATA frame, be it empty, and waits for ever
 * where the head was the end (PROTOCOL-HTTP2 of gRPC, "Requests"). */
static bool may_end_in_head(const struct exchange *ex)
{
    return exchange_request_ended(ex) && buf_is_empty(&ex->request_body) &&
           !ex->request_trailers && !message_may_switch(ex->request) &&
           !message_is_grpc(ex->request);
}

enum progress exchange_step_send(struct exchange *ex)
{
    if (has(ex, GOT_REQUEST_TIMEOUT | GOT_ATTEMPT_TIMEOUT | GOT_IDLE_TIMEOUT))
        return timed_out(ex);
    bool end = may_end_in_head(ex);
    switch (upstream_request_send(&ex->up, ex->request, end, ex->app_version, which_reuse(ex))) {
    case POOL_WAITING:
        return PARK;
    case POOL_SENT:
        ex->got |= end ? SENT_REQUEST_END : 0;
        ex->step = STEP_await;
        return GO;
    case POOL_FAILED:
        break;
    }
    return attempt_failed(ex, ex->up.wait.why,
                          arena_copy(&ex->arena, slice_from_cstr(ex->up.wait.detail)));
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

static void relay_interim(struct exchange *ex)
{
    for (unsigned i = 0; i < ex->interim_count; i++)
        if (http_stream_is_live(&ex->down))
            http_stream_send_head(&ex->down, ex->interim[i], false);
    ex->interim_count = 0;
}

static enum progress answered(struct exchange *ex)
{
    unsigned status = ex->response->status;
    ex->attempt_deadline_ms = 0;
    ex->got &= ~(uint32_t)GOT_ATTEMPT_TIMEOUT; /* it came in time, if only just */
    enum fail refused = upstream_request_answered(&ex->up, ex->response);
    if ((status >= 400 || refused) && may_retry(ex, refused))
        return try_again(ex);
    buf_dispose(&ex->replay);
    ex->got &= ~(uint32_t)IS_REPLAYABLE;
    ex->step = STEP_respond;
    return GO;
}

enum progress exchange_step_await(struct exchange *ex)
{
    relay_interim(ex);
    enum filter_verdict verdict = exchange_filter_request_body(ex);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, verdict, STEP_await);
    exchange_pump_request(ex);
    if (has(ex, GOT_RESPONSE_HEAD))
        return answered(ex);
    if (has(ex, GOT_UP_ABORT))
        return attempt_failed(ex, upstream_request_fail_of(ex->up.error),
                              slice_from_cstr(err_text(ex->up.error)));
    if (has(ex, GOT_REQUEST_TIMEOUT | GOT_ATTEMPT_TIMEOUT | GOT_IDLE_TIMEOUT))
        return timed_out(ex);
    return PARK;
}
