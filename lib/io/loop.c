/* The loop: order at the end of a turn (flush tasks, then graves, then block), time, and the read
 * chunk. Owned by the thread that runs it. Must not know streams, nor what its tasks do.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/loop.h"

#include <signal.h>
#include <stdlib.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/mailbox_priv.h"

enum {
    READ_CHUNK_SIZE = 65536,
    READ_ROOM_MIN = READ_CHUNK_SIZE / 4,
    ROUNDS_MAX = 64,       /* of tasks that queue tasks, before sockets get a chance again */
    DRAIN_TURNS_MAX = 256, /* libuv needs two or three to close everything */
};

static void *zalloc_for_uv(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        abort();
    return mem_zalloc(bytes);
}

static void prepare_process(void)
{
    uv_replace_allocator(mem_alloc, mem_realloc, zalloc_for_uv, mem_free);
    /* A peer that hangs up must be an error of one write, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
}

static void run_batch(struct list *queue)
{
    struct list batch;
    list_init(&batch);
    list_splice_last(&batch, queue);
    struct list *node;
    while ((node = list_take_first(&batch))) {
        struct loop_task *t = container_of(node, struct loop_task, node);
        t->run(t);
    }
}

bool loop_end_turn(struct loop *l)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (!list_is_empty(&l->soon))
            run_batch(&l->soon);
        else if (!list_is_empty(&l->tasks))
            run_batch(&l->tasks);
        else if (!list_is_empty(&l->graves))
            run_batch(&l->graves);
        else
            return true;
    }
    /* Somebody keeps the tasks coming; the dead must not wait for that to end. */
    run_batch(&l->graves);
    return list_is_empty(&l->soon) && list_is_empty(&l->tasks) && list_is_empty(&l->graves);
}

static void on_idle(uv_idle_t *handle)
{
    (void)handle;
}

static void on_prepare(uv_prepare_t *handle)
{
    struct loop *l = container_of(handle, struct loop, prepare);
    l->now_ns = 0;
    if (!loop_end_turn(l))
        uv_idle_start(&l->hurry, on_idle);
    else if (uv_is_active((uv_handle_t *)&l->hurry))
        uv_idle_stop(&l->hurry);
    l->now_ns = 0;
}

static void on_check(uv_check_t *handle)
{
    container_of(handle, struct loop, check)->now_ns = 0;
}

void loop_init_common(struct loop *l, uint64_t now_ms)
{
    list_init(&l->soon);
    list_init(&l->tasks);
    list_init(&l->graves);
    list_init(&l->closed_mailboxes);
    list_init(&l->tcps);
    timer_init(&l->tcp_look, l, NULL);
    l->armed_ms = WHEEL_NEVER;
    wheel_init(&l->wheel, now_ms);
}

struct loop *loop_create(void)
{
    static uv_once_t once = UV_ONCE_INIT;
    uv_once(&once, prepare_process);
    struct loop *l = mem_zalloc(sizeof(*l));
    int status = uv_loop_init(&l->uv);
    if (status < 0) {
        LOG_E("loop", "cannot make an event loop: %s", uv_strerror(status));
        abort();
    }
    loop_init_common(l, uv_now(&l->uv));
    uv_prepare_init(&l->uv, &l->prepare);
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->hurry);
    uv_timer_init(&l->uv, &l->wake);
    uv_prepare_start(&l->prepare, on_prepare);
    uv_check_start(&l->check, on_check);
    return l;
}

static void count_closing(uv_handle_t *handle, void *arg)
{
    *(size_t *)arg += uv_is_closing(handle) != 0;
}

static bool is_drained(struct loop *l)
{
    size_t closing = 0;
    uv_walk(&l->uv, count_closing, &closing);
    return closing == 0 && l->lingering == 0 && list_is_empty(&l->soon) &&
           list_is_empty(&l->tasks) && list_is_empty(&l->graves);
}

/* What is closing goes on until it is closed; what still sends has its own time limit. */
static void drain(struct loop *l)
{
    l->draining = true;
    for (int i = 0; i < DRAIN_TURNS_MAX && !is_drained(l);) {
        if (loop_end_turn(l) && l->lingering) {
            uv_run(&l->uv, UV_RUN_ONCE);
        } else {
            uv_run(&l->uv, UV_RUN_NOWAIT);
            i++;
        }
    }
    l->draining = false;
}

void loop_run(struct loop *l)
{
    l->running = true;
    while (!l->stop_asked)
        uv_run(&l->uv, UV_RUN_DEFAULT);
    drain(l);
    l->stop_asked = false; /* also one that was asked for while draining: it has happened */
    l->running = false;
}

void loop_stop(struct loop *l)
{
    l->stop_asked = true;
    if (!l->simulated)
        uv_stop(&l->uv);
}

static void tell_open(uv_handle_t *handle, void *arg)
{
    (void)arg;
    LOG_E("loop", "still open at loop_destroy: a %s", uv_handle_type_name(handle->type));
}

static void close_uv(struct loop *l)
{
    drain(l);
    uv_close((uv_handle_t *)&l->prepare, NULL);
    uv_close((uv_handle_t *)&l->check, NULL);
    uv_close((uv_handle_t *)&l->hurry, NULL);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_run(&l->uv, UV_RUN_NOWAIT);
    int status = uv_loop_close(&l->uv);
    if (status < 0) {
        uv_walk(&l->uv, tell_open, NULL);
        abort();
    }
}

void loop_destroy(struct loop *l)
{
    if (l->simulated)
        loop_end_turn(l);
    else
        close_uv(l);
    struct list *node;
    while ((node = list_take_first(&l->closed_mailboxes)))
        mailbox_free(node);
    chunk_unref(l->read_chunk);
    mem_free(l);
}

uint64_t loop_now_ms(const struct loop *l)
{
    return l->simulated ? l->sim_ms : uv_now(&l->uv);
}

uint64_t loop_now_ns(struct loop *l)
{
    if (l->simulated)
        return l->sim_ms * 1000000;
    if (l->now_ns == 0)
        l->now_ns = clock_mono_ns();
    return l->now_ns;
}

void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *))
{
    list_init(&t->node);
    t->run = run;
}

void loop_run_soon(struct loop *l, struct loop_task *t)
{
    if (!list_is_linked(&t->node))
        list_link_last(&l->soon, &t->node);
}

void loop_flush_later(struct loop *l, struct loop_task *t)
{
    if (!list_is_linked(&t->node))
        list_link_last(&l->tasks, &t->node);
}

void loop_bury(struct loop *l, struct loop_task *t)
{
    list_unlink(&t->node);
    list_link_last(&l->graves, &t->node);
}

void loop_task_cancel(struct loop_task *t)
{
    list_unlink(&t->node);
}

static struct chunk *fresh_chunk(struct loop *l)
{
    chunk_unref(l->read_chunk);
    l->read_chunk = chunk_create(READ_CHUNK_SIZE);
    l->chunk_is_lent = false;
    return l->read_chunk;
}

struct chunk *loop_read_chunk(struct loop *l)
{
    struct chunk *c = l->read_chunk;
    if (!c || c->refs > 1)
        c = fresh_chunk(l);
    c->used = 0;
    l->chunk_is_lent = true;
    return c;
}

uint8_t *loop_read_room(struct loop *l, size_t *room)
{
    struct chunk *c = l->read_chunk;
    if (!c)
        c = fresh_chunk(l);
    else if (c->refs == 1)
        c->used = 0;
    else if (l->chunk_is_lent || c->capacity - c->used < READ_ROOM_MIN)
        c = fresh_chunk(l);
    l->chunk_is_lent = false;
    *room = c->capacity - c->used;
    return c->data + c->used;
}

struct chunk *loop_read_commit(struct loop *l, const uint8_t *data, size_t len)
{
    struct chunk *c = l->read_chunk;
    c->used = (uint32_t)((size_t)(data - c->data) + len);
    return chunk_ref(c);
}
