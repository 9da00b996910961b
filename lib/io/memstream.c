/* A pair of streams joined in memory. Each end has a pipe (what a kernel would hold) and a queue
 * behind it; one pump moves at most one piece each way, so that a test sees every order of events
 * the same way each time. Every piece is delivered in a chunk of its own, so that a sanitizer
 * catches whoever keeps the bytes without the chunk. Owned by one thread. Must not know sockets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/memstream.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"

struct end {
    struct stream stream;
    struct pair *pair;
    struct end *peer;
    struct buf pipe;    /* written by this end, taken by the "kernel" */
    struct buf waiting; /* written by this end, not taken yet */
    enum err fail_due;
    bool failed;
    bool want_read;
    bool shut; /* no more writes; the peer gets on_eof behind the bytes */
    bool bare; /* … or on_bare_eof */
    bool got_eof;
    bool closed;
};

struct pair {
    struct end ends[2];
    struct memstream_options options;
    struct loop *loop;
    struct loop_task task;
    struct loop_task grave;
    bool pumping;
    bool cut;
    bool released;
};

static struct end *end_of(struct stream *s)
{
    return container_of(s, struct end, stream);
}

static void wake(struct pair *p)
{
    if (p->loop && !p->released)
        loop_flush_later(p->loop, &p->task);
}

static bool is_dead(const struct end *e)
{
    return e->closed || e->failed;
}

static void free_pair(struct loop_task *task)
{
    struct pair *p = container_of(task, struct pair, grave);
    for (int i = 0; i < 2; i++) {
        buf_dispose(&p->ends[i].pipe);
        buf_dispose(&p->ends[i].waiting);
    }
    mem_free(p);
}

static void release(struct pair *p)
{
    if (!p->ends[0].closed || !p->ends[1].closed || p->pumping || p->released)
        return;
    p->released = true;
    loop_task_cancel(&p->task);
    if (p->loop)
        loop_bury(p->loop, &p->grave);
    else
        free_pair(&p->grave);
}

/* From the queue into the pipe, as far as it has room. */
static bool fill_pipe(struct end *e)
{
    size_t capacity = e->pair->options.capacity ? e->pair->options.capacity : SIZE_MAX;
    size_t room = capacity > e->pipe.len ? capacity - e->pipe.len : 0;
    size_t n = e->waiting.len < room ? e->waiting.len : room;
    buf_move(&e->pipe, &e->waiting, n);
    e->stream.queued = e->waiting.len;
    return n > 0;
}

static void read_start(struct stream *s)
{
    end_of(s)->want_read = true;
    wake(end_of(s)->pair);
}

static void read_stop(struct stream *s)
{
    end_of(s)->want_read = false;
}

static void write_data(struct stream *s, struct buf *data)
{
    struct end *e = end_of(s);
    if (is_dead(e) || e->shut || e->fail_due) {
        buf_dispose(data);
        return;
    }
    if (e->peer->closed) {
        e->fail_due = ERR_RESET;
        buf_dispose(data);
    }
    buf_move_all(&e->waiting, data);
    fill_pipe(e);
    wake(e->pair);
}

static void shut_down(struct stream *s)
{
    end_of(s)->shut = true;
    wake(end_of(s)->pair);
}

static void close_end(struct stream *s, bool flush_first)
{
    struct end *e = end_of(s);
    e->closed = true;
    e->shut = true;
    s->events = NULL;
    if (!flush_first)
        buf_dispose(&e->waiting);
    buf_dispose(&e->peer->pipe);
    if (e->peer->waiting.len && !e->peer->fail_due)
        e->peer->fail_due = ERR_RESET;
    wake(e->pair);
    release(e->pair);
}

static void close_reset(struct stream *s)
{
    struct end *peer = end_of(s)->peer;
    if (!is_dead(peer) && !peer->fail_due)
        peer->fail_due = ERR_RESET;
    close_end(s, false);
}

static void info(struct stream *s, struct stream_info *out)
{
    struct end *e = end_of(s);
    uint16_t port = e == &e->pair->ends[0] ? 1 : 2;
    *out = (struct stream_info){
        .local = {.family = 4, .port = port, .ip = {127, 0, 0, 1}},
        .peer = {.family = 4, .port = (uint16_t)(3 - port), .ip = {127, 0, 0, 1}},
        .fail_detail = e->failed ? err_text(e->fail_due) : NULL,
    };
}

static const struct stream_ops ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .write = write_data,
    .shutdown = shut_down,
    .close = close_end,
    .close_reset = close_reset,
    .info = info,
};

static void deliver_piece(struct end *e)
{
    struct buf *from = &e->peer->pipe;
    size_t piece = e->pair->options.piece;
    size_t n = piece && piece < from->len ? piece : from->len;
    n = n < CHUNK_SIZE ? n : CHUNK_SIZE;
    struct chunk *c = chunk_create((uint32_t)n);
    buf_copy_out(from, c->data, n);
    buf_drain(from, n);
    c->used = (uint32_t)n;
    e->stream.events->on_data(&e->stream, c, c->data, n);
    chunk_unref(c);
}

static void tell_eof(struct end *e)
{
    const struct stream_events *events = e->stream.events;
    if (!e->peer->bare)
        events->on_eof(&e->stream);
    else if (events->on_bare_eof)
        events->on_bare_eof(&e->stream);
    else
        events->on_fail(&e->stream, ERR_CLOSED);
}

/* What this end receives: bytes, then their end; a failure waits until the bytes before it are
 * read. */
static bool step_in(struct end *e)
{
    const struct end *from = e->peer;
    if (is_dead(e))
        return false;
    if (e->want_read && from->pipe.len && !e->pair->cut) {
        deliver_piece(e);
    } else if (e->fail_due) {
        e->failed = true;
        buf_dispose(&e->waiting);
        e->stream.queued = 0;
        e->stream.events->on_fail(&e->stream, e->fail_due);
    } else if (e->want_read && !e->got_eof && from->shut && !from->pipe.len && !from->waiting.len) {
        e->got_eof = true;
        tell_eof(e);
    } else {
        return false;
    }
    return true;
}

/* What becomes of the bytes this end wrote. */
static bool step_out(struct end *e)
{
    if (e->peer->closed) {
        bool moved = e->pipe.len || e->waiting.len;
        buf_dispose(&e->pipe);
        buf_dispose(&e->waiting);
        e->stream.queued = 0;
        return moved;
    }
    if (!fill_pipe(e))
        return false;
    if (e->waiting.len == 0 && !is_dead(e) && e->stream.events->on_drain)
        e->stream.events->on_drain(&e->stream);
    return true;
}

static bool pump(struct pair *p)
{
    if (p->pumping || p->released)
        return false;
    bool moved = false;
    p->pumping = true;
    for (int i = 0; i < 2; i++) {
        moved |= step_in(&p->ends[i]);
        moved |= step_out(&p->ends[i]);
    }
    p->pumping = false;
    return moved;
}

static void on_turn_end(struct loop_task *task)
{
    struct pair *p = container_of(task, struct pair, task);
    if (pump(p))
        wake(p);
    release(p);
}

static void init_end(struct pair *p, int at)
{
    struct end *e = &p->ends[at];
    e->stream.ops = &ops;
    e->stream.loop = p->loop;
    e->pair = p;
    e->peer = &p->ends[1 - at];
    buf_init(&e->pipe);
    buf_init(&e->waiting);
}

void memstream_pair(struct loop *l, const struct memstream_options *options, struct stream **a,
                    struct stream **b)
{
    struct pair *p = mem_zalloc(sizeof(*p));
    p->loop = l;
    if (options)
        p->options = *options;
    loop_task_init(&p->task, on_turn_end);
    loop_task_init(&p->grave, free_pair);
    init_end(p, 0);
    init_end(p, 1);
    *a = &p->ends[0].stream;
    *b = &p->ends[1].stream;
}

void memstream_shut_bare(struct stream *s)
{
    end_of(s)->bare = true;
    stream_shutdown(s);
}

bool memstream_pump(struct stream *s)
{
    struct pair *p = end_of(s)->pair;
    bool moved = pump(p);
    release(p);
    return moved;
}

void memstream_cut(struct stream *s, enum err why)
{
    struct pair *p = end_of(s)->pair;
    p->cut = true;
    for (int i = 0; i < 2; i++) {
        buf_dispose(&p->ends[i].pipe);
        buf_dispose(&p->ends[i].waiting);
        p->ends[i].stream.queued = 0;
        p->ends[i].fail_due = why;
    }
    wake(p);
}
