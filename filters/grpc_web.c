/* grpcWeb: browsers call gRPC services. Their requests become gRPC's, and its responses theirs: the
 * trailers, which browsers do not see, go into the body (grpc/doc/PROTOCOL-WEB.md; Envoy's grpc_web
 * filter). Messages pass as they come, in both directions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/shape/body_form.h"
#include "lib/codec/http/grpc_status.h"
#include "lib/codec/http/grpc_web_frame.h"

enum { MESSAGE_MAX = 1024 }; /* of a body that is no gRPC's, told as grpc-message */

/* ---- what users write ---- */

struct grpc_web_spec {
    bool plain_only;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct grpc_web_spec, plain_only, "binaryOnly", BOOL,
                 "Requests in base64 (application/grpc-web-text) are answered with 415. They are "
                 "what clients send that read a stream with XMLHttpRequest."),
    {0},
};

static const struct schema spec_schema = {
    .name = "GRPCWeb",
    .doc = "Requests with a Content-Type of application/grpc-web or application/grpc-web-text; "
           "others pass as they are. For calls from other origins the CORS filter exposes "
           "grpc-status and grpc-message.",
    .size = sizeof(struct grpc_web_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct conf {
    bool plain_only;
};

struct ctx {
    struct grpc_web_type asked;
    bool is_web, is_text_wanted, is_grpc_answer;
    struct grpc_web_decoder request;
    struct grpc_web_encoder response;
};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    (void)b;
    ((struct conf *)conf)->plain_only = ((const struct grpc_web_spec *)spec)->plain_only;
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "gRPC-Web becomes gRPC%s", c->plain_only ? "; not as base64" : "");
}

/* ---- failures and events ---- */

enum { BODY_INVALID, TEXT_REFUSED };
static const struct fail_info fails[] = {
    [BODY_INVALID] = {.label = FAIL_TEXT("grpc_web_body_invalid"),
                      .http_status = 400,
                      .grpc_status = 3,
                      .flag = FAIL_TEXT("DPE"),
                      .is_public = true,
                      .text = FAIL_TEXT("the body of the request is not base64")},
    [TEXT_REFUSED] = {.label = FAIL_TEXT("grpc_web_text_refused"),
                      .http_status = 415,
                      .grpc_status = 12,
                      .flag = FAIL_TEXT("DPE"),
                      .is_public = true,
                      .text = FAIL_TEXT("application/grpc-web-text is not supported here")},
};

enum { CALL };
static const char *const events[] = {[CALL] = "call", NULL};

extern const struct filter filter_grpc_web;

static enum filter_verdict fail(struct filter_exchange *x, int which)
{
    x->host->fail(x, &fails[which], (struct slice){0});
    return FILTER_REPLY;
}

/* ---- requests ---- */

/* By the request as it came. */
static void recognize(const struct filter_exchange *x, struct ctx *own)
{
    const struct headers *h = &x->request->headers;
    own->is_web = slice_eq_cstr(x->request->method, "POST") &&
                  grpc_web_frame_read_type(headers_get_id(h, HEADER_CONTENT_TYPE), &own->asked);
    own->is_text_wanted = own->is_web && grpc_web_frame_wants_text(h, own->asked.is_text);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    struct message *m = x->request;
    recognize(x, own);
    if (!own->is_web)
        return FILTER_NEXT;
    headers_set_id(&m->headers, HEADER_CONTENT_TYPE,
                   arena_printf(x->arena, "application/grpc%.*s", SLICE_ARG(own->asked.message)));
    headers_set_id(&m->headers, HEADER_TE, SLICE("trailers"));
    x->needs_http2 = true;
    /* Browsers cannot decompress messages. */
    if (!headers_find(&m->headers, SLICE("grpc-accept-encoding")))
        headers_add(&m->headers, SLICE("grpc-accept-encoding"), SLICE("identity"));
    if (own->asked.is_text && c->plain_only)
        return fail(x, TEXT_REFUSED);
    if (own->asked.is_text) {
        headers_remove_id(&m->headers, HEADER_CONTENT_LENGTH);
        m->content_length = -1;
    }
    x->host->count(x, &filter_grpc_web, CALL);
    return FILTER_NEXT;
}

static enum filter_verdict on_request_body(struct filter_exchange *x, const void *conf, void *ctx,
                                           struct buf *body, bool end)
{
    struct ctx *own = ctx;
    struct buf out;
    (void)conf;
    if (!own->is_web || !own->asked.is_text)
        return FILTER_NEXT;
    buf_init(&out);
    bool is_good = grpc_web_frame_decode(&own->request, body, &out);
    if (!is_good || (end && !grpc_web_frame_is_complete(&own->request))) {
        buf_dispose(&out);
        return fail(x, BODY_INVALID);
    }
    buf_move_all(body, &out);
    return FILTER_NEXT;
}

/* ---- responses ---- */

/* Behind "application/grpc" of the response, else as the client asked. */
static struct slice message_of(const struct ctx *own, struct slice type)
{
    struct slice message = slice_trim(slice_sub(type, 0, slice_find_byte(type, ';')));
    message = slice_sub(message, sizeof("application/grpc") - 1, message.len);
    if (message.len)
        return message;
    return own->asked.message.len ? own->asked.message : SLICE("+proto");
}

static void set_type(struct filter_exchange *x, const struct ctx *own, struct slice message)
{
    headers_set_id(&x->response->headers, HEADER_CONTENT_TYPE,
                   arena_printf(x->arena, "application/grpc-web%s%.*s",
                                own->is_text_wanted ? "-text" : "", SLICE_ARG(message)));
}

/* What no gRPC server has said, but somebody on the way, or we ourselves: a status of gRPC with the
 * body as its message, in the head. */
static enum filter_verdict translate(struct filter_exchange *x, const struct ctx *own)
{
    struct message *m = x->response;
    struct slice body;
    bool is_whole;
    if (!x->host->peek_response_body(x, MESSAGE_MAX, &body, &is_whole))
        return FILTER_WAIT;
    struct slice text = grpc_text_encode(x->arena, slice_trim(body));
    headers_set_id(&m->headers, HEADER_GRPC_STATUS,
                   arena_printf(x->arena, "%u", grpc_status_from_http(m->status)));
    if (text.len)
        headers_set_id(&m->headers, HEADER_GRPC_MESSAGE, text);
    m->status = 200;
    x->host->replace_response_body(x, SLICE(""));
    set_type(x, own, message_of(own, SLICE("")));
    body_form_changed(m);
    return FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    struct ctx *own = ctx;
    struct message *m = x->response;
    struct slice type = headers_get_id(&m->headers, HEADER_CONTENT_TYPE);
    struct grpc_web_type given;
    (void)conf;
    if (!own->is_web) /* perhaps on_request had no turn */
        recognize(x, own);
    if (!own->is_web || grpc_web_frame_read_type(type, &given) || m->status < 200)
        return FILTER_NEXT;
    bool is_grpc = message_type_is_grpc(type);
    if (!is_grpc && !headers_find_id(&m->headers, HEADER_GRPC_STATUS))
        return translate(x, own);
    own->is_grpc_answer = true;
    set_type(x, own, message_of(own, is_grpc ? type : SLICE("")));
    headers_remove_id(&m->headers, HEADER_TRAILER);
    headers_remove_id(&m->headers, HEADER_CONTENT_LENGTH); /* the trailers come into it */
    m->content_length = -1;
    return FILTER_NEXT;
}

static enum filter_verdict on_response_body(struct filter_exchange *x, const void *conf, void *ctx,
                                            struct buf *body, bool end)
{
    struct ctx *own = ctx;
    struct buf out;
    (void)conf;
    if (!own->is_grpc_answer)
        return FILTER_NEXT;
    buf_init(&out);
    if (own->is_text_wanted)
        grpc_web_frame_encode(&own->response, body, end, &out);
    else
        buf_move_all(&out, body);
    if (end && x->response_trailers) {
        struct buf last;
        struct grpc_web_encoder whole = {.count = 0};
        buf_init(&last);
        grpc_web_frame_write_trailers(x->response_trailers, &last);
        if (own->is_text_wanted)
            grpc_web_frame_encode(&whole, &last, true, &out);
        else
            buf_move_all(&out, &last);
        x->response_trailers = NULL;
    }
    buf_move_all(body, &out);
    return FILTER_NEXT;
}

const struct filter filter_grpc_web = {
    .name = "grpcWeb",
    .doc = "Lets browsers call gRPC services: gRPC-Web in, gRPC out.",
    .phase = FILTER_PHASE_CORS, /* all others see gRPC */
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
    .on_request_body = on_request_body,
    .on_response_body = on_response_body,
    .describe = describe,
    .is_pure = true,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
