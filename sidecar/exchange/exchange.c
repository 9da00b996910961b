/* One request and its answer, from the client's first byte to the last. Runs on one worker; parks
 * instead of blocking. A step decides what happens next; everything else only records facts and
 * wakes. Nothing here knows the HTTP version of either side.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/exchange/exchange_priv.h"

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/codec/http/normalize.h"
#include "lib/codec/http/preflight.h"
#include "sidecar/exchange/exchange_run.h"
#include "sidecar/exchange/mirror.h"
#include "filters/authz.h"
#include "sidecar/config/route/route_hosts.h"
#include "sidecar/config/route/route_table.h"
#include "sidecar/session/side.h"

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
        ex->step = has(ex, SENT_RESPONSE_HEAD) ? STEP_finish
                   : exchange_is_kept(ex)      ? STEP_respond
                                               : STEP_reply;
        return GO;
    case FILTER_RESET:
        ex->fail = ex->fail == FAIL_NONE ? FAIL_INTERNAL : ex->fail;
        ex->step = STEP_finish;
        return GO;
    }
    return DONE;
}

enum progress exchange_fail(struct exchange *ex, enum fail why, struct slice detail)
{
    exchange_reply_fail(ex, why, detail);
    ex->step = STEP_reply;
    return GO;
}

/* ---- may it be here, and where does it go ---- */

enum progress exchange_step_admit(struct exchange *ex)
{
    struct slice odd_name = {0}, detail = {0};
    if (!has(ex, GOT_REQUEST_HEAD))
        return PARK;
    exchange_listener_adopt(ex);
    exchange_arm_timer(ex);
    ex->came_in = ex->app_version = ex->request->version;
    bool good = exchange_sift_head(ex, &odd_name);
    enum fail why = ex->session->side->receive(ex, &detail);
    if (why != FAIL_NONE)
        return exchange_fail(ex, why, detail);
    if (!good)
        return exchange_fail(ex, FAIL_BAD_REQUEST, odd_name);
    struct slice path = message_path_only(ex->request);
    ex->match_path =
        path.len ? normalize_path_readings(&ex->arena, path, &ex->other_paths) : SLICE("/");
    if (slice_is_empty(ex->match_path))
        return exchange_fail(ex, FAIL_BAD_REQUEST, SLICE("the path is ambiguous"));
    return exchange_listener_admit(ex);
}

/* A preflight that a route of the gateway answers: no app ever sees it, and it has no credentials
 * by which it could be judged. */
static bool is_preflight(const struct exchange *ex)
{
    struct preflight preflight;
    if (!ex->session->side->faces_strangers || !preflight_read(&preflight, ex->request))
        return false;
    const struct route_conf *route = exchange_find_route(ex);
    return route && route->has_cors;
}

struct side_guard exchange_guard(const struct exchange *ex)
{
    const struct side *side = ex->session->side;
    return side->guard ? side->guard(ex) : (struct side_guard){0};
}

enum progress exchange_step_guard(struct exchange *ex)
{
    struct side_guard guard = exchange_guard(ex);
    struct slice why;
    if (guard.authz && !exchange_check_names(ex, &guard.authz->headers, &why))
        return exchange_fail(ex, FAIL_BAD_REQUEST, why);
    if (is_preflight(ex)) {
        ex->step = STEP_route;
        return GO;
    }
    return exchange_take_verdict(ex, exchange_enter_chain(ex, guard.chain), STEP_route);
}

void exchange_use_cluster(struct exchange *ex, struct cluster *cluster)
{
    upstream_request_begin(&ex->up, cluster);
    retry_budget_request(&cluster->usage->budget, loop_now_ms(ex->worker->loop));
}

void exchange_choose_backend(struct exchange *ex)
{
    if (!ex->route->backend_count)
        return;
    if (ex->route->persistence)
        ex->backend = exchange_persistent_backend(ex);
    if (!ex->backend)
        ex->backend = route_pick_backend(ex->route, (uint32_t)rand_next(&ex->worker->rand));
    if (ex->backend && ex->backend->cluster)
        exchange_use_cluster(ex, cluster_of(&ex->worker->clusters, ex->backend->cluster));
}

enum fail exchange_find_in_table(struct exchange *ex, const struct route_table *table,
                                 struct slice *detail)
{
    if (!exchange_check_names(ex, table->headers, detail))
        return FAIL_BAD_REQUEST;
    ex->route = route_table_find(table, ex->request, ex->match_path, exchange_claims(ex));
    return ex->route ? FAIL_NONE : FAIL_NO_ROUTE;
}

const struct route_conf *exchange_find_route(const struct exchange *ex)
{
    const struct side *side = ex->session->side;
    return ex->route || !side->foresee_route ? ex->route : side->foresee_route(ex);
}

/* Who may not call is not told which routes there are: what the guard left undecided goes first. */
static enum progress refuse_unrouted(struct exchange *ex, enum fail why, struct slice detail)
{
    enum filter_verdict verdict = exchange_enter_chain(ex, exchange_guard(ex).late);
    return verdict == FILTER_NEXT ? exchange_fail(ex, why, detail)
                                  : exchange_take_verdict(ex, verdict, STEP_route);
}

enum progress exchange_step_route(struct exchange *ex)
{
    struct slice detail = {0};
    enum fail why = ex->session->side->route(ex, &detail);
    if (why != FAIL_NONE)
        return refuse_unrouted(ex, why, detail);
    if (ex->route->timeouts.request_ms)
        ex->request_deadline_ms = loop_now_ms(ex->worker->loop) + ex->route->timeouts.request_ms;
    exchange_arm_timer(ex);
    /* Until the first byte of an answer, a bodyless request or a short body can be sent again. */
    ex->got |= IS_REPLAYABLE;
    ex->step = STEP_filter;
    return GO;
}

static enum http_version version_for(const struct exchange *ex, const struct cluster_conf *to)
{
    const struct side *side = ex->session->side;
    return side->version_for ? side->version_for(ex, to) : exchange_version_for(ex, to);
}

/* ---- mirrors: what becomes of a copy mirror.c knows, and nothing here waits for it ---- */

static bool is_hit(struct exchange *ex, const struct mirror_conf *m)
{
    return m->cluster && (m->numerator == m->denominator ||
                          rand_below(&ex->worker->rand, m->denominator) < m->numerator);
}

static void open_copies(struct exchange *ex, const struct mirror_conf *mirrors, uint16_t count)
{
    for (uint16_t i = 0; i < count; i++) {
        if (!is_hit(ex, &mirrors[i]))
            continue;
        struct cluster *to = cluster_of(&ex->worker->clusters, mirrors[i].cluster);
        mirror_open(to, ex->request, version_for(ex, to->conf), &ex->client.client, ex->up.client,
                    &ex->copies);
    }
}

static void copy_request(struct exchange *ex)
{
    /* Nobody would be there to speak for the client on a switched connection. */
    if (message_may_switch(ex->request))
        return;
    if (!ex->route->mirror_count && !(ex->backend && ex->backend->mirror_count))
        return;
    open_copies(ex, ex->route->mirrors, ex->route->mirror_count);
    if (ex->backend)
        open_copies(ex, ex->backend->mirrors, ex->backend->mirror_count);
    if (list_is_empty(&ex->copies))
        return;
    mirror_give_buf(&ex->copies, &ex->request_body);
    if (exchange_request_ended(ex))
        mirror_give_end(&ex->copies, ex->request_trailers);
}

/* ---- on its way ---- */

enum progress exchange_step_filter(struct exchange *ex)
{
    enum filter_verdict verdict = exchange_enter_chain(ex, ex->route->chain);
    if (verdict == FILTER_NEXT && ex->backend)
        verdict = exchange_enter_chain(ex, ex->backend->chain);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, verdict, STEP_pick);
    if (!ex->up.cluster)
        return exchange_fail(ex, FAIL_NO_CLUSTER, ex->route->name);
    exchange_begin_request_body(ex);
    verdict = exchange_filter_request_body(ex);
    if (verdict != FILTER_NEXT || exchange_keeps_request(ex))
        return exchange_take_verdict(ex, verdict == FILTER_NEXT ? FILTER_WAIT : verdict, STEP_pick);
    ex->app_version = version_for(ex, ex->up.cluster->conf);
    copy_request(ex);
    ex->step = STEP_pick;
    return GO;
}

enum progress exchange_step_respond(struct exchange *ex)
{
    if (ex->session->side->faces_strangers && exchange_hide_reason(ex))
        return GO;
    enum filter_verdict verdict = exchange_answer_chain(ex);
    if (verdict == FILTER_WAIT)
        return exchange_response_waits(ex);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, verdict, STEP_relay);
    exchange_prepare_response(ex);
    if (has(ex, IS_SWITCHED)) {
        exchange_switch_deadlines(ex);
        exchange_end_bodies(ex);
    }
    exchange_begin_response_body(ex);
    verdict = exchange_filter_response_body(ex);
    if (verdict != FILTER_NEXT) /* with an answer: its head can still be sent */
        return exchange_take_verdict(ex, has(ex, IS_REPLY) ? FILTER_REPLY : FILTER_RESET,
                                     STEP_relay);
    bool is_empty = exchange_response_ended(ex) && buf_is_empty(&ex->response_body) &&
                    !ex->view.response_trailers && !has(ex, IS_SWITCHED);
    ex->got |= SENT_RESPONSE_HEAD | (is_empty ? SENT_RESPONSE_END : 0);
    if (ex->held)
        exchange_listener_sign(ex);
    http_stream_send_head(&ex->down, ex->response, is_empty);
    ex->step = STEP_relay;
    return GO;
}

enum fail exchange_why_cut(const struct exchange *ex)
{
    return ex->up.error == ERR_PROTOCOL       ? FAIL_UPSTREAM_PROTOCOL
           : ex->up.error == ERR_LARGE_FIELDS ? FAIL_UPSTREAM_TOO_LARGE
                                              : FAIL_UPSTREAM_RESET;
}

/* The upstream broke off in the middle of its answer: the client must not take what it has for the
 * whole. */
static enum progress cut_response(struct exchange *ex, enum fail why)
{
    bool is_timeout = why == FAIL_REQUEST_TIMEOUT || why == FAIL_IDLE_TIMEOUT;
    if ((is_timeout && exchange_waits_for_endpoint(ex)) || ex->up.error == ERR_TIMEOUT)
        upstream_request_failed(&ex->up, is_timeout ? why : FAIL_IDLE_TIMEOUT);
    ex->fail = why;
    ex->detail = slice_from_cstr(err_text(ex->up.error));
    if (http_stream_is_live(&ex->down))
        http_stream_reset(&ex->down, ERR_RESET);
    ex->step = STEP_finish;
    return GO;
}

static void pump_response(struct exchange *ex)
{
    bool ended = exchange_response_ended(ex);
    size_t len = ex->response_body.len;
    if (has(ex, SENT_RESPONSE_END) || (!len && !ended))
        return;
    if (exchange_is_kept(ex))
        exchange_pump_kept(ex);
    else if (http_stream_pump(&ex->down, &ex->response_body, ended, ex->view.response_trailers))
        ex->got |= SENT_RESPONSE_END;
    exchange_response_was_sent(ex, len - ex->response_body.len);
}

enum progress exchange_step_relay(struct exchange *ex)
{
    enum filter_verdict verdict = exchange_filter_request_body(ex);
    if (verdict == FILTER_NEXT)
        verdict = exchange_filter_response_body(ex);
    if (verdict != FILTER_NEXT)
        return exchange_take_verdict(ex, FILTER_RESET, STEP_relay);
    exchange_pump_request(ex);
    pump_response(ex);
    if (has(ex, SENT_RESPONSE_END)) {
        ex->step = STEP_flush;
        return GO;
    }
    if (has(ex, GOT_UP_ABORT) && !has(ex, GOT_RESPONSE_END))
        return cut_response(ex, exchange_why_cut(ex));
    if (has(ex, GOT_REQUEST_TIMEOUT | GOT_ATTEMPT_TIMEOUT))
        return cut_response(ex, has(ex, IS_SWITCHED) ? FAIL_TUNNEL_TIMEOUT : FAIL_REQUEST_TIMEOUT);
    if (has(ex, GOT_IDLE_TIMEOUT))
        return cut_response(ex, FAIL_IDLE_TIMEOUT);
    return PARK;
}

/* The whole answer is on its way. What is left of the request is not wanted any more (RFC 9112
 * §9.5), except on a switched connection, where the two directions end on their own. */
enum progress exchange_step_flush(struct exchange *ex)
{
    bool is_late =
        has(ex, GOT_IDLE_TIMEOUT) || (has(ex, IS_SWITCHED) && has(ex, GOT_REQUEST_TIMEOUT));
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

/* ---- life ---- */

static void destroy_buried(struct loop_task *task)
{
    struct exchange *ex = container_of(task, struct exchange, grave);
    arena_dispose(&ex->arena);
    ex->magic = 0;
    mem_free(ex);
}

enum progress exchange_step_finish(struct exchange *ex)
{
    if (has(ex, GOT_DOWN_ABORT) && ex->fail == FAIL_NONE && !has(ex, SENT_RESPONSE_END))
        ex->fail = FAIL_DOWNSTREAM_GONE;
    exchange_cut_upstream(ex);
    if (http_stream_is_live(&ex->down))
        http_stream_reset(&ex->down, ERR_CANCELED);
    exchange_end_chain(ex);
    exchange_cancel_calls(ex);
    exchange_await(ex, NULL);
    exchange_let_work_go(ex);
    exchange_cancel_redis(ex);
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

/* One step, chosen by name, so that the compiler sees the road. */
static enum progress take_step(struct exchange *ex)
{
    switch (ex->step) {
#define X(name)       \
    case STEP_##name: \
        return exchange_step_##name(ex);
        EXCHANGE_STEPS(X)
#undef X
    case STEP_COUNT:
        break;
    }
    return DONE;
}

/* The client does not send its body as its listener wants it. Once the answer has begun it can only
 * be broken off; what is on its way to its end ends so. */
static void refuse_body(struct exchange *ex)
{
    enum fail why = has(ex, GOT_BODY_TOO_LARGE) ? FAIL_REQUEST_TOO_LARGE : FAIL_BODY_TIMEOUT;
    ex->got &= ~(uint32_t)(GOT_BODY_TOO_LARGE | GOT_BODY_TIMEOUT);
    if (ex->step == STEP_relay) {
        (void)cut_response(ex, why);
        ex->detail = (struct slice){0};
    } else if (ex->step < STEP_relay) {
        (void)exchange_fail(ex, why, (struct slice){0});
    }
}

void exchange_run(struct list *runnable_node)
{
    struct exchange *ex = container_of(runnable_node, struct exchange, runnable);
    enum progress progress;
    do {
        /* Nobody is left to answer; a step may be what found it out. */
        if (has(ex, GOT_DOWN_ABORT))
            ex->step = STEP_finish;
        if (has(ex, GOT_BODY_TOO_LARGE | GOT_BODY_TIMEOUT) && ex->step != STEP_admit)
            refuse_body(ex);
        progress = take_step(ex);
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
    list_init(&ex->awaiting);
    list_init(&ex->copies);
    list_init(&ex->calls);
    list_init(&ex->works);
    list_init(&ex->asks);
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
