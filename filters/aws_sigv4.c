/* awsSigV4: signs requests on their way to a backend that wants AWS Signature Version 4: S3, MinIO,
 * API Gateway, OpenSearch (docs.aws.amazon.com/IAM, "Create a signed AWS API request"). Whatever
 * the client has signed itself goes: it could only have signed for another host or other keys.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include <string.h>

#include "filters/shape/aws_canonical.h"
#include "filters/shape/aws_signature.h"
#include "filters/chain.h"
#include "filters/strip.h"
#include "lib/base/civil.h"
#include "lib/schema/schema_ref.h"

/* ---- what users write ---- */

enum payload { PAYLOAD_UNSIGNED, PAYLOAD_SIGNED };

static const char *const payloads[] = {
    [PAYLOAD_UNSIGNED] = "Unsigned",
    [PAYLOAD_SIGNED] = "Signed",
    NULL,
};

struct aws_sigv4_spec {
    struct slice region, service;
    const struct schema_ref *access_key_id, *secret_access_key, *session_token;
    int payload;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct aws_sigv4_spec, region, "region", STRING,
                 "\"us-east-1\"; what MinIO is told with MINIO_SITE_REGION.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 64),
    SCHEMA_FIELD(struct aws_sigv4_spec, service, "service", STRING,
                 "\"s3\", \"execute-api\", \"es\".", .text = "s3", .min = 1, .max = 64),
    SCHEMA_FIELD(struct aws_sigv4_spec, access_key_id, "accessKeyIdRef", OBJECT,
                 "The access key's id.", .flags = SCHEMA_REQUIRED, .object = &schema_ref_secret),
    SCHEMA_FIELD(struct aws_sigv4_spec, secret_access_key, "secretAccessKeyRef", OBJECT,
                 "The access key's secret.", .flags = SCHEMA_REQUIRED,
                 .object = &schema_ref_secret),
    SCHEMA_FIELD(struct aws_sigv4_spec, session_token, "sessionTokenRef", OBJECT,
                 "With temporary credentials: their token.", .object = &schema_ref_secret),
    SCHEMA_FIELD(struct aws_sigv4_spec, payload, "payload", ENUM,
                 "Unsigned: the body is not covered (UNSIGNED-PAYLOAD), which S3 and MinIO accept. "
                 "Signed: it is, for the services that want it; the request waits for its body, "
                 "and one of more than 1Mi is refused with 413.",
                 .choices = payloads, .fallback = PAYLOAD_UNSIGNED),
    {0},
};

static const struct schema spec_schema = {
    .name = "AWSSigV4",
    .doc = "Credentials that requests to the backend are signed with.",
    .size = sizeof(struct aws_sigv4_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    struct slice region, service, key_id, token;
    struct slice first_key; /* "AWS4" and the secret */
    bool is_s3, signs_payload;
};

/* A file's last line break is not part of the value. */
static struct slice value_of(const struct schema_ref *ref)
{
    struct slice value = ref ? ref->value : SLICE("");
    while (value.len && strchr("\r\n", value.ptr[value.len - 1]))
        value.len--;
    return value;
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct aws_sigv4_spec *s = spec;
    struct conf *c = conf;
    struct slice secret = value_of(s->secret_access_key);
    *c = (struct conf){
        .region = s->region,
        .service = s->service,
        .key_id = value_of(s->access_key_id),
        .token = value_of(s->session_token),
        .first_key = arena_printf(b->arena, "AWS4%.*s", SLICE_ARG(secret)),
        .is_s3 = slice_eq_cstr(s->service, "s3"),
        .signs_payload = s->payload == PAYLOAD_SIGNED,
    };
    if (!message_value_is_valid(c->key_id) || !c->key_id.len)
        return filter_refuse(b, "accessKeyIdRef: not the id of an access key");
    if (!secret.len)
        return filter_refuse(b, "secretAccessKeyRef: it is empty");
    if (!message_value_is_valid(c->token))
        return filter_refuse(b, "sessionTokenRef: not a session token");
    return ERR_OK;
}

/* ---- the signature ---- */

static struct slice time_text(struct arena *arena, int64_t unix_ms)
{
    struct civil t;
    civil_from_ms(unix_ms, &t);
    return arena_printf(arena, "%04u%02u%02uT%02u%02u%02uZ", t.year, t.month, t.day, t.hour,
                        t.minute, t.second);
}

static bool is_clients(const struct header *h)
{
    static const char *const names[] = {"authorization", "x-amz-date", "x-amz-content-sha256",
                                        "x-amz-security-token"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_cstr(h->name, names[i]))
            return true;
    return false;
}

/* Of a presigned URL: whoever reads the log could use it. */
static const struct slice presigned[] = {{"X-Amz-Signature", 15}, {"X-Amz-Security-Token", 20}};

static void sign_request(struct filter_exchange *x, const struct conf *c, struct slice payload)
{
    struct message *m = x->request;
    struct slice now = time_text(x->arena, x->host->unix_ms(x)), day = slice_sub(now, 0, 8);
    struct aws_scope scope = {day, c->region, c->service};
    headers_remove_if(&m->headers, is_clients);
    strip_logged_query(x, presigned, sizeof(presigned) / sizeof(presigned[0]));
    headers_add(&m->headers, SLICE("x-amz-content-sha256"), payload);
    headers_add(&m->headers, SLICE("x-amz-date"), now);
    if (c->token.len)
        headers_add(&m->headers, SLICE("x-amz-security-token"), c->token)->never_index = true;
    struct aws_canonical canonical;
    aws_canonical_make(x->arena, m, c->is_s3, payload, &canonical);
    m->path = canonical.target;
    struct slice signature =
        aws_signature(x->arena, c->first_key, &scope, now, canonical.text);
    struct header *h = headers_add_id(
        &m->headers, HEADER_AUTHORIZATION,
        arena_printf(x->arena,
                     AWS_SIGNATURE_ALGORITHM " Credential=%.*s/%.*s/%.*s/%.*s/aws4_request, "
                                             "SignedHeaders=%.*s, Signature=%.*s",
                     SLICE_ARG(c->key_id), SLICE_ARG(day), SLICE_ARG(c->region),
                     SLICE_ARG(c->service), SLICE_ARG(canonical.signed_headers),
                     SLICE_ARG(signature)));
    h->never_index = true;
}

/* ---- hooks ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("aws_body_too_large"),
     .http_status = 413,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("the body of the request is too large to be signed")},
};

static enum filter_verdict refuse(struct filter_exchange *x)
{
    x->host->fail(x, &fails[0], (struct slice){0});
    return FILTER_REPLY;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct slice body = SLICE("");
    bool is_whole = true;
    (void)ctx;
    if (c->signs_payload) {
        if (x->request->content_length > (int64_t)FILTER_HOLD_MAX)
            return refuse(x);
        if (!x->host->peek_body(x, FILTER_HOLD_MAX, &body, &is_whole))
            return FILTER_WAIT;
        if (!is_whole)
            return refuse(x);
    }
    bool is_covered = c->signs_payload || x->request->content_length == 0;
    sign_request(x, c, is_covered ? aws_hash(x->arena, body) : SLICE("UNSIGNED-PAYLOAD"));
    return FILTER_NEXT;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "signs for %.*s in %.*s as %.*s%s", SLICE_ARG(c->service),
                        SLICE_ARG(c->region), SLICE_ARG(c->key_id),
                        c->signs_payload ? ", with the body" : "");
}

const struct filter filter_aws_sigv4 = {
    .name = "awsSigV4",
    .doc = "Signs requests to the backend with AWS Signature Version 4.",
    .phase = FILTER_PHASE_TRANSFORM,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .prepare = prepare,
    .on_request = on_request,
    .describe = describe,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
