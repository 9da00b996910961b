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

void outlier_success(struct endpoint *e)
{
    struct endpoint_health *h = e->conf->health;
    bool forgives = !e->cluster->conf->outlier.window_ms;
    /* Read first: in the steady state the shared line is never written. */
    if (forgives && atomic_load_explicit(&h->consecutive_failures, memory_order_relaxed))
        atomic_store_explicit(&h->consecutive_failures, 0, memory_order_relaxed);
    if (atomic_load_explicit(&h->ejections, memory_order_relaxed) && load64(&h->ejected_until_ms) &&
        !outlier_is_ejected(h, loop_now_ms(e->cluster->worker->loop)))
        atomic_store_explicit(&h->ejections, 0, memory_order_relaxed);
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
    atomic_store_explicit(&h->consecutive_failures, 0, memory_order_relaxed);
}

bool outlier_failure(struct endpoint *e)
{
    const struct outlier_conf *conf = &e->cluster->conf->outlier;
    struct endpoint_health *h = e->conf->health;
    if (!conf->enabled || e->gone)
        return false;
    uint64_t now_ms = loop_now_ms(e->cluster->worker->loop);
    if (outlier_is_ejected(h, now_ms))
        return false;
    enter_window(h, conf->window_ms, now_ms);
    uint32_t failures =
        atomic_fetch_add_explicit(&h->consecutive_failures, 1, memory_order_relaxed) + 1;
    if (failures < conf->consecutive_failures || !may_eject(e->cluster, e, now_ms))
        return false;
    uint32_t ejections = atomic_fetch_add_explicit(&h->ejections, 1, memory_order_relaxed);
    uint64_t time_ms = (uint64_t)conf->base_ejection_ms << (ejections < 16 ? ejections : 16);
    if (time_ms > conf->max_ejection_ms)
        time_ms = conf->max_ejection_ms;
    atomic_store_explicit(&h->consecutive_failures, 0, memory_order_relaxed);
    atomic_store_explicit(&h->ejected_until_ms, now_ms + time_ms, memory_order_relaxed);
    return true;
}
