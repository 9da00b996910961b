/* rate_script.c against rate_local.h: the same limits, asked the same at the same times, give the
 * same answers in a Redis server as in this process. Random, by seeds that never change.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "filters/rate/rate_local.h"
#include "filters/rate/rate_script.h"
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/codec/resp/resp_read.h"
#include "lib/codec/resp/resp_write.h"

#define START_MS INT64_C(1709164800000) /* the last day of a February that has 29 */
#define DAY_MS 86400000

enum { ASKS_MAX = 4, STEPS = 150, SERIES = 20, WORDS_MAX = 2 + ASKS_MAX * 6, PATIENCE = 2000 };

/* ---- the server ---- */

struct redis {
    char folder[64];
    pid_t pid;
    int fd;
    struct resp_reader reader;
};

static void run_server(const struct redis *r)
{
    char socket_path[96];
    snprintf(socket_path, sizeof(socket_path), "%s/s", r->folder);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--save", "",
           "--appendonly", "no", "--dir", r->folder, "--loglevel", "warning", (char *)NULL);
    _exit(127);
}

static int start(void **state)
{
    static struct redis r;
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(r.folder, sizeof(r.folder), "/tmp/weft-redis-XXXXXX");
    if (!mkdtemp(r.folder) || (r.pid = fork()) < 0)
        return -1;
    if (r.pid == 0)
        run_server(&r);
    snprintf(to.sun_path, sizeof(to.sun_path), "%s/s", r.folder);
    r.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    for (int i = 0; connect(r.fd, (struct sockaddr *)&to, sizeof(to)); i++) {
        if (i == PATIENCE || waitpid(r.pid, NULL, WNOHANG))
            return -1; /* redis-server is of scripts/bootstrap --tests */
        usleep(5000);
    }
    resp_reader_init(&r.reader, 65536);
    *state = &r;
    return 0;
}

static int stop(void **state)
{
    struct redis *r = *state;
    char command[96];
    close(r->fd);
    kill(r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
    resp_reader_dispose(&r->reader);
    snprintf(command, sizeof(command), "rm -r %s", r->folder);
    return system(command);
}

static const struct resp_value *run(struct redis *r, const struct slice *words, uint32_t count,
                                    uint32_t keys)
{
    char number[16], bytes[4096];
    struct buf out;
    size_t len;
    enum err e = ERR_AGAIN;
    buf_init(&out);
    resp_write_head(&out, count + 3);
    resp_write_word(&out, SLICE("EVAL"));
    resp_write_word(&out, slice_from_cstr(rate_script.source));
    snprintf(number, sizeof(number), "%u", keys);
    resp_write_word(&out, slice_from_cstr(number));
    resp_write_words(&out, words, count);
    char *text = buf_take_text(&out, &len);
    assert_int_equal(send(r->fd, text, len, 0), len);
    mem_free(text);
    while (e == ERR_AGAIN) {
        ssize_t n = recv(r->fd, bytes, sizeof(bytes), 0);
        assert_true(n > 0);
        struct slice piece = slice_of(bytes, (size_t)n);
        e = resp_reader_feed(&r->reader, &piece);
    }
    assert_int_equal(e, ERR_OK);
    if (r->reader.root.type == RESP_ERROR)
        fail_msg("%.*s", SLICE_ARG(r->reader.root.text));
    return &r->reader.root;
}

/* ---- one series: some limits, and what both say of them ---- */

struct series {
    struct redis *redis;
    struct rate_table *table;
    struct rand_state rand;
    struct arena arena;
    struct rate_limit limits[ASKS_MAX];
    struct slice keys[ASKS_MAX];
    unsigned count;
    struct rate_time now;
};

static struct slice number(struct arena *a, uint64_t n)
{
    return arena_printf(a, "%llu", (unsigned long long)n);
}

static uint64_t size_of(const struct rate_limit *l)
{
    return l->algorithm == RATE_FIXED_WINDOW     ? l->period
           : l->algorithm <= RATE_SLIDING_LOG ? l->window_ms
                                              : l->per_unit_ns;
}

static const struct resp_value *ask_script(struct series *s, const char *mode,
                                           const struct rate_ask *asks)
{
    struct slice words[WORDS_MAX];
    unsigned at = s->count;
    words[at++] = slice_from_cstr(mode);
    words[at++] = number(&s->arena, (uint64_t)s->now.unix_ms);
    for (unsigned i = 0; i < s->count; i++) {
        const struct rate_limit *l = asks[i].limit;
        words[i] = asks[i].key;
        words[at++] = number(&s->arena, l->algorithm);
        words[at++] = number(&s->arena, asks[i].cost);
        words[at++] = number(&s->arena, l->max);
        words[at++] = number(&s->arena, size_of(l));
        words[at++] = number(&s->arena, l->delays);
    }
    return run(s->redis, words, at, s->count);
}

static void expect_same(const struct series *s, const struct rate_ask *a, unsigned index,
                        const struct resp_value *reply)
{
    const struct rate_verdict *v = &a->verdict;
    int64_t got[RATE_SCRIPT_RESULTS];
    for (uint32_t i = 0; i < RATE_SCRIPT_RESULTS; i++)
        assert_true(resp_value_integer(reply, index * RATE_SCRIPT_RESULTS + i, &got[i]));
    /* A log that had not enough room has tried, and says so. */
    bool has_tried = a->limit->algorithm == RATE_SLIDING_LOG && !v->is_allowed && s->count == 1;
    int64_t want[RATE_SCRIPT_RESULTS] = {
        v->is_allowed, v->remaining, has_tried ? got[2] : (int64_t)v->reset_ms,
        v->is_allowed                ? 0
        : v->retry_ms == UINT64_MAX ? -1
                                    : (int64_t)v->retry_ms,
        (int64_t)v->delay_ms};
    for (uint32_t i = 0; i < RATE_SCRIPT_RESULTS; i++)
        if (got[i] != want[i])
            fail_msg("algorithm %d, max %u, size %llu, cost %u: result %u is %lld, not %lld",
                     a->limit->algorithm, a->limit->max,
                     (unsigned long long)size_of(a->limit), a->cost, i, (long long)got[i],
                     (long long)want[i]);
}

static struct rate_limit any_limit(struct series *s, enum rate_algorithm algorithm)
{
    struct rate_limit l = {.algorithm = algorithm, .max = 1 + rand_below(&s->rand, 12)};
    /* Nothing shorter: the server lets keys expire by its own clock. */
    l.period = (enum rate_period)(RATE_MINUTE + rand_below(&s->rand, 5));
    l.window_ms = 60000 + rand_below(&s->rand, 600000);
    l.per_unit_ns = 1000000 + rand_below(&s->rand, 2000000000);
    if (rand_below(&s->rand, 2)) /* whole milliseconds, up to 16 minutes */
        l.per_unit_ns = 1000000 * (1 + (uint64_t)rand_below(&s->rand, 1000000));
    l.delays = algorithm == RATE_LEAKY_BUCKET && rand_below(&s->rand, 2);
    return l;
}

/* So that a few steps fill a limit, or empty it. */
static void pass_time(struct series *s)
{
    const struct rate_limit *l = &s->limits[rand_below(&s->rand, s->count)];
    uint64_t whole = rate_window_lifetime_ms(l);
    uint64_t step = rand_below(&s->rand, 4) ? rand_next(&s->rand) % (whole / l->max + 1)
                                            : rand_next(&s->rand) % (2 * whole + 1);
    s->now.mono_ms += step;
    s->now.unix_ms += (int64_t)step;
}

static void begin(struct series *s, struct redis *redis, uint64_t seed)
{
    *s = (struct series){.redis = redis, .table = rate_table_create(RATE_TABLE_CELLS)};
    s->now = (struct rate_time){START_MS, (uint64_t)START_MS};
    rand_seed(&s->rand, seed);
    arena_init(&s->arena, 16384);
}

static void add_limit(struct series *s, uint64_t seed, enum rate_algorithm algorithm)
{
    s->limits[s->count] = any_limit(s, algorithm);
    s->keys[s->count] = arena_printf(&s->arena, "%llu/%u", (unsigned long long)seed, s->count);
    s->count++;
}

static void end(struct series *s)
{
    rate_table_destroy(s->table);
    arena_dispose(&s->arena);
}

static void take(struct series *s)
{
    struct rate_ask asks[ASKS_MAX];
    unsigned evicted = 0;
    for (unsigned i = 0; i < s->count; i++)
        asks[i] = (struct rate_ask){.limit = &s->limits[i],
                                    .key = s->keys[i],
                                    .cost = rand_below(&s->rand, 3) ? 1 : rand_below(&s->rand, 15)};
    const struct resp_value *reply = ask_script(s, "take", asks);
    rate_local_take(s->table, &s->now, asks, s->count, &evicted);
    for (unsigned i = 0; i < s->count; i++)
        expect_same(s, &asks[i], i, reply);
    assert_int_equal(evicted, 0);
}

static void charge(struct series *s)
{
    struct rate_ask asks[ASKS_MAX];
    unsigned evicted = 0;
    uint32_t cost = 1 + rand_below(&s->rand, 8);
    for (unsigned i = 0; i < s->count; i++) {
        asks[i] = (struct rate_ask){.limit = &s->limits[i], .key = s->keys[i], .cost = cost};
        rate_local_charge(s->table, &s->now, &asks[i], cost, &evicted);
    }
    ask_script(s, "charge", asks);
}

static void play(struct series *s)
{
    for (unsigned step = 0; step < STEPS; step++) {
        if (rand_below(&s->rand, 3) == 0)
            pass_time(s);
        if (rand_below(&s->rand, 10) == 0)
            charge(s);
        else
            take(s);
    }
}

/* requirement: I15, I16, I18 */
static void one_limit(void **state)
{
    for (uint64_t seed = 0; seed < 5 * SERIES; seed++) {
        struct series s;
        begin(&s, *state, seed);
        add_limit(&s, seed, (enum rate_algorithm)(seed % 5));
        play(&s);
        end(&s);
    }
}

/* requirement: I1 */
static void several_limits(void **state)
{
    for (uint64_t seed = 1000; seed < 1000 + SERIES; seed++) {
        struct series s;
        begin(&s, *state, seed);
        for (unsigned i = 0; i < ASKS_MAX; i++)
            add_limit(&s, seed, (enum rate_algorithm)rand_below(&s.rand, 5));
        play(&s);
        end(&s);
    }
}

/* A server that is replaced by one whose clock is behind: the gate neither opens nor stays shut. */
static void a_clock_that_is_set_back(void **state)
{
    for (uint64_t seed = 2000; seed < 2000 + SERIES; seed++) {
        struct series s;
        begin(&s, *state, seed);
        add_limit(&s, seed, RATE_FIXED_WINDOW);
        for (unsigned step = 0; step < STEPS; step++) {
            int64_t back = rand_below(&s.rand, rand_below(&s.rand, 2) ? 3000 : 3 * DAY_MS);
            if (rand_below(&s.rand, 4) == 0)
                s.now.unix_ms -= back;
            else if (rand_below(&s.rand, 2)) /* to the edge of a window, or a little behind */
                s.now.unix_ms += 60000 - s.now.unix_ms % 60000 + rand_below(&s.rand, 1500);
            else
                pass_time(&s);
            take(&s);
        }
        end(&s);
    }
}

/* Every day of eight years ends when the local arithmetic says so. */
static void the_calendar(void **state)
{
    static const enum rate_period periods[] = {RATE_DAY, RATE_MONTH, RATE_YEAR};
    struct series s;
    begin(&s, *state, 0);
    for (unsigned i = 0; i < 3; i++) {
        s.limits[i] = (struct rate_limit){
            .algorithm = RATE_FIXED_WINDOW, .period = periods[i], .max = 4000000000};
        s.keys[i] = arena_printf(&s.arena, "calendar/%u", i);
    }
    s.count = 3;
    for (unsigned day = 0; day < 8 * 366; day++) {
        take(&s);
        s.now.unix_ms += DAY_MS;
        s.now.mono_ms += DAY_MS;
        if (day % 100 == 0)
            s.now.unix_ms += day % 200 ? 1 : -1;
    }
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_limit),
        cmocka_unit_test(several_limits),
        cmocka_unit_test(a_clock_that_is_set_back),
        cmocka_unit_test(the_calendar),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
