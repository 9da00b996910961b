/* extAuth: asks a service whether a request may go on. What cannot be decided is refused (403),
 * unless failOpen says otherwise. Defaults are those of Envoy's ext_authz.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/ext_auth.h"

#include "filters/chain.h"
#include "lib/schema/schema_format.h"

/* ---- what users write ---- */

static const char *const protocols[] = {
    [EXT_AUTH_HTTP] = "HTTP",
    [EXT_AUTH_GRPC] = "GRPC",
    NULL,
};

static const struct schema_field name_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_header_name};
static const struct schema_field mutable_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 256, .format = &schema_format_mutable_header};
static const struct schema_field context_element = {.type = SCHEMA_STRING, .max = 1024};

static const struct schema_field body_fields[] = {
    SCHEMA_FIELD(struct ext_auth_body_spec, max, "maxBytes", QUANTITY,
                 "How much of the body is shown: \"8Ki\" or a number, up to 1Mi. A longer one is "
                 "refused with 413.",
                 .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct ext_auth_body_spec, allow_partial, "allowPartial", BOOL,
                 "Of a longer body the beginning is shown, instead. x-envoy-auth-partial-body "
                 "says whether that is all of it."),
    {0},
};

static void check_body(struct schema_run *run, const struct doc *node, void *value)
{
    const struct ext_auth_body_spec *s = value;
    if (s->max < 1000 || s->max > INT64_C(1000) * FILTER_HOLD_MAX)
        schema_error(run, node, "maxBytes", "must be from 1 to 1Mi");
}

static const struct schema body_schema = {
    .name = "ExtAuthBody",
    .doc = "What the authorizer is shown of the request's body.",
    .size = sizeof(struct ext_auth_body_spec),
    .fields = body_fields,
    .check = check_body,
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct ext_auth_spec, protocol, "protocol", ENUM,
                 "GRPC: envoy.service.auth.v3.Authorization. HTTP: a request with the method, "
                 "host and path of the client's; 200 allows it, 5xx is a failure, and any other "
                 "answer goes to the client.",
                 .flags = SCHEMA_REQUIRED, .choices = protocols, .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct ext_auth_spec, backend, "backendRef", OBJECT, "Who is asked.",
                 .flags = SCHEMA_REQUIRED, .object = &schema_ref_backend),
    SCHEMA_FIELD(struct ext_auth_spec, path, "path", STRING,
                 "HTTP: put in front of the path of the request.", .max = 1024,
                 .format = &schema_format_path),
    SCHEMA_FIELD(struct ext_auth_spec, allowed_headers, "allowedHeaders", LIST,
                 "Headers of the request that the authorizer is shown. GRPC: all of them when left "
                 "out. HTTP: none when left out, but Host, Authorization and Content-Length "
                 "always.",
                 .max = 64, .element = &name_element),
    SCHEMA_FIELD(struct ext_auth_spec, to_backend, "headersToBackend", LIST,
                 "Headers that only the authorizer may give the backend: the client's own of these "
                 "names are removed. HTTP: taken from its 200 answer. GRPC: when given, it may set "
                 "no others.",
                 .max = 64, .element = &mutable_element),
    SCHEMA_FIELD(struct ext_auth_spec, all_to_backend, "allHeadersToBackend", BOOL,
                 "HTTP: all headers of its answer.", .flags = SCHEMA_WIRE),
    SCHEMA_FIELD(struct ext_auth_spec, body, "body", OBJECT,
                 "Show the request's body, too. The decision waits for it.",
                 .object = &body_schema),
    SCHEMA_FIELD(struct ext_auth_spec, timeout_ms, "timeout", DURATION,
                 "How long an answer may take.", .fallback = 200),
    SCHEMA_FIELD(struct ext_auth_spec, fail_open, "failOpen", BOOL,
                 "Let requests pass when the authorizer cannot be asked, or answers with an "
                 "error."),
    SCHEMA_FIELD(struct ext_auth_spec, status_on_error, "statusOnError", INT,
                 "The status of such a request, without failOpen.", .min = 400, .max = 599,
                 .fallback = 403),
    SCHEMA_FIELD(struct ext_auth_spec, context, "contextExtensions", MAP,
                 "GRPC: values that the authorizer is told as context_extensions.", .max = 64,
                 .element = &context_element),
    {0},
};

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct ext_auth_spec *s = value;
    if (s->protocol == EXT_AUTH_GRPC && s->path.len)
        schema_error(run, node, "path", "must be left out when protocol is GRPC");
    if (s->protocol == EXT_AUTH_HTTP && s->context.count)
        schema_error(run, node, "contextExtensions", "must be left out when protocol is HTTP");
    if (s->timeout_ms < 1 || s->timeout_ms > 60000)
        schema_error(run, node, "timeout", "must be from 1ms to 1m");
}

static const struct schema_rule rules[] = {
    {"self.protocol != 'GRPC' || !has(self.path)", "path must be left out when protocol is GRPC"},
    {"self.protocol != 'HTTP' || !has(self.contextExtensions)",
     "contextExtensions must be left out when protocol is HTTP"},
    {0},
};

const struct schema ext_auth_schema = {
    .name = "ExtAuth",
    .doc = "A service that decides which requests may go on.",
    .size = sizeof(struct ext_auth_spec),
    .fields = fields,
    .check = check_spec,
    .rules = rules,
};

/* ---- what is made of it ---- */

static const struct slice *take_names(struct arena *arena, const struct schema_list *from,
                                      uint32_t *count)
{
    struct slice *names = arena_alloc(arena, from->count * sizeof(*names));
    for (SCHEMA_EACH(*from, struct slice, name))
        names[(*count)++] = arena_copy_lower(arena, *name);
    return names;
}

enum err ext_auth_prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct ext_auth_spec *s = spec;
    struct ext_auth *c = conf;
    *c = (struct ext_auth){
        .protocol = (enum ext_auth_protocol)s->protocol,
        .cluster = s->backend->value,
        .backend = arena_printf(b->arena, "%.*s:%d", SLICE_ARG(s->backend->name),
                                (int)s->backend->port),
        .all_to_backend = s->all_to_backend,
        .body_max = s->body ? (size_t)(s->body->max / 1000) : 0,
        .allow_partial = s->body && s->body->allow_partial,
        .fail_open = s->fail_open,
        .timeout_ms = (uint32_t)s->timeout_ms,
        .status_on_error = (uint16_t)s->status_on_error,
        .context = s->context.items,
        .context_count = (uint32_t)s->context.count,
    };
    /* "/check/" in front of "/a" is "/check/a". */
    c->path = slice_ends_with(s->path, SLICE("/")) ? slice_sub(s->path, 0, s->path.len - 1)
                                                   : s->path;
    c->allowed = take_names(b->arena, &s->allowed_headers, &c->allowed_count);
    c->to_backend = take_names(b->arena, &s->to_backend, &c->to_backend_count);
    return ERR_OK;
}

struct slice ext_auth_describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct ext_auth *c = conf;
    (void)prefix;
    return arena_printf(arena, "would ask %.*s by %s%s", SLICE_ARG(c->backend),
                        c->protocol == EXT_AUTH_GRPC ? "gRPC" : "HTTP",
                        c->fail_open ? ", and go on without an answer" : "");
}

bool ext_auth_names(const struct slice *names, uint32_t count, struct slice name)
{
    for (uint32_t i = 0; i < count; i++)
        if (slice_eq(names[i], name))
            return true;
    return false;
}

/* ---- the decision ---- */

static const char *const events[] = {"allowed", "denied", "error", "failOpen", NULL};
enum { EVENT_ALLOWED, EVENT_DENIED, EVENT_ERROR, EVENT_FAIL_OPEN };

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("ext_auth_denied"),
     .http_status = 403,
     .grpc_status = 7,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the external authorizer does not allow this request")},
    {.label = FAIL_TEXT("ext_auth_error"),
     .http_status = 403,
     .grpc_status = 7,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the external authorizer cannot be asked")},
    {.label = FAIL_TEXT("ext_auth_body_too_large"),
     .http_status = 413,
     .grpc_status = 8,
     .flag = FAIL_TEXT("UAEX"),
     .text = FAIL_TEXT("the body of the request is larger than the authorizer is shown")},
};
enum { FAIL_DENIED, FAIL_ERROR, FAIL_TOO_LARGE };

/* What a call of gRPC is told (grpc.io "HTTP to gRPC Status Code Mapping"). */
static unsigned grpc_status_of(unsigned http_status)
{
    switch (http_status) {
    case 401:
        return 16;
    case 403:
        return 7;
    case 404:
        return 12;
    case 429:
    case 502:
    case 503:
    case 504:
        return 14;
    default:
        return http_status == 400 ? 13 : 2;
    }
}

static void set_status(struct filter_exchange *x, struct message *m, unsigned status)
{
    if (headers_find_id(&m->headers, HEADER_GRPC_STATUS))
        headers_set_id(&m->headers, HEADER_GRPC_STATUS,
                       arena_decimal(x->arena, grpc_status_of(status)));
    else
        m->status = (uint16_t)status;
}

/* The reason is ours, for the log; what the client gets is the authorizer's. */
static enum filter_verdict deny(struct filter_exchange *x, const struct ext_auth_answer *a)
{
    struct message *m = x->host->fail(x, &fails[FAIL_DENIED], (struct slice){0});
    x->host->count(x, &filter_ext_auth, EVENT_DENIED);
    if (message_is_grpc(x->request))
        set_status(x, m, a->status);
    else
        m = x->host->reply(x, a->status, a->body);
    for (uint32_t i = 0; i < a->to_client_count; i++)
        headers_add(&m->headers, a->to_client[i].name, a->to_client[i].value);
    return FILTER_REPLY;
}

static enum filter_verdict fail(struct filter_exchange *x, const struct ext_auth *c,
                                struct slice why)
{
    if (c->fail_open) {
        x->host->count(x, &filter_ext_auth, EVENT_FAIL_OPEN);
        return FILTER_NEXT;
    }
    x->host->count(x, &filter_ext_auth, EVENT_ERROR);
    set_status(x, x->host->fail(x, &fails[FAIL_ERROR], why), c->status_on_error);
    return FILTER_REPLY;
}

static enum filter_verdict refuse(struct filter_exchange *x, int what, struct slice why)
{
    x->host->count(x, &filter_ext_auth, EVENT_DENIED);
    x->host->fail(x, &fails[what], why);
    return FILTER_REPLY;
}

static enum filter_verdict judge(struct filter_exchange *x, const struct ext_auth *c,
                                 struct ext_auth_state *own)
{
    struct ext_auth_answer *a = &own->answer;
    if (c->protocol == EXT_AUTH_GRPC)
        ext_auth_grpc_read(x, c, &own->call, a);
    else
        ext_auth_http_read(x, c, &own->call, a);
    own->is_over = true;
    if (a->verdict == EXT_AUTH_FAILED)
        return fail(x, c, a->why);
    if (a->verdict == EXT_AUTH_DENIED)
        return deny(x, a);
    x->host->count(x, &filter_ext_auth, EVENT_ALLOWED);
    ext_auth_apply(x, a);
    return FILTER_NEXT;
}

/* FILTER_NEXT: the call is under way, or over. */
static enum filter_verdict ask(struct filter_exchange *x, const struct ext_auth *c,
                               struct ext_auth_state *own)
{
    struct ext_auth_body body = {.is_whole = true};
    struct slice why;
    bool is_long = x->request->content_length > (int64_t)c->body_max;
    if (c->body_max && is_long && !c->allow_partial)
        return refuse(x, FAIL_TOO_LARGE, (struct slice){0});
    if (c->body_max && !x->host->peek_body(x, c->body_max, &body.bytes, &body.is_whole))
        return FILTER_WAIT;
    if (!body.is_whole && !c->allow_partial)
        return refuse(x, FAIL_TOO_LARGE, (struct slice){0});
    own->is_begun = true;
    ext_auth_strip(x, c);
    if (c->protocol == EXT_AUTH_GRPC)
        ext_auth_grpc_ask(x, c, &body, &own->call);
    else if (!ext_auth_http_ask(x, c, &body, &own->call, &why))
        return refuse(x, FAIL_DENIED, why); /* nothing failed: failOpen does not apply */
    own->call.cluster = c->cluster;
    x->host->call(x, &own->call);
    return FILTER_NEXT;
}

enum filter_verdict ext_auth_decide(struct filter_exchange *x, const struct ext_auth *c,
                                    struct ext_auth_state *own)
{
    if (own->is_over)
        return FILTER_NEXT;
    if (!own->is_begun) {
        enum filter_verdict verdict = ask(x, c, own);
        if (verdict != FILTER_NEXT)
            return verdict;
    }
    return own->call.is_done ? judge(x, c, own) : FILTER_WAIT;
}

void ext_auth_respond(struct filter_exchange *x, const struct ext_auth_state *own)
{
    if (own->is_over && own->answer.verdict == EXT_AUTH_ALLOWED)
        ext_auth_apply_response(x->response, &own->answer);
}

/* ---- hooks ---- */

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    return ext_auth_decide(x, conf, ctx);
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    (void)conf;
    ext_auth_respond(x, ctx);
    return FILTER_NEXT;
}

const struct filter filter_ext_auth = {
    .name = "extAuth",
    .doc = "Asks a service whether a request may go on (Envoy's ext_authz, or HTTP).",
    .phase = FILTER_PHASE_AUTHORIZE,
    .spec = &ext_auth_schema,
    .conf_size = sizeof(struct ext_auth),
    .ctx_size = sizeof(struct ext_auth_state),
    .prepare = ext_auth_prepare,
    .on_request = on_request,
    .on_response = on_response,
    .describe = ext_auth_describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
