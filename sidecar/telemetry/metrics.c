/* Counting, and copying for another thread.
 * A shard belongs to one thread at a time. Must not know who counts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/metrics.h"

#include <string.h>

#include "lib/base/decimal.h"
#include "lib/base/mem.h"
#include "sidecar/telemetry/metrics_priv.h"

struct metrics_shard *metrics_shard_create(unsigned workers)
{
    struct metrics_shard *m = mem_zalloc(sizeof(*m));
    series_init(&m->series, workers ? METRICS_TEXT_MAX / workers : 0);
    for (int i = 0; i < FAMILY_COUNT; i++)
        map_init(&m->families[i]);
    return m;
}

void metrics_shard_destroy(struct metrics_shard *m)
{
    if (!m)
        return;
    for (int i = 0; i < FAMILY_COUNT; i++) {
        struct slice key;
        void *value;
        for (size_t at = 0; map_next(&m->families[i], &at, &key, &value);)
            mem_free(value);
        map_dispose(&m->families[i]);
    }
    series_dispose(&m->series);
    mem_free(m);
}

void metrics_shard_count_sizes(struct metrics_shard *m, bool on)
{
    series_count_sizes(&m->series, on);
}

void metrics_shard_expire(struct metrics_shard *m, uint64_t now_ms)
{
    series_expire(&m->series, now_ms);
}

void metrics_add(struct metrics_shard *m, enum metrics_id id, uint64_t n)
{
    metric_add(&m->values[id], n);
}

void metrics_set(struct metrics_shard *m, enum metrics_id id, uint64_t value)
{
    atomic_store_explicit(&m->values[id], value, memory_order_relaxed);
}

/* ---- one label, or two ---- */

/* Both with a space between, cut to the room. Each request that a filter counts comes by. */
static struct slice join(struct slice a, struct slice b, char *to, size_t room)
{
    b = slice_sub(b, 0, room - 1);
    a = slice_sub(a, 0, room - 1 - b.len);
    memcpy(to, a.ptr, a.len);
    to[a.len] = ' ';
    memcpy(to + a.len + 1, b.ptr, b.len);
    return slice_of(to, a.len + 1 + b.len);
}

/* other: what counts when there are `max` labels already. */
static void count_within(struct metrics_shard *m, enum metrics_family family, struct slice label,
                         uint64_t n, size_t max, struct slice other)
{
    struct map *values = &m->families[family];
    metric_value *value = map_get(values, label);
    if (!value && values->count >= max) {
        label = other;
        value = map_get(values, label);
    }
    if (!value) {
        value = mem_zalloc(sizeof(*value));
        map_put(values, label, value);
    }
    metric_add(value, n);
}

static void count_labelled(struct metrics_shard *m, enum metrics_family family, struct slice label,
                           uint64_t n)
{
    count_within(m, family, label, n, METRICS_LABELS_MAX, SLICE("other"));
}

void metrics_count_handshake(struct metrics_shard *m, bool ok)
{
    count_labelled(m, FAMILY_HANDSHAKES, ok ? SLICE("ok") : SLICE("failed"), 1);
}

void metrics_count_handshake_failure(struct metrics_shard *m, enum err why)
{
    char text[32];
    size_t len = 0;
    for (const char *name = err_name(why); name[len] && len < sizeof(text); len++)
        text[len] = slice_lower_byte(name[len]);
    count_labelled(m, FAMILY_HANDSHAKES, slice_of(text, len), 1);
}

void metrics_count_plaintext(struct metrics_shard *m, struct slice source)
{
    count_labelled(m, FAMILY_PLAINTEXT, source, 1);
}

void metrics_count_filter_event(struct metrics_shard *m, const char *filter, const char *event)
{
    char both[METRICS_LABEL_PAIR_MAX];
    struct slice names[] = {slice_from_cstr(filter), slice_from_cstr(event)};
    count_labelled(m, FAMILY_FILTERS, join(names[0], names[1], both, sizeof both), 1);
}

void metrics_count_consumer(struct metrics_shard *m, struct slice consumer, uint16_t status)
{
    char both[METRICS_CONSUMER_MAX], other[32], digits[DECIMAL_MAX];
    struct slice code = slice_of(digits, decimal_write(digits, status));
    count_within(m, FAMILY_CONSUMERS, join(consumer, code, both, sizeof both), 1,
                 METRICS_CONSUMERS_MAX, join(SLICE("other"), code, other, sizeof other));
}

void metrics_count_udp_dropped(struct metrics_shard *m, struct slice reason, uint64_t n)
{
    count_labelled(m, FAMILY_UDP_DROPPED, reason, n);
}

/* ---- series ---- */

static struct series *series_for(struct metrics_shard *m, const struct metrics_key *key)
{
    bool overflowed = false;
    struct series *s = series_of(&m->series, key, &overflowed);
    if (overflowed)
        metrics_add(m, METRICS_SERIES_OVERFLOW, 1);
    return s;
}

void metrics_request(struct metrics_shard *m, const struct metrics_key *key, uint64_t duration_us,
                     uint64_t request_bytes, uint64_t response_bytes)
{
    struct series *s = series_for(m, key);
    metric_add(&s->requests, 1);
    metric_observe_us(&s->duration, duration_us);
    if (s->has_sizes) {
        metric_observe_bytes(series_size(s, SERIES_REQUEST_SIZE), request_bytes);
        metric_observe_bytes(series_size(s, SERIES_RESPONSE_SIZE), response_bytes);
    }
}

void metrics_tcp_opened(struct metrics_shard *m, const struct metrics_key *key)
{
    metric_add(&series_for(m, key)->opened, 1);
}

void metrics_tcp_bytes(struct metrics_shard *m, const struct metrics_key *key, uint64_t sent,
                       uint64_t received)
{
    struct series *s = series_for(m, key);
    metric_add(&s->sent, sent);
    metric_add(&s->received, received);
}

void metrics_tcp_closed(struct metrics_shard *m, const struct metrics_key *key)
{
    metric_add(&series_for(m, key)->closed, 1);
}

/* ---- for others ---- */

void metrics_shard_merge(struct metrics_shard *to, const struct metrics_shard *from)
{
    for (int i = 0; i < METRICS_COUNT; i++)
        metric_add(&to->values[i], metric_read(&from->values[i]));
    for (int i = 0; i < FAMILY_COUNT; i++) {
        struct slice key;
        void *value;
        for (size_t at = 0; map_next(&from->families[i], &at, &key, &value);)
            /* What shards have is bounded, and a sum that left some out would seem to go back. */
            count_within(to, (enum metrics_family)i, key, metric_read(value), SIZE_MAX, key);
    }
    series_merge(&to->series, &from->series);
}

struct metrics_shard *metrics_shard_copy(struct metrics_shard *m, uint64_t now_ms)
{
    struct metrics_shard *copy = metrics_shard_create(0);
    series_expire(&m->series, now_ms);
    metrics_shard_merge(copy, m);
    return copy;
}
