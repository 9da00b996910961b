/* Tests of what workers share of a cluster: limits that hold whoever asks at the same time, and the
 * retry budget. Threads, no loop. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/retry.h"

#include <pthread.h>
#include <sched.h>

#include "tests/unit/sidecar/cmocka_sidecar.h"

enum { WORKERS = 4, ROUNDS = 20000, LIMIT = 2, NOW_MS = 1234567 };

static const struct retry_conf conf = {.budget_percent = 20, .budget_min_per_second = 1};

/* ---- limits ---- */

struct shared {
    struct cluster_usage usage;
    _Atomic uint32_t inside, most, refused, retries;
};

static void *work(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        if (!cluster_usage_take(&s->usage.requests, LIMIT)) {
            atomic_fetch_add(&s->refused, 1);
            continue;
        }
        uint32_t now = atomic_fetch_add(&s->inside, 1) + 1, most = atomic_load(&s->most);
        while (now > most && !atomic_compare_exchange_weak(&s->most, &most, now))
            ;
        if (i % 16 == 0)
            sched_yield();
        atomic_fetch_sub(&s->inside, 1);
        cluster_usage_give_back(&s->usage.requests);
    }
    return NULL;
}

static void run(void *(*what)(void *), struct shared *s)
{
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, what, s), 0);
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
}

static void limit_holds_for_all_workers_together(void **state)
{
    struct shared s = {0};
    run(work, &s);
    assert_in_range(s.most, 1, LIMIT);
    assert_int_equal(s.usage.requests, 0);
}

static void limit_lets_as_many_in_as_it_says(void **state)
{
    struct cluster_usage usage = {0};
    for (uint32_t limit = 0; limit < 4; limit++) {
        for (uint32_t i = 0; i < limit; i++)
            assert_true(cluster_usage_take(&usage.pending, limit));
        assert_false(cluster_usage_take(&usage.pending, limit));
        for (uint32_t i = 0; i < limit; i++)
            cluster_usage_give_back(&usage.pending);
    }
}

/* ---- the budget ---- */

static void *retry(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < ROUNDS; i++) {
        retry_budget_request(&s->usage.budget, NOW_MS);
        if (i >= ROUNDS / 2 && retry_budget_take(&s->usage.budget, NOW_MS, &conf))
            atomic_fetch_add(&s->retries, 1);
    }
    return NULL;
}

static uint32_t take_all(struct retry_budget *b, uint64_t now_ms)
{
    uint32_t taken = 0;
    while (retry_budget_take(b, now_ms, &conf))
        taken++;
    return taken;
}

static void budget_is_one_for_all_workers(void **state)
{
    struct shared s = {0};
    run(retry, &s);
    /* None was lost in the count, so what is left is what the share leaves: a fifth of the
     * requests, and one a second. */
    uint32_t all = s.retries + take_all(&s.usage.budget, NOW_MS);
    assert_int_equal(all, WORKERS * ROUNDS / 5 + 10);
}

static void budget_follows_time(void **state)
{
    struct retry_budget b = {0};
    uint64_t begin = 50000; /* of a window */
    for (int i = 0; i < 100; i++)
        retry_budget_request(&b, begin);
    assert_int_equal(take_all(&b, begin), 30);
    assert_int_equal(take_all(&b, begin + 9999), 0);
    /* Half of what was then still counts, on both sides. */
    assert_int_equal(take_all(&b, begin + 15000), 10 + 10 - 15);
    /* Nothing of it does. */
    assert_int_equal(take_all(&b, begin + 30000), 10);
    assert_int_equal(take_all(&b, begin + 60000), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limit_holds_for_all_workers_together),
        cmocka_unit_test(limit_lets_as_many_in_as_it_says),
        cmocka_unit_test(budget_is_one_for_all_workers),
        cmocka_unit_test(budget_follows_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
