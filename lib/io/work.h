/* A few threads for computations that take long (the hash of a password) and libraries that block.
 * Whoever asks gets the result on its own loop, by its mailbox. The queue is bounded: when it is
 * full one is told at once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/io/mailbox.h"

struct loop;
struct work_pool;

/* Embed. The pool's from work_pool_post until done is called. */
struct work_job {
    struct letter letter;
    struct list node;
    struct mailbox *reply_to;
    /* On a thread of the pool. May touch the job and nothing else. */
    void (*run)(struct work_job *job);
    /* On the thread of the mailbox's loop. */
    void (*done)(struct work_job *job);
    bool was_run; /* false: the pool was stopped before its turn came */
};

/* Threads begin with the first job. queue_max: of jobs that no thread has taken yet. */
struct work_pool *work_pool_create(unsigned threads, size_t queue_max);
/* For simulations: no threads, jobs run at the end of the loop's turn. */
struct work_pool *work_pool_create_on(struct loop *l, size_t queue_max);
/* Any thread. ERR_LIMIT: the queue is full, or the pool was stopped; the job is the caller's still.
 */
MUST_USE enum err work_pool_post(struct work_pool *p, struct mailbox *reply_to,
                                 struct work_job *job);
/* Waits for jobs that run; those that wait come back without. Nothing is taken from then on. Call
 * it while mailboxes are still read. */
void work_pool_stop(struct work_pool *p);
/* Stopped before, and nobody posts any more. */
void work_pool_destroy(struct work_pool *p);
