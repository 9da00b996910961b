/* decompression: request bodies that come compressed are so no longer when later filters and the
 * backend see them, and responses where the client would not understand them, or filters shall
 * (RFC 9110 §8.4; Envoy's decompressor, nginx's gunzip). A body is decompressed as it passes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/shape/accept.h"
#include "filters/shape/body_form.h"
#include "filters/shape/content_coding.h"
#include "filters/shape/unwrap.h"

/* ---- what users write ---- */

enum { PASS_UNKNOWN, REJECT_UNKNOWN };
enum { WHEN_NOT_ACCEPTED, WHEN_ALWAYS };

struct requests_spec {
    int64_t max, ratio;
    int unknown;
};
struct responses_spec {
    int64_t max, ratio;
    int when;
};
struct decompression_spec {
    const struct requests_spec *requests;
    const struct responses_spec *responses;
};

#define MAX_DOC "What may come out of one body, in bytes. "
#define RATIO_DOC                                                                           \
    "How many times as large as what has come in it may be, once more than 64Ki have come out. "
#define MAX_DEFAULT (INT64_C(10) * 1024 * 1024 * 1000)

static const char *const unknowns[] = {"Pass", "Reject", NULL};
static const struct schema_field requests_fields[] = {
    SCHEMA_FIELD(struct requests_spec, max, "maxSize", QUANTITY, MAX_DOC "413 above it.",
                 .fallback = MAX_DEFAULT),
    SCHEMA_FIELD(struct requests_spec, ratio, "maxRatio", INT, RATIO_DOC "413 above it.", .min = 1,
                 .max = 100000, .fallback = 100),
    SCHEMA_FIELD(struct requests_spec, unknown, "unknownCodings", ENUM,
                 "Requests with a Content-Encoding that is none of gzip, deflate, br and zstd: "
                 "Pass lets them through as they are, Reject answers 415.",
                 .choices = unknowns, .fallback = PASS_UNKNOWN),
    {0},
};
static const struct schema requests_schema = {
    .name = "DecompressionRequests",
    .doc = "Request bodies. One that is damaged or cut short is answered with 400.",
    .size = sizeof(struct requests_spec),
    .fields = requests_fields,
};

static const char *const whens[] = {"NotAccepted", "Always", NULL};
static const struct schema_field responses_fields[] = {
    SCHEMA_FIELD(struct responses_spec, when, "when", ENUM,
                 "NotAccepted: where the client's Accept-Encoding does not name the coding. "
                 "Always: so that filters which look into responses can; compression compresses "
                 "them again.",
                 .choices = whens, .fallback = WHEN_NOT_ACCEPTED),
    SCHEMA_FIELD(struct responses_spec, max, "maxSize", QUANTITY,
                 MAX_DOC "A longer response breaks off there.", .fallback = MAX_DEFAULT),
    SCHEMA_FIELD(struct responses_spec, ratio, "maxRatio", INT,
                 RATIO_DOC "Above it the response breaks off.", .min = 1, .max = 100000,
                 .fallback = 100),
    {0},
};
static const struct schema responses_schema = {
    .name = "DecompressionResponses",
    .doc = "Responses of the backend.",
    .size = sizeof(struct responses_spec),
    .fields = responses_fields,
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct decompression_spec, requests, "requests", OBJECT,
                 "Which requests; none when left out.", .object = &requests_schema),
    SCHEMA_FIELD(struct decompression_spec, responses, "responses", OBJECT,
                 "Which responses; none when left out.", .object = &responses_schema),
    {0},
};

static const struct schema spec_schema = {
    .name = "Decompression",
    .doc = "Bodies in gzip, deflate, br or zstd, up to three of them one over the other, are "
           "decompressed. At least one of requests and responses is there.",
    .size = sizeof(struct decompression_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct unwrap_limits request, response;
    bool has_requests, has_responses, rejects_unknown, is_always;
};

struct ctx {
    struct unwrap request, response;
    bool is_accepted[DECODER_COUNT]; /* by the client */
};

static enum err take_limits(const struct filter_build *b, const char *where, int64_t max,
                            int64_t ratio, struct unwrap_limits *to)
{
    *to = (struct unwrap_limits){(uint64_t)max / 1000, (uint64_t)ratio};
    return to->size ? ERR_OK : filter_refuse(b, "%s.maxSize: must be at least 1", where);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct decompression_spec *s = spec;
    struct conf *c = conf;
    enum err e = ERR_OK;
    if (!s->requests && !s->responses)
        return filter_refuse(b, "decompression: say requests: {}, responses: {} or both");
    if (s->requests) {
        c->has_requests = true;
        c->rejects_unknown = s->requests->unknown == REJECT_UNKNOWN;
        e = take_limits(b, "requests", s->requests->max, s->requests->ratio, &c->request);
    }
    if (!e && s->responses) {
        c->has_responses = true;
        c->is_always = s->responses->when == WHEN_ALWAYS;
        e = take_limits(b, "responses", s->responses->max, s->responses->ratio, &c->response);
    }
    return e;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "decompresses %s%s%s", c->has_requests ? "requests" : "",
                        c->has_requests && c->has_responses ? ", and " : "",
                        !c->has_responses ? ""
                        : c->is_always    ? "all responses"
                                          : "responses that the client would not understand");
}

/* ---- failures and events ---- */

enum { BODY_INVALID, BODY_TOO_LARGE, BODY_RATIO, CODING_UNKNOWN, RESPONSE_INVALID, RESPONSE_LARGE };

static const struct fail_info fails[] = {
    [BODY_INVALID] = {.label = FAIL_TEXT("decompression_body_invalid"),
                      .http_status = 400,
                      .grpc_status = 3,
                      .flag = FAIL_TEXT("DPE"),
                      .is_public = true,
                      .text = FAIL_TEXT("the body is not what its Content-Encoding says")},
    [BODY_TOO_LARGE] = {.label = FAIL_TEXT("decompression_body_too_large"),
                        .http_status = 413,
                        .grpc_status = 8,
                        .flag = FAIL_TEXT("RL"),
                        .is_public = true,
                        .text = FAIL_TEXT("the body is too large when it is decompressed")},
    [BODY_RATIO] = {.label = FAIL_TEXT("decompression_ratio"),
                    .http_status = 413,
                    .grpc_status = 8,
                    .flag = FAIL_TEXT("RL"),
                    .is_public = true,
                    .text = FAIL_TEXT("the body becomes too many times larger when it is "
                                      "decompressed")},
    [CODING_UNKNOWN] = {.label = FAIL_TEXT("decompression_coding_unknown"),
                        .http_status = 415,
                        .grpc_status = 12,
                        .flag = FAIL_TEXT("DPE"),
                        .is_public = true,
                        .text = FAIL_TEXT("the Content-Encoding is not supported")},
    [RESPONSE_INVALID] = {.label = FAIL_TEXT("decompression_response_invalid"),
                          .http_status = 502,
                          .grpc_status = 14,
                          .flag = FAIL_TEXT("UPE"),
                          .text = FAIL_TEXT(
                              "the body of the response is not what its Content-Encoding says")},
    [RESPONSE_LARGE] = {.label = FAIL_TEXT("decompression_response_too_large"),
                        .http_status = 502,
                        .grpc_status = 14,
                        .flag = FAIL_TEXT("UPE"),
                        .text = FAIL_TEXT(
                            "the body of the response is too large when it is decompressed")},
};

enum { REQUEST, RESPONSE };
static const char *const events[] = {[REQUEST] = "request", [RESPONSE] = "response", NULL};

extern const struct filter filter_decompression;

static enum filter_verdict fail(struct filter_exchange *x, int which)
{
    x->host->fail(x, &fails[which], (struct slice){0});
    return FILTER_REPLY;
}

/* RFC 9110 §15.5.16: what would be understood is said. */
static enum filter_verdict fail_coding(struct filter_exchange *x)
{
    struct message *m = x->host->fail(x, &fails[CODING_UNKNOWN], (struct slice){0});
    headers_add_id(&m->headers, HEADER_ACCEPT_ENCODING, SLICE("gzip, deflate, br, zstd"));
    return FILTER_REPLY;
}

/* ---- heads ---- */

static enum filter_verdict begin_request(const struct conf *c, struct filter_exchange *x,
                                         struct ctx *own)
{
    enum decoder_coding codings[UNWRAP_CODINGS_MAX];
    struct message *m = x->request;
    unsigned count;
    enum content_coding_list list =
        content_coding_read(&m->headers, codings, UNWRAP_CODINGS_MAX, &count);
    if (!count || message_may_switch(m))
        return FILTER_NEXT;
    if (list == CODINGS_TOO_MANY || (list == CODINGS_UNKNOWN && c->rejects_unknown))
        return fail_coding(x);
    if (list == CODINGS_UNKNOWN || m->content_length == 0 ||
        headers_find(&m->headers, SLICE("content-range"))) /* a part cannot be understood */
        return FILTER_NEXT;
    if (!unwrap_begin(&own->request, codings, count)) {
        x->host->fail(x, fail_info(FAIL_INTERNAL), (struct slice){0});
        return FILTER_REPLY;
    }
    content_coding_changed(m);
    x->host->count(x, &filter_decompression, REQUEST);
    return FILTER_NEXT;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    for (int i = 0; i < DECODER_COUNT; i++)
        own->is_accepted[i] = accept_coding_quality(&x->request->headers,
                                                    slice_from_cstr(decoder_coding_names[i])) > 0;
    return c->has_requests ? begin_request(c, x, own) : FILTER_NEXT;
}

static bool are_accepted(const struct ctx *own, const enum decoder_coding *codings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (!own->is_accepted[codings[i]])
            return false;
    return true;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct message *m = x->response;
    enum decoder_coding codings[UNWRAP_CODINGS_MAX];
    unsigned count;
    bool is_head = slice_eq_cstr(x->request->method, "HEAD") && m->status == 200;
    if (!c->has_responses || x->is_answered_here || message_may_switch(x->request) ||
        (!is_head && (!body_form_is_complete(x->request, m) || m->content_length == 0)) ||
        content_coding_read(&m->headers, codings, UNWRAP_CODINGS_MAX, &count) != CODINGS_KNOWN ||
        !count || content_coding_is_final(&m->headers))
        return FILTER_NEXT;
    if (!c->is_always)
        content_coding_note_vary(&m->headers);
    if (!c->is_always && are_accepted(own, codings, count))
        return FILTER_NEXT;
    if (!is_head && !unwrap_begin(&own->response, codings, count))
        return FILTER_RESET;
    content_coding_changed(m);
    x->host->count(x, &filter_decompression, RESPONSE);
    return FILTER_NEXT;
}

/* ---- bodies ---- */

static enum filter_verdict unwrap(struct filter_exchange *x, struct unwrap *u,
                                  const struct unwrap_limits *limits, struct buf *body, bool end,
                                  enum unwrap_result *result)
{
    struct buf out;
    buf_init(&out);
    *result = unwrap_run(u, limits, body, end, &out);
    if (*result == UNWRAP_ALL)
        buf_move_all(body, &out);
    else if (*result == UNWRAP_MORE)
        buf_move_all(x->passing, &out);
    buf_dispose(&out);
    if (*result == UNWRAP_ALL)
        return FILTER_NEXT;
    if (*result == UNWRAP_MORE)
        x->host->wake(x); /* in the next turn: others want theirs too */
    return FILTER_WAIT;
}

static enum filter_verdict on_request_body(struct filter_exchange *x, const void *conf, void *ctx,
                                           struct buf *body, bool end)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    enum unwrap_result result;
    if (!own->request.count)
        return FILTER_NEXT;
    enum filter_verdict verdict = unwrap(x, &own->request, &c->request, body, end, &result);
    switch (result) {
    case UNWRAP_BAD:
        return fail(x, BODY_INVALID);
    case UNWRAP_TOO_LARGE:
        return fail(x, BODY_TOO_LARGE);
    case UNWRAP_BOMB:
        return fail(x, BODY_RATIO);
    case UNWRAP_ALL:
    case UNWRAP_MORE:
        break;
    }
    return verdict;
}

static enum filter_verdict on_response_body(struct filter_exchange *x, const void *conf, void *ctx,
                                            struct buf *body, bool end)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    enum unwrap_result result;
    if (!own->response.count)
        return FILTER_NEXT;
    enum filter_verdict verdict = unwrap(x, &own->response, &c->response, body, end, &result);
    if (result == UNWRAP_ALL || result == UNWRAP_MORE)
        return verdict;
    return fail(x, result == UNWRAP_BAD ? RESPONSE_INVALID : RESPONSE_LARGE);
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct ctx *own = ctx;
    (void)x, (void)conf;
    unwrap_end(&own->request);
    unwrap_end(&own->response);
}

const struct filter filter_decompression = {
    .name = "decompression",
    .doc = "Decompresses the bodies of requests and responses.",
    .phase = FILTER_PHASE_LIMIT, /* whoever may not call has us do nothing */
    .is_next_to_backend = true,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .on_request_body = on_request_body,
    .on_response_body = on_response_body,
    .on_end = on_end,
    .describe = describe,
    .is_pure = true,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
