/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/health_ask.h"

#include "lib/codec/http/grpc_frame.h"
#include "lib/proto/grpc_health.pb-c.h"
#include "sidecar/upstream/dialer.h"
#include "sidecar/worker/worker.h"

enum { ARENA_BLOCK = 1024, ANSWER_MAX = 64 * 1024 };

static const struct health_check_conf *conf_of(const struct health_ask *a)
{
    return a->endpoint->cluster->conf->health_check;
}

/* ---- the end ---- */

static void let_go(struct health_ask *a)
{
    struct endpoint *e = a->endpoint;
    a->endpoint = NULL;
    if (a->stream)
        stream_close(a->stream);
    a->stream = NULL;
    timer_stop(&a->deadline);
    loop_task_cancel(&a->at_once);
    if (e)
        endpoint_release(e);
}

static void finish(struct health_ask *a, enum health_result result, struct slice why)
{
    let_go(a);
    a->done(a, result, why);
}

static void finish_failed(struct health_ask *a, enum fail why)
{
    finish(a, HEALTH_FAILED, fail_info(why)->text);
}

static void on_at_once(struct loop_task *task)
{
    struct health_ask *a = container_of(task, struct health_ask, at_once);
    if (a->refused == FAIL_OVERFLOW || a->refused == FAIL_IDENTITY_MISSING)
        finish(a, HEALTH_UNKNOWN, (struct slice){0});
    else
        finish_failed(a, a->refused);
}

static void refuse(struct health_ask *a, enum fail why)
{
    a->refused = why;
    loop_run_soon(a->endpoint->cluster->worker->loop, &a->at_once);
}

/* ---- what an answer says ---- */

static bool is_expected(const struct health_check_conf *conf, unsigned status)
{
    for (uint32_t i = 0; i < conf->status_count; i++)
        if (conf->statuses[i] == status)
            return true;
    return !conf->status_count && status >= 200 && status < 400;
}

static bool is_serving(struct slice message)
{
    Weft__GrpcHealth__HealthCheckResponse *r = weft__grpc_health__health_check_response__unpack(
        NULL, message.len, (const uint8_t *)message.ptr);
    bool is = r && r->status ==
                       WEFT__GRPC_HEALTH__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING;
    weft__grpc_health__health_check_response__free_unpacked(r, NULL);
    return is;
}

static struct slice grpc_status(const struct upstream_call *c)
{
    struct slice status = {0};
    if (c->answer_trailers)
        status = headers_get_id(c->answer_trailers, HEADER_GRPC_STATUS);
    return status.len ? status : headers_get_id(&c->answer->headers, HEADER_GRPC_STATUS);
}

static void judge_grpc(struct health_ask *a)
{
    struct upstream_call *c = &a->call;
    struct slice status = grpc_status(c), message;
    struct slice body = buf_take_into(&c->answer_body, &a->arena);
    if (c->answer->status != 200)
        finish(a, HEALTH_FAILED,
               arena_printf(&a->arena, "it answered with HTTP status %u", c->answer->status));
    else if (!slice_eq_cstr(status, "0"))
        finish(a, HEALTH_FAILED,
               status.len && status.len <= 2
                   ? arena_printf(&a->arena, "it answered with gRPC status %.*s", SLICE_ARG(status))
                   : SLICE("it answered without a gRPC status"));
    else if (!grpc_frame_only(body, &message) || !is_serving(message))
        finish(a, HEALTH_FAILED, SLICE("it says that it is not serving"));
    else
        finish(a, HEALTH_PASSED, (struct slice){0});
}

static void judge_http(struct health_ask *a)
{
    unsigned status = a->call.answer->status;
    if (is_expected(conf_of(a), status))
        finish(a, HEALTH_PASSED, (struct slice){0});
    else
        finish(a, HEALTH_FAILED,
               arena_printf(&a->arena, "it answered with HTTP status %u", status));
}

static void on_over(struct upstream_call *c)
{
    struct health_ask *a = container_of(c, struct health_ask, call);
    const struct health_check_conf *conf = conf_of(a);
    if (!conf)
        finish(a, HEALTH_UNKNOWN, (struct slice){0});
    else if (c->why != FAIL_NONE && !upstream_request_is_fault(&c->up, c->why))
        finish(a, HEALTH_UNKNOWN, (struct slice){0});
    else if (c->why != FAIL_NONE)
        finish_failed(a, c->why);
    else if (a->kind == HEALTH_CHECK_GRPC)
        judge_grpc(a);
    else
        judge_http(a);
    buf_dispose(&c->answer_body);
}

/* ---- asking ---- */

static struct message *make_head(struct health_ask *a, struct slice method, struct slice path,
                                 struct slice host)
{
    struct message *m = arena_zalloc(&a->arena, sizeof(*m));
    message_init(m, &a->arena);
    m->method = arena_copy(&a->arena, method);
    m->path = arena_copy(&a->arena, path);
    m->authority = arena_copy(&a->arena, host.len ? host : a->endpoint->cluster->conf->service);
    m->scheme = SLICE("http");
    m->content_length = -1;
    headers_add(&m->headers, SLICE("user-agent"), SLICE("weft-health-check"));
    return m;
}

static struct message *make_grpc_head(struct health_ask *a)
{
    struct message *m = make_head(a, SLICE("POST"), SLICE("/grpc.health.v1.Health/Check"),
                                  (struct slice){0});
    headers_add_id(&m->headers, HEADER_CONTENT_TYPE, SLICE("application/grpc"));
    headers_add_id(&m->headers, HEADER_TE, SLICE("trailers"));
    return m;
}

static struct slice make_question(struct health_ask *a, struct slice service)
{
    Weft__GrpcHealth__HealthCheckRequest r = WEFT__GRPC_HEALTH__HEALTH_CHECK_REQUEST__INIT;
    r.service = arena_strdup(&a->arena, service);
    size_t len = weft__grpc_health__health_check_request__get_packed_size(&r);
    uint8_t *to = arena_alloc(&a->arena, GRPC_FRAME_PREFIX + len);
    grpc_frame_write(to, len);
    weft__grpc_health__health_check_request__pack(&r, to + GRPC_FRAME_PREFIX);
    return slice_of((char *)to, GRPC_FRAME_PREFIX + len);
}

static void call(struct health_ask *a, const struct health_check_conf *conf)
{
    struct cluster *c = a->endpoint->cluster;
    bool is_grpc = conf->kind == HEALTH_CHECK_GRPC;
    bool is_http2 = is_grpc || c->conf->protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2;
    a->call = (struct upstream_call){.keeps_answer = true,
                                     .is_check = true,
                                     
                                     .has_end = true,
                                     .behind_max = SIZE_MAX,
                                     .answer_max = ANSWER_MAX};
    upstream_call_init(&a->call, &a->arena, on_over);
    enum fail why = upstream_call_begin_at(&a->call, a->endpoint);
    if (why != FAIL_NONE) {
        refuse(a, why);
        return;
    }
    if (is_grpc)
        buf_append_slice(&a->call.body, make_question(a, conf->service));
    struct message *head = is_grpc ? make_grpc_head(a)
                                   : make_head(a, conf->method, conf->path, conf->host);
    upstream_call_run(&a->call, head, is_http2 ? HTTP_2 : HTTP_1_1, conf->timeout_ms);
}

static void on_open(struct stream *s)
{
    finish(s->owner, HEALTH_PASSED, (struct slice){0});
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s, (void)owner, (void)data, (void)len; /* it is not read */
}

static void on_eof(struct stream *s)
{
    (void)s;
}

static void on_fail(struct stream *s, enum err why)
{
    finish_failed(s->owner, dialer_fail(why));
}

static const struct stream_events events = {
    .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

static void on_deadline(struct timer *t)
{
    finish_failed(container_of(t, struct health_ask, deadline), FAIL_CONNECT_TIMEOUT);
}

static void dial(struct health_ask *a, const struct health_check_conf *conf)
{
    enum fail why = FAIL_NONE;
    a->stream = dialer_open(a->endpoint, BACKEND_BYTES, &events, a, &why);
    if (!a->stream)
        refuse(a, why);
    else
        timer_start(&a->deadline, conf->timeout_ms);
}

/* ---- life ---- */

void health_ask_init(struct health_ask *a, struct loop *loop)
{
    arena_init(&a->arena, ARENA_BLOCK);
    timer_init(&a->deadline, loop, on_deadline);
    loop_task_init(&a->at_once, on_at_once);
}

void health_ask_start(struct health_ask *a, struct endpoint *e)
{
    arena_dispose(&a->arena);
    arena_init(&a->arena, ARENA_BLOCK);
    a->endpoint = e;
    endpoint_hold(e);
    const struct health_check_conf *conf = conf_of(a);
    a->kind = conf->kind;
    if (a->kind == HEALTH_CHECK_TCP)
        dial(a, conf);
    else
        call(a, conf);
}

void health_ask_cancel(struct health_ask *a)
{
    upstream_call_cancel(&a->call);
    buf_dispose(&a->call.answer_body);
    let_go(a);
}

void health_ask_dispose(struct health_ask *a)
{
    arena_dispose(&a->arena);
}
