/* One request of the test app from its head to its last byte; see http_echo_answer.h. Events
 * record what happened and wake `run`, which alone decides. On the app's only thread. Must not
 * know connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/helpers/http_echo_answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/json_write.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"

enum kind { KIND_NONE, KIND_TEXT, KIND_ECHO, KIND_BYTES, KIND_SLOW, KIND_TRAILERS, KIND_OVER };

enum { ARENA_BLOCK = 2048, FILL_CHUNK = 65536, PATH_MAX_NUMBER = 20 };

struct request {
    struct http_stream st;
    struct http_echo_answer_options *options;
    struct arena arena;
    struct loop_task wake;
    struct timer timer;
    struct message *head;
    const struct headers *trailers;
    struct buf body; /* to be echoed, or the text of the answer */
    enum kind kind;
    unsigned status;
    uint64_t left; /* bytes or lines */
    uint64_t pause_ms;
    bool ended; /* the request */
    bool due;   /* no delay is pending */
    bool answered;
    bool gone; /* aborted or done */
};

static struct request *request_of(struct http_stream *st)
{
    return container_of(st, struct request, st);
}

static void wake(struct request *r)
{
    loop_run_soon(r->options->loop, &r->wake);
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct request *r = request_of(st);
    r->head = head;
    r->ended = end;
    wake(r);
}

static bool echoes(const struct request *r)
{
    return r->kind == KIND_ECHO || !r->answered;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct request *r = request_of(st);
    if (!echoes(r)) {
        http_stream_consume(st, len);
        return;
    }
    buf_append_shared(&r->body, owner, data, len);
    wake(r);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct request *r = request_of(st);
    r->ended = true;
    r->trailers = trailers;
    wake(r);
}

static void on_writable(struct http_stream *st)
{
    wake(request_of(st));
}

static void on_abort(struct http_stream *st, enum err why)
{
    (void)why;
    request_of(st)->gone = true;
    wake(request_of(st));
}

static void on_done(struct http_stream *st)
{
    request_of(st)->gone = true;
    wake(request_of(st));
}

static const struct http_events events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_end = on_end,
    .on_writable = on_writable,
    .on_abort = on_abort,
    .on_done = on_done,
};

static void destroy(struct request *r)
{
    if (http_stream_is_live(&r->st))
        http_stream_reset(&r->st, ERR_CANCELED);
    timer_stop(&r->timer);
    loop_task_cancel(&r->wake);
    buf_dispose(&r->body);
    arena_dispose(&r->arena);
    mem_free(r);
}

/* The number behind `prefix` in the path; *rest is what follows it. */
static bool number_after(struct slice path, const char *prefix, uint64_t *number,
                         struct slice *rest)
{
    struct slice head = slice_from_cstr(prefix);
    if (!slice_starts_with(path, head))
        return false;
    struct slice digits = slice_sub(path, head.len, path.len);
    size_t slash = slice_find_byte(digits, '/');
    *rest = slice_sub(digits, slash, digits.len);
    return slash <= PATH_MAX_NUMBER && slice_to_u64(slice_sub(digits, 0, slash), number) == ERR_OK;
}

static void write_head_text(struct request *r)
{
    const struct message *m = r->head;
    struct buf *out = &r->body;
    buf_append_slice(out, m->method);
    buf_append(out, " ", 1);
    buf_append_slice(out, m->path);
    buf_append(out, "\n", 1);
    for (uint32_t i = 0; i < m->headers.count; i++) {
        buf_append_slice(out, m->headers.items[i].name);
        buf_append(out, ": ", 2);
        buf_append_slice(out, m->headers.items[i].value);
        buf_append(out, "\n", 1);
    }
}

static void write_head_json(struct request *r)
{
    const struct message *m = r->head;
    struct json_write w;
    json_write_init(&w, &r->body);
    json_write_object(&w);
    json_write_key(&w, "app");
    json_write_string(&w, slice_from_cstr(r->options->name));
    json_write_key(&w, "version");
    json_write_i64(&w, m->version);
    json_write_key(&w, "method");
    json_write_string(&w, m->method);
    json_write_key(&w, "authority");
    json_write_string(&w, m->authority);
    json_write_key(&w, "path");
    json_write_string(&w, m->path);
    json_write_key(&w, "headers");
    json_write_array(&w);
    for (uint32_t i = 0; i < m->headers.count; i++) {
        json_write_array(&w);
        json_write_string(&w, m->headers.items[i].name);
        json_write_string(&w, m->headers.items[i].value);
        json_write_array_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    buf_append(&r->body, "\n", 1);
}

static void write_name(struct request *r)
{
    buf_append_slice(&r->body, slice_from_cstr(r->options->name));
    buf_append(&r->body, "\n", 1);
}

static void delay(struct request *r, uint64_t ms)
{
    r->due = false;
    timer_start(&r->timer, ms);
}

/* What the path asks for, apart from /echo. */
static void choose_by_number(struct request *r, struct slice path)
{
    uint64_t n = 0;
    struct slice rest;
    r->kind = KIND_TEXT;
    if (number_after(path, "/status/", &n, &rest) || number_after(path, "/early/", &n, &rest)) {
        r->status = n >= 200 && n <= 999 ? (unsigned)n : 400;
    } else if (number_after(path, "/bytes/", &n, &rest)) {
        r->kind = KIND_BYTES;
        r->left = n;
    } else if (number_after(path, "/slow/", &r->left, &rest) &&
               number_after(rest, "/", &n, &rest)) {
        r->kind = KIND_SLOW;
        r->pause_ms = n;
    } else if (number_after(path, "/delay/", &n, &rest)) {
        write_name(r);
        delay(r, n);
    } else {
        r->status = 404;
    }
}

static void choose(struct request *r)
{
    const struct message *m = r->head;
    struct slice path = message_path_only(m);
    r->status = r->options->always ? r->options->always : 200;
    if (m->upgrade.len || slice_eq(path, SLICE("/echo")) || message_is_grpc(m)) {
        bool get = slice_eq(m->method, SLICE("GET")) && !m->upgrade.len;
        r->kind = get ? KIND_TEXT : KIND_ECHO;
        if (get)
            write_head_text(r);
    } else if (r->options->always || slice_eq(path, SLICE("/"))) {
        r->kind = KIND_TEXT;
        write_name(r);
    } else if (slice_eq(path, SLICE("/headers"))) {
        r->kind = KIND_TEXT;
        write_head_json(r);
    } else if (slice_eq(path, SLICE("/trailers"))) {
        r->kind = KIND_TRAILERS;
        write_name(r);
    } else if (slice_eq(path, SLICE("/reset"))) {
        r->kind = KIND_OVER;
        http_stream_reset(&r->st, ERR_CANCELED);
    } else {
        choose_by_number(r, path);
    }
}

static bool wants_body(const struct request *r)
{
    return r->kind != KIND_OVER && !slice_starts_with(r->head->path, SLICE("/early/"));
}

static bool may_answer(const struct request *r)
{
    return r->due && (r->ended || r->kind == KIND_ECHO || !wants_body(r));
}

static bool length_is_known(const struct request *r)
{
    return r->kind == KIND_TEXT || r->kind == KIND_BYTES;
}

static void send_continue(struct request *r)
{
    struct message m;
    message_init(&m, &r->arena);
    m.status = 100;
    http_stream_send_head(&r->st, &m, false);
}

/* Without printf, which would be the largest part of a benchmark's answer. */
static struct slice number_text(struct arena *arena, uint64_t number)
{
    char *end = (char *)arena_alloc(arena, PATH_MAX_NUMBER) + PATH_MAX_NUMBER, *at = end;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number);
    return slice_of(at, (size_t)(end - at));
}

static void send_head(struct request *r)
{
    struct message m;
    struct slice type = headers_get_id(&r->head->headers, HEADER_CONTENT_TYPE);
    bool tunnel = r->head->upgrade.len > 0;
    message_init(&m, &r->arena);
    m.status = tunnel ? 101 : (uint16_t)r->status;
    m.upgrade = r->head->upgrade;
    headers_add(&m.headers, SLICE("x-app"), slice_from_cstr(r->options->name));
    if (!tunnel)
        headers_add_id(&m.headers, HEADER_CONTENT_TYPE,
                       r->kind == KIND_ECHO && type.len ? type : SLICE("text/plain"));
    if (length_is_known(r))
        m.content_length = (int64_t)(r->kind == KIND_BYTES ? r->left : r->body.len);
    if (m.content_length >= 0)
        headers_add_id(&m.headers, HEADER_CONTENT_LENGTH,
                       number_text(&r->arena, (uint64_t)m.content_length));
    bool bodiless = slice_eq(r->head->method, SLICE("HEAD")) || m.status == 204 || m.status == 304;
    bool end = bodiless || m.content_length == 0;
    r->options->answered++;
    r->answered = true;
    http_stream_send_head(&r->st, &m, end);
    if (end)
        r->kind = KIND_OVER;
}

static void send_echo(struct request *r)
{
    size_t n = r->body.len;
    bool grpc = message_is_grpc(r->head);
    bool last = r->ended && !r->trailers && !grpc;
    if (http_stream_unsent(&r->st) > HTTP_STREAM_HIGH_WATER)
        return;
    if (n || last)
        http_stream_send_body(&r->st, &r->body, last);
    if (n && http_stream_is_live(&r->st))
        http_stream_consume(&r->st, n);
    if (!r->ended)
        return;
    r->kind = KIND_OVER;
    if (last || !http_stream_is_live(&r->st))
        return;
    struct headers *out = arena_zalloc(&r->arena, sizeof(*out));
    headers_init(out, &r->arena);
    if (r->trailers)
        headers_copy(out, r->trailers);
    if (grpc)
        headers_add_id(out, HEADER_GRPC_STATUS, SLICE("0"));
    http_stream_send_trailers(&r->st, out);
}

/* One chunk is shared by all answers. */
static struct chunk *fill_chunk(void)
{
    static struct chunk *fill;
    if (!fill) {
        fill = chunk_create(FILL_CHUNK);
        memset(fill->data, 'x', FILL_CHUNK);
        fill->used = FILL_CHUNK;
    }
    return fill;
}

static void send_bytes(struct request *r)
{
    while (r->kind == KIND_BYTES && http_stream_is_live(&r->st) &&
           http_stream_unsent(&r->st) <= HTTP_STREAM_HIGH_WATER) {
        struct buf data;
        size_t n = r->left < FILL_CHUNK ? (size_t)r->left : FILL_CHUNK;
        buf_init(&data);
        buf_append_shared(&data, fill_chunk(), fill_chunk()->data, n);
        r->left -= n;
        if (r->left == 0)
            r->kind = KIND_OVER;
        http_stream_send_body(&r->st, &data, r->left == 0);
    }
}

static void send_slowly(struct request *r)
{
    struct buf line;
    buf_init(&line);
    if (!r->due)
        return;
    if (r->left) {
        buf_append_slice(&line, SLICE("tick\n"));
        r->left--;
        delay(r, r->pause_ms);
    }
    bool last = r->left == 0;
    if (last)
        r->kind = KIND_OVER;
    http_stream_send_body(&r->st, &line, last);
}

static void send_trailers(struct request *r)
{
    struct headers *out = arena_zalloc(&r->arena, sizeof(*out));
    headers_init(out, &r->arena);
    headers_add(out, SLICE("x-trailer"), SLICE("behind the body"));
    r->kind = KIND_OVER;
    http_stream_send_body(&r->st, &r->body, false);
    if (http_stream_is_live(&r->st))
        http_stream_send_trailers(&r->st, out);
}

static void send_more(struct request *r)
{
    switch (r->kind) {
    case KIND_TEXT:
        r->kind = KIND_OVER;
        http_stream_send_body(&r->st, &r->body, true);
        break;
    case KIND_ECHO:
        send_echo(r);
        break;
    case KIND_BYTES:
        send_bytes(r);
        break;
    case KIND_SLOW:
        send_slowly(r);
        break;
    case KIND_TRAILERS:
        send_trailers(r);
        break;
    default:
        break;
    }
}

/* A body that nobody wants is let go, so that the connection can go on. */
static void drop_body(struct request *r)
{
    size_t n = r->st.unconsumed;
    if (r->kind == KIND_ECHO || r->kind == KIND_NONE || !http_stream_is_live(&r->st) || !n)
        return;
    http_stream_consume(&r->st, n);
}

static void run(struct loop_task *task)
{
    struct request *r = container_of(task, struct request, wake);
    if (r->head && r->kind == KIND_NONE && !r->gone) {
        /* What came of the body before is not needed, but by an echo. */
        struct buf body = r->body;
        buf_init(&r->body);
        choose(r);
        if (r->head->expect_continue && !r->ended && wants_body(r))
            send_continue(r);
        if (r->kind == KIND_ECHO)
            buf_move_all(&r->body, &body);
        buf_dispose(&body);
    }
    drop_body(r);
    if (!r->gone && http_stream_is_live(&r->st) && r->head) {
        if (!r->answered && may_answer(r))
            send_head(r);
        if (r->answered && http_stream_is_live(&r->st))
            send_more(r);
    }
    if (r->gone || !http_stream_is_live(&r->st))
        destroy(r);
}

static void on_timer(struct timer *timer)
{
    struct request *r = container_of(timer, struct request, timer);
    r->due = true;
    wake(r);
}

struct http_stream *http_echo_answer_create(struct http_echo_answer_options *options)
{
    struct request *r = mem_zalloc(sizeof(*r));
    r->options = options;
    r->due = true;
    arena_init(&r->arena, ARENA_BLOCK);
    buf_init(&r->body);
    loop_task_init(&r->wake, run);
    timer_init(&r->timer, options->loop, on_timer);
    r->st.events = &events;
    r->st.owner = r;
    r->st.arena = &r->arena;
    return &r->st;
}
