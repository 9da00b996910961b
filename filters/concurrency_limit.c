/* concurrencyLimit: no more requests at once than the backend answers in good time. What that is,
 * is found by how long answers take (gradient.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/rate/gradient.h"
#include "filters/refusal.h"

extern const struct filter filter_concurrency_limit;

/* ---- what users write ---- */

struct concurrency_limit_spec {
    int64_t min, max, window_ms, ideal_interval_ms, ideal_samples, tolerance;
    int64_t status;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct concurrency_limit_spec, min, "min", INT,
                 "As many are always let through. While the ideal latency is measured, no more.",
                 .min = 1, .max = 1000000, .fallback = 3),
    SCHEMA_FIELD(struct concurrency_limit_spec, max, "max", INT, "No more are, however fast.",
                 .min = 1, .max = 1000000, .fallback = 1000),
    SCHEMA_FIELD(struct concurrency_limit_spec, window_ms, "window", DURATION,
                 "How often the limit is set anew, by the mean of the latencies since.",
                 .fallback = 100),
    SCHEMA_FIELD(struct concurrency_limit_spec, ideal_interval_ms, "measureInterval", DURATION,
                 "How often the ideal latency is measured anew.", .fallback = 60000),
    SCHEMA_FIELD(struct concurrency_limit_spec, ideal_samples, "measureRequests", INT,
                 "Of how many responses it is the mean.", .min = 1, .max = 100000, .fallback = 50),
    SCHEMA_FIELD(struct concurrency_limit_spec, tolerance, "tolerancePercent", INT,
                 "How far latencies may be above the ideal before the limit falls.", .max = 1000,
                 .fallback = 25),
    SCHEMA_FIELD(struct concurrency_limit_spec, status, "status", INT,
                 "The status of refusals; gRPC calls get UNAVAILABLE.", .min = 400, .max = 599,
                 .fallback = 503),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct concurrency_limit_spec *s = value;
    if (s->min > s->max)
        schema_error(run, node, "min", "must not be above max");
    if (s->window_ms < 10 || s->window_ms > 60000)
        schema_error(run, node, "window", "must be between 10ms and 1m");
    if (s->ideal_interval_ms < 1000 || s->ideal_interval_ms > 86400000)
        schema_error(run, node, "measureInterval", "must be between 1s and 24h");
}

static const struct schema spec_schema = {
    .name = "ConcurrencyLimit",
    .doc = "A limit on requests under way that adapts to how fast they are answered.",
    .size = sizeof(struct concurrency_limit_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct keep {
    struct filter_keep keep; /* first */
    struct gradient gradient;
};

struct conf {
    struct keep *keep;
    struct gradient_conf gradient;
    unsigned status;
};

struct ctx {
    uint64_t began_us;
    bool is_counted, is_learned;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct concurrency_limit_spec *s = spec;
    *(struct conf *)conf = (struct conf){
        .keep = filter_keep(b, sizeof(struct keep), NULL, NULL),
        .status = (unsigned)s->status,
        .gradient = {.min = (uint32_t)s->min,
                     .max = (uint32_t)s->max,
                     .window_ms = (uint32_t)s->window_ms,
                     .ideal_interval_ms = (uint32_t)s->ideal_interval_ms,
                     .ideal_samples = (uint32_t)s->ideal_samples,
                     .tolerance_percent = (uint32_t)s->tolerance}};
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "as many at once as are answered in time, from %u to %u",
                        (unsigned)c->gradient.min, (unsigned)c->gradient.max);
}

/* ---- hooks ---- */

enum { ALLOWED, LIMITED };
static const char *const events[] = {"allowed", "limited", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("concurrency_limited"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("UO"),
     .text = FAIL_TEXT("as many requests are under way as are answered in time")},
};

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    own->began_us = x->host->now_us(x);
    own->is_counted = gradient_enter(&c->keep->gradient, &c->gradient);
    x->host->count(x, &filter_concurrency_limit, own->is_counted ? ALLOWED : LIMITED);
    if (own->is_counted)
        return FILTER_NEXT;
    struct message *m = refusal_answer(x, &fails[0], SLICE(""), c->status, SLICE(""),
                                       SLICE("reached concurrency limit\n"));
    headers_set_id(&m->headers, HEADER_RETRY_AFTER, SLICE("1"));
    return FILTER_REPLY;
}

/* An answer of our own says nothing of the backend; but one that did not come in time does. */
static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    bool says_something = !x->is_answered_here || x->response->status == 504;
    if (!own->is_counted || own->is_learned || !says_something)
        return FILTER_NEXT;
    own->is_learned = true;
    gradient_learn(&c->keep->gradient, &c->gradient, x->host->now_ms(x),
                   x->host->now_us(x) - own->began_us);
    return FILTER_NEXT;
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    const struct ctx *own = ctx;
    (void)x;
    if (own->is_counted)
        gradient_leave(&c->keep->gradient);
}

const struct filter filter_concurrency_limit = {
    .name = "concurrencyLimit",
    .doc = "Limits requests under way to what is answered in time.",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .on_end = on_end,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
