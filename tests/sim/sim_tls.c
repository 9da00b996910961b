/* The handshake: a real ClientHello with the ALPN names and, in an extension of our own, the SPIFFE
 * id; back comes one record with the chosen name and the server's id, or the connection is closed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_tls.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/net/tls_stream.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_text.h"
#include "tests/sim/sim_tls_ctx.h"

enum { EXTENSION_ID = 0xfe57, HANDSHAKE_MS = 10000 };

/* One stream's handshake and what is known after it. */
struct sim_tls {
    struct stream *s;
    struct tls_ctx *ctx;
    const struct stream_events *events; /* the user's, until open */
    void *owner;
    struct sim_text in;
    struct loop_task task;
    struct timer patience; /* from the dial on */
    char alpn[16], peer_id[SIM_NAME_MAX], expected[SIM_NAME_MAX], sni[SIM_NAME_MAX];
    char detail[SIM_NAME_MAX * 2 + 64];
    struct tls_peer peer;
    bool open, keep_reading;
    enum err fail;
};

static unsigned handshakes;

unsigned sim_tls_handshakes(void)
{
    return handshakes;
}

void sim_tls_reset(void)
{
    handshakes = 0;
}

/* ---- messages ---- */

static void put_number(struct sim_text *t, unsigned number, unsigned bytes)
{
    for (unsigned i = bytes; i-- > 0;) {
        uint8_t byte = (uint8_t)(number >> (8 * i));
        sim_text_add(t, &byte, 1);
    }
}

static void put_vector(struct sim_text *t, const char *text, unsigned length_bytes)
{
    size_t len = strlen(text);
    put_number(t, (unsigned)len, length_bytes);
    sim_text_add(t, text, len);
}

static void put_extension(struct sim_text *to, unsigned type, struct sim_text *body)
{
    put_number(to, type, 2);
    put_number(to, (unsigned)body->len, 2);
    sim_text_add(to, sim_text_get(body), body->len);
    sim_text_dispose(body);
}

static void put_extensions(struct sim_text *t, const struct sim_tls *tls)
{
    struct sim_text body = {0}, list = {0};
    for (unsigned i = 0; i < tls->ctx->alpn_count; i++)
        put_vector(&list, tls->ctx->alpn[i], 1);
    put_number(&body, (unsigned)list.len, 2);
    sim_text_add(&body, sim_text_get(&list), list.len);
    if (list.len)
        put_extension(t, 16, &body);
    sim_text_dispose(&body);
    sim_text_dispose(&list);
    put_vector(&body, tls->ctx->id, 2);
    put_extension(t, EXTENSION_ID, &body);
    if (!tls->sni[0])
        return;
    put_number(&body, (unsigned)strlen(tls->sni) + 3, 2);
    put_number(&body, 0, 1);
    put_vector(&body, tls->sni, 2);
    put_extension(t, 0, &body);
}

static void write_record(struct sim_tls *tls, unsigned type, struct sim_text *body)
{
    struct sim_text record = {0};
    struct buf out;
    put_number(&record, type, 1);
    put_number(&record, 0x0301, 2);
    put_number(&record, (unsigned)body->len, 2);
    sim_text_add(&record, sim_text_get(body), body->len);
    buf_init(&out);
    buf_append(&out, record.ptr, record.len);
    stream_write(tls->s, &out);
    sim_text_dispose(&record);
    sim_text_dispose(body);
}

static void send_hello(struct sim_tls *tls)
{
    static const char random[32] = "a simulation needs no randomness";
    struct sim_text extensions = {0}, hello = {0}, body = {0};
    put_number(&hello, 0x0303, 2);
    sim_text_add(&hello, random, sizeof(random));
    put_number(&hello, 0, 1);
    put_number(&hello, 2, 2);
    put_number(&hello, 0x1301, 2);
    put_number(&hello, 0x0100, 2);
    put_extensions(&extensions, tls);
    put_number(&hello, (unsigned)extensions.len, 2);
    sim_text_add(&hello, sim_text_get(&extensions), extensions.len);
    put_number(&body, 1, 1);
    put_number(&body, (unsigned)hello.len, 3);
    sim_text_add(&body, hello.ptr, hello.len);
    write_record(tls, 22, &body);
    sim_text_dispose(&extensions);
    sim_text_dispose(&hello);
}

static unsigned get_number(const char **at, unsigned bytes)
{
    unsigned number = 0;
    for (unsigned i = 0; i < bytes; i++)
        number = number << 8 | (uint8_t) * (*at)++;
    return number;
}

static void get_text(const char **at, unsigned length_bytes, char *out, size_t room)
{
    unsigned len = get_number(at, length_bytes);
    snprintf(out, room, "%.*s", (int)len, *at);
    *at += len;
}

/* The first of the client's names that the server has. */
static void choose_alpn(struct sim_tls *tls, const char *list, unsigned len)
{
    for (const char *at = list; at < list + len && !tls->alpn[0];) {
        char name[16];
        get_text(&at, 1, name, sizeof(name));
        for (unsigned i = 0; i < tls->ctx->alpn_count; i++)
            if (strcmp(name, tls->ctx->alpn[i]) == 0)
                memcpy(tls->alpn, name, sizeof(name));
    }
}

static void read_hello(struct sim_tls *tls)
{
    const char *at = tls->in.ptr + 5 + 4 + 2 + 32 + 1 + 4 + 2;
    const char *end = at + get_number(&at, 2) + 2;
    while (at < end) {
        unsigned type = get_number(&at, 2), len = get_number(&at, 2);
        const char *body = at;
        if (type == 16)
            choose_alpn(tls, body + 2, len - 2);
        else if (type == EXTENSION_ID)
            get_text(&body, 2, tls->peer_id, sizeof(tls->peer_id));
        at += len;
        if (type != 0)
            continue;
        body += 3;
        get_text(&body, 2, tls->sni, sizeof(tls->sni));
    }
}

/* A public server: what it does not ask for it does not see. */
static void judge_client(struct sim_tls *tls)
{
    const struct tls_ctx *c = tls->ctx;
    bool good = c->asks && c->roots[0] && tls->peer_id[0] &&
                strncmp(tls->peer_id, c->roots, strlen(c->roots)) == 0;
    if (good)
        return;
    tls->peer_id[0] = 0;
    if (c->asks && !c->is_optional) {
        tls->fail = ERR_UNTRUSTED;
        snprintf(tls->detail, sizeof(tls->detail), "the client showed no good certificate");
    }
}

static void answer_hello(struct sim_tls *tls)
{
    struct sim_text body = {0};
    read_hello(tls);
    if (tls->ctx->is_public)
        judge_client(tls);
    if (tls->fail)
        return;
    if (!tls->ctx->is_public && !tls->peer_id[0]) {
        tls->fail = ERR_UNTRUSTED;
        snprintf(tls->detail, sizeof(tls->detail), "the peer showed no certificate");
        return;
    }
    put_vector(&body, tls->alpn, 1);
    put_vector(&body, tls->ctx->id, 1);
    write_record(tls, 23, &body);
}

/* An id is "<who vouches for it>:<its name>". */
static void judge_server(struct sim_tls *tls)
{
    char wanted[SIM_NAME_MAX + 2];
    const char *name = strchr(tls->peer_id, ':'), *roots = tls->ctx->roots;
    name = name ? name + 1 : tls->peer_id;
    snprintf(wanted, sizeof(wanted), " %s ", name);
    bool is_named =
        tls->ctx->sans[0] ? strstr(tls->ctx->sans, wanted) != NULL : strcmp(name, tls->sni) == 0;
    if (tls->ctx->believes_all)
        return;
    if (is_named && strncmp(tls->peer_id, roots, strlen(roots)) == 0)
        return;
    tls->fail = ERR_UNTRUSTED;
    snprintf(tls->detail, sizeof(tls->detail), "the peer is %s, which is not good", tls->peer_id);
}

static void read_answer(struct sim_tls *tls)
{
    const char *at = tls->in.ptr + 5;
    if (tls->in.ptr[0] == 21) {
        tls->fail = ERR_PROTOCOL;
        snprintf(tls->detail, sizeof(tls->detail), "alert %u", (unsigned)(uint8_t)at[1]);
        return;
    }
    get_text(&at, 1, tls->alpn, sizeof(tls->alpn));
    get_text(&at, 1, tls->peer_id, sizeof(tls->peer_id));
    if (tls->ctx->is_stranger) {
        judge_server(tls);
        return;
    }
    if (!tls->expected[0] || strcmp(tls->expected, tls->peer_id) == 0)
        return;
    tls->fail = ERR_UNTRUSTED;
    snprintf(tls->detail, sizeof(tls->detail), "the peer is %s, expected was %s", tls->peer_id,
             tls->expected);
}

/* ---- the stream ---- */

static void fail(struct sim_tls *tls)
{
    timer_stop(&tls->patience);
    stream_use(tls->s, tls->events, tls->owner);
    tls->events->on_fail(tls->s, tls->fail);
}

/* What came behind the handshake is the user's. */
static void open_stream(struct sim_tls *tls, size_t used)
{
    struct stream *s = tls->s;
    tls->open = true;
    timer_stop(&tls->patience);
    tls->peer.spiffe_id = slice_from_cstr(tls->peer_id);
    tls->peer.subject = SLICE("CN=sim");
    handshakes++;
    size_t rest = tls->in.len - used;
    struct chunk *c = rest ? chunk_create((uint32_t)rest) : NULL;
    if (rest) {
        memcpy(c->data, tls->in.ptr + used, rest);
        c->used = (uint32_t)rest;
    }
    sim_text_dispose(&tls->in);
    if (!tls->keep_reading)
        stream_read_stop(s);
    stream_use(s, tls->events, tls->owner);
    if (s->events->on_open)
        s->events->on_open(s);
    if (c && s->events)
        s->events->on_data(s, c, c->data, rest);
    chunk_unref(c);
}

static void advance(struct sim_tls *tls)
{
    if (tls->in.len < 5)
        return;
    const char *at = tls->in.ptr + 3;
    size_t used = 5 + get_number(&at, 2);
    if (tls->in.len < used)
        return;
    if (tls->ctx->is_server)
        answer_hello(tls);
    else
        read_answer(tls);
    if (tls->fail)
        fail(tls);
    else
        open_stream(tls, used);
}

static void on_task(struct loop_task *task)
{
    struct sim_tls *tls = container_of(task, struct sim_tls, task);
    if (!tls->open && !tls->fail)
        advance(tls);
}

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct sim_tls *tls = s->owner;
    (void)owner;
    sim_text_add(&tls->in, data, len);
    if (!tls->fail)
        advance(tls);
}

static void on_open(struct stream *s)
{
    struct sim_tls *tls = s->owner;
    send_hello(tls);
    stream_read_start(s);
}

static void on_eof(struct stream *s)
{
    struct sim_tls *tls = s->owner;
    tls->fail = ERR_CLOSED;
    fail(tls);
}

static void on_fail(struct stream *s, enum err why)
{
    struct sim_tls *tls = s->owner;
    tls->fail = why;
    fail(tls);
}

static void on_patience(struct timer *timer)
{
    struct sim_tls *tls = container_of(timer, struct sim_tls, patience);
    tls->fail = ERR_TIMEOUT;
    snprintf(tls->detail, sizeof(tls->detail), "the TLS handshake took too long");
    fail(tls);
}

static const struct stream_events handshake_events = {
    .on_open = on_open, .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

static void dispose(struct sim_tls *tls)
{
    timer_stop(&tls->patience);
    loop_task_cancel(&tls->task);
    sim_text_dispose(&tls->in);
    tls_ctx_unref(tls->ctx);
    mem_free(tls);
}

static void describe(const struct sim_tls *tls, struct stream_info *out)
{
    out->is_tls = true;
    out->alpn = slice_from_cstr(tls->alpn);
    out->sni = slice_from_cstr(tls->sni);
    if (tls->open && tls->peer_id[0])
        out->tls_peer = &tls->peer;
    if (tls->detail[0])
        out->fail_detail = tls->detail;
}

struct stream *tls_stream_create(struct stream *lower, struct tls_ctx *ctx,
                                 const struct tls_stream_options *options, struct buf *early,
                                 const struct stream_events *events, void *owner)
{
    struct sim_tls *tls = mem_zalloc(sizeof(*tls));
    tls->s = lower;
    tls->ctx = tls_ctx_ref(ctx);
    tls->events = events;
    tls->owner = owner;
    snprintf(tls->expected, sizeof(tls->expected), "%.*s", SLICE_ARG(options->expect_spiffe_id));
    snprintf(tls->sni, sizeof(tls->sni), "%.*s", SLICE_ARG(options->server_name));
    loop_task_init(&tls->task, on_task);
    timer_init(&tls->patience, lower->loop, on_patience);
    timer_start(&tls->patience,
                options->handshake_timeout_ms ? options->handshake_timeout_ms : HANDSHAKE_MS);
    sim_net_set_tls(lower, tls, dispose, describe);
    stream_use(lower, &handshake_events, tls);
    if (!ctx->is_server)
        return lower;
    while (early && early->len) {
        struct slice front = buf_front(early);
        sim_text_add(&tls->in, front.ptr, front.len);
        buf_drain(early, front.len);
    }
    stream_read_start(lower);
    loop_flush_later(lower->loop, &tls->task);
    return lower;
}

void sim_tls_connect_to(struct stream *s, const char *sni, const char *id, const char *alpn)
{
    struct tls_ctx *ctx = sim_tls_ctx_client(id, alpn);
    struct tls_stream_options options = {.server_name = slice_from_cstr(sni)};
    tls_stream_create(s, ctx, &options, NULL, s->events, s->owner);
    tls_ctx_unref(ctx);
    ((struct sim_tls *)s->owner)->keep_reading = true;
    on_open(s);
}

/* Roots vouch for ids that begin with them; of the mesh everybody is vouched for. */
enum err tls_stream_review(struct stream *s, const struct tls_ctx *by,
                           const struct tls_stream_options *options, char why[TLS_DETAIL_MAX])
{
    const struct sim_tls *tls = sim_net_tls(s);
    bool is_judged = by->is_public ? by->asks : !by->believes_all;
    (void)options;
    if (!tls || !tls->open || tls->ctx == by || !is_judged)
        return ERR_OK;
    if (!tls->peer_id[0] && by->is_optional)
        return ERR_OK;
    bool is_alone = by->is_public && !by->roots[0];
    if (tls->peer_id[0] && !is_alone && strncmp(tls->peer_id, by->roots, strlen(by->roots)) == 0)
        return ERR_OK;
    snprintf(why, TLS_DETAIL_MAX, "%s is not vouched for", tls->peer_id);
    return ERR_UNTRUSTED;
}

/* A stream that has become a TLS stream is the same one still. */
struct stream *tls_stream_lower(struct stream *s)
{
    (void)s;
    return NULL;
}

void sim_tls_connect(struct stream *s, const char *spiffe_id, const char *alpn)
{
    sim_tls_connect_to(s, NULL, spiffe_id, alpn);
}

void sim_tls_accept(struct stream *s, struct tls_ctx *server)
{
    struct tls_stream_options options = {0};
    tls_stream_create(s, server, &options, NULL, s->events, s->owner);
    ((struct sim_tls *)s->owner)->keep_reading = true;
}

const char *sim_tls_sni(struct stream *s)
{
    return sim_net_tls(s)->sni;
}
