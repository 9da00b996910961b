/* hmacAuth: requests that their sender has signed with a shared secret, as Kong's hmac-auth and
 * draft-cavage-http-signatures-12 have it: "Authorization: hmac username="ann",
 * algorithm="hmac-sha256", headers="date @request-target", signature="…"". SHA-1 is not taken.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "filters/refusal.h"
#include "filters/caller/hmac_params.h"
#include "filters/strip.h"
#include "lib/codec/http/http_date.h"
#include "lib/codec/text/base64.h"
#include "lib/schema/schema_format.h"
#include "lib/schema/schema_ref.h"
#include "lib/tls/digest.h"
#include "lib/tls/signature.h"

/* ---- what users write ---- */

struct hmac_auth_spec {
    int64_t skew_ms;
    struct schema_list enforce; /* struct slice */
    bool with_body, hide;
    int64_t body_max;
    struct schema_ref consumers;
};

static const struct schema_field enforce_element = {.type = SCHEMA_STRING, .min = 1, .max = 256};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct hmac_auth_spec, skew_ms, "clockSkew", DURATION,
                 "How far the request's X-Date or Date may be from the time here.",
                 .fallback = 300000),
    SCHEMA_FIELD(struct hmac_auth_spec, enforce, "enforceHeaders", LIST,
                 "What must be signed, at least: names of headers, and @request-target for method "
                 "and path. Left out: date (or x-date) and @request-target.",
                 .min = 1, .max = 32, .element = &enforce_element),
    SCHEMA_FIELD(struct hmac_auth_spec, with_body, "validateRequestBody", BOOL,
                 "The body must have a Digest header with its SHA-256, which must be signed."),
    SCHEMA_FIELD(struct hmac_auth_spec, body_max, "maxBody", QUANTITY,
                 "How large a body may be that is validated; larger ones are refused.",
                 .fallback = INT64_C(1048576000)),
    SCHEMA_FIELD(struct hmac_auth_spec, hide, "hideCredentials", BOOL,
                 "Remove the Authorization header before the request goes on.", .fallback = true),
    SCHEMA_FIELD(struct hmac_auth_spec, consumers, "consumerNamespaces", INLINE,
                 "Whose Consumers are accepted.", .object = &schema_ref_consumers),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct hmac_auth_spec *s = value;
    if (s->body_max < 1000 || s->body_max > INT64_C(1048576000))
        schema_error(run, node, "maxBody", "must be from 1 to 1Mi");
}

static const struct schema spec_schema = {
    .name = "HMACAuth",
    .doc = "Who may call: Consumers that sign their requests.",
    .size = sizeof(struct hmac_auth_spec),
    .fields = fields,
    .check = check,
};

/* ---- what is made of it ---- */

struct conf {
    const struct slice *enforce;
    size_t enforce_count;
    int64_t skew_ms;
    size_t body_max;
    bool with_body, hide;
    struct consumer_scope scope;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    static const struct slice least[] = {{"date", 4}, {"@request-target", 15}};
    const struct hmac_auth_spec *s = spec;
    struct conf *c = conf;
    const struct slice *from = s->enforce.count ? s->enforce.items : least;
    c->enforce_count = s->enforce.count ? s->enforce.count : 2;
    struct slice *enforce = arena_alloc(b->arena, c->enforce_count * sizeof(*enforce));
    for (size_t i = 0; i < c->enforce_count; i++)
        enforce[i] = arena_copy_lower(b->arena, from[i]);
    c->enforce = enforce;
    c->skew_ms = s->skew_ms;
    c->body_max = (size_t)(s->body_max / 1000);
    c->with_body = s->with_body;
    c->hide = s->hide;
    c->scope = consumer_scope_read(b->arena, s->consumers.value);
    return ERR_OK;
}

/* ---- what was signed ---- */

/* Method and path under any of the names that they have. */
static bool is_target(struct slice name)
{
    return slice_eq_cstr(name, "@request-target") || slice_eq_cstr(name, "(request-target)") ||
           slice_eq_cstr(name, "request-line");
}

static bool is_date(struct slice name)
{
    return slice_eq_cstr(name, "date") || slice_eq_cstr(name, "x-date");
}

static bool is_signed(struct slice list, struct slice wanted)
{
    struct slice name;
    while (list.len && slice_split(&list, ' ', &name))
        if (slice_eq_nocase(name, wanted) || (is_target(name) && is_target(wanted)) ||
            (is_date(name) && is_date(wanted)))
            return true;
    return false;
}

/* By that very name. */
static bool is_listed(struct slice list, struct slice wanted)
{
    struct slice name;
    while (list.len && slice_split(&list, ' ', &name))
        if (slice_eq_nocase(name, wanted))
            return true;
    return false;
}

/* All values of the field, as one list. NULL ptr: it is not there. */
static struct slice value_of(struct filter_exchange *x, struct slice name)
{
    struct slice value = {0};
    if (slice_eq_cstr(name, "host"))
        return x->request->authority;
    for (uint32_t i = 0; i < x->request->headers.count; i++) {
        const struct header *h = &x->request->headers.items[i];
        if (!slice_eq(h->name, name))
            continue;
        value = value.ptr ? arena_printf(x->arena, "%.*s, %.*s", SLICE_ARG(value),
                                         SLICE_ARG(h->value))
                          : h->value;
    }
    return value;
}

static struct slice target_line(struct filter_exchange *x, struct slice name)
{
    const struct message *m = x->request;
    const char *version = m->version == HTTP_2 ? "2.0" : m->version == HTTP_1_0 ? "1.0" : "1.1";
    if (slice_eq_cstr(name, "request-line"))
        return arena_printf(x->arena, "%.*s %.*s HTTP/%s", SLICE_ARG(m->method),
                            SLICE_ARG(x->original_path), version);
    struct slice method = arena_copy_lower(x->arena, m->method);
    return arena_printf(x->arena, "%.*s: %.*s %.*s", SLICE_ARG(name), SLICE_ARG(method),
                        SLICE_ARG(x->original_path));
}

/* draft-cavage §2.3. NULL ptr: a field that is said to be signed is not there. */
static struct slice signed_text(struct filter_exchange *x, struct slice list)
{
    struct slice text = SLICE(""), name;
    bool is_first = true;
    while (list.len && slice_split(&list, ' ', &name)) {
        if (!name.len)
            continue;
        name = arena_copy_lower(x->arena, name);
        struct slice line, value = value_of(x, name);
        if (is_target(name))
            line = target_line(x, name);
        else if (value.ptr)
            line = arena_printf(x->arena, "%.*s: %.*s", SLICE_ARG(name), SLICE_ARG(value));
        else
            return (struct slice){0};
        text = is_first ? line
                        : arena_printf(x->arena, "%.*s\n%.*s", SLICE_ARG(text), SLICE_ARG(line));
        is_first = false;
    }
    return text;
}

/* ---- verdicts ---- */

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("signature_missing"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("Unauthorized"),
     .is_public = true,
     .is_absence = true},
    {.label = FAIL_TEXT("signature_date"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("HMAC signature cannot be verified, a valid date or x-date header is "
                       "required for HMAC Authentication"),
     .is_public = true},
    {.label = FAIL_TEXT("signature_wrong"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("HMAC signature does not match"),
     .is_public = true},
    {.label = FAIL_TEXT("signature_incomplete"),
     .http_status = 401,
     .grpc_status = 16,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("HMAC signature cannot be verified"),
     .is_public = true},
};
enum { MISSING, DATE, WRONG, INCOMPLETE, GOOD };

static enum filter_verdict refuse(struct filter_exchange *x, int why)
{
    return refusal_challenge(x, &fails[why], (struct slice){0}, SLICE("hmac"));
}

/* By the date that is signed: anybody could add the other to a request that was signed long ago. */
static bool is_timely(struct filter_exchange *x, const struct conf *c, struct slice list)
{
    int64_t said, now = x->host->unix_ms(x);
    struct slice date = value_of(x, SLICE("x-date"));
    if (!date.ptr || (!is_listed(list, SLICE("x-date")) && is_listed(list, SLICE("date"))))
        date = value_of(x, SLICE("date"));
    return date.ptr && !http_date_read(date, &said) && said >= now - c->skew_ms &&
           said <= now + c->skew_ms;
}

static enum signature_alg algorithm_of(struct slice name)
{
    return slice_eq_nocase(name, SLICE("hmac-sha256"))   ? SIGNATURE_HMAC_SHA256
           : slice_eq_nocase(name, SLICE("hmac-sha384")) ? SIGNATURE_HMAC_SHA384
           : slice_eq_nocase(name, SLICE("hmac-sha512")) ? SIGNATURE_HMAC_SHA512
                                                         : SIGNATURE_NONE;
}

/* With a secret that nobody has where nobody has that name: it costs the same time. */
static bool is_good(struct filter_exchange *x, const struct hmac_params *p, struct slice text,
                    const struct consumer_credential *found)
{
    struct signature_key key;
    const char *why;
    size_t len;
    enum signature_alg alg = algorithm_of(p->algorithm);
    char *bytes = arena_alloc(x->arena, BASE64_DECODED_MAX(p->signature.len));
    struct slice secret = found ? found->secret : SLICE("nobody's");
    if (alg == SIGNATURE_NONE || base64_decode(p->signature, bytes, &len) ||
        signature_key_hmac(x->arena, secret, &key, &why))
        return false;
    return signature_is_good(alg, &key, text, slice_of(bytes, len)) && found;
}

static int judge(struct filter_exchange *x, const struct conf *c, const struct hmac_params *p,
                 const struct consumer_credential **found)
{
    if (!is_timely(x, c, p->headers))
        return DATE;
    for (size_t i = 0; i < c->enforce_count; i++)
        if (!is_signed(p->headers, c->enforce[i]))
            return INCOMPLETE;
    if (c->with_body && x->request->content_length != 0 && value_of(x, SLICE("digest")).ptr &&
        !is_signed(p->headers, SLICE("digest")))
        return INCOMPLETE;
    struct slice text = signed_text(x, p->headers);
    if (!text.len)
        return INCOMPLETE;
    *found = consumer_find(x->consumers, CREDENTIAL_HMAC_AUTH, &c->scope, p->username);
    return is_good(x, p, text, *found) ? GOOD : WRONG;
}

/* ---- the body ---- */

/* "SHA-256=<Base64>" (RFC 3230). */
static bool is_digest_of(struct filter_exchange *x, struct slice digest, struct slice body)
{
    uint8_t hash[DIGEST_SIZE];
    struct slice want = SLICE("SHA-256=");
    size_t len;
    if (digest.len < want.len || !slice_eq_nocase(slice_sub(digest, 0, want.len), want))
        return false;
    struct slice coded = slice_sub(digest, want.len, digest.len);
    char *said = arena_alloc(x->arena, BASE64_DECODED_MAX(coded.len));
    digest_sha256(body, hash);
    return !base64_decode(coded, said, &len) && len == sizeof(hash) &&
           memcmp(said, hash, len) == 0; /* of what the client has sent itself: no secret */
}

/* FILTER_NEXT: it is what was signed. */
static enum filter_verdict check_body(struct filter_exchange *x, const struct conf *c)
{
    struct slice body;
    bool is_whole;
    struct slice digest = value_of(x, SLICE("digest"));
    if (!x->host->peek_body(x, c->body_max, &body, &is_whole))
        return FILTER_WAIT;
    if (!body.len && is_whole && !digest.ptr)
        return FILTER_NEXT;
    if (!is_whole || !digest.ptr || !is_digest_of(x, digest, body))
        return refuse(x, WRONG);
    return FILTER_NEXT;
}

/* ---- hooks ---- */

struct ctx {
    const struct consumer_credential *found; /* the signature is good */
};

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct hmac_params params;
    if (!own->found) {
        const struct consumer_credential *found = NULL;
        consumer_headers_drop(x);
        if (!hmac_params_read(x, &params))
            return refuse(x, MISSING);
        int verdict = judge(x, c, &params, &found);
        if (verdict != GOOD)
            return refuse(x, verdict);
        own->found = found;
    }
    if (c->with_body) {
        enum filter_verdict verdict = check_body(x, c);
        if (verdict != FILTER_NEXT)
            return verdict;
    }
    if (c->hide)
        strip_header(x, SLICE("authorization"));
    consumer_accept(x, "hmacAuth", own->found);
    return FILTER_NEXT;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    (void)arena, (void)conf, (void)prefix;
    return SLICE("accepts consumers that sign their requests");
}

const struct filter filter_hmac_auth = {
    .name = "hmacAuth",
    .doc = "Lets in Consumers that sign their requests with a secret (401 without).",
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
