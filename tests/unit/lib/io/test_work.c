/* Tests of the pool of threads for long computations: results come back to whoever asked, a full
 * queue says so at once, and stopping loses nothing. Clean under the thread sanitizer. Several
 * threads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/work.h"

#include <pthread.h>
#include <stdatomic.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/thread.h"
#include "tests/unit/lib/io/cmocka_io.h"

enum { ASKERS = 3, JOBS = 500, THREADS = 4 };

/* ---- many loops ask ---- */

struct asker {
    struct work_pool *pool;
    struct loop *loop;
    struct mailbox *box;
    unsigned asked, answered;
    uint64_t sum;
    pthread_t thread;
    bool is_at_home; /* all answers came on its own thread */
};

struct square {
    struct work_job job; /* first */
    struct asker *asker;
    uint64_t number, result;
    pthread_t thread;
};

static void compute(struct work_job *job)
{
    struct square *s = container_of(job, struct square, job);
    s->result = s->number * s->number;
    s->thread = pthread_self();
}

static void ask_next(struct asker *a);

static void take_answer(struct work_job *job)
{
    struct square *s = container_of(job, struct square, job);
    struct asker *a = s->asker;
    a->is_at_home &= pthread_equal(pthread_self(), a->thread) &&
                     !pthread_equal(pthread_self(), s->thread) && job->was_run;
    a->sum += s->result;
    mem_free(s);
    if (++a->answered == JOBS)
        loop_stop(a->loop);
    else
        ask_next(a);
}

/* A few at a time, so that the queue has room. */
static void ask_next(struct asker *a)
{
    while (a->asked < JOBS && a->asked < a->answered + 10) {
        struct square *s = mem_zalloc(sizeof(*s));
        *s = (struct square){.job = {.run = compute, .done = take_answer},
                             .asker = a,
                             .number = a->asked++};
        assert_int_equal(work_pool_post(a->pool, a->box, &s->job), ERR_OK);
    }
}

static void run_asker(void *arg)
{
    struct asker *a = arg;
    a->thread = pthread_self();
    a->loop = loop_create();
    a->box = mailbox_open(a->loop);
    a->is_at_home = true;
    ask_next(a);
    loop_run(a->loop);
    mailbox_close(a->box);
    loop_destroy(a->loop);
}

static void test_answers_come_home(void **state)
{
    struct work_pool *pool = work_pool_create(THREADS, 100);
    struct asker askers[ASKERS] = {0};
    struct thread *threads[ASKERS];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < JOBS; i++)
        sum += i * i;
    for (unsigned i = 0; i < ASKERS; i++) {
        askers[i].pool = pool;
        threads[i] = thread_start("asker", run_asker, &askers[i]);
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        thread_join(threads[i]);
        assert_int_equal(askers[i].answered, JOBS);
        assert_true(askers[i].sum == sum);
        assert_true(askers[i].is_at_home);
    }
    work_pool_stop(pool);
    work_pool_destroy(pool);
}

/* ---- a thread that is held ---- */

/* Holds the one thread of a pool until it is let go. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_held, is_open;
};

struct errand {
    struct work_job job; /* first */
    struct gate *gate;
    unsigned *done, *not_run;
};

static void pass_gate(struct work_job *job)
{
    struct gate *g = container_of(job, struct errand, job)->gate;
    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    g->is_held = true;
    pthread_cond_broadcast(&g->changed);
    while (!g->is_open)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void count(struct work_job *job)
{
    struct errand *e = container_of(job, struct errand, job);
    ++*e->done;
    *e->not_run += !job->was_run;
}

static void await_held(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    while (!g->is_held)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}

static void open_gate(struct gate *g)
{
    pthread_mutex_lock(&g->lock);
    g->is_open = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void test_a_full_queue_says_so(void **state)
{
    struct gate gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct work_pool *pool = work_pool_create(1, 2);
    struct loop *loop = loop_create();
    struct mailbox *box = mailbox_open(loop);
    unsigned done = 0, not_run = 0;
    struct errand e[4];
    for (unsigned i = 0; i < 4; i++)
        e[i] = (struct errand){{.run = pass_gate, .done = count}, i ? NULL : &gate, &done,
                               &not_run};
    assert_int_equal(work_pool_post(pool, box, &e[0].job), ERR_OK);
    await_held(&gate);
    assert_int_equal(work_pool_post(pool, box, &e[1].job), ERR_OK);
    assert_int_equal(work_pool_post(pool, box, &e[2].job), ERR_OK);
    assert_int_equal(work_pool_post(pool, box, &e[3].job), ERR_LIMIT);
    open_gate(&gate);
    work_pool_stop(pool);
    assert_int_equal(work_pool_post(pool, box, &e[3].job), ERR_LIMIT);
    mailbox_close(box); /* delivers what waits */
    assert_int_equal(done, 3);
    assert_true(not_run <= 2); /* the one that ran was let finish */
    work_pool_destroy(pool);
    loop_destroy(loop);
}

static void test_no_job_no_thread_and_nothing_to_stop(void **state)
{
    struct work_pool *pool = work_pool_create(THREADS, 1);
    work_pool_stop(pool);
    work_pool_destroy(pool);
}

/* ---- on a simulated loop ---- */

static void test_without_threads_at_the_end_of_the_turn(void **state)
{
    struct loop *loop = loop_sim_create(1000);
    struct work_pool *pool = work_pool_create_on(loop, 1);
    unsigned done = 0, not_run = 0;
    struct errand e[2];
    for (unsigned i = 0; i < 2; i++)
        e[i] = (struct errand){{.run = pass_gate, .done = count}, NULL, &done, &not_run};
    assert_int_equal(work_pool_post(pool, NULL, &e[0].job), ERR_OK);
    assert_int_equal(work_pool_post(pool, NULL, &e[1].job), ERR_LIMIT);
    assert_int_equal(done, 0);
    assert_true(loop_sim_turn(loop));
    assert_int_equal(done, 1);
    assert_int_equal(work_pool_post(pool, NULL, &e[1].job), ERR_OK);
    assert_true(loop_sim_turn(loop));
    assert_int_equal(done, 2);
    assert_int_equal(not_run, 0);
    work_pool_stop(pool);
    work_pool_destroy(pool);
    loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_home),
        cmocka_unit_test(test_a_full_queue_says_so),
        cmocka_unit_test(test_no_job_no_thread_and_nothing_to_stop),
        cmocka_unit_test(test_without_threads_at_the_end_of_the_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
