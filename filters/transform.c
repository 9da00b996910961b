/* transform: headers, query parameters, method, path and bodies are changed on the way there and
 * back, in the order and with the meaning of Kong's request-transformer and response-transformer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/chain.h"
#include "filters/shape/body_form.h"
#include "filters/shape/edits.h"
#include "filters/shape/good_path.h"
#include "filters/shape/version_order.h"
#include "lib/codec/doc/xml_json.h"

/* ---- what is made of it ---- */

struct condition {
    struct slice header; /* lower case */
    struct slice exact, version_below;
};

struct direction {
    struct edits headers, query, body;
    enum transform_convert convert;
    bool has_body; /* the body is looked at */
};

struct conf {
    const struct condition *conditions;
    uint32_t condition_count;
    struct direction request, response;
    struct slice method;
    struct template path;
    bool has_path, rejects;
    size_t max;
};

struct ctx {
    bool is_decided, applies;
};

static enum err prepare_when(const struct filter_build *b, const struct transform_spec *s,
                             struct conf *c)
{
    struct condition *all = arena_zalloc(b->arena, (s->when.count + 1) * sizeof(*all));
    c->conditions = all;
    for (SCHEMA_EACH(s->when, struct transform_when, w)) {
        if (w->version_below.ptr && !version_order_is_valid(w->version_below))
            return filter_refuse(b, "when[%u].versionBelow: \"%.*s\" is not a version such as "
                                    "2.0.0", c->condition_count, SLICE_ARG(w->version_below));
        all[c->condition_count++] = (struct condition){
            arena_copy_lower(b->arena, w->header), w->exact, w->version_below};
    }
    return ERR_OK;
}

static enum err prepare_request(const struct filter_build *b,
                                const struct transform_request_spec *s, struct conf *c)
{
    struct direction *d = &c->request;
    c->method = s->method;
    c->has_path = s->path.len > 0;
    d->convert = (enum transform_convert)s->convert;
    enum err e = edits_prepare(b, s->headers, EDIT_HEADERS, false, "request.headers", &d->headers);
    e = e ? e : edits_prepare(b, s->query, EDIT_QUERY, false, "request.query", &d->query);
    e = e ? e : edits_prepare(b, s->body, EDIT_BODY, false, "request.body", &d->body);
    d->has_body = d->convert || !edits_is_empty(&d->body);
    if (e || !c->has_path)
        return e;
    const char *why = template_compile(b->arena, s->path, false, &c->path);
    if (why)
        return filter_refuse(b, "request.path: %s", why);
    bool is_from_root = s->path.ptr[0] == '/' || slice_starts_with(s->path, SLICE("$(path)"));
    return is_from_root && slice_find_byte(s->path, '?') == s->path.len
               ? ERR_OK
               : filter_refuse(b, "request.path: must begin with / or $(path), and have no query");
}

static enum err prepare_response(const struct filter_build *b,
                                 const struct transform_response_spec *s, struct conf *c)
{
    struct direction *d = &c->response;
    d->convert = (enum transform_convert)s->convert;
    enum err e = edits_prepare(b, s->headers, EDIT_HEADERS, true, "response.headers", &d->headers);
    e = e ? e : edits_prepare(b, s->body, EDIT_BODY, true, "response.body", &d->body);
    d->has_body = d->convert || !edits_is_empty(&d->body);
    return e;
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct transform_spec *s = spec;
    struct conf *c = conf;
    c->rejects = s->on_invalid_body == TRANSFORM_REJECT;
    c->max = (size_t)(s->max_body / 1000);
    if (s->max_body < 1000 || c->max > FILTER_HOLD_MAX)
        return filter_refuse(b, "maxBody: must be between 1 and 1Mi");
    enum err e = prepare_when(b, s, c);
    if (!e && s->request)
        e = prepare_request(b, s->request, c);
    if (!e && s->response)
        e = prepare_response(b, s->response, c);
    return e;
}

static struct slice describe(struct arena *a, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    struct slice parts[] = {
        edits_describe(a, &c->request.headers, "request headers"),
        edits_describe(a, &c->request.query, "query"),
        edits_describe(a, &c->request.body, "request body"),
        edits_describe(a, &c->response.headers, "response headers"),
        edits_describe(a, &c->response.body, "response body"),
    };
    struct slice all = SLICE("");
    if (c->method.len)
        all = arena_printf(a, "method %.*s; ", SLICE_ARG(c->method));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        all = arena_printf(a, "%.*s%.*s", SLICE_ARG(all), SLICE_ARG(parts[i]));
    return all.len ? slice_sub(all, 0, all.len - 2) : SLICE("changes the path or the body's form");
}

/* ---- failures ---- */

enum { BODY_INVALID, BODY_TOO_LARGE, BAD_PATH, RESPONSE_INVALID, RESPONSE_TOO_LARGE };

static const struct fail_info fails[] = {
    [BODY_INVALID] = {.label = FAIL_TEXT("transform_body_invalid"),
                      .http_status = 400,
                      .grpc_status = 3,
                      .flag = FAIL_TEXT("DPE"),
                      .is_public = true,
                      .text = FAIL_TEXT("the body is not what its Content-Type says")},
    [BODY_TOO_LARGE] = {.label = FAIL_TEXT("transform_body_too_large"),
                        .http_status = 413,
                        .grpc_status = 8,
                        .flag = FAIL_TEXT("RL"),
                        .text = FAIL_TEXT("the body of the request is too large to be changed")},
    [BAD_PATH] = {.label = FAIL_TEXT("transform_bad_path"),
                  .http_status = 400,
                  .grpc_status = 3,
                  .flag = FAIL_TEXT("DPE"),
                  .text = FAIL_TEXT("the path that follows from this request is not one")},
    [RESPONSE_INVALID] = {.label = FAIL_TEXT("transform_response_invalid"),
                          .http_status = 502,
                          .grpc_status = 14,
                          .flag = FAIL_TEXT("UPE"),
                          .text = FAIL_TEXT(
                              "the body of the response is not what its Content-Type says")},
    [RESPONSE_TOO_LARGE] = {.label = FAIL_TEXT("transform_response_too_large"),
                            .http_status = 502,
                            .grpc_status = 14,
                            .flag = FAIL_TEXT("UPE"),
                            .text =
                                FAIL_TEXT("the body of the response is too large to be changed")},
};

static enum filter_verdict fail(struct filter_exchange *x, int which)
{
    x->host->fail(x, &fails[which], (struct slice){0});
    return FILTER_REPLY;
}

/* ---- when ---- */

static bool holds(const struct condition *w, const struct message *request)
{
    const struct header *h = headers_find(&request->headers, w->header);
    if (!h)
        return false;
    return w->exact.ptr ? slice_eq(h->value, w->exact)
                        : version_order_is_valid(h->value) &&
                              version_order_compare(h->value, w->version_below) < 0;
}

/* Once, by the request as it came; of an answer that was given before, by what there is. */
static bool applies(const struct conf *c, struct filter_exchange *x, struct ctx *own)
{
    if (own->is_decided)
        return own->applies;
    own->applies = own->is_decided = true;
    for (uint32_t i = 0; i < c->condition_count; i++)
        own->applies = own->applies && holds(&c->conditions[i], x->request);
    return own->applies;
}

/* ---- bodies ---- */

/* Is the body one that is changed, in this form? */
static bool is_wanted(const struct direction *d, enum body_form form)
{
    if (form == BODY_XML || form == BODY_JSON)
        return form == BODY_JSON ? d->convert == TRANSFORM_JSON_TO_XML || !edits_is_empty(&d->body)
                                 : d->convert == TRANSFORM_XML_TO_JSON;
    return form == BODY_URLENCODED && !edits_is_empty(&d->body);
}

static bool to_xml(struct filter_exchange *x, struct message *m, struct json_node *root,
                   struct slice *out)
{
    if (!xml_json_write(x->arena, root, out))
        return false;
    headers_set_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/xml; charset=utf-8"));
    return true;
}

/* False: it is not what it says it is, or cannot be said in the other form. */
static bool change(const struct direction *d, struct filter_exchange *x, struct message *m,
                   enum body_form form, struct slice body, struct slice *out)
{
    const struct slice *values = edits_render(&d->body, x);
    if (form == BODY_URLENCODED) {
        *out = edits_pairs(&d->body, values, x->arena, body);
        return true;
    }
    struct json_node *root =
        form == BODY_XML ? xml_json_read(x->arena, body) : json_tree_parse(x->arena, body);
    if (!root)
        return false;
    edits_json(&d->body, values, x->arena, root);
    if (d->convert == TRANSFORM_JSON_TO_XML)
        return to_xml(x, m, root, out);
    *out = json_tree_write(x->arena, root);
    if (form == BODY_XML)
        headers_set_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/json"));
    return true;
}

static enum filter_verdict change_request_body(const struct conf *c, struct filter_exchange *x)
{
    struct message *m = x->request;
    enum body_form form = body_form_of(m);
    struct slice body, changed;
    bool is_whole;
    if (!is_wanted(&c->request, form) || m->content_length == 0 || message_may_switch(m))
        return FILTER_NEXT;
    if (m->content_length > (int64_t)c->max)
        return fail(x, BODY_TOO_LARGE);
    if (!x->host->peek_body(x, c->max, &body, &is_whole))
        return FILTER_WAIT;
    if (!is_whole)
        return fail(x, BODY_TOO_LARGE);
    if (!body.len)
        return FILTER_NEXT;
    if (!change(&c->request, x, m, form, body, &changed))
        return c->rejects ? fail(x, BODY_INVALID) : FILTER_NEXT;
    x->host->replace_body(x, changed);
    body_form_changed(m);
    return FILTER_NEXT;
}

static enum filter_verdict change_response_body(const struct conf *c, struct filter_exchange *x)
{
    struct message *m = x->response;
    enum body_form form = body_form_of(m);
    struct slice body, changed;
    bool is_whole, is_ours = x->is_answered_here;
    if (!is_wanted(&c->response, form))
        return FILTER_NEXT;
    if (!body_form_is_complete(x->request, m)) {
        if (m->status == 200)
            headers_remove_id(&m->headers, HEADER_CONTENT_LENGTH); /* to HEAD: not what GET has */
        body_form_changed(m);
        return FILTER_NEXT;
    }
    if (!is_ours && m->content_length > (int64_t)c->max)
        return fail(x, RESPONSE_TOO_LARGE);
    if (!x->host->peek_response_body(x, c->max, &body, &is_whole))
        return FILTER_WAIT;
    if (!is_whole)
        return is_ours ? FILTER_NEXT : fail(x, RESPONSE_TOO_LARGE);
    if (!body.len)
        return FILTER_NEXT;
    if (!change(&c->response, x, m, form, body, &changed))
        return c->rejects && !is_ours ? fail(x, RESPONSE_INVALID) : FILTER_NEXT;
    x->host->replace_response_body(x, changed);
    body_form_changed(m);
    return FILTER_NEXT;
}

/* ---- hooks ---- */

static struct slice with_query(struct filter_exchange *x, struct slice path, struct slice query)
{
    return query.len ? arena_printf(x->arena, "%.*s?%.*s", SLICE_ARG(path), SLICE_ARG(query))
                     : path;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    const struct direction *d = &c->request;
    struct message *m = x->request;
    if (!applies(c, x, ctx))
        return FILTER_NEXT;
    const struct slice *headers = edits_render(&d->headers, x);
    const struct slice *query = edits_render(&d->query, x);
    struct slice path = message_path_only(m);
    if (c->has_path) {
        template_render(&c->path, x, TEMPLATE_PATH, &path);
        if (!good_path(x->arena, path))
            return fail(x, BAD_PATH);
    }
    if (d->has_body) {
        enum filter_verdict verdict = change_request_body(c, x);
        if (verdict != FILTER_NEXT)
            return verdict;
    }
    if (!edits_is_empty(&d->query))
        m->path = with_query(x, path, edits_pairs(&d->query, query, x->arena, message_query(m)));
    else if (c->has_path)
        m->path = with_query(x, path, message_query(m));
    if (c->method.len)
        m->method = c->method;
    edits_headers(&d->headers, headers, &m->headers, x);
    return FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    if (!applies(c, x, ctx))
        return FILTER_NEXT;
    if (c->response.has_body) {
        enum filter_verdict verdict = change_response_body(c, x);
        if (verdict != FILTER_NEXT)
            return verdict;
    }
    const struct slice *values = edits_render(&c->response.headers, x);
    edits_headers(&c->response.headers, values, &x->response->headers, NULL);
    return FILTER_NEXT;
}

const struct filter filter_transform = {
    .name = "transform",
    .doc = "Changes headers, query parameters, path, method and bodies of requests and responses.",
    .phase = FILTER_PHASE_TRANSFORM,
    .spec = &transform_spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .sees_every_answer = true,
    .describe = describe,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
