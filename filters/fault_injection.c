/* faultInjection: some requests are delayed, or answered with an error, to see what callers make of
 * it. A delay comes first, so that one request can have both.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <inttypes.h>

#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

struct fault_header {
    struct slice name, value;
};

struct fault_fraction {
    int64_t numerator, denominator;
};

struct fault_delay {
    int64_t duration_ms, percent;
    const struct fault_fraction *fraction;
};

struct fault_abort {
    int64_t http_status, grpc_status, percent;
    const struct fault_fraction *fraction;
};

struct fault_injection_spec {
    const struct fault_delay *delay;
    const struct fault_abort *abort;
    struct schema_list headers; /* struct fault_header */
};

static const struct schema_field fraction_fields[] = {
    SCHEMA_FIELD(struct fault_fraction, numerator, "numerator", INT, "This many …",
                 .flags = SCHEMA_REQUIRED, .max = 1000000000),
    SCHEMA_FIELD(struct fault_fraction, denominator, "denominator", INT, "… of so many.", .min = 1,
                 .max = 1000000000, .fallback = 100),
    {0},
};

static const struct schema fraction_schema = {
    .name = "FaultFraction",
    .doc = "A share of all requests, for shares below a percent.",
    .size = sizeof(struct fault_fraction),
    .fields = fraction_fields,
};

#define SHARE_FIELDS(struct_)                                                                      \
    SCHEMA_FIELD(struct_, percent, "percent", INT, "How many of a hundred requests, by chance.",   \
                 .max = 100, .fallback = 100),                                                     \
        SCHEMA_FIELD(struct_, fraction, "fraction", OBJECT, "The same as a fraction; it counts "   \
                     "instead of `percent`.", .object = &fraction_schema)

static const struct schema_field delay_fields[] = {
    SCHEMA_FIELD(struct fault_delay, duration_ms, "duration", DURATION,
                 "How long a request is held back.", .flags = SCHEMA_REQUIRED),
    SHARE_FIELDS(struct fault_delay),
    {0},
};

static const struct schema_field abort_fields[] = {
    SCHEMA_FIELD(struct fault_abort, http_status, "httpStatus", INT,
                 "The status of the answer; gRPC calls get `grpcStatus`.", .min = 200, .max = 599,
                 .fallback = 503),
    SCHEMA_FIELD(struct fault_abort, grpc_status, "grpcStatus", INT,
                 "The grpc-status that gRPC calls get (14 is UNAVAILABLE).", .min = 1, .max = 16,
                 .fallback = 14),
    SHARE_FIELDS(struct fault_abort),
    {0},
};

static const struct schema delay_schema = {
    .name = "FaultDelay",
    .doc = "Requests that are held back.",
    .size = sizeof(struct fault_delay),
    .fields = delay_fields,
};

static const struct schema abort_schema = {
    .name = "FaultAbort",
    .doc = "Requests that are answered with an error; no backend is asked.",
    .size = sizeof(struct fault_abort),
    .fields = abort_fields,
};

static const struct schema_field header_fields[] = {
    SCHEMA_FIELD(struct fault_header, name, "name", STRING, "Name of the header.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 256,
                 .format = &schema_format_header_name),
    SCHEMA_FIELD(struct fault_header, value, "value", STRING,
                 "The value that it must have; left out: any.", .max = 4096),
    {0},
};

static const struct schema header_schema = {
    .name = "FaultHeader",
    .doc = "A header that a request must have.",
    .size = sizeof(struct fault_header),
    .fields = header_fields,
};

static const struct schema_field header_element = {.type = SCHEMA_INLINE, .object = &header_schema};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct fault_injection_spec, delay, "delay", OBJECT, "Hold requests back.",
                 .object = &delay_schema),
    SCHEMA_FIELD(struct fault_injection_spec, abort, "abort", OBJECT,
                 "Answer requests with an error.", .object = &abort_schema),
    SCHEMA_FIELD(struct fault_injection_spec, headers, "headers", LIST,
                 "Only requests that have all of these headers; left out: all requests.", .max = 16,
                 .element = &header_element),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct fault_injection_spec *s = value;
    if (!s->delay && !s->abort)
        schema_error(run, node, NULL, "needs a delay or an abort");
}

static const struct schema spec_schema = {
    .name = "FaultInjection",
    .doc = "Faults on purpose.",
    .size = sizeof(struct fault_injection_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct share {
    uint64_t numerator, denominator; /* denominator 0: never */
};

struct conf {
    struct share delay, abort;
    uint32_t delay_ms;
    uint16_t http_status;
    uint16_t grpc_status;
    const struct header *headers; /* an empty value with a NULL pointer: any */
    uint32_t header_count;
};

enum stage { STAGE_NEW, STAGE_DELAYED, STAGE_DONE };

struct ctx {
    enum stage stage;
    uint64_t until_ms;
};

static struct share share_of(int64_t percent, const struct fault_fraction *f)
{
    if (!f)
        return (struct share){(uint64_t)percent, 100};
    return (struct share){(uint64_t)f->numerator, (uint64_t)f->denominator};
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct fault_injection_spec *s = spec;
    struct conf *c = conf;
    struct header *headers = arena_zalloc(b->arena, s->headers.count * sizeof(*headers));
    c->headers = headers;
    for (SCHEMA_EACH(s->headers, struct fault_header, h)) {
        struct header *to = &headers[c->header_count++];
        *to = (struct header){.name = arena_copy_lower(b->arena, h->name), .value = h->value};
    }
    if (s->delay) {
        c->delay = share_of(s->delay->percent, s->delay->fraction);
        c->delay_ms = (uint32_t)s->delay->duration_ms;
    }
    if (s->abort) {
        c->abort = share_of(s->abort->percent, s->abort->fraction);
        c->http_status = (uint16_t)s->abort->http_status;
        c->grpc_status = (uint16_t)s->abort->grpc_status;
    }
    return ERR_OK;
}

/* ---- hooks ---- */

extern const struct filter filter_fault_injection;

static const char *const events[] = {"delay", "abort", NULL};
enum { EVENT_DELAY, EVENT_ABORT };

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("fault_abort"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("FI"),
     .text = FAIL_TEXT("a fault was injected")},
};

static bool is_meant(const struct conf *c, const struct message *request)
{
    for (uint32_t i = 0; i < c->header_count; i++) {
        const struct header *h = headers_find(&request->headers, c->headers[i].name);
        if (!h || (c->headers[i].value.ptr && !slice_eq(h->value, c->headers[i].value)))
            return false;
    }
    return true;
}

static bool is_hit(struct filter_exchange *x, const struct share *s)
{
    return s->denominator && x->host->random(x) % s->denominator < s->numerator;
}

static enum filter_verdict abort_request(struct filter_exchange *x, const struct conf *c)
{
    struct message *m = x->host->fail(x, &fails[0], (struct slice){0});
    x->host->count(x, &filter_fault_injection, EVENT_ABORT);
    if (headers_find_id(&m->headers, HEADER_GRPC_STATUS))
        headers_set_id(&m->headers, HEADER_GRPC_STATUS,
                       arena_decimal(x->arena, (unsigned)c->grpc_status));
    else
        m->status = c->http_status;
    return FILTER_REPLY;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (own->stage == STAGE_NEW) {
        if (!is_meant(c, x->request))
            return FILTER_NEXT;
        own->stage = STAGE_DONE;
        if (is_hit(x, &c->delay)) {
            own->stage = STAGE_DELAYED;
            own->until_ms = x->host->now_ms(x) + c->delay_ms;
            x->flag = SLICE("DI");
            x->host->count(x, &filter_fault_injection, EVENT_DELAY);
        }
    }
    if (own->stage == STAGE_DELAYED && x->host->now_ms(x) < own->until_ms) {
        x->host->wake_after(x, (uint32_t)(own->until_ms - x->host->now_ms(x)));
        return FILTER_WAIT;
    }
    own->stage = STAGE_DONE;
    return is_hit(x, &c->abort) ? abort_request(x, c) : FILTER_NEXT;
}

static struct slice of(struct arena *arena, const struct share *s)
{
    return s->denominator == 100
               ? arena_printf(arena, "%" PRIu64 " %%", s->numerator)
               : arena_printf(arena, "%" PRIu64 " of %" PRIu64, s->numerator, s->denominator);
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    bool has_both = c->delay.denominator && c->abort.denominator;
    struct slice delay = SLICE(""), abort = SLICE("");
    (void)prefix;
    if (c->delay.denominator)
        delay = arena_printf(arena, "delays %.*s by %u ms", SLICE_ARG(of(arena, &c->delay)),
                             c->delay_ms);
    if (c->abort.denominator)
        abort = arena_printf(arena, "answers %.*s with %u", SLICE_ARG(of(arena, &c->abort)),
                             (unsigned)c->http_status);
    return arena_printf(arena, "%.*s%s%.*s%s", SLICE_ARG(delay), has_both ? ", " : "",
                        SLICE_ARG(abort), c->header_count ? ", of requests with its headers" : "");
}

const struct filter filter_fault_injection = {
    .name = "faultInjection",
    .doc = "Delays requests or answers them with an error, by chance.",
    .phase = FILTER_PHASE_FAULT,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
