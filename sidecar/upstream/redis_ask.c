/* From one try to the next. A try that got no answer may have had its effect: a question that is
 * asked again is counted twice at worst, which errs on the side of the limit. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/redis_ask.h"

#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/outlier.h"
#include "sidecar/worker/worker.h"

static struct worker *worker_of(const struct redis_ask *a)
{
    return a->up.cluster->worker;
}

static void set_result(struct redis_ask *a, enum fail why, struct slice detail)
{
    a->why = why;
    a->detail = detail.len ? arena_copy(a->arena, detail) : (struct slice){0};
}

/* ---- the end ---- */

static void release(struct redis_ask *a)
{
    redis_link_forget(&a->wait);
    timer_stop(&a->timer);
    loop_task_cancel(&a->turn);
    upstream_request_end(&a->up);
}

static void count(const struct redis_ask *a)
{
    struct worker *w = worker_of(a);
    metrics_add(w->metrics, METRICS_REDIS_REQUESTS, 1);
    metrics_add(w->metrics, METRICS_REDIS_FAILURES, a->why != FAIL_NONE);
    metrics_add(w->metrics, METRICS_REDIS_MICROSECONDS,
                (loop_now_ns(w->loop) - a->began_ns) / 1000);
}

static void finish(struct redis_ask *a)
{
    count(a);
    release(a);
    a->on_over(a);
}

/* ---- one try ---- */

/* How long this one may take: all the time that is left, or half of it where somebody else could
 * answer. */
static void arm(struct redis_ask *a)
{
    uint64_t now = loop_now_ms(worker_of(a)->loop);
    uint64_t left = a->deadline_ms > now ? a->deadline_ms - now : 0;
    bool has_others = a->up.cluster->endpoint_count > a->up.tried_count + 1;
    timer_start(&a->timer, has_others && a->tries < REDIS_TRIES_MAX ? (left + 1) / 2 : left);
}

static enum fail send_to(struct redis_ask *a, struct endpoint *e)
{
    a->link = redis_room_link(e, a->asked->server);
    enum fail why = redis_link_send(a->link, &a->wait, a->asked, a->has_source);
    if (why != FAIL_NONE)
        set_result(a, why, slice_from_cstr(why == FAIL_OVERFLOW ? "" : a->link->detail));
    return why;
}

/* Those that fail at once cost no time, so the next one is asked at once. */
static bool try_once_more(struct redis_ask *a)
{
    while (a->tries++ < REDIS_TRIES_MAX) {
        struct endpoint *e =
            balancer_pick_by_key(a->up.cluster, a->key, a->up.tried, a->up.tried_count);
        enum fail why = upstream_request_take(&a->up, e);
        if (why != FAIL_NONE) {
            set_result(a, why, a->up.cluster->conf->service);
            return false;
        }
        if (send_to(a, e) == FAIL_NONE) {
            arm(a);
            return true;
        }
        upstream_request_abandon(&a->up);
    }
    return false;
}

static void failed(struct redis_ask *a, enum fail why, struct slice detail)
{
    set_result(a, why, detail);
    if (why != FAIL_OVERFLOW)
        upstream_request_failed(&a->up, why);
    upstream_request_abandon(&a->up);
}

static void go_on(struct redis_ask *a)
{
    if (!try_once_more(a))
        finish(a);
}

/* ---- what happens to it ---- */

/* Nothing was done, and another server may do it. */
static bool is_elsewhere(const struct resp_value *v)
{
    static const char *const codes[] = {"READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN",
                                        "NOREPLICAS"};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
        if (resp_value_is_error(v, codes[i]))
            return true;
    return false;
}

static void on_reply(struct redis_wait *w, const struct resp_value *v)
{
    struct redis_ask *a = container_of(w, struct redis_ask, wait);
    outlier_success(a->up.endpoint);
    if (resp_value_is_error(v, "NOSCRIPT") && a->asked->script && !a->has_source) {
        a->has_source = true;
        if (send_to(a, a->up.endpoint) == FAIL_NONE)
            return;
    } else if (is_elsewhere(v)) {
        redis_link_is_replica(a->link, v->text);
        set_result(a, FAIL_REDIS_REFUSED, v->text);
        upstream_request_abandon(&a->up);
        go_on(a);
        return;
    } else if (v->type == RESP_ERROR) {
        redis_link_note(a->link, v->text);
        set_result(a, FAIL_REDIS_REFUSED, v->text);
    } else {
        redis_link_note(a->link, SLICE(""));
        a->reply = resp_value_copy(a->arena, v);
        set_result(a, FAIL_NONE, (struct slice){0});
    }
    finish(a);
}

/* The link is in the middle of telling everybody: the next try comes later in this turn. */
static void on_lost(struct redis_wait *w, enum fail why, const char *detail)
{
    struct redis_ask *a = container_of(w, struct redis_ask, wait);
    timer_stop(&a->timer);
    failed(a, why, slice_from_cstr(detail));
    loop_run_soon(worker_of(a)->loop, &a->turn);
}

static void on_turn(struct loop_task *task)
{
    go_on(container_of(task, struct redis_ask, turn));
}

static void on_timer(struct timer *t)
{
    struct redis_ask *a = container_of(t, struct redis_ask, timer);
    struct endpoint *e = a->up.endpoint;
    uint64_t sent_ms = a->wait.sent_ms;
    redis_link_forget(&a->wait);
    endpoint_hold(e);
    failed(a, FAIL_ATTEMPT_TIMEOUT, (struct slice){0});
    redis_link_suspect(a->link, sent_ms);
    endpoint_release(e);
    if (loop_now_ms(worker_of(a)->loop) >= a->deadline_ms)
        finish(a);
    else
        go_on(a);
}

/* ---- beginning ---- */

static uint64_t key_of(const struct filter_redis *asked)
{
    uint32_t at = asked->script ? 0 : 1;
    return at < asked->word_count ? slice_hash(asked->words[at]) : 0;
}

bool redis_ask_begin(struct redis_ask *a, struct cluster *cluster, const struct filter_redis *asked,
                     struct arena *arena, void (*on_over)(struct redis_ask *a))
{
    struct loop *loop = cluster->worker->loop;
    a->asked = asked;
    a->arena = arena;
    a->on_over = on_over;
    a->wait.on_reply = on_reply;
    a->wait.on_lost = on_lost;
    a->key = key_of(asked);
    a->began_ns = loop_now_ns(loop);
    a->deadline_ms = loop_now_ms(loop) + asked->server->timeout_ms;
    timer_init(&a->timer, loop, on_timer);
    loop_task_init(&a->turn, on_turn);
    upstream_request_init(&a->up, NULL, NULL, arena, NULL);
    upstream_request_begin(&a->up, cluster);
    if (try_once_more(a))
        return true;
    count(a);
    release(a);
    return false;
}

void redis_ask_cancel(struct redis_ask *a)
{
    if (a->up.cluster)
        release(a);
}
