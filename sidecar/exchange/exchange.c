/* One request and its answer, from the client's first byte to the last. Runs on one worker; parks
 * instead of blocking. A step decides what happens next; everything else only records facts and
 * wakes. Nothing here knows the HTTP version of either side.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

#include "lib/base/mem.h"
#include "sidecar/exchange/exchange_run.h"
#include "filters/authz.h"
#include "sidecar/exchange/mirror.h"

#define ARENA_BLOCK 4096

/* A filter waits: what the deadlines say holds for it too. */
static enum progress filter_waits(struct exchange *ex)
{
    if (has(ex, GOT_REQUEST_TIMEOUT))
        return exchange_fail(ex, FAIL_REQUEST_TIMEOUT, (struct slice){0});
    if (has(ex, GOT_IDLE_TIMEOUT))
        return exchange_fail(ex, FAIL_IDLE_TIMEOUT, (struct slice){0});
    return PARK;
}

enum progress exchange_take_verdict(struct exchange *ex, enum filter_verdict verdict,
                                    enum exchange_step next)
{
    switch (verdict) {
    case FILTER_NEXT:
        ex->step = next;
        return GO;
    case FILTER_WAIT:
        return filter_waits(ex);
    case FILTER_REPLY:
        ex->step = has(ex, SENT_RESPONSE_HEAD) ? STEP_finish : STEP_reply;
        return GO;
    case FILTER_RESET:
        ex->fail = ex->fail == FAIL_NONE ? FAIL_INTERNAL : ex->fail;
        ex->step = STEP_finish;
        return GO;
    }
    return DONE;
}

static enum progress step_admit(struct exchange *ex)
{
    return exchange_step_admit(ex);
}

static const struct filter_chain *listener_chain(const struct exchange *ex)
{
    const struct snapshot *snapshot = ex->lease->snapshot;
    switch (ex->session->info.direction) {
    case DIRECTION_INBOUND: {
        uint16_t at = ex->session->info.original_dst.port;
        const struct inbound_port_conf *port = snapshot_inbound_port(snapshot, at);
        return port ? port->chain : snapshot_inbound(snapshot)->chain;
    }
    case DIRECTION_INGRESS: {
        const struct gateway_conf *gateway = snapshot_gateway(snapshot, ex->session->gateway_port);
        return gateway ? gateway->chain : NULL;
    }
    case DIRECTION_OUTBOUND:
        break;
    }
    return NULL;
}

static enum progress step_guard(struct exchange *ex)
{
    const struct authz *authz = exchange_listener_authz(ex);
    struct slice why;
    if (authz && !exchange_check_names(ex, &authz->headers, &why))
        return exchange_fail(ex, FAIL_BAD_REQUEST, why);
    if (exchange_is_preflight(ex)) {
        ex->step = STEP_route;
        return GO;
    }
    return exchange_take_verdict(ex, exchange_enter_chain(ex, listener_chain(ex)), STEP_route);
}

static enum progress step_route(struct exchange *ex)
{
    return exchange_step_route(ex);
}

static enum progress step_filter(struct exchange *ex)
{
    enum filter_verdict verdict = exchange_enter_chain(ex, ex->route->chain);
    if (verdict == FILTER_NEXT && ex->backend)
        verdict = exchange_enter_chain(ex, ex->backend->chain);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, verdict, STEP_pick);
    if (!ex->up.cluster)
        return exchange_fail(ex, FAIL_NO_CLUSTER, ex->route->name);
    if (!has(ex, FILTERS_REQUEST_BODY))
        exchange_begin_request_body(ex);
    verdict = exchange_filter_request_body(ex);
    if (verdict != FILTER_NEXT || exchange_keeps_request(ex))
        return exchange_take_verdict(ex, verdict == FILTER_NEXT ? FILTER_WAIT : verdict, STEP_pick);
    exchange_prepare_request(ex);
    exchange_copy_request(ex);
    ex->step = STEP_pick;
    return GO;
}

static enum progress step_pick(struct exchange *ex)
{
    return exchange_step_pick(ex);
}

static enum progress step_send(struct exchange *ex)
{
    return exchange_step_send(ex);
}

static enum progress step_await(struct exchange *ex)
{
    return exchange_step_await(ex);
}

static enum progress step_backoff(struct exchange *ex)
{
    return exchange_step_backoff(ex);
}

static enum progress step_respond(struct exchange *ex)
{
    if (ex->session->info.direction == DIRECTION_INGRESS && exchange_hide_reason(ex))
        return GO;
    enum filter_verdict verdict = exchange_answer_chain(ex);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, verdict, STEP_relay);
    exchange_prepare_response(ex);
    if (has(ex, IS_SWITCHED)) {
        exchange_switch_deadlines(ex);
        exchange_end_bodies(ex);
    }
    exchange_begin_response_body(ex);
    verdict = exchange_filter_response_body(ex);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, FILTER_RESET, STEP_relay);
    bool is_empty = exchange_response_ended(ex) && buf_is_empty(&ex->response_body) &&
                    !ex->response_trailers && !has(ex, IS_SWITCHED);
    ex->got |= SENT_RESPONSE_HEAD | (is_empty ? SENT_RESPONSE_END : 0);
    http_stream_send_head(&ex->down, ex->response, is_empty);
    ex->step = STEP_relay;
    return GO;
}

/* The upstream broke off in the middle of its answer: the client must not take what it has for the
 * whole. */
static enum progress cut_response(struct exchange *ex, enum fail why)
{
    bool is_timeout = why == FAIL_REQUEST_TIMEOUT || why == FAIL_IDLE_TIMEOUT;
    if ((is_timeout && exchange_waits_for_endpoint(ex)) || ex->up.error == ERR_TIMEOUT)
        upstream_request_failed(&ex->up);
    ex->fail = why;
    ex->detail = slice_from_cstr(err_text(ex->up.error));
    if (http_stream_is_live(&ex->down))
        http_stream_reset(&ex->down, ERR_RESET);
    ex->step = STEP_finish;
    return GO;
}

static enum progress step_relay(struct exchange *ex)
{
    enum filter_verdict verdict = exchange_filter_request_body(ex);
    if (verdict == FILTER_NEXT)
        verdict = exchange_filter_response_body(ex);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, FILTER_RESET, STEP_relay);
    exchange_pump_request(ex);
    exchange_pump_response(ex);
    if (has(ex, SENT_RESPONSE_END)) {
        ex->step = STEP_flush;
        return GO;
    }
    if (has(ex, GOT_UP_ABORT) && !has(ex, GOT_RESPONSE_END))
        return cut_response(ex, ex->up.error == ERR_PROTOCOL       ? FAIL_UPSTREAM_PROTOCOL
                                : ex->up.error == ERR_LARGE_FIELDS ? FAIL_UPSTREAM_TOO_LARGE
                                                                   : FAIL_UPSTREAM_RESET);
    if (has(ex, GOT_REQUEST_TIMEOUT | GOT_ATTEMPT_TIMEOUT))
        return cut_response(ex, has(ex, IS_SWITCHED) ? FAIL_TUNNEL_TIMEOUT : FAIL_REQUEST_TIMEOUT);
    if (has(ex, GOT_IDLE_TIMEOUT))
        return cut_response(ex, FAIL_IDLE_TIMEOUT);
    return PARK;
}

static enum progress step_reply(struct exchange *ex)
{
    return exchange_step_reply(ex);
}

/* The whole answer is on its way. What is left of the request is not wanted any more (RFC 9112
 * §9.5), except on a switched connection, where the two directions end on their own. */
static enum progress step_flush(struct exchange *ex)
{
    bool is_late = has(ex, GOT_IDLE_TIMEOUT) ||
                   (has(ex, IS_SWITCHED) && has(ex, GOT_REQUEST_TIMEOUT));
    if (has(ex, IS_SWITCHED) && !has(ex, SENT_REQUEST_END) && !has(ex, GOT_UP_ABORT)) {
        exchange_pump_request(ex);
        if (!has(ex, SENT_REQUEST_END) && !is_late)
            return PARK;
    }
    if (has(ex, IS_SWITCHED) && http_stream_is_live(&ex->up.stream) && !is_late)
        return PARK; /* the last bytes are on their way to the app */
    exchange_cut_upstream(ex);
    if (http_stream_is_live(&ex->down)) {
        /* The codec says when an ended request has its whole answer. */
        if (has(ex, GOT_REQUEST_END) && !is_late)
            return PARK;
        http_stream_reset(&ex->down, is_late ? ERR_TIMEOUT : ERR_OK);
    }
    ex->step = STEP_finish;
    return GO;
}

static void destroy_buried(struct loop_task *task)
{
    struct exchange *ex = container_of(task, struct exchange, grave);
    arena_dispose(&ex->arena);
    ex->magic = 0;
    mem_free(ex);
}

static enum progress step_finish(struct exchange *ex)
{
    if (has(ex, GOT_DOWN_ABORT) && ex->fail == FAIL_NONE && !has(ex, SENT_RESPONSE_END))
        ex->fail = FAIL_DOWNSTREAM_GONE;
    exchange_cut_upstream(ex);
    if (http_stream_is_live(&ex->down))
        http_stream_reset(&ex->down, ERR_CANCELED);
    exchange_end_chain(ex);
    exchange_cancel_calls(ex);
    mirror_let_go(&ex->copies);
    exchange_report(ex);
    upstream_request_end(&ex->up);
    timer_stop(&ex->timer);
    buf_dispose(&ex->request_body);
    buf_dispose(&ex->response_body);
    buf_dispose(&ex->request_in);
    buf_dispose(&ex->response_in);
    buf_dispose(&ex->replay);
    buf_dispose(&ex->down.out);
    list_unlink(&ex->node);
    list_unlink(&ex->runnable); /* letting go may have woken it once more */
    lease_unpin(ex->lease);
    ex->worker->exchange_count--;
    loop_bury(ex->worker->loop, &ex->grave);
    session_exchange_ended(ex->session);
    return DONE;
}

static enum progress (*const steps[STEP_COUNT])(struct exchange *) = {
#define X(name) [STEP_##name] = step_##name,
    EXCHANGE_STEPS(X)
#undef X
};

void exchange_run(struct list *runnable_node)
{
    struct exchange *ex = container_of(runnable_node, struct exchange, runnable);
    enum progress progress;
    do {
        /* Nobody is left to answer; a step may be what found it out. */
        if (has(ex, GOT_DOWN_ABORT))
            ex->step = STEP_finish;
        progress = steps[ex->step](ex);
    } while (progress == GO);
}

struct http_stream *exchange_create(struct session *s)
{
    struct worker *w = s->worker;
    struct exchange *ex = mem_zalloc(sizeof(*ex));
    ex->magic = EXCHANGE_MAGIC;
    ex->session = s;
    ex->worker = w;
    ex->lease = lease_pin(w->lease);
    arena_init(&ex->arena, ARENA_BLOCK);
    list_init(&ex->runnable);
    list_init(&ex->copies);
    list_init(&ex->calls);
    list_link_last(&s->exchanges, &ex->node);
    loop_task_init(&ex->grave, destroy_buried);
    timer_init(&ex->timer, w->loop, exchange_on_timer);
    upstream_request_init(&ex->up, &exchange_up_events, ex, &ex->arena, exchange_on_connection);
    ex->start_ns = loop_now_ns(w->loop);
    ex->down.events = &exchange_down_events;
    ex->down.owner = ex;
    ex->down.arena = &ex->arena;
    w->exchange_count++;
    return &ex->down;
}

void exchange_wake(struct exchange *ex)
{
    worker_wake(ex->worker, &ex->runnable);
}
