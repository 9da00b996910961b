/* openapi: what clients send, and what backends answer, is what an OpenAPI document says. A request
 * that does not conform is refused (400), one for a path or method that the document does not have
 * with 404 and 405; answers as Kong's oas-validation does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/openapi/openapi_document.h"

#include <inttypes.h>
#include <stdio.h>

#include "filters/chain.h"
#include "filters/openapi/openapi_spec.h"
#include "filters/refusal.h"
#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/codec/http/normalize.h"

enum { WORK_FROM = 32768 }; /* bytes of a body that is checked by another thread */

/* ---- what is made of it ---- */

struct conf {
    struct openapi_document *document;
    int mode, unknown, responses;
    unsigned places; /* bits of 1 << enum openapi_in */
    bool body, only_known_query, verbose;
    unsigned status;
    size_t max_body;
};

struct ctx {
    const struct openapi_operation *operation; /* NULL: none, or not looked for yet */
    const struct openapi_media *media;
    struct filter_work work;
    bool is_found;
    struct filter_work response_work;
};

static unsigned places_of(const struct openapi_spec *s)
{
    return (unsigned)s->path << OPENAPI_PATH | (unsigned)s->query << OPENAPI_QUERY |
           (unsigned)s->headers << OPENAPI_HEADER | (unsigned)s->cookies << OPENAPI_COOKIE;
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct openapi_spec *s = spec;
    struct conf *c = conf;
    struct openapi_options options = {.text = s->config_map ? s->config_map->value : s->text,
                                      .base_path = s->base_path,
                                      .checks_formats = s->formats};
    *c = (struct conf){
        .mode = s->mode,
        .unknown = s->unknown,
        .responses = s->responses,
        .places = places_of(s),
        .body = s->body,
        .only_known_query = s->only_known_query,
        .verbose = s->verbose,
        .status = (unsigned)s->status,
        .max_body = s->max_body ? (size_t)(s->max_body / 1000) : FILTER_HOLD_MAX,
    };
    c->document = openapi_document_make(b, &options);
    return c->document ? ERR_OK : ERR_INVALID;
}

/* ---- refusals ---- */

extern const struct filter filter_openapi_validation;

static const char *const events[] = {"invalid_request", "invalid_response", "unknown_operation",
                                     NULL};
enum { INVALID_REQUEST, INVALID_RESPONSE, UNKNOWN_OPERATION };

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("openapi_request"),
     .http_status = 400,
     .grpc_status = 3,
     .flag = FAIL_TEXT("DPE"),
     .text = FAIL_TEXT("request doesn't conform to schema")},
    {.label = FAIL_TEXT("openapi_path"),
     .http_status = 404,
     .grpc_status = 12,
     .flag = FAIL_TEXT("NR"),
     .text = FAIL_TEXT("the API has no such path")},
    {.label = FAIL_TEXT("openapi_method"),
     .http_status = 405,
     .grpc_status = 12,
     .flag = FAIL_TEXT("NR"),
     .text = FAIL_TEXT("the API has no such method at this path")},
    {.label = FAIL_TEXT("openapi_body_too_large"),
     .http_status = 413,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("the body is larger than what can be checked")},
    {.label = FAIL_TEXT("openapi_media_type"),
     .http_status = 415,
     .grpc_status = 3,
     .flag = FAIL_TEXT("DPE"),
     .text = FAIL_TEXT("the API takes no body of this Content-Type here")},
    {.label = FAIL_TEXT("openapi_busy"),
     .http_status = 503,
     .grpc_status = 14,
     .flag = FAIL_TEXT("UO"),
     .text = FAIL_TEXT("too many bodies wait to be checked")},
    {.label = FAIL_TEXT("openapi_response"),
     .http_status = 502,
     .grpc_status = 14,
     .flag = FAIL_TEXT("UPE"),
     .text = FAIL_TEXT("response doesn't conform to schema")},
};
enum { REQUEST, PATH, METHOD, BODY_TOO_LARGE, MEDIA_TYPE, BUSY, RESPONSE };

static struct slice message_of(struct arena *a, struct slice text)
{
    struct json_write w;
    struct buf out;
    buf_init(&out);
    json_write_init(&w, &out);
    json_write_object(&w);
    json_write_field(&w, "message", text);
    json_write_object_end(&w);
    return buf_take_into(&out, a);
}

/* why: what exactly, for whom that is to be told. */
static struct message *refuse(struct filter_exchange *x, const struct conf *c, int fail,
                              const char *why)
{
    bool tells = c->verbose && why[0];
    struct slice text =
        tells ? slice_from_cstr(why) : slice_of(fails[fail].text.ptr, fails[fail].text.len);
    unsigned status = fail == REQUEST ? c->status : fails[fail].http_status;
    return refusal_answer(x, &fails[fail], SLICE(""), status, SLICE("application/json"),
                          message_of(x->arena, text));
}

/* What Warn lets pass. */
static enum filter_verdict reject(struct filter_exchange *x, const struct conf *c, int fail,
                                  const char *why)
{
    x->host->count(x, &filter_openapi_validation,
                   fail == PATH || fail == METHOD ? UNKNOWN_OPERATION : INVALID_REQUEST);
    if (c->mode == OPENAPI_MODE_WARN)
        return FILTER_NEXT;
    refuse(x, c, fail, why);
    return FILTER_REPLY;
}

/* ---- which operation ---- */

static const struct openapi_operation *operation_of(const struct openapi_path *path,
                                                    struct slice method)
{
    for (size_t i = 0; i < path->operation_count; i++)
        if (slice_eq(path->operations[i].method, method))
            return &path->operations[i];
    return NULL;
}

/* The template that a path matches, in whatever way it is read; as it was sent comes first, since
 * that is what the backend gets. Two ways that lead to two templates: what would be checked is not
 * what the backend may serve. */
static bool is_ambiguous(const struct filter_exchange *x, const struct conf *c,
                         struct openapi_match *match)
{
    struct slice sent[] = {message_path_only(x->request), x->match_path};
    uint32_t others = x->other_paths ? x->other_paths->count : 0;
    struct openapi_match other;
    for (uint32_t i = 0; i < 2 + others; i++) {
        struct slice path = i < 2 ? sent[i] : x->other_paths->paths[i - 2];
        if (!openapi_tree_find(c->document->tree, x->arena, path, &other))
            continue;
        if (match->path && match->path != other.path)
            return true;
        if (!match->path)
            *match = other;
    }
    return false;
}

static enum filter_verdict find_operation(struct filter_exchange *x, const struct conf *c,
                                          struct ctx *own, struct openapi_match *match)
{
    if (is_ambiguous(x, c, match))
        return reject(x, c, REQUEST, "the path can be understood in several ways");
    bool is_there = match->path != NULL;
    own->operation = is_there ? operation_of(match->path, x->request->method) : NULL;
    if (own->operation)
        return FILTER_NEXT;
    if (c->unknown == OPENAPI_UNKNOWN_PASS) {
        x->host->count(x, &filter_openapi_validation, UNKNOWN_OPERATION);
        return FILTER_NEXT;
    }
    enum filter_verdict verdict = reject(x, c, is_there ? METHOD : PATH, "");
    if (is_there && verdict == FILTER_REPLY && x->response)
        headers_set(&x->response->headers, SLICE("allow"), match->path->allow);
    return verdict;
}

/* ---- bodies ---- */

/* Checks a body on a thread of the pool. */
struct body_job {
    struct filter_job job; /* first */
    struct openapi_document *document;
    const struct openapi_media *media;
    enum json_schema_side side;
    char *type, *body;
    size_t type_len, body_len;
    bool is_good;
    char why[OPENAPI_WHY_MAX];
};

static void run_job(struct filter_job *job)
{
    struct body_job *j = (struct body_job *)(void *)job;
    struct arena arena;
    arena_init(&arena, 65536);
    j->is_good = openapi_body_check(&arena, j->media, j->side, slice_of(j->type, j->type_len),
                                    slice_of(j->body, j->body_len), j->why);
    arena_dispose(&arena);
}

static void dispose_job(struct filter_job *job)
{
    struct body_job *j = (struct body_job *)(void *)job;
    mem_free(j->type);
    mem_free(j->body);
    filter_keep_unref(&j->document->keep);
}

static void start_job(struct filter_exchange *x, const struct conf *c, struct filter_work *work,
                      const struct openapi_media *m, enum json_schema_side side, struct slice type,
                      struct slice body)
{
    struct body_job *j = filter_job_create(sizeof(*j), run_job);
    j->job.dispose = dispose_job;
    j->document = c->document;
    filter_keep_ref(&c->document->keep);
    j->media = m;
    j->side = side;
    j->type = mem_strndup(type.ptr, type.len);
    j->type_len = type.len;
    j->body = mem_strndup(body.ptr, body.len);
    j->body_len = body.len;
    work->job = &j->job;
    x->host->work(x, work);
}

enum body_state { BODY_GOOD, BODY_BAD, BODY_WAITS, BODY_BUSY };

static enum body_state check_body(struct filter_exchange *x, const struct conf *c,
                                  struct filter_work *work, const struct openapi_media *m,
                                  enum json_schema_side side, struct slice type, struct slice body,
                                  char *why)
{
    if (!work->job && body.len < WORK_FROM)
        return openapi_body_check(x->arena, m, side, type, body, why) ? BODY_GOOD : BODY_BAD;
    if (!work->job)
        start_job(x, c, work, m, side, type, body);
    if (!work->is_done)
        return BODY_WAITS;
    if (work->is_refused)
        return BODY_BUSY;
    const struct body_job *j = (const struct body_job *)(const void *)work->job;
    memcpy(why, j->why, OPENAPI_WHY_MAX);
    return j->is_good ? BODY_GOOD : BODY_BAD;
}

static bool is_coded(const struct headers *h)
{
    const struct header *coding = headers_find(h, SLICE("content-encoding"));
    return coding && !slice_eq_nocase(slice_trim(coding->value), SLICE("identity"));
}

static bool is_given_twice(const struct headers *h, enum header_id id)
{
    unsigned count = 0;
    for (uint32_t i = 0; i < h->count; i++)
        count += h->items[i].id == id;
    return count > 1;
}

static enum filter_verdict check_whole_body(struct filter_exchange *x, const struct conf *c,
                                            struct ctx *own, struct slice body)
{
    char why[OPENAPI_WHY_MAX] = "";
    struct slice type = headers_get_id(&x->request->headers, HEADER_CONTENT_TYPE);
    switch (check_body(x, c, &own->work, own->media, JSON_SCHEMA_REQUEST, type, body, why)) {
    case BODY_GOOD:
        return FILTER_NEXT;
    case BODY_WAITS:
        return FILTER_WAIT;
    case BODY_BUSY:
        return reject(x, c, BUSY, "");
    case BODY_BAD:
        break;
    }
    return reject(x, c, REQUEST, why);
}

static enum filter_verdict check_request_body(struct filter_exchange *x, const struct conf *c,
                                              struct ctx *own)
{
    const struct headers *h = &x->request->headers;
    struct slice type = headers_get_id(h, HEADER_CONTENT_TYPE), body = {0};
    bool is_whole = false;
    if (!own->operation->has_body)
        return FILTER_NEXT;
    if (!own->work.job && !x->host->peek_body(x, c->max_body, &body, &is_whole))
        return FILTER_WAIT;
    if (own->work.job)
        return check_whole_body(x, c, own, body);
    if (!body.len && is_whole)
        return own->operation->needs_body ? reject(x, c, REQUEST, "body: is required")
                                          : FILTER_NEXT;
    own->media = openapi_media_find(&own->operation->body, type);
    if (!own->media || is_given_twice(h, HEADER_CONTENT_TYPE))
        return reject(x, c, MEDIA_TYPE, "");
    if (!openapi_media_is_checked(own->media, type))
        return FILTER_NEXT;
    if (is_coded(h))
        return reject(x, c, MEDIA_TYPE, "the body has a Content-Encoding, and cannot be checked");
    return is_whole ? check_whole_body(x, c, own, body) : reject(x, c, BODY_TOO_LARGE, "");
}

/* ---- requests ---- */

static enum filter_verdict check_head(struct filter_exchange *x, const struct conf *c,
                                      struct ctx *own)
{
    char why[OPENAPI_WHY_MAX] = "";
    struct openapi_match match = {0};
    enum filter_verdict verdict = find_operation(x, c, own, &match);
    if (verdict != FILTER_NEXT || !own->operation)
        return verdict;
    struct openapi_input in = {.arena = x->arena,
                               .side = JSON_SCHEMA_REQUEST,
                               .match = &match,
                               .headers = &x->request->headers,
                               .query = message_query(x->request),
                               .why = why};
    const struct openapi_operation *o = own->operation;
    bool good = openapi_parameters_check(&in, o->parameters, o->parameter_count, c->places) &&
                (!c->only_known_query || openapi_query_is_known(&in, o));
    return good ? FILTER_NEXT : reject(x, c, REQUEST, why);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    if (!own->is_found) {
        own->is_found = true;
        enum filter_verdict verdict = check_head(x, c, own);
        if (verdict != FILTER_NEXT)
            return verdict;
        if (c->responses != OPENAPI_RESPONSES_IGNORE && own->operation)
            headers_remove(&x->request->headers, SLICE("accept-encoding"));
    }
    return own->operation && c->body ? check_request_body(x, c, own) : FILTER_NEXT;
}

/* ---- responses ---- */

static const struct openapi_response *response_of(const struct openapi_operation *o, int status)
{
    const struct openapi_response *best = NULL;
    for (size_t i = 0; i < o->response_count; i++) {
        const struct openapi_response *r = &o->responses[i];
        if (r->status == status)
            return r;
        bool is_class = r->status == status / 100;
        if (is_class || (r->status == 0 && !best))
            best = r;
    }
    return best;
}

static enum filter_verdict reject_response(struct filter_exchange *x, const struct conf *c,
                                           const char *why)
{
    x->host->count(x, &filter_openapi_validation, INVALID_RESPONSE);
    if (c->responses == OPENAPI_RESPONSES_WARN)
        return FILTER_NEXT;
    refuse(x, c, RESPONSE, why);
    return FILTER_REPLY;
}

static bool has_no_body(const struct filter_exchange *x)
{
    unsigned status = x->response->status;
    return slice_eq_cstr(x->request->method, "HEAD") || status == 204 || status == 304 ||
           status == 101;
}

static enum filter_verdict check_response_body(struct filter_exchange *x, const struct conf *c,
                                               struct ctx *own, const struct openapi_response *r)
{
    char why[OPENAPI_WHY_MAX] = "";
    struct slice type = headers_get_id(&x->response->headers, HEADER_CONTENT_TYPE), body = {0};
    bool is_whole = false;
    if (!r->content.count || has_no_body(x))
        return FILTER_NEXT;
    const struct openapi_media *m = openapi_media_find(&r->content, type);
    if (!m)
        return reject_response(x, c, "the Content-Type of the response is not in the document");
    if (!openapi_media_is_checked(m, type))
        return FILTER_NEXT;
    if (is_coded(&x->response->headers))
        return reject_response(x, c, "the response has a Content-Encoding");
    if (!own->response_work.job &&
        !x->host->peek_response_body(x, FILTER_HOLD_MAX, &body, &is_whole))
        return FILTER_WAIT;
    if (!own->response_work.job && !is_whole)
        return reject_response(x, c, "the response is larger than what can be checked");
    switch (check_body(x, c, &own->response_work, m, JSON_SCHEMA_RESPONSE, type, body, why)) {
    case BODY_GOOD:
        return FILTER_NEXT;
    case BODY_WAITS:
        return FILTER_WAIT;
    case BODY_BUSY:
        return reject_response(x, c, "too many bodies wait to be checked");
    case BODY_BAD:
        break;
    }
    return reject_response(x, c, why);
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    char why[OPENAPI_WHY_MAX] = "";
    if (c->responses == OPENAPI_RESPONSES_IGNORE || !own->operation || x->is_answered_here ||
        x->response->status / 100 == 1)
        return FILTER_NEXT;
    const struct openapi_response *r = response_of(own->operation, x->response->status);
    if (!r)
        return reject_response(x, c, "the status of the response is not in the document");
    struct openapi_input in = {.arena = x->arena,
                               .side = JSON_SCHEMA_RESPONSE,
                               .headers = &x->response->headers,
                               .why = why};
    if (!openapi_parameters_check(&in, r->headers, r->header_count, 1 << OPENAPI_HEADER))
        return reject_response(x, c, why);
    return check_response_body(x, c, own, r);
}

/* ---- the table ---- */

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(
        arena, "%s requests that do not conform to %zu operations of an OpenAPI document%s",
        c->mode == OPENAPI_MODE_WARN ? "counts" : "refuses", c->document->operation_count,
        c->responses == OPENAPI_RESPONSES_IGNORE ? ""
        : c->responses == OPENAPI_RESPONSES_WARN ? ", and counts such responses"
                                                 : ", and such responses with 502");
}

const struct filter filter_openapi_validation = {
    .name = "openapi",
    .doc = "Checks requests and responses against an OpenAPI document.",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &openapi_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_response = on_response,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
