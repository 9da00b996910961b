/* Who is asked when, and from checks in a row to healthy and unhealthy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/health_checker.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/health_ask.h"
#include "sidecar/worker/worker.h"

/* The first question to each, so that not all data planes ask in the same moment. */
#define FIRST_MS 1000

struct health_checker {
    struct cluster *cluster;
    struct list probes;
};

/* Of one endpoint. */
struct probe {
    struct list node;
    struct health_checker *of;
    struct endpoint *endpoint;
    struct health_ask ask;
    struct timer next; /* runs while nothing is asked */
    uint32_t in_a_row; /* checks that spoke for the other state */
    struct loop_task grave;
};

static void set_unhealthy(const struct endpoint *e, bool is)
{
    atomic_store_explicit(&e->conf->health->is_unhealthy, is, memory_order_relaxed);
}

bool health_checker_is_for(const struct worker *w, const struct cluster_conf *conf)
{
    return conf->health_check && w->index == 0;
}

/* ---- what the answers come to ---- */

static void report(const struct probe *p, struct slice why)
{
    const struct endpoint *e = p->endpoint;
    if (endpoint_is_unhealthy(e))
        LOG_W("health", "%.*s of %.*s is unhealthy: %u checks in a row have failed, the last one "
              "because %.*s", SLICE_ARG(e->conf->address_text), SLICE_ARG(e->cluster->conf->name),
              p->in_a_row, SLICE_ARG(why));
    else
        LOG_I("health", "%.*s of %.*s is healthy again: %u checks in a row have passed",
              SLICE_ARG(e->conf->address_text), SLICE_ARG(e->cluster->conf->name), p->in_a_row);
}

static void take(struct probe *p, bool has_passed, struct slice why)
{
    const struct health_check_conf *conf = p->of->cluster->conf->health_check;
    bool is = endpoint_is_unhealthy(p->endpoint);
    p->in_a_row = has_passed == is ? p->in_a_row + 1 : 0;
    if (p->in_a_row < (is ? conf->healthy_threshold : conf->unhealthy_threshold))
        return;
    set_unhealthy(p->endpoint, !is);
    report(p, why);
    p->in_a_row = 0;
}

static uint32_t interval_ms(const struct probe *p)
{
    const struct health_check_conf *conf = p->of->cluster->conf->health_check;
    return endpoint_is_unhealthy(p->endpoint) ? conf->unhealthy_interval_ms : conf->interval_ms;
}

static void wait_for_next(struct probe *p)
{
    uint32_t pause = interval_ms(p), fifth = pause / 5;
    struct worker *w = p->of->cluster->worker;
    timer_start(&p->next, pause - fifth / 2 + rand_below(&w->rand, fifth + 1));
}

static void on_done(struct health_ask *a, enum health_result result, struct slice why)
{
    struct probe *p = container_of(a, struct probe, ask);
    struct metrics_shard *m = p->of->cluster->worker->metrics;
    if (!p->of->cluster->conf->health_check)
        return; /* it is about to end */
    if (result != HEALTH_UNKNOWN) {
        metrics_add(m, METRICS_HEALTH_CHECKS, 1);
        metrics_add(m, METRICS_HEALTH_CHECKS_FAILED, result == HEALTH_FAILED);
        take(p, result == HEALTH_PASSED, why);
    }
    wait_for_next(p);
}

static void on_next(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, next);
    health_ask_start(&p->ask, p->endpoint);
}

/* ---- life ---- */

static void destroy_buried(struct loop_task *task)
{
    struct probe *p = container_of(task, struct probe, grave);
    health_ask_dispose(&p->ask);
    mem_free(p);
}

static void end_probe(struct probe *p)
{
    timer_stop(&p->next);
    list_unlink(&p->node);
    health_ask_cancel(&p->ask);
    loop_bury(p->of->cluster->worker->loop, &p->grave);
}

static struct probe *probe_of(struct list *node)
{
    return container_of(node, struct probe, node);
}

static void begin_probe(struct health_checker *h, struct endpoint *e)
{
    struct worker *w = h->cluster->worker;
    struct probe *p = mem_zalloc(sizeof(*p));
    uint32_t interval = h->cluster->conf->health_check->interval_ms;
    p->of = h;
    p->endpoint = e;
    p->ask.done = on_done;
    health_ask_init(&p->ask, w->loop);
    timer_init(&p->next, w->loop, on_next);
    loop_task_init(&p->grave, destroy_buried);
    list_link_last(&h->probes, &p->node);
    timer_start(&p->next, rand_below(&w->rand, interval < FIRST_MS ? interval : FIRST_MS));
}

static struct probe *find(struct health_checker *h, const struct endpoint *e)
{
    LIST_FOREACH(node, &h->probes)
    {
        if (probe_of(node)->endpoint == e)
            return probe_of(node);
    }
    return NULL;
}

void health_checker_forget(struct health_checker *h, const struct endpoint *e)
{
    struct probe *p = h ? find(h, e) : NULL;
    if (p)
        end_probe(p);
}

void health_checker_stop(struct health_checker **h)
{
    if (!*h)
        return;
    LIST_FOREACH_SAFE(node, next, &(*h)->probes)
    end_probe(probe_of(node));
    mem_free(*h);
    *h = NULL;
}

/* Who is not asked is not unhealthy. */
static void forgive_all(const struct cluster *c)
{
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        set_unhealthy(c->endpoints[i], false);
}

static void meet(struct health_checker *h, struct endpoint *e)
{
    struct probe *p = find(h, e);
    if (!p)
        begin_probe(h, e);
    else if (timer_is_running(&p->next) &&
             p->next.due_ms > loop_now_ms(h->cluster->worker->loop) + interval_ms(p))
        wait_for_next(p); /* the interval is shorter now */
}

void health_checker_adopt(struct health_checker **h, struct cluster *c)
{
    if (!health_checker_is_for(c->worker, c->conf)) {
        if (*h)
            forgive_all(c);
        health_checker_stop(h);
        return;
    }
    if (!*h) {
        *h = mem_zalloc(sizeof(**h));
        (*h)->cluster = c;
        list_init(&(*h)->probes);
    }
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        meet(*h, c->endpoints[i]);
}
