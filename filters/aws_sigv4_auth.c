/* awsSigV4Auth: requests that their sender has signed with AWS Signature Version 4, in a header or
 * as a presigned URL, as the SDKs of AWS do (docs.aws.amazon.com/IAM, "Signature Version 4 for API
 * requests"). Whom a key belongs to, Consumers say. Answers have the names of Amazon S3's errors.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/aws_params.h"
#include "filters/chain.h"
#include "filters/refusal.h"
#include "filters/shape/aws_canonical.h"
#include "filters/strip.h"
#include "lib/schema/schema_ref.h"
#include "lib/tls/digest.h"

/* ---- what users write ---- */

struct aws_sigv4_auth_spec {
    struct slice region, service;
    int64_t skew_ms;
    bool with_body, hide;
    struct schema_ref consumers;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct aws_sigv4_auth_spec, region, "region", STRING,
                 "The region that requests must be signed for; any when left out.", .max = 64),
    SCHEMA_FIELD(struct aws_sigv4_auth_spec, service, "service", STRING,
                 "The service that requests must be signed for: \"s3\", \"execute-api\".",
                 .text = "s3", .min = 1, .max = 64),
    SCHEMA_FIELD(struct aws_sigv4_auth_spec, skew_ms, "clockSkew", DURATION,
                 "How far the time of the signature may be from the time here.",
                 .fallback = 900000),
    SCHEMA_FIELD(struct aws_sigv4_auth_spec, with_body, "validateRequestBody", BOOL,
                 "Compare the body with its hash, where one is signed; the request waits for its "
                 "body, and one of more than 1Mi is refused with 413. Off: the hash is taken as "
                 "it is.",
                 .fallback = true),
    SCHEMA_FIELD(struct aws_sigv4_auth_spec, hide, "hideCredentials", BOOL,
                 "Remove the signature before the request goes on.", .fallback = true),
    SCHEMA_FIELD(struct aws_sigv4_auth_spec, consumers, "consumerNamespaces", INLINE,
                 "Whose Consumers are accepted.", .object = &schema_ref_consumers),
    {0},
};

static const struct schema spec_schema = {
    .name = "AWSSigV4Auth",
    .doc = "Who may call: Consumers that sign their requests as those to AWS.",
    .size = sizeof(struct aws_sigv4_auth_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice region, service;
    int64_t skew_ms;
    bool is_s3, with_body, hide;
    struct consumer_scope scope;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct aws_sigv4_auth_spec *s = spec;
    *(struct conf *)conf = (struct conf){
        .region = s->region,
        .service = s->service,
        .skew_ms = s->skew_ms,
        .is_s3 = slice_eq_cstr(s->service, "s3"),
        .with_body = s->with_body,
        .hide = s->hide,
        .scope = consumer_scope_read(b->arena, s->consumers.value),
    };
    return ERR_OK;
}

/* ---- verdicts ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("aws_signature_missing"),
     .http_status = 403,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("MissingAuthenticationToken"),
     .is_public = true,
     .is_absence = true},
    {.label = FAIL_TEXT("aws_signature_malformed"),
     .http_status = 400,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("AuthorizationHeaderMalformed"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_signature_time"),
     .http_status = 403,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("RequestTimeTooSkewed"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_signature_expired"),
     .http_status = 403,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("AccessDenied: Request has expired"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_key_unknown"),
     .http_status = 403,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("InvalidAccessKeyId"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_signature_wrong"),
     .http_status = 403,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("SignatureDoesNotMatch"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_token"),
     .http_status = 400,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("InvalidToken"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_body_wrong"),
     .http_status = 400,
     .grpc_status = 3,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("XAmzContentSHA256Mismatch"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_streaming"),
     .http_status = 501,
     .grpc_status = 12,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("NotImplemented: signed chunks are not supported; sign "
                       "UNSIGNED-PAYLOAD instead"),
     .is_public = true},
    {.label = FAIL_TEXT("aws_entity_too_large"),
     .http_status = 413,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("EntityTooLarge: the body of the request is too large to be compared with "
                       "its signed hash"),
     .is_public = true},
};
enum { MISSING, MALFORMED, TIME, EXPIRED, UNKNOWN, WRONG, TOKEN, BODY, STREAMING, LARGE, GOOD };

static enum filter_verdict refuse(struct filter_exchange *x, int why)
{
    x->host->fail(x, &fails[why], (struct slice){0});
    return FILTER_REPLY;
}

/* ---- what was signed ---- */

static int judge_time(struct filter_exchange *x, const struct conf *c, const struct aws_params *p)
{
    int64_t now = x->host->unix_ms(x);
    if (p->time_ms > now + c->skew_ms)
        return TIME;
    if (p->expires_s >= 0)
        return now > p->time_ms + p->expires_s * 1000 ? EXPIRED : GOOD;
    return now > p->time_ms + c->skew_ms ? TIME : GOOD;
}

static bool is_in_list(struct slice list, struct slice wanted)
{
    struct slice name;
    while (slice_split(&list, ';', &name))
        if (slice_eq(name, wanted))
            return true;
    return false;
}

/* The host and all that is AWS's: else anybody could add a header to what was signed. */
static bool covers_all(const struct filter_exchange *x, struct slice list)
{
    const struct headers *h = &x->request->headers;
    for (uint32_t i = 0; i < h->count; i++)
        if (slice_starts_with(h->items[i].name, SLICE("x-amz-")) &&
            !is_in_list(list, h->items[i].name))
            return false;
    return is_in_list(list, SLICE("host"));
}

static bool is_for_us(const struct conf *c, const struct aws_params *p)
{
    return slice_eq(p->scope.service, c->service) &&
           (!c->region.len || slice_eq(p->scope.region, c->region));
}

/* With a secret that nobody has where nobody has that key: it costs the same time. */
static bool is_good(struct filter_exchange *x, const struct conf *c, const struct aws_params *p,
                    struct slice payload, const struct consumer_credential *found)
{
    struct slice secret = found ? found->secret : SLICE("nobody's"), text;
    struct slice first = arena_printf(x->arena, "AWS4%.*s", SLICE_ARG(secret));
    if (!aws_canonical_of_signed(x->arena, x->request, x->original_path, c->is_s3, payload,
                                 p->signed_headers, &text))
        return false;
    struct slice wanted = aws_signature(x->arena, first, &p->scope, p->time, text);
    return digest_is_same(wanted, p->signature) && found;
}

/* ---- the body ---- */

static bool is_hash(struct slice payload)
{
    return payload.len == 64;
}

/* What a signature without a hash of its own covers (presigned URLs of S3: nothing). */
static bool needs_body(const struct conf *c, const struct aws_params *p)
{
    if (!p->payload.len)
        return !(c->is_s3 && p->expires_s >= 0);
    return is_hash(p->payload) && c->with_body;
}

struct ctx {
    struct aws_params params;
    bool is_read;
};

/* GOOD, and *payload is what the canonical request ends with. -1: the body has to come first. */
static int take_payload(struct filter_exchange *x, const struct conf *c,
                        const struct aws_params *p, struct slice *payload)
{
    struct slice body = {0}, hash;
    bool is_whole = false;
    *payload = p->payload.len ? p->payload : SLICE("UNSIGNED-PAYLOAD");
    if (slice_starts_with(p->payload, SLICE("STREAMING-")))
        return STREAMING;
    if (!needs_body(c, p))
        return GOOD;
    if (x->request->content_length > (int64_t)FILTER_HOLD_MAX)
        return LARGE;
    if (!x->host->peek_body(x, FILTER_HOLD_MAX, &body, &is_whole))
        return -1;
    if (!is_whole)
        return LARGE;
    hash = aws_hash(x->arena, body);
    if (p->payload.len && !slice_eq(hash, p->payload))
        return BODY;
    *payload = hash;
    return GOOD;
}

/* ---- hooks ---- */

static int read_params(struct filter_exchange *x, const struct conf *c, struct aws_params *p)
{
    static const struct slice logged[] = {{"X-Amz-Signature", 15}, {"X-Amz-Security-Token", 20}};
    consumer_headers_drop(x);
    strip_logged_query(x, logged, sizeof(logged) / sizeof(logged[0]));
    enum aws_params_fault fault = aws_params_read(x, p);
    if (fault != AWS_PARAMS_OK)
        return fault == AWS_PARAMS_MISSING ? MISSING : MALFORMED;
    if (!is_for_us(c, p) || !covers_all(x, p->signed_headers))
        return MALFORMED;
    /* Temporary credentials: nobody here has given any out. */
    return p->token.len ? TOKEN : judge_time(x, c, p);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct slice payload;
    if (!own->is_read) {
        int verdict = read_params(x, c, &own->params);
        if (verdict != GOOD)
            return refuse(x, verdict);
        own->is_read = true;
    }
    int verdict = take_payload(x, c, &own->params, &payload);
    if (verdict < 0)
        return FILTER_WAIT;
    if (verdict != GOOD)
        return refuse(x, verdict);
    const struct consumer_credential *found =
        consumer_find(x->consumers, CREDENTIAL_AWS_SIGV4_AUTH, &c->scope, own->params.key_id);
    if (!is_good(x, c, &own->params, payload, found))
        return refuse(x, found ? WRONG : UNKNOWN);
    if (c->hide)
        aws_params_remove(x);
    consumer_accept(x, "awsSigV4Auth", found);
    return FILTER_NEXT;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena,
                        "accepts consumers that sign their requests as those to AWS, for %.*s",
                        SLICE_ARG(c->service));
}

const struct filter filter_aws_sigv4_auth = {
    .name = "awsSigV4Auth",
    .doc = "Lets in Consumers that sign their requests with AWS Signature Version 4 (403 without).",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
