/* What HTTP/2 costs: one client and one server codec back to back in memory, small requests and
 * responses with ten fields each way. Prints nanoseconds per exchange; for instruction counts run
 * it twice with different counts under `valgrind --tool=callgrind` and divide the difference.
 * Usage: bench_h2 [exchanges] [concurrent] [plain|mesh|churn]
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/codec/h2/h2.h"

struct exchange {
    struct arena client_arena, server_arena;
    struct buf client_out, server_out;
    struct h2_stream *client, *server;
    bool done;
};

struct bench {
    struct h2 *client, *server;
    struct exchange *slots;
    unsigned next_accept, concurrent;
    unsigned long finished;
    struct message request, response;
    struct arena arena;
    char ids[3][40];
    unsigned long long counter;
};

static struct bench bench;

static struct arena *on_stream(struct h2 *h, struct h2_stream *st)
{
    struct exchange *x = &bench.slots[bench.next_accept++ % bench.concurrent];
    (void)h;
    st->user = x;
    st->out = &x->server_out;
    x->server = st;
    return &x->server_arena;
}

static void on_server_head(struct h2_stream *st, struct message *head, bool end)
{
    (void)st;
    (void)head;
    (void)end;
}

static void on_client_head(struct h2_stream *st, struct message *head, bool end)
{
    (void)st;
    (void)end;
    if (head->status != 200)
        abort();
}

static void on_data(struct h2_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)owner;
    (void)data;
    h2_stream_consume(st, len);
}

static void on_end(struct h2_stream *st, const struct headers *trailers)
{
    (void)st;
    (void)trailers;
}

static void on_taken(struct h2_stream *st)
{
    (void)st;
}

static void on_server_done(struct h2_stream *st)
{
    arena_reset(&((struct exchange *)st->user)->server_arena);
}

static void on_client_done(struct h2_stream *st)
{
    struct exchange *x = st->user;
    arena_reset(&x->client_arena);
    x->done = true;
    bench.finished++;
}

static void on_abort(struct h2_stream *st, enum err why)
{
    fprintf(stderr, "stream %d: %s\n", (int)st->id, err_text(why));
    abort();
}

static void on_bad_head(struct h2 *h, unsigned status, const char *reason,
                        char id[MESSAGE_REQUEST_ID_SIZE])
{
    (void)id;
    (void)h;
    fprintf(stderr, "%u: %s\n", status, reason);
    abort();
}

static void on_connection(struct h2 *h)
{
    (void)h;
}

static void on_goaway(struct h2 *h, uint32_t code)
{
    (void)h;
    (void)code;
    abort();
}

static const struct h2_events server_events = {
    on_stream, on_server_head, on_data,       on_end,        on_taken,  on_server_done,
    on_abort,  on_bad_head,    on_connection, on_connection, on_goaway,
};
static const struct h2_events client_events = {
    NULL,     on_client_head, on_data,       on_end,        on_taken,  on_client_done,
    on_abort, on_bad_head,    on_connection, on_connection, on_goaway,
};

static void move(struct h2 *from, struct h2 *to)
{
    if (!h2_drain(from, 1u << 18))
        abort();
    struct buf *out = h2_output(from);
    struct iovec piece;
    while (buf_peek(out, &piece, 1)) {
        if (!h2_feed(to, 0, NULL, piece.iov_base, piece.iov_len))
            abort();
        buf_drain(out, piece.iov_len);
    }
}

static void add(struct message *m, const char *name, const char *value)
{
    headers_add(&m->headers, slice_from_cstr(name), slice_from_cstr(value));
}

static void fill_request(struct message *m, bool mesh)
{
    message_init(m, &bench.arena);
    m->method = SLICE("GET");
    m->scheme = SLICE("http");
    m->authority = SLICE("reviews.default.svc.cluster.local");
    m->path = SLICE("/reviews/0?user=jason");
    add(m, "user-agent", "curl/8.0.1");
    add(m, "accept", "*/*");
    add(m, "accept-encoding", "gzip, deflate");
    add(m, "x-forwarded-proto", "http");
    add(m, "x-weft-http-version", "1.1");
    add(m, "x-end-user", "jason");
    if (!mesh)
        return;
    add(m, "x-request-id", "6f2a54e8-1c1d-4d5f-9f53-6c1f3a1d2b3c");
    add(m, "traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    add(m, "x-b3-sampled", "1");
}

static void fill_response(struct message *m, bool mesh)
{
    message_init(m, &bench.arena);
    m->status = 200;
    add(m, "content-type", "application/json");
    add(m, "content-length", "100");
    add(m, "date", "Thu, 01 Jan 2026 00:00:00 GMT");
    add(m, "server", "gunicorn");
    add(m, "cache-control", "no-cache");
    add(m, "vary", "accept-encoding");
    add(m, "x-upstream-service-time", "3");
    add(m, "x-content-type-options", "nosniff");
    add(m, "x-frame-options", "DENY");
    if (mesh)
        add(m, "x-request-id", "6f2a54e8-1c1d-4d5f-9f53-6c1f3a1d2b3c");
}

/* A value that never comes back, without the cost of printf in the count. */
static void churn(void)
{
    static const char digits[] = "0123456789abcdef";
    for (unsigned i = 0; i < 3; i++) {
        unsigned long long n = ++bench.counter * 0x9e3779b97f4a7c15ull;
        for (unsigned k = 0; k < 16; k++)
            bench.ids[i][k] = digits[n >> (4 * k) & 15];
    }
}

static void fill_churn(void)
{
    for (unsigned i = 0; i < 3; i++)
        memset(bench.ids[i], '0', 16);
    static const char *names[] = {"x-b3-traceid", "x-b3-spanid", "x-correlation"};
    for (unsigned i = 0; i < 3; i++)
        headers_add(&bench.request.headers, slice_from_cstr(names[i]), slice_of(bench.ids[i], 16));
}

static void start(struct exchange *x)
{
    x->done = false;
    x->client =
        h2_send_request(bench.client, &bench.request, true, x, &x->client_arena, &x->client_out);
    if (!x->client)
        abort();
}

static void answer(struct exchange *x)
{
    static const char body[100] = {'[', '{', '}', ']'};
    h2_send_head(x->server, &bench.response, false);
    buf_append(&x->server_out, body, sizeof(body));
    h2_send_body(x->server, true);
}

static void run(unsigned long exchanges, bool churning)
{
    while (bench.finished < exchanges) {
        if (churning)
            churn();
        for (unsigned i = 0; i < bench.concurrent; i++)
            start(&bench.slots[i]);
        move(bench.client, bench.server);
        for (unsigned i = 0; i < bench.concurrent; i++)
            answer(&bench.slots[i]);
        move(bench.server, bench.client);
    }
}

int main(int argc, char **argv)
{
    unsigned long exchanges = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    bench.concurrent = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1;
    const char *kind = argc > 3 ? argv[3] : "plain";
    bool churning = strcmp(kind, "churn") == 0, mesh = strcmp(kind, "mesh") == 0;
    if (bench.concurrent < 1 || bench.concurrent > 100)
        return 2;
    bench.slots = mem_zalloc(bench.concurrent * sizeof(*bench.slots));
    for (unsigned i = 0; i < bench.concurrent; i++) {
        arena_init(&bench.slots[i].client_arena, 4096);
        arena_init(&bench.slots[i].server_arena, 4096);
    }
    arena_init(&bench.arena, 4096);
    fill_request(&bench.request, mesh);
    fill_response(&bench.response, mesh);
    if (churning)
        fill_churn();
    bench.client = h2_create(&(struct h2_config){0}, &client_events, NULL, 0);
    bench.server = h2_create(&(struct h2_config){.server = true}, &server_events, NULL, 0);
    move(bench.client, bench.server);
    move(bench.server, bench.client);
    run(1000, churning);
    uint64_t fresh = mem_fresh_count(), began = clock_mono_ns();
    bench.finished = 0;
    run(exchanges, churning);
    uint64_t ns = clock_mono_ns() - began;
    printf("%s: %lu exchanges, %u at a time: %.0f ns each, %llu blocks asked of libc\n", kind,
           exchanges, bench.concurrent, (double)ns / (double)exchanges,
           (unsigned long long)(mem_fresh_count() - fresh));
    h2_destroy(bench.client);
    h2_destroy(bench.server);
    for (unsigned i = 0; i < bench.concurrent; i++) {
        arena_dispose(&bench.slots[i].client_arena);
        arena_dispose(&bench.slots[i].server_arena);
    }
    arena_dispose(&bench.arena);
    mem_free(bench.slots);
    return 0;
}
