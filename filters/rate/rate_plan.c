/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_plan.h"

#include <inttypes.h>

#include "filters/rate/rate_cost.h"

#define NS_PER_SECOND UINT64_C(1000000000)

static uint64_t per_unit_ns(int64_t per_second)
{
    return NS_PER_SECOND * 1000 / (uint64_t)per_second; /* which is in thousandths */
}

struct rate_limit rate_plan_bucket(const struct rate_bucket_spec *spec)
{
    return (struct rate_limit){.algorithm = RATE_TOKEN_BUCKET,
                               .max = (uint32_t)spec->max,
                               .per_unit_ns = per_unit_ns(spec->per_second)};
}

/* All algorithms but the calendar's, and what the counter is called. */
static struct rate_limit take_limit(struct arena *arena, const struct rate_limit_item *s,
                                    struct slice *name)
{
    if (s->log || s->sliding) {
        const struct rate_sliding_spec *w = s->log ? s->log : s->sliding;
        *name = arena_printf(arena, "%s-%" PRId64 "ms", s->log ? "log" : "sliding", w->window_ms);
        return (struct rate_limit){.algorithm = s->log ? RATE_SLIDING_LOG : RATE_SLIDING_COUNTER,
                                   .max = (uint32_t)w->max,
                                   .window_ms = (uint64_t)w->window_ms};
    }
    *name = s->bucket ? SLICE("bucket") : SLICE("leaky");
    if (s->bucket)
        return rate_plan_bucket(s->bucket);
    return (struct rate_limit){.algorithm = RATE_LEAKY_BUCKET,
                               .max = (uint32_t)s->leaky->burst + 1,
                               .per_unit_ns = per_unit_ns(s->leaky->per_second),
                               .delays = !s->leaky->no_delay};
}

static bool has_name(const struct rate_plan *plan, struct slice name)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (slice_eq(plan->names[i], name))
            return true;
    return false;
}

/* Those that are called the same are told apart by their order. */
static struct slice own_name(struct arena *arena, const struct rate_plan *plan, struct slice given,
                             struct slice name)
{
    if (given.len)
        name = arena_printf(arena, "%.*s-%.*s", SLICE_ARG(given), SLICE_ARG(name));
    struct slice own = name;
    for (unsigned number = 2; has_name(plan, own); number++)
        own = arena_printf(arena, "%.*s-%u", SLICE_ARG(name), number);
    return own;
}

static void add(struct arena *arena, struct rate_plan *plan, const struct rate_counter *shared,
                const struct rate_limit *limit, struct slice given, struct slice name)
{
    plan->names[plan->count] = own_name(arena, plan, given, name);
    plan->counters[plan->count] = *shared;
    plan->counters[plan->count++].limit = *limit;
}

static void take_item(struct arena *arena, struct rate_plan *plan, const struct rate_limit_item *s)
{
    const struct rate_cost_spec *cost = &s->cost;
    struct rate_counter shared = {
        .units = (uint32_t)cost->units,
        .request_header = arena_copy_lower(arena, cost->request_header),
        .response_header = arena_copy_lower(arena, cost->response_header),
        .response_field = cost->response_field.len ? arena_strdup(arena, cost->response_field)
                                                   : NULL};
    struct slice name;
    shared.parts = rate_key_parts(arena, &s->by, RATE_BY_CONSUMER, &shared.part_count);
    plan->reads_body |= shared.response_field != NULL;
    for (int i = 0; s->fixed && i < RATE_PERIODS; i++) {
        struct rate_limit limit = {.algorithm = RATE_FIXED_WINDOW,
                                   .period = (enum rate_period)i,
                                   .max = (uint32_t)s->fixed->max[i]};
        name = arena_copy_lower(arena, slice_from_cstr(rate_window_name(&limit)));
        if (limit.max)
            add(arena, plan, &shared, &limit, s->name, name);
    }
    if (!s->fixed) {
        struct rate_limit limit = take_limit(arena, s, &name);
        add(arena, plan, &shared, &limit, s->name, name);
    }
}

void rate_plan_make(struct arena *arena, const struct rate_spec *spec, struct rate_plan *plan)
{
    *plan = (struct rate_plan){
        .counters = arena_zalloc(arena, RATE_ASKS_MAX * sizeof(*plan->counters)),
        .names = arena_zalloc(arena, RATE_ASKS_MAX * sizeof(*plan->names)),
        .ipv6_prefix = (unsigned)spec->ipv6_prefix};
    for (SCHEMA_EACH(spec->limits, struct rate_limit_item, item))
        take_item(arena, plan, item);
}

struct slice rate_plan_describe(struct arena *arena, const struct rate_plan *plan)
{
    struct slice text = SLICE("at most");
    for (unsigned i = 0; i < plan->count; i++) {
        const struct rate_counter *n = &plan->counters[i];
        text = arena_printf(arena, "%.*s%s %" PRIu32 " (%.*s) by%.*s", SLICE_ARG(text),
                            i ? "," : "", n->limit.max, SLICE_ARG(plan->names[i]),
                            SLICE_ARG(rate_key_describe(arena, n->parts, n->part_count)));
    }
    return text;
}

/* What costs nothing by its own word is asked all the same whether anything is left. */
static uint32_t cost_of(const struct filter_exchange *x, const struct rate_counter *n)
{
    uint32_t cost = n->units;
    const struct header *h = NULL;
    if (n->response_header.len || n->response_field)
        return 0; /* it is charged later */
    if (n->request_header.len)
        h = headers_find(&x->request->headers, n->request_header);
    if (h && !rate_cost_parse(h->value, &cost))
        cost = n->units;
    return cost;
}

struct rate_ask *rate_plan_ask(struct filter_exchange *x, const struct rate_plan *plan)
{
    struct rate_ask *asks = arena_zalloc(x->arena, plan->count * sizeof(*asks));
    struct slice key = SLICE("");
    for (unsigned i = 0; i < plan->count; i++) {
        const struct rate_counter *n = &plan->counters[i];
        if (!i || n->parts != plan->counters[i - 1].parts)
            key = rate_key_of(x, n->parts, n->part_count, plan->ipv6_prefix);
        struct slice parts[] = {plan->names[i], SLICE("/"), key};
        asks[i] = (struct rate_ask){.limit = &n->limit,
                                    .key = arena_concat(x->arena, parts, 3),
                                    .cost = cost_of(x, n)};
    }
    return asks;
}
