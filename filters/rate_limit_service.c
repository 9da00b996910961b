/* rateLimitService: asks a rate limit service as Envoy does (envoy.service.ratelimit.v3), which
 * counts what requests are described by. A descriptor of which a part is not there is left out;
 * what has no descriptor is not asked about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/ext_auth.h"
#include "filters/grpc_ask.h"
#include "filters/rate/rate_service.h"
#include "filters/refusal.h"
#include "filters/strip.h"
#include "lib/schema/schema_format.h"

extern const struct filter filter_rate_limit_service;

/* ---- what users write ---- */

struct service_spec {
    struct schema_ref backend;
    struct slice domain;
    struct schema_list descriptors; /* struct rate_service_descriptor_spec */
    int64_t hits, timeout_ms, status;
    int on_failure;
};

enum on_failure { ON_FAILURE_ALLOW, ON_FAILURE_DENY };
static const char *const on_failure_names[] = {"Allow", "Deny", NULL};

static const struct schema_field descriptor_element = {.type = SCHEMA_INLINE,
                                                       .object = &rate_service_descriptor_schema};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct service_spec, backend, "backendRef", INLINE,
                 "The Service of the rate limit service. It speaks gRPC.",
                 .flags = SCHEMA_REQUIRED, .object = &schema_ref_backend),
    SCHEMA_FIELD(struct service_spec, domain, "domain", STRING,
                 "What the service knows these limits by.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 256),
    SCHEMA_FIELD(struct service_spec, descriptors, "descriptors", LIST,
                 "What requests are counted by, each by itself. A request must be within all of "
                 "them.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 16, .element = &descriptor_element),
    SCHEMA_FIELD(struct service_spec, hits, "hitsAddend", INT, "What a request counts.",
                 .min = 1, .max = 1000000, .fallback = 1),
    SCHEMA_FIELD(struct service_spec, timeout_ms, "timeout", DURATION,
                 "How long an answer may take: 1ms to 1m.", .fallback = 20),
    SCHEMA_FIELD(struct service_spec, on_failure, "onFailure", ENUM,
                 "What happens to requests when the service does not answer. `Allow`: they pass. "
                 "`Deny`: 500.",
                 .choices = on_failure_names),
    SCHEMA_FIELD(struct service_spec, status, "status", INT,
                 "Of the answer to what is over a limit.", .min = 400, .max = 599, .fallback = 429),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct service_spec *s = value;
    if (s->timeout_ms < 1 || s->timeout_ms > 60000)
        schema_error(run, node, "timeout", "must be from 1ms to 1m");
}

static const struct schema spec_schema = {
    .name = "RateLimitService",
    .doc = "Limits of a service that counts for many, as Envoy asks it.",
    .size = sizeof(struct service_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice cluster;
    struct rate_service service;
    uint32_t timeout_ms;
    unsigned status;
    bool denies;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct service_spec *s = spec;
    struct conf *c = conf;
    *c = (struct conf){.cluster = s->backend.value,
                       .timeout_ms = (uint32_t)s->timeout_ms,
                       .status = (unsigned)s->status,
                       .denies = s->on_failure == ON_FAILURE_DENY};
    rate_service_prepare(b->arena, s->domain, (uint32_t)s->hits, &s->descriptors, &c->service);
    return ERR_OK;
}

/* ---- hooks ---- */

enum { ALLOWED, LIMITED, STORE_FAILED };
static const char *const events[] = {"allowed", "limited", "store_failed", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("rate_service_limited"),
     .http_status = 429,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("the rate limit service allows no more")},
    {.label = FAIL_TEXT("rate_service_failed"),
     .http_status = 500,
     .grpc_status = 14,
     .flag = FAIL_TEXT("RLSE"),
     .text = FAIL_TEXT("the rate limit service did not answer")},
};
enum { FAIL_LIMITED, FAIL_NO_ANSWER };

struct ctx {
    struct filter_call call;
    struct rate_service_answer answer;
    bool has_asked, is_answered;
};

static void add_headers(struct headers *to, const struct rate_service_header *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        headers_add(to, from[i].name, from[i].value);
}

/* What the service says in a header, clients cannot say. */
static enum filter_verdict pass(struct filter_exchange *x, const struct rate_service_answer *a)
{
    for (uint32_t i = 0; i < a->to_backend_count; i++)
        strip_header(x, a->to_backend[i].name);
    add_headers(&x->request->headers, a->to_backend, a->to_backend_count);
    x->host->count(x, &filter_rate_limit_service, ALLOWED);
    return FILTER_NEXT;
}

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c,
                                  const struct rate_service_answer *a)
{
    struct message *m = refusal_answer(x, &fails[FAIL_LIMITED], SLICE(""), c->status, SLICE(""),
                                       a->body);
    headers_set(&m->headers, SLICE("x-envoy-ratelimited"), SLICE("true"));
    x->host->count(x, &filter_rate_limit_service, LIMITED);
    return FILTER_REPLY;
}

static enum filter_verdict go_without(struct filter_exchange *x, const struct conf *c,
                                      struct slice why)
{
    x->host->count(x, &filter_rate_limit_service, STORE_FAILED);
    if (!c->denies)
        return FILTER_NEXT;
    x->host->fail(x, &fails[FAIL_NO_ANSWER], why);
    return FILTER_REPLY;
}

static enum filter_verdict judge(struct filter_exchange *x, const struct conf *c, struct ctx *own)
{
    struct slice message, why = SLICE("it answered neither OK nor OVER_LIMIT");
    if (!grpc_ask_answer(&own->call, x->arena, &message, &why) ||
        !rate_service_read(x->arena, message, &own->answer))
        return go_without(x, c, why);
    own->is_answered = true;
    return own->answer.is_allowed ? pass(x, &own->answer) : refuse(x, c, &own->answer);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (!own->has_asked) {
        if (!rate_service_ask(x, &c->service, c->timeout_ms, &own->call))
            return FILTER_NEXT;
        own->has_asked = true;
        own->call.cluster = c->cluster;
        x->host->call(x, &own->call);
    }
    return own->call.is_done ? judge(x, c, own) : FILTER_WAIT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct ctx *own = ctx;
    (void)conf;
    if (own->is_answered)
        add_headers(&x->response->headers, own->answer.to_client, own->answer.to_client_count);
    return FILTER_NEXT;
}

const struct filter filter_rate_limit_service = {
    .name = "rateLimitService",
    .doc = "Asks a rate limit service, as Envoy does, whether a request may pass.",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
