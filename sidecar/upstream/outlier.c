/* From consecutive failures, or those within a time, to ejection, for a time that doubles with each
 * ejection in a row. Worker thread; what it writes is shared by all workers and atomic.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/outlier.h"

#include "lib/io/loop.h"
#include "sidecar/upstream/cluster.h"
#include "sidecar/worker/worker.h"

static uint64_t load64(const _Atomic uint64_t *v)
{
    return atomic_load_explicit(v, memory_order_relaxed);
}

bool outlier_is_ejected(const struct endpoint_health *h, uint64_t now_ms)
{
    return load64(&h->ejected_until_ms) > now_ms;
}

bool outlier_is_healthy(const struct endpoint_health *h, uint64_t now_ms)
{
    return !atomic_load_explicit(&h->is_unhealthy, memory_order_relaxed) &&
           !outlier_is_ejected(h, now_ms);
}

static uint32_t count_of(struct endpoint_health *h, enum outlier_kind kind)
{
    return atomic_load_explicit(&h->failures[kind], memory_order_relaxed);
}

/* Read first: in the steady state the shared line is never written. */
static void clear(struct endpoint_health *h)
{
    uint32_t any = count_of(h, OUTLIER_ANY) | count_of(h, OUTLIER_HTTP) |
                   count_of(h, OUTLIER_TCP) | count_of(h, OUTLIER_TIMEOUT);
    _Static_assert(OUTLIER_KIND_COUNT == 4, "each kind is looked at");
    if (!any)
        return;
    for (unsigned kind = 0; kind < OUTLIER_KIND_COUNT; kind++)
        atomic_store_explicit(&h->failures[kind], 0, memory_order_relaxed);
}

/* One good answer less to give. Of two workers that see one at once, both may count as one. */
static bool owes_more(struct endpoint_health *h)
{
    uint32_t owes = atomic_load_explicit(&h->owes, memory_order_relaxed);
    if (owes)
        atomic_store_explicit(&h->owes, owes - 1, memory_order_relaxed);
    return owes > 1;
}

void outlier_success(struct endpoint *e)
{
    struct endpoint_health *h = e->conf->health;
    if (!e->cluster->conf->outlier.window_ms)
        clear(h);
    if (atomic_load_explicit(&h->ejections, memory_order_relaxed) && load64(&h->ejected_until_ms) &&
        !outlier_is_ejected(h, loop_now_ms(e->cluster->worker->loop)) && !owes_more(h))
        atomic_store_explicit(&h->ejections, 0, memory_order_relaxed);
}

enum outlier_kind outlier_kind_of(enum fail why)
{
    switch (why) {
    case FAIL_NONE:
        return OUTLIER_HTTP;
    case FAIL_CONNECT_TIMEOUT:
    case FAIL_REQUEST_TIMEOUT:
    case FAIL_ATTEMPT_TIMEOUT:
    case FAIL_IDLE_TIMEOUT:
        return OUTLIER_TIMEOUT;
    default:
        return OUTLIER_TCP;
    }
}

bool outlier_is_failure(const struct outlier_conf *conf, unsigned status)
{
    if (!conf->status_count)
        return status == 500 || status == 502 || status == 503 || status == 504;
    for (uint32_t i = 0; i < conf->status_count; i++)
        if (conf->statuses[i] == status)
            return true;
    return false;
}

static bool may_eject(const struct cluster *c, const struct endpoint *victim, uint64_t now_ms)
{
    uint32_t ready = 0, ejected = 0;
    for (uint32_t i = 0; i < c->endpoint_count; i++) {
        const struct endpoint *e = c->endpoints[i];
        if (!e->conf->ready)
            continue;
        ready++;
        ejected += e != victim && !outlier_is_healthy(e->conf->health, now_ms);
    }
    if (ready <= ejected + 1)
        return false;
    /* At least one may always go, or the share would forbid every ejection in a small cluster. */
    return ejected == 0 || (ejected + 1) * 100 <= ready * c->conf->outlier.max_ejection_percent;
}

/* The first failure begins a window, and the first behind it the next. Of two workers that begin
 * one at once, one failure more or less may count. */
static void enter_window(struct endpoint_health *h, uint32_t window_ms, uint64_t now_ms)
{
    uint64_t began = load64(&h->window_ms);
    if (!window_ms || (began && now_ms - began < window_ms))
        return;
    atomic_store_explicit(&h->window_ms, now_ms, memory_order_relaxed);
    clear(h);
}

static void eject(const struct outlier_conf *conf, struct endpoint_health *h, uint64_t now_ms)
{
    uint32_t ejections = atomic_fetch_add_explicit(&h->ejections, 1, memory_order_relaxed);
    uint64_t time_ms = (uint64_t)conf->base_ejection_ms << (ejections < 16 ? ejections : 16);
    if (time_ms > conf->max_ejection_ms)
        time_ms = conf->max_ejection_ms;
    clear(h);
    atomic_store_explicit(&h->owes, conf->successes, memory_order_relaxed);
    atomic_store_explicit(&h->ejected_until_ms, now_ms + time_ms, memory_order_relaxed);
}

bool outlier_failure(struct endpoint *e, enum outlier_kind kind)
{
    const struct outlier_conf *conf = &e->cluster->conf->outlier;
    struct endpoint_health *h = e->conf->health;
    if (!conf->enabled || e->gone)
        return false;
    uint64_t now_ms = loop_now_ms(e->cluster->worker->loop);
    if (outlier_is_ejected(h, now_ms))
        return false;
    if (!conf->failures[kind])
        kind = OUTLIER_ANY;
    enter_window(h, conf->window_ms, now_ms);
    uint32_t failures = atomic_fetch_add_explicit(&h->failures[kind], 1, memory_order_relaxed) + 1;
    bool is_on_probation = atomic_load_explicit(&h->owes, memory_order_relaxed) > 0;
    if ((failures < conf->failures[kind] && !is_on_probation) || !may_eject(e->cluster, e, now_ms))
        return false;
    eject(conf, h, now_ms);
    return true;
}
