/* Counters in this process are kept by the filter's id, so that a changed configuration forgets
 * nothing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_store.h"

/* What all workers share. */
struct rate_keep {
    struct filter_keep keep; /* first */
    struct rate_table *table;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct rate_store_spec, redis, "redis", OBJECT, "A Redis or Valkey server.",
                 .flags = SCHEMA_REQUIRED, .object = &rate_redis_schema),
    {0},
};

const struct schema rate_store_schema = {
    .name = "RateStore",
    .doc = "Where the counters are.",
    .size = sizeof(struct rate_store_spec),
    .fields = fields,
};

static void begin_keep(struct filter_keep *keep)
{
    ((struct rate_keep *)(void *)keep)->table = rate_table_create(RATE_TABLE_CELLS);
}

static void end_keep(struct filter_keep *keep)
{
    rate_table_destroy(((struct rate_keep *)(void *)keep)->table);
}

enum err rate_store_prepare(const struct filter_build *b, const struct rate_store_spec *spec,
                            struct rate_store *out)
{
    *out = (struct rate_store){0};
    if (!spec) {
        out->keep = filter_keep(b, sizeof(struct rate_keep), begin_keep, end_keep);
        return ERR_OK;
    }
    struct rate_redis *r = arena_zalloc(b->arena, sizeof(*r));
    out->redis = r;
    return rate_redis_prepare(b, spec->redis, r);
}

bool rate_store_denies(const struct rate_store *s)
{
    return s->redis && s->redis->denies;
}

static struct rate_time time_of(const struct filter_exchange *x)
{
    return (struct rate_time){.unix_ms = x->host->unix_ms(x), .mono_ms = x->host->now_ms(x)};
}

static enum rate_outcome ask_redis(struct filter_exchange *x, const struct rate_redis *r,
                                   struct rate_question *q)
{
    bool is_allowed;
    if (!q->is_sent)
        rate_redis_take(x, r, q->asks, q->count, &q->redis);
    q->is_sent = true;
    if (!q->redis.is_done)
        return RATE_NOT_YET;
    if (!rate_redis_read(&q->redis, q->asks, q->count, &is_allowed))
        return RATE_UNKNOWN;
    return is_allowed ? RATE_WITHIN : RATE_ABOVE;
}

enum rate_outcome rate_store_take(struct filter_exchange *x, const struct rate_store *s,
                                  struct rate_question *q, unsigned *evicted)
{
    struct rate_time now = time_of(x);
    if (s->redis)
        return ask_redis(x, s->redis, q);
    bool is_allowed = rate_local_take(s->keep->table, &now, q->asks, q->count, evicted);
    return is_allowed ? RATE_WITHIN : RATE_ABOVE;
}

void rate_store_charge(struct filter_exchange *x, const struct rate_store *s,
                       const struct rate_ask *ask, uint32_t cost, unsigned *evicted)
{
    struct rate_time now = time_of(x);
    if (s->redis)
        rate_redis_charge(x, s->redis, ask, cost);
    else
        rate_local_charge(s->keep->table, &now, ask, cost, evicted);
}
