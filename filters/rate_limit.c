/* rateLimit: how often, and how much. Each limit counts in a counter of its own for each key; a
 * request must be within all of them. Counters are the filter's and outlive its configuration, so a
 * limit that is changed is in force at once and forgets nothing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/rate_answer.h"
#include "filters/rate_cost.h"
#include "filters/rate_local.h"
#include "filters/rate_plan.h"
#include "filters/refusal.h"

extern const struct filter filter_rate_limit;

/* ---- what is made of it ---- */

/* What all workers share. */
struct keep {
    struct filter_keep keep; /* first */
    struct rate_table *table;
};

struct conf {
    struct keep *keep;
    struct rate_plan plan;
    enum rate_headers headers;
    unsigned status;
    struct slice content_type, body;
};

struct ctx {
    struct rate_ask *asks; /* one for each counter; NULL: nobody was asked */
    uint64_t due_ms;       /* leaky: when it is its turn; 0: now */
    bool is_refused;
    bool is_charged; /* what the response cost was counted */
    struct rate_cost_reader reader;
};

static void begin_keep(struct filter_keep *keep)
{
    ((struct keep *)(void *)keep)->table = rate_table_create(RATE_TABLE_CELLS);
}

static void end_keep(struct filter_keep *keep)
{
    rate_table_destroy(((struct keep *)(void *)keep)->table);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct rate_spec *s = spec;
    struct conf *c = conf;
    struct slice unknown;
    if (!rate_answer_check(s->refusal.body, &unknown))
        return filter_refuse(b, "refusal.body: there is no placeholder {{%.*s}}",
                             SLICE_ARG(unknown));
    *c = (struct conf){.headers = (enum rate_headers)s->headers,
                       .status = (unsigned)s->refusal.status,
                       .content_type = s->refusal.content_type,
                       .body = s->refusal.body};
    rate_plan_make(b->arena, s, &c->plan);
    c->keep = filter_keep(b, sizeof(struct keep), begin_keep, end_keep);
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return rate_plan_describe(arena, &c->plan);
}

/* ---- counting ---- */

enum { ALLOWED, LIMITED, EVICTED, UNCOUNTED };
static const char *const events[] = {"allowed", "limited", "evicted", "uncounted", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("rate_limited"),
     .http_status = 429,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("API rate limit exceeded")},
};

static struct rate_time time_of(const struct filter_exchange *x)
{
    return (struct rate_time){.unix_ms = x->host->unix_ms(x), .mono_ms = x->host->now_ms(x)};
}

static void count_evicted(struct filter_exchange *x, unsigned evicted)
{
    if (evicted)
        x->host->count(x, &filter_rate_limit, EVICTED);
}

static bool is_within(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    struct rate_time now = time_of(x);
    unsigned evicted = 0;
    own->asks = rate_plan_ask(x, &c->plan);
    bool allowed = rate_local_take(c->keep->table, &now, own->asks, c->plan.count, &evicted);
    count_evicted(x, evicted);
    x->host->count(x, &filter_rate_limit, allowed ? ALLOWED : LIMITED);
    return allowed;
}

static void charge(struct filter_exchange *x, const struct conf *c, struct ctx *own, unsigned which,
                   uint32_t cost)
{
    struct rate_time now = time_of(x);
    unsigned evicted = 0;
    rate_local_charge(c->keep->table, &now, &own->asks[which], cost, &evicted);
    count_evicted(x, evicted);
}

/* ---- the request ---- */

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    const struct rate_ask *tightest = rate_answer_tightest(own->asks, c->plan.count);
    own->is_refused = true;
    refusal_answer(x, &fails[0], c->plan.names[tightest - own->asks], c->status, c->content_type,
                   rate_answer_body(x->arena, c->body, tightest));
    return FILTER_REPLY;
}

static uint64_t longest_delay(const struct rate_ask *asks, unsigned count)
{
    uint64_t ms = 0;
    for (unsigned i = 0; i < count; i++)
        if (asks[i].verdict.delay_ms > ms)
            ms = asks[i].verdict.delay_ms;
    return ms;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    uint64_t now = x->host->now_ms(x);
    if (!own->asks) {
        if (!is_within(x, c, own))
            return refuse(x, c, own);
        own->due_ms = now + longest_delay(own->asks, c->plan.count);
    }
    if (now >= own->due_ms)
        return FILTER_NEXT;
    uint64_t left = own->due_ms - now;
    x->host->wake_after(x, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX);
    return FILTER_WAIT;
}

/* ---- the response ---- */

static void charge_by_header(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    for (unsigned i = 0; i < c->plan.count; i++) {
        const struct rate_counter *n = &c->plan.counters[i];
        uint32_t cost = n->units;
        if (!n->response_header.len)
            continue;
        const struct header *h = headers_find(&x->response->headers, n->response_header);
        if (!h || !rate_cost_parse(h->value, &cost))
            x->host->count(x, &filter_rate_limit, UNCOUNTED);
        charge(x, c, own, i, cost);
    }
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (!own->asks)
        return FILTER_NEXT;
    rate_answer_headers(x, c->headers, own->asks, c->plan.names, c->plan.count);
    if (own->is_refused)
        rate_answer_retry_after(x, rate_answer_tightest(own->asks, c->plan.count));
    else if (!x->is_answered_here)
        charge_by_header(x, c, own);
    return FILTER_NEXT;
}

/* Once: also where the response ended too early to say anything. */
static void charge_by_field(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    if (!c->plan.reads_body || own->is_charged || own->is_refused || !own->asks)
        return;
    own->is_charged = true;
    for (unsigned i = 0; i < c->plan.count; i++) {
        uint32_t cost = c->plan.counters[i].units;
        if (!c->plan.counters[i].response_field)
            continue;
        if (!rate_cost_find(&own->reader, x->arena, c->plan.counters[i].response_field, &cost))
            x->host->count(x, &filter_rate_limit, UNCOUNTED);
        charge(x, c, own, i, cost);
    }
}

static enum filter_verdict on_response_body(struct filter_exchange *x, const void *conf, void *ctx,
                                            struct buf *body, bool end)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (!c->plan.reads_body || own->is_charged || own->is_refused)
        return FILTER_NEXT;
    rate_cost_read(&own->reader, x->response, body);
    if (end)
        charge_by_field(x, c, own);
    return FILTER_NEXT;
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct ctx *own = ctx;
    charge_by_field(x, conf, own);
    rate_cost_dispose(&own->reader);
}

const struct filter filter_rate_limit = {
    .name = "rateLimit",
    .doc = "Limits how many requests, or how much of anything that they cost, may come in a time.",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &rate_spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .on_response_body = on_response_body,
    .on_end = on_end,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
