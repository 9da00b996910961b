/* aggregate: several services are asked at once, and what they say is one answer in JSON, with
 * fallback values for those who did not answer (API composition; "allSettled").
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/shape/parts.h"

extern const struct filter filter_aggregate;

/* Of JSON that is looked at in one turn. */
enum { TURN_BYTES = 128 * 1024 };

struct ctx {
    struct part_run *runs;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    return parts_prepare(b, spec, conf);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct parts *c = conf;
    struct slice names = SLICE("");
    (void)prefix;
    for (uint32_t i = 0; i < c->count; i++)
        names = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(names), i ? ", " : "",
                             SLICE_ARG(c->items[i].field));
    return arena_printf(arena, "would ask %u services at once, and answer with what they say: %.*s",
                        (unsigned)c->count, SLICE_ARG(names));
}

/* ---- answers ---- */

static const char *const events[] = {"complete", "partial", "failed", NULL};
enum { EVENT_COMPLETE, EVENT_PARTIAL, EVENT_FAILED };

enum { PART_FAILED, PART_LATE, VALUE_MISSING };

static const struct fail_info fails[] = {
    [PART_FAILED] = {.label = FAIL_TEXT("aggregate_part_failed"),
                     .http_status = 502,
                     .grpc_status = 14,
                     .flag = FAIL_TEXT("UPE"),
                     .text = FAIL_TEXT("a service that this answer needs could not give its part")},
    [PART_LATE] = {.label = FAIL_TEXT("aggregate_part_timeout"),
                   .http_status = 504,
                   .grpc_status = 4,
                   .flag = FAIL_TEXT("UT"),
                   .text = FAIL_TEXT("a service that this answer needs took too long")},
    [VALUE_MISSING] = {.label = FAIL_TEXT("aggregate_value_missing"),
                       .http_status = 400,
                       .grpc_status = 3,
                       .flag = FAIL_TEXT("DPE"),
                       .text = FAIL_TEXT("the request lacks a value that this answer needs")},
};

static enum filter_verdict fail(struct filter_exchange *x, const struct part *p,
                                const struct part_run *run)
{
    int which = run->outcome == PART_TIMEOUT                                          ? PART_LATE
                : run->outcome == PART_NO_VALUE || run->outcome == PART_BAD_PATH ? VALUE_MISSING
                                                                                      : PART_FAILED;
    struct slice detail = arena_printf(x->arena, "%.*s: %s", SLICE_ARG(p->field),
                                       part_outcome_name(run->outcome));
    if (run->status)
        detail = arena_printf(x->arena, "%.*s %u", SLICE_ARG(detail), run->status);
    x->host->count(x, &filter_aggregate, EVENT_FAILED);
    x->host->fail(x, &fails[which], detail);
    return FILTER_REPLY;
}

static enum filter_verdict answer(struct filter_exchange *x, const struct parts *c,
                                  const struct part_run *runs)
{
    uint32_t failed;
    struct slice body = parts_compose(c, runs, x, &failed);
    struct message *m = x->host->reply(x, failed ? c->partial_status : 200, body);
    headers_add_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/json"));
    if (failed)
        headers_add(&m->headers, SLICE("cache-control"), SLICE("no-store"));
    x->host->count(x, &filter_aggregate, failed ? EVENT_PARTIAL : EVENT_COMPLETE);
    return FILTER_REPLY;
}

/* ---- hooks ---- */

static void ask_all(struct filter_exchange *x, const struct parts *c, struct ctx *own)
{
    own->runs = arena_zalloc(x->arena, c->count * sizeof(*own->runs));
    for (uint32_t i = 0; i < c->count; i++)
        part_ask(&c->items[i], x, &own->runs[i]);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct parts *c = conf;
    struct ctx *own = ctx;
    size_t budget = TURN_BYTES;
    bool waits = false;
    if (!own->runs)
        ask_all(x, c, own);
    for (uint32_t i = 0; i < c->count; i++) {
        struct part_run *run = &own->runs[i];
        part_look(&c->items[i], run, &budget);
        if (run->outcome == PART_PENDING)
            waits = true;
        else if (run->outcome != PART_CAME && c->items[i].is_required)
            return fail(x, &c->items[i], run);
    }
    if (waits && !budget)
        x->host->wake(x);
    return waits ? FILTER_WAIT : answer(x, c, own->runs);
}

const struct filter filter_aggregate = {
    .name = "aggregate",
    .doc = "Asks several services at once, and puts one answer in JSON together of theirs.",
    .phase = FILTER_PHASE_ANSWER,
    .spec = &parts_spec_schema,
    .conf_size = sizeof(struct parts),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
