/* Tests of the timing wheel as a data structure, with time passed in: edges of the levels by hand,
 * then long random walks against a plain array of due times. One thread, no loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/wheel.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "tests/unit/lib/io/cmocka_io.h"

struct probe {
    struct timer timer;
    unsigned fired;
    uint64_t fired_at;
};

static uint64_t now;

static void note(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);
    assert_false(timer_is_running(t));
    p->fired++;
    p->fired_at = now;
}

static void probe_init(struct probe *p)
{
    memset(p, 0, sizeof(*p));
    timer_init(&p->timer, NULL, note);
}

static uint64_t start(struct wheel *w, struct probe *p, uint64_t due_ms)
{
    p->timer.due_ms = due_ms;
    return wheel_link(w, &p->timer, now);
}

static void pass_to(struct wheel *w, uint64_t at)
{
    now = at;
    wheel_advance(w, at);
}

/* For every distance around the edges of the levels, from every kind of starting point: not a tick
 * early, not later than promised. */
static void test_edges(void **state)
{
    /* The last one is all that the levels span. */
    static const uint64_t spans[] = {4,
                                     64 * 4,
                                     4096 * 4,
                                     262144ull * 4,
                                     16777216ull * 4,
                                     1073741824ull * 4};
    static const uint64_t origins[] = {0,     1,     252,     255,      256,
                                       16380, 16384, 1048575, 67108860, 67108864};
    for (size_t o = 0; o < sizeof(origins) / sizeof(origins[0]); o++) {
        for (size_t s = 0; s < sizeof(spans) / sizeof(spans[0]); s++) {
            for (int64_t delta = -9; delta <= 9; delta++) {
                struct wheel w;
                struct probe p;
                now = origins[o];
                wheel_init(&w, now);
                probe_init(&p);
                if ((int64_t)spans[s] + delta < 0)
                    continue;
                uint64_t due = now + spans[s] + (uint64_t)delta;
                uint64_t at = start(&w, &p, due);
                assert_in_range(at, due, due + 2 * WHEEL_TICK_MS);
                assert_true(wheel_next_ms(&w) <= at);
                pass_to(&w, at - 1);
                assert_int_equal(p.fired, 0);
                pass_to(&w, at);
                assert_int_equal(p.fired, 1);
                assert_int_equal(wheel_next_ms(&w), WHEEL_NEVER);
                assert_int_equal(w.count, 0);
            }
        }
    }
}

/* Like a loop: only woken when the wheel asks to be. */
static void test_far_away(void **state)
{
    struct wheel w;
    struct probe p, never;
    now = 1234567;
    wheel_init(&w, now);
    probe_init(&p);
    probe_init(&never);
    uint64_t due = now + 200ull * 3600 * 1000;
    start(&w, &p, due);
    start(&w, &never, UINT64_MAX);
    unsigned wakes = 0;
    while (p.fired == 0) {
        uint64_t next = wheel_next_ms(&w);
        assert_true(next > now);
        pass_to(&w, next);
        assert_true(++wakes < 100);
    }
    assert_in_range(p.fired_at, due, due + 2 * WHEEL_TICK_MS);
    assert_int_equal(never.fired, 0);
    wheel_unlink(&w, &never.timer);
    assert_int_equal(wheel_next_ms(&w), WHEEL_NEVER);
}

static void test_unlink_clears(void **state)
{
    struct wheel w;
    struct probe a, b;
    now = 100;
    wheel_init(&w, now);
    probe_init(&a);
    probe_init(&b);
    start(&w, &a, 5000);
    start(&w, &b, 5000);
    wheel_unlink(&w, &a.timer);
    wheel_unlink(&w, &a.timer);
    assert_true(wheel_next_ms(&w) <= 5000);
    wheel_unlink(&w, &b.timer);
    for (unsigned i = 0; i < WHEEL_LEVELS; i++)
        assert_int_equal(w.used[i], 0);
    assert_int_equal(wheel_next_ms(&w), WHEEL_NEVER);
    pass_to(&w, 6000);
    assert_int_equal(a.fired + b.fired, 0);
}

static struct wheel shared_wheel;
static struct probe pair[2];

static void stop_other(struct timer *t)
{
    note(t);
    wheel_unlink(&shared_wheel, &pair[t == &pair[0].timer].timer);
}

static void restart(struct timer *t)
{
    struct probe *p = container_of(t, struct probe, timer);
    note(t);
    start(&shared_wheel, p, now);
}

static void test_changes_while_firing(void **state)
{
    now = 0;
    wheel_init(&shared_wheel, now);
    for (int i = 0; i < 2; i++) {
        probe_init(&pair[i]);
        pair[i].timer.fire = stop_other;
        start(&shared_wheel, &pair[i], 40);
    }
    pass_to(&shared_wheel, 100);
    assert_int_equal(pair[0].fired + pair[1].fired, 1);
    assert_int_equal(shared_wheel.count, 0);
    /* One that restarts itself with no delay fires once per call, however late the call is. */
    pair[0].timer.fire = restart;
    pair[0].fired = 0;
    start(&shared_wheel, &pair[0], 104);
    pass_to(&shared_wheel, 5000);
    assert_int_equal(pair[0].fired, 1);
    pass_to(&shared_wheel, 9000);
    assert_int_equal(pair[0].fired, 2);
    wheel_unlink(&shared_wheel, &pair[0].timer);
}

enum { MANY = 2000 };

static uint64_t random_delay(struct rand_state *r)
{
    unsigned bits = rand_below(r, 30);
    return rand_next(r) & ((UINT64_C(1) << bits) - 1);
}

static void walk(uint64_t seed, struct probe *probes, uint64_t *promised)
{
    struct rand_state r;
    struct wheel w;
    rand_seed(&r, seed);
    now = rand_next(&r) >> 20;
    wheel_init(&w, now);
    size_t running = 0;
    for (size_t i = 0; i < MANY; i++)
        probe_init(&probes[i]);
    for (int step = 0; step < 20000; step++) {
        struct probe *p = &probes[rand_below(&r, MANY)];
        unsigned what = rand_below(&r, 10);
        if (what < 5 && !timer_is_running(&p->timer)) {
            p->fired = 0;
            promised[p - probes] = start(&w, p, now + random_delay(&r));
            running++;
        } else if (what < 7) {
            running -= timer_is_running(&p->timer);
            wheel_unlink(&w, &p->timer);
        } else if (what == 9) {
            uint64_t to = now + random_delay(&r) / 8;
            pass_to(&w, to);
            running = 0;
            for (size_t i = 0; i < MANY; i++) {
                bool runs = timer_is_running(&probes[i].timer);
                assert_true(!runs || promised[i] > now);
                assert_true(!probes[i].fired || promised[i] <= probes[i].fired_at);
                running += runs;
            }
        }
        assert_int_equal(w.count, running);
    }
    for (size_t i = 0; i < MANY; i++)
        wheel_unlink(&w, &probes[i].timer);
    assert_int_equal(wheel_next_ms(&w), WHEEL_NEVER);
}

static void test_random_walks(void **state)
{
    struct probe *probes = mem_alloc(MANY * sizeof(*probes));
    uint64_t *promised = mem_alloc(MANY * sizeof(*promised));
    for (uint64_t seed = 1; seed <= 6; seed++)
        walk(seed, probes, promised);
    mem_free(probes);
    mem_free(promised);
}

/* Woken only when asked, every timer fires at exactly the promised moment. */
static void test_exact_when_driven(void **state)
{
    struct probe *probes = mem_alloc(MANY * sizeof(*probes));
    uint64_t *promised = mem_alloc(MANY * sizeof(*promised));
    struct rand_state r;
    struct wheel w;
    rand_seed(&r, 99);
    now = 77777;
    wheel_init(&w, now);
    for (size_t i = 0; i < MANY; i++) {
        probe_init(&probes[i]);
        promised[i] = start(&w, &probes[i], now + random_delay(&r));
    }
    while (w.count)
        pass_to(&w, wheel_next_ms(&w));
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(probes[i].fired, 1);
        assert_int_equal(probes[i].fired_at, promised[i]);
    }
    mem_free(probes);
    mem_free(promised);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges),         cmocka_unit_test(test_far_away),
        cmocka_unit_test(test_unlink_clears), cmocka_unit_test(test_changes_while_firing),
        cmocka_unit_test(test_random_walks),  cmocka_unit_test(test_exact_when_driven),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
