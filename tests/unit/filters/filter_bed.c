/* The host of one exchange, and the walk of a request and its response along it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/filters/filter_bed.h"

#include <inttypes.h>
#include <stdlib.h>

#include "lib/codec/http/header_fold.h"
#include "lib/base/mem.h"
#include "lib/codec/http/normalize.h"
#include "lib/io/stream.h"
#include "tests/unit/filters/bed_caller.h"
#include "tests/unit/filters/bed_head.h"
#include "tests/unit/filters/bed_keeps.h"
#include "tests/unit/filters/bed_nobody.h"
#include "tests/unit/filters/bed_show.h"
#include "tests/unit/filters/consumer_world.h"
#include "tests/unit/filters/filter_shy.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

enum { START_MS = 1000, JOBS_MAX = 8 };
#define NOON_MS INT64_C(1767268800000) /* 2026-01-01 12:00:00 UTC */

struct bed {
    struct filter_exchange x; /* first */
    struct filter_road road;
    struct arena arena;
    struct message request, response;
    struct downstream_info down;
    struct tls_peer peer;
    struct forwarded client;
    const struct filter_bed_case *c;
    const struct filter_bed_mode *mode;
    struct filter_bed_counts *counts;
    struct buf *out;
    uint64_t now_ms, due_ms; /* due 0: no timer */
    int64_t unix_ms;
    bool is_woken, is_gone;
    bool is_kept; /* the response is one that the filter has kept */
    struct filter_job *jobs[JOBS_MAX];
    unsigned job_count;
    struct slice reply_body, why;
    struct slice request_body, response_body; /* as they come */
    struct headers trailers; /* of the backend's response */
    struct slice *answer;                     /* of the response that there is */
};

/* ---- the host ---- */

static struct bed *bed_of(const struct filter_exchange *x)
{
    return (struct bed *)(uintptr_t)x;
}

static struct message *reply(struct filter_exchange *x, unsigned status, struct slice body)
{
    struct bed *b = bed_of(x);
    message_init(&b->response, &b->arena);
    b->response.status = (uint16_t)status;
    b->reply_body = body;
    b->answer = &b->reply_body;
    x->response = &b->response;
    x->is_answered_here = true;
    return x->response;
}

static struct message *fail_request(struct filter_exchange *x, const struct fail_info *why,
                                    struct slice detail)
{
    struct bed *b = bed_of(x);
    bool is_grpc = message_is_grpc(x->request);
    struct message *m = reply(x, is_grpc ? 200 : why->http_status, is_grpc ? SLICE("") : why->text);
    if (is_grpc)
        headers_add_id(&m->headers, HEADER_GRPC_STATUS,
                       arena_printf(&b->arena, "%u", (unsigned)why->grpc_status));
    assert_ptr_equal(fail_info(fail_of(why)), why);
    b->why = detail.len ? arena_printf(&b->arena, "%.*s: %.*s", SLICE_ARG(why->label),
                                       SLICE_ARG(detail))
                        : why->label;
    return m;
}

static void answer_kept(struct filter_exchange *x, struct message *head, struct buf *body)
{
    struct bed *b = bed_of(x);
    b->response = *head;
    b->response_body = buf_take_into(body, &b->arena);
    b->answer = &b->response_body;
    b->is_kept = true;
    x->response = &b->response;
    x->is_answered_here = false;
}

static void wake(struct filter_exchange *x)
{
    bed_of(x)->is_woken = true;
}

static void wake_after(struct filter_exchange *x, uint32_t ms)
{
    struct bed *b = bed_of(x);
    b->due_ms = ms ? b->now_ms + ms : 0;
}

static uint64_t now_ms(const struct filter_exchange *x)
{
    return bed_of(x)->now_ms;
}

static int64_t unix_ms(const struct filter_exchange *x)
{
    const struct bed *b = bed_of(x);
    return b->unix_ms + (int64_t)(b->now_ms - START_MS);
}

static uint64_t now_us(const struct filter_exchange *x)
{
    return bed_of(x)->now_ms * 1000;
}

static uint64_t random_number(struct filter_exchange *x)
{
    return bed_of(x)->c->random;
}

static void count(struct filter_exchange *x, const struct filter *f, unsigned event)
{
    bed_say(bed_of(x)->out, "event %s\n", f->events[event]);
}

/* At once, and what comes of it a moment later. */
static void compute(struct filter_exchange *x, struct filter_work *work)
{
    struct bed *b = bed_of(x);
    assert_true(b->job_count < JOBS_MAX);
    b->jobs[b->job_count++] = work->job;
    work->job->run(work->job);
    work->is_done = true;
    wake(x);
}

/* All of it is here from the beginning. */
static bool peek_body(struct filter_exchange *x, size_t max, struct slice *out, bool *is_whole)
{
    struct bed *b = bed_of(x);
    *is_whole = b->request_body.len <= max;
    *out = slice_sub(b->request_body, 0, max);
    return true;
}

static void replace_body(struct filter_exchange *x, struct slice body)
{
    bed_of(x)->request_body = bed_head_give(x->request, x->arena, body, false);
}

static bool peek_response_body(struct filter_exchange *x, size_t max, struct slice *out,
                               bool *is_whole)
{
    *out = *bed_of(x)->answer;
    *is_whole = out->len <= max && x->response->status != 101;
    out->len = out->len < max ? out->len : max;
    return true;
}

static void replace_response_body(struct filter_exchange *x, struct slice body)
{
    bool is_head = slice_eq_cstr(x->request->method, "HEAD");
    *bed_of(x)->answer = bed_head_give(x->response, x->arena, body, is_head);
}

static const struct filter_host host = {
    .reply = reply,
    .fail = fail_request,
    .answer = answer_kept,
    .await = bed_nobody_await,
    .announce = bed_nobody_await,
    .wake = wake,
    .wake_after = wake_after,
    .now_ms = now_ms,
    .now_us = now_us,
    .unix_ms = unix_ms,
    .random = random_number,
    .call = bed_nobody_call,
    .fetch = bed_nobody_fetch,
    .refetch = bed_nobody_refetch,
    .work = compute,
    .peek_body = peek_body,
    .replace_body = replace_body,
    .peek_response_body = peek_response_body,
    .replace_response_body = replace_response_body,
    .redis = bed_nobody_redis,
    .redis_post = bed_nobody_redis_post,
    .count = count,
};

/* ---- messages ---- */

static void take_request(struct bed *b, struct slice text)
{
    struct message *m = &b->request;
    message_init(m, &b->arena);
    m->content_length = -1;
    m->authority = SLICE("shop.test");
    m->scheme = b->c->is_tls ? SLICE("https") : SLICE("http");
    if (b->c->scheme.len)
        m->scheme = slice_eq_cstr(b->c->scheme, "-") ? SLICE("") : b->c->scheme;
    struct slice line = bed_head_line(&text);
    size_t space = slice_find_byte(line, ' ');
    m->method = slice_sub(line, 0, space);
    m->path = slice_sub(line, space + 1, line.len);
    bed_head_fields(&text, m, &b->x.has_odd_names);
    const struct header *host_header = headers_find(&m->headers, SLICE("host"));
    if (host_header) {
        m->authority = host_header->value;
        headers_remove(&m->headers, SLICE("host"));
    }
    b->request_body = bed_head_body(text);
    b->x.request = m;
    b->x.original_path = m->path;
    b->x.original_authority = m->authority;
    b->x.match_path = normalize_path_readings(&b->arena, message_path_only(m), &b->x.other_paths);
}

static void take_response(struct bed *b, struct slice text)
{
    uint64_t status = 200;
    message_init(&b->response, &b->arena);
    b->response.content_length = -1;
    if (text.len)
        assert_int_equal(slice_to_u64(bed_head_line(&text), &status), ERR_OK);
    b->response.status = (uint16_t)status;
    bool ignored = false;
    bed_head_fields(&text, &b->response, &ignored);
    b->response_body = bed_head_body(text);
    headers_init(&b->trailers, &b->arena);
    bed_head_trailers(b->c->trailers, &b->trailers);
    b->x.response_trailers = b->trailers.count ? &b->trailers : NULL;
    b->x.response = &b->response;
    b->answer = &b->response_body;
}

static void take_client(struct bed *b)
{
    forwarded_from_peer(&b->client, &b->down.peer);
    b->client.is_unknown = slice_eq_cstr(b->c->client, "unknown");
    if (b->c->client.len && !b->client.is_unknown)
        assert_int_equal(addr_parse(b->c->client, &b->client.client), ERR_OK);
    b->peer.spiffe_id = b->c->identity;
    b->down.tls_peer = b->c->identity.len ? &b->peer : NULL;
}

/* ---- the walk ---- */

/* True: it may be called again. */
static bool await(struct bed *b)
{
    if (b->is_gone)
        return false;
    if (!b->is_woken) {
        assert_true(b->due_ms > 0); /* nobody else would ever wake it */
        bed_say(b->out, "after %" PRIu64 " ms\n", b->due_ms - b->now_ms);
        b->now_ms = b->due_ms;
        b->due_ms = 0;
    }
    b->is_woken = false;
    filter_road_wake(&b->road);
    return true;
}

static enum filter_verdict head(struct bed *b, const struct filter_chain *chain)
{
    enum filter_verdict verdict;
    do {
        verdict = chain ? filter_road_request(&b->road, &b->x, chain)
                        : filter_road_response(&b->road, &b->x);
    } while ((verdict == FILTER_REPLY && !chain) || (verdict == FILTER_WAIT && await(b)));
    return b->is_gone ? FILTER_RESET : verdict;
}

typedef enum filter_verdict (*body_fn)(struct filter_road *, struct filter_exchange *, struct buf *,
                                       bool, struct buf *);

/* As the pieces come. */
static enum filter_verdict run_body(struct bed *b, body_fn run, const struct filter_body *state,
                                    struct slice body, struct buf *out)
{
    size_t piece = b->mode->piece ? b->mode->piece : body.len, at = 0;
    bool end = false;
    while (!b->is_gone && !state->is_over) {
        struct buf in;
        size_t left = body.len - at, len = left < piece ? left : piece;
        buf_init(&in);
        if (end && !await(b))
            break;
        buf_append(&in, body.ptr + at, len);
        at += len;
        end = at == body.len;
        enum filter_verdict verdict = run(&b->road, &b->x, &in, end, out);
        buf_dispose(&in);
        if (verdict != FILTER_NEXT)
            return verdict;
        if (b->is_woken)
            filter_road_wake(&b->road);
        b->is_woken = b->is_woken && end;
    }
    return b->is_gone ? FILTER_RESET : FILTER_NEXT;
}

static void show_answer(struct bed *b, struct buf *body)
{
    bed_say(b->out, "answer %u%s%.*s%s\n", (unsigned)b->x.response->status, b->why.len ? " (" : "",
        SLICE_ARG(b->why), b->why.len ? ")" : "");
    bed_show_headers(b->out, &b->x.response->headers);
    bed_show_body(b->out, body);
}

static void answer_here(struct bed *b)
{
    struct buf body;
    enum filter_verdict verdict = head(b, NULL);
    buf_init(&body);
    if (verdict == FILTER_RESET || b->is_gone)
        bed_say(b->out, "reset\n");
    else {
        buf_append_slice(&body, b->reply_body);
        show_answer(b, &body);
    }
    buf_dispose(&body);
}

static void answer_from_backend(struct bed *b)
{
    struct buf body;
    buf_init(&body);
    if (!b->is_kept)
        take_response(b, b->c->response);
    enum filter_verdict verdict = head(b, NULL);
    if (verdict == FILTER_NEXT && filter_road_sees_response_body(&b->road))
        verdict = run_body(b, filter_road_response_body, &b->road.response_body, b->response_body,
                           &body);
    else
        buf_append_slice(&body, *b->answer);
    if (verdict != FILTER_NEXT) /* its head may be on its way already */
        bed_say(b->out, "reset%s%.*s%s\n", b->why.len ? " (" : "", SLICE_ARG(b->why),
            b->why.len ? ")" : "");
    else
        show_answer(b, &body);
    if (verdict == FILTER_NEXT && b->x.response_trailers)
        bed_show_headers(b->out, b->x.response_trailers);
    buf_dispose(&body);
}

static void walk(struct bed *b, const struct filter_chain *chain)
{
    struct buf body;
    buf_init(&body);
    enum filter_verdict verdict = head(b, chain);
    if (verdict == FILTER_NEXT && filter_road_sees_request_body(&b->road))
        verdict =
            run_body(b, filter_road_request_body, &b->road.request_body, b->request_body, &body);
    else
        buf_append_slice(&body, b->request_body);
    if (verdict == FILTER_REPLY && b->is_kept) {
        bed_say(b->out, "kept%s%.*s\n", b->x.flag.len ? " " : "", SLICE_ARG(b->x.flag));
        answer_from_backend(b);
    } else if (verdict == FILTER_REPLY) {
        answer_here(b);
    } else if (verdict == FILTER_RESET) {
        bed_say(b->out, "reset\n");
    } else {
        if (b->x.shown_path.len)
            bed_say(b->out, "logged %.*s\n", SLICE_ARG(b->x.shown_path));
        bed_say(b->out, "sent %.*s %.*s %.*s%s%.*s\n", SLICE_ARG(b->request.method),
            SLICE_ARG(b->request.authority), SLICE_ARG(b->request.path), b->x.flag.len ? " " : "",
            SLICE_ARG(b->x.flag));
        bed_show_headers(b->out, &b->request.headers);
        bed_show_body(b->out, &body);
        answer_from_backend(b);
    }
    buf_dispose(&body);
}

/* Nobody asked the chain about the request. */
static void answer_early(struct bed *b, const struct filter_chain *chain)
{
    struct buf body;
    buf_init(&body);
    take_response(b, b->c->response);
    b->x.is_answered_here = true;
    filter_road_unreached(&b->road, &b->x, chain);
    buf_append_slice(&body, b->response_body);
    show_answer(b, &body);
    buf_dispose(&body);
}

static void serve(struct bed *b, const struct filter_chain *chain)
{
    const struct filter_bed_case *c = b->c;
    b->unix_ms = c->unix_ms ? c->unix_ms : NOON_MS;
    b->down = (struct downstream_info){.is_tls = c->is_tls, .client_names = c->certificate};
    assert_int_equal(addr_parse(SLICE("10.1.2.3:40000"), &b->down.peer), ERR_OK);
    take_client(b);
    b->x.host = &host;
    b->x.route = c->route;
    b->x.listener_port = c->listener_port;
    b->x.matched_prefix = c->matched_prefix;
    b->x.arena = &b->arena;
    b->x.downstream = &b->down;
    b->x.client = &b->client;
    take_request(b, c->request);
    bed_caller_set(&b->x, c);
    if (c->is_early)
        answer_early(b, chain);
    else
        walk(b, chain);
    filter_road_end(&b->road, &b->x);
    for (unsigned i = 0; i < b->job_count; i++)
        filter_job_free(b->jobs[i]);
}

static const struct filter_chain *chain_of(struct arena *arena, const struct filter *f,
                                           const void *conf)
{
    const struct filter_chain *chain;
    struct filter_entry entry = {.filter = f, .conf = conf};
    assert_int_equal(filter_chain_make(arena, &entry, 1, &chain), ERR_OK);
    return chain;
}

/* What came before was as it is, and nobody looked. */
static void serve_before(const struct bed *now, const void *conf)
{
    const struct filter_bed_mode plainly = {0};
    struct filter_bed_counts ignored = {0};
    for (unsigned i = 0; i < now->c->before; i++) {
        struct buf out;
        struct bed b = {
            .c = now->c, .mode = &plainly, .counts = &ignored, .out = &out, .now_ms = START_MS};
        b.x.consumers = now->x.consumers;
        buf_init(&out);
        arena_init(&b.arena, 4096);
        serve(&b, chain_of(&b.arena, now->c->filter, conf));
        arena_dispose(&b.arena);
        buf_dispose(&out);
    }
}

void filter_bed_run(const struct filter_bed_case *c, const struct filter_bed_mode *mode,
                    struct buf *out, struct filter_bed_counts *counts)
{
    struct bed b = {.c = c, .mode = mode, .counts = counts, .out = out, .now_ms = START_MS};
    struct bed_keeps kept = {.count = 0};
    char detail[FILTER_DETAIL_MAX];
    const void *conf;
    arena_init(&b.arena, 4096);
    *counts = (struct filter_bed_counts){0};
    struct filter_build build = {
        .arena = &b.arena, .detail = detail, .hold = bed_keeps_hold, .holder = &kept};
    build.secrets = c->secrets;
    build.secret_count = c->secret_count;
    struct consumer_directory *consumers = consumer_world_create();
    b.x.consumers = consumers;
    struct filter shy = filter_shy_make(
        &(struct filter_shy){c->filter, mode, counts, &b.is_gone, &b.is_woken, c->is_early});
    if (filter_prepare(c->filter, c->spec, &build, &conf)) {
        bed_say(b.out, "refused: %s\n", detail);
    } else {
        serve_before(&b, conf);
        serve(&b, chain_of(&b.arena, &shy, conf));
    }
    mem_free(consumers);
    bed_keeps_let_go(&kept);
    arena_dispose(&b.arena);
}
