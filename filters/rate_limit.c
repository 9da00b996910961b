/* rateLimit: how often, and how much. Each limit counts in a counter of its own for each key; a
 * request must be within all of them. Counters are the filter's and outlive its configuration, so a
 * limit that is changed is in force at once and forgets nothing.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/rate/rate_answer.h"
#include "filters/rate/rate_cost.h"
#include "filters/rate/rate_plan.h"
#include "filters/rate/rate_store.h"

extern const struct filter filter_rate_limit;

/* ---- what is made of it ---- */

struct conf {
    struct rate_store store;
    struct rate_plan plan;
    enum rate_headers headers;
    struct rate_refusal refusal;
};

struct ctx {
    struct rate_ask *asks; /* one for each counter; NULL: nobody was asked, or nobody knew */
    struct rate_question question;
    bool is_decided;
    uint64_t due_ms;       /* leaky: when it is its turn; 0: now */
    bool is_refused;
    bool is_charged; /* what the response cost was counted */
    struct rate_cost_reader reader;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct rate_spec *s = spec;
    struct conf *c = conf;
    c->headers = (enum rate_headers)s->headers;
    rate_plan_make(b->arena, s, &c->plan);
    enum err e = rate_answer_prepare(b, &s->refusal, &c->refusal);
    return e ? e : rate_store_prepare(b, s->store, &c->store);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return rate_plan_describe(arena, &c->plan);
}

/* ---- counting ---- */

enum { ALLOWED, LIMITED, EVICTED, UNCOUNTED, STORE_FAILED };
static const char *const events[] = {"allowed",   "limited",      "evicted",
                                     "uncounted", "store_failed", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("rate_limited"),
     .http_status = 429,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("API rate limit exceeded")},
    {.label = FAIL_TEXT("rate_store_failed"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("RLSE"),
     .text = FAIL_TEXT("the rate limit cannot be checked")},
};
enum { RATE_LIMITED, RATE_STORE_FAILED };

static void count_evicted(struct filter_exchange *x, unsigned evicted)
{
    if (evicted)
        x->host->count(x, &filter_rate_limit, EVICTED);
}

static enum rate_outcome ask(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    static const int event[] = {
        [RATE_WITHIN] = ALLOWED, [RATE_ABOVE] = LIMITED, [RATE_UNKNOWN] = STORE_FAILED};
    struct rate_question *q = &own->question;
    unsigned evicted = 0;
    if (!q->asks) {
        q->asks = rate_plan_ask(x, &c->plan);
        q->count = c->plan.count;
    }
    enum rate_outcome o = rate_store_take(x, &c->store, q, &evicted);
    count_evicted(x, evicted);
    own->is_decided = o != RATE_NOT_YET;
    if (own->is_decided)
        x->host->count(x, &filter_rate_limit, (unsigned)event[o]);
    if (o == RATE_WITHIN || o == RATE_ABOVE)
        own->asks = q->asks;
    return o;
}

static void charge(struct filter_exchange *x, const struct conf *c, struct ctx *own, unsigned which,
                   uint32_t cost)
{
    unsigned evicted = 0;
    rate_store_charge(x, &c->store, &own->asks[which], cost, &evicted);
    count_evicted(x, evicted);
}

/* ---- the request ---- */

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    const struct rate_ask *tightest = rate_answer_tightest(own->asks, c->plan.count);
    own->is_refused = true;
    rate_answer_refuse(x, &c->refusal, &fails[RATE_LIMITED], c->plan.names[tightest - own->asks],
                       tightest);
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

/* Whoever wants requests to pass says so (onFailure): what is not counted then has no headers. */
static enum filter_verdict go_without(struct filter_exchange *x, const struct conf *c)
{
    if (!rate_store_denies(&c->store))
        return FILTER_NEXT;
    x->host->fail(x, &fails[RATE_STORE_FAILED], (struct slice){0});
    return FILTER_REPLY;
}

static enum filter_verdict wait_for_turn(struct filter_exchange *x, const struct ctx *own)
{
    uint64_t now = x->host->now_ms(x);
    if (now >= own->due_ms)
        return FILTER_NEXT;
    uint64_t left = own->due_ms - now;
    x->host->wake_after(x, left < UINT32_MAX ? (uint32_t)left : UINT32_MAX);
    return FILTER_WAIT;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (own->is_decided)
        return wait_for_turn(x, own);
    switch (ask(x, c, own)) {
    case RATE_NOT_YET:
        return FILTER_WAIT;
    case RATE_UNKNOWN:
        return go_without(x, c);
    case RATE_ABOVE:
        return refuse(x, c, own);
    default:
        own->due_ms = x->host->now_ms(x) + longest_delay(own->asks, c->plan.count);
        return wait_for_turn(x, own);
    }
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
