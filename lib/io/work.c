/* One lock and one condition over a list of jobs. Nothing runs under the lock. Must not know what
 * is computed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/work.h"

#include <stdlib.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_priv.h"
#include "lib/io/thread.h"

struct work_pool {
    struct loop *loop; /* of a simulation; NULL: there are threads */
    struct loop_task task;
    uv_mutex_t lock;
    uv_cond_t has_work;
    /* Under the lock. */
    struct list jobs;
    size_t waiting, queue_max;
    bool is_begun, is_stopped;
    struct thread **threads;
    unsigned thread_count;
};

static struct work_job *job_of(struct list *node)
{
    return container_of(node, struct work_job, node);
}

/* ---- in order of coming ---- */

static struct work_job *take(struct work_pool *p)
{
    struct list *node = list_take_first(&p->jobs);
    if (!node)
        return NULL;
    p->waiting--;
    return job_of(node);
}

static void deliver(struct letter *letter)
{
    struct work_job *job = container_of(letter, struct work_job, letter);
    job->done(job);
}

static void bring_back(struct work_job *job)
{
    job->letter.deliver = deliver;
    mailbox_post(job->reply_to, &job->letter);
}

static void run(struct work_job *job)
{
    job->run(job);
    job->was_run = true;
}

/* ---- threads ---- */

static struct work_job *await(struct work_pool *p)
{
    uv_mutex_lock(&p->lock);
    while (!p->is_stopped && list_is_empty(&p->jobs))
        uv_cond_wait(&p->has_work, &p->lock);
    struct work_job *job = p->is_stopped ? NULL : take(p);
    uv_mutex_unlock(&p->lock);
    return job;
}

static void serve(void *arg)
{
    struct work_pool *p = arg;
    for (struct work_job *job; (job = await(p));) {
        run(job);
        bring_back(job);
    }
}

/* Under the lock, which is for each thread to wait at. */
static void begin(struct work_pool *p)
{
    p->is_begun = true;
    for (unsigned i = 0; i < p->thread_count; i++)
        p->threads[i] = thread_start("weft-work", serve, p);
}

/* ---- without threads ---- */

static void run_all(struct loop_task *task)
{
    struct work_pool *p = container_of(task, struct work_pool, task);
    for (struct work_job *job; (job = take(p));) {
        run(job);
        job->done(job);
    }
}

/* ---- life ---- */

static struct work_pool *create(size_t queue_max)
{
    struct work_pool *p = mem_zalloc(sizeof(*p));
    list_init(&p->jobs);
    p->queue_max = queue_max;
    int status = uv_mutex_init(&p->lock);
    if (status == 0)
        status = uv_cond_init(&p->has_work);
    if (status < 0) {
        LOG_E("work", "cannot begin: %s", uv_strerror(status));
        abort();
    }
    return p;
}

struct work_pool *work_pool_create(unsigned threads, size_t queue_max)
{
    struct work_pool *p = create(queue_max);
    p->thread_count = threads;
    p->threads = mem_zalloc(threads * sizeof(struct thread *));
    return p;
}

struct work_pool *work_pool_create_on(struct loop *l, size_t queue_max)
{
    struct work_pool *p = create(queue_max);
    p->loop = l;
    loop_task_init(&p->task, run_all);
    return p;
}

enum err work_pool_post(struct work_pool *p, struct mailbox *reply_to, struct work_job *job)
{
    uv_mutex_lock(&p->lock);
    bool has_room = !p->is_stopped && p->waiting < p->queue_max;
    if (has_room) {
        job->reply_to = reply_to;
        job->was_run = false;
        list_init(&job->node);
        list_link_last(&p->jobs, &job->node);
        p->waiting++;
        if (!p->loop && !p->is_begun)
            begin(p);
        uv_cond_signal(&p->has_work);
    }
    uv_mutex_unlock(&p->lock);
    if (has_room && p->loop)
        loop_run_soon(p->loop, &p->task);
    return has_room ? ERR_OK : ERR_LIMIT;
}

void work_pool_stop(struct work_pool *p)
{
    uv_mutex_lock(&p->lock);
    p->is_stopped = true;
    uv_cond_broadcast(&p->has_work);
    uv_mutex_unlock(&p->lock);
    for (unsigned i = 0; p->is_begun && i < p->thread_count; i++)
        thread_join(p->threads[i]);
    p->is_begun = false;
    if (p->loop)
        loop_task_cancel(&p->task);
    for (struct work_job *job; (job = take(p));)
        bring_back(job);
}

void work_pool_destroy(struct work_pool *p)
{
    uv_cond_destroy(&p->has_work);
    uv_mutex_destroy(&p->lock);
    mem_free(p->threads);
    mem_free(p);
}
