/* Every row of lb.def: whom it chooses, as text in cases/<symbol>.cases, and what holds for all.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/balancer.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "sidecar/config/hash_table.h"
#include "sidecar/worker/worker.h"
#include "tests/unit/policies/cases.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

enum { ENDPOINTS_MAX = 8, NS_OF_MS = 1000000 };

struct bed {
    struct worker worker;
    struct settings settings;
    struct cluster cluster;
    struct cluster_conf conf;
    struct endpoint_conf confs[ENDPOINTS_MAX];
    struct endpoint_health healths[ENDPOINTS_MAX];
    struct endpoint endpoints[ENDPOINTS_MAX], *all[ENDPOINTS_MAX], *tried[ENDPOINTS_MAX];
    unsigned tried_count, counts[ENDPOINTS_MAX];
    uint64_t key; /* of the request; 0: the client's */
};

static enum lb_id balancer;

static void open_bed(struct bed *b)
{
    memset(b, 0, sizeof *b);
    b->worker.loop = loop_create();
    b->worker.settings = &b->settings;
    rand_seed(&b->worker.rand, 7);
    b->conf.lb = balancer;
    b->cluster = (struct cluster){.worker = &b->worker, .conf = &b->conf, .endpoints = b->all};
    balancer_adopt(&b->cluster, NULL);
}

static void close_bed(struct bed *b)
{
    mem_free((void *)(uintptr_t)b->conf.hash_table);
    mem_free(b->cluster.lb_state);
    loop_destroy(b->worker.loop);
}

/* ---- the script ---- */

/* An input has a line for each endpoint, and then what is done:
 *
 *   endpoint a [weight=2] [active=3] [latency=20] [unready] [ejected]
 *   new a              it came just now, and begins with a tenth of its share
 *   panic 50           below so many percent of healthy ones all are called
 *   tried a            earlier attempts have used it
 *   turns 6            who is chosen, one after the other
 *   key NAME           requests are for that, from here on
 *   shares 2000        how often each is chosen, in percent, rounded to fives; each request is for
 *                      something else
 *   hold 90            likewise, but nobody answers */

static struct slice next_word(struct slice *line)
{
    struct slice word;
    return slice_split(line, ' ', &word) ? word : SLICE("");
}

static unsigned number_of(struct slice text)
{
    uint64_t value = 0;
    assert_int_equal(slice_to_u64(text, &value), ERR_OK);
    return (unsigned)value;
}

static bool is_setting(struct slice word, const char *name, unsigned *value)
{
    size_t at = slice_find_byte(word, '=');
    if (at == word.len || !slice_eq_cstr(slice_sub(word, 0, at), name))
        return false;
    *value = number_of(slice_sub(word, at + 1, word.len));
    return true;
}

static void add_endpoint(struct bed *b, struct slice line)
{
    uint32_t i = b->cluster.endpoint_count++;
    unsigned value;
    assert_true(i < ENDPOINTS_MAX);
    struct endpoint_conf *conf = &b->confs[i];
    struct endpoint *e = b->all[i] = &b->endpoints[i];
    *conf = (struct endpoint_conf){.weight = 1, .ready = true, .health = &b->healths[i]};
    conf->address_text = next_word(&line);
    conf->address_hash = slice_hash(conf->address_text);
    *e = (struct endpoint){.cluster = &b->cluster, .conf = conf};
    ewma_init(&e->latency, loop_now_ns(b->worker.loop));
    for (struct slice word = next_word(&line); word.len; word = next_word(&line)) {
        if (is_setting(word, "weight", &value))
            b->conf.is_weighted |= value != 1, conf->weight = value;
        else if (is_setting(word, "active", &value))
            e->active = value;
        else if (is_setting(word, "latency", &value))
            ewma_observe(&e->latency, loop_now_ns(b->worker.loop), (uint64_t)value * NS_OF_MS);
        else if (slice_eq_cstr(word, "unready"))
            conf->ready = false;
        else if (slice_eq_cstr(word, "backup"))
            conf->is_backup = true;
        else if (slice_eq_cstr(word, "unhealthy"))
            conf->health->is_unhealthy = true;
        else if (slice_eq_cstr(word, "ejected"))
            conf->health->ejected_until_ms = UINT64_MAX;
        else
            fail_msg("an endpoint is \"%.*s\"?", SLICE_ARG(word));
    }
}

static void add_tried(struct bed *b, struct slice name)
{
    for (uint32_t i = 0; i < b->cluster.endpoint_count; i++)
        if (slice_eq(b->confs[i].address_text, name))
            b->tried[b->tried_count++] = b->all[i];
}

/* As it would come with the configuration. */
static void make_table(struct bed *b)
{
    uint32_t count = b->cluster.endpoint_count;
    size_t size = hash_table_size(b->conf.lb, b->confs, count, true);
    if (!size || b->conf.hash_table)
        return;
    struct hash_table *t = mem_zalloc(size);
    hash_table_make(t, b->conf.lb, b->confs, count, true);
    b->conf.hash_table = t;
}

/* For so long that the clock's pace says nothing. */
static void begin_new(struct bed *b, struct slice name)
{
    b->conf.slow_start_ms = 100000000;
    b->conf.slow_start_percent = 10;
    for (uint32_t i = 0; i < b->cluster.endpoint_count; i++)
        if (slice_eq(b->confs[i].address_text, name))
            b->endpoints[i].since_ms = loop_now_ms(b->worker.loop);
}

static struct endpoint *pick(struct bed *b)
{
    make_table(b);
    return balancer_pick(&b->cluster, NULL, b->key, b->tried, b->tried_count);
}

static void say(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct buf *out, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_append_slice(out, slice_from_cstr(text));
}

static void do_turns(struct bed *b, unsigned count, struct buf *out)
{
    for (unsigned i = 0; i < count; i++) {
        const struct endpoint *e = pick(b);
        say(out, "%s%.*s", i ? " " : "", SLICE_ARG(e ? e->conf->address_text : SLICE("nobody")));
    }
    say(out, "\n");
}

static void do_shares(struct bed *b, unsigned count, bool holds, struct buf *out)
{
    memset(b->counts, 0, sizeof b->counts);
    for (unsigned i = 0; i < count; i++) {
        b->key = i + 1;
        struct endpoint *e = pick(b);
        assert_non_null(e);
        b->counts[e - b->endpoints]++;
        e->active += holds;
    }
    for (uint32_t i = 0; i < b->cluster.endpoint_count; i++)
        say(out, "%s%.*s %u%%", i ? ", " : "", SLICE_ARG(b->confs[i].address_text),
            (b->counts[i] * 200 / count + 5) / 10 * 5);
    say(out, "\n");
}

static void run_line(struct bed *b, struct slice line, struct buf *out)
{
    struct slice verb = next_word(&line);
    if (slice_eq_cstr(verb, "endpoint"))
        add_endpoint(b, line);
    else if (slice_eq_cstr(verb, "tried"))
        add_tried(b, line);
    else if (slice_eq_cstr(verb, "new"))
        begin_new(b, line);
    else if (slice_eq_cstr(verb, "panic"))
        b->conf.panic_percent = number_of(line);
    else if (slice_eq_cstr(verb, "key"))
        b->key = slice_hash(line);
    else if (slice_eq_cstr(verb, "turns"))
        do_turns(b, number_of(line), out);
    else if (slice_eq_cstr(verb, "shares") || slice_eq_cstr(verb, "hold"))
        do_shares(b, number_of(line), slice_eq_cstr(verb, "hold"), out);
    else if (verb.len)
        fail_msg("what is \"%.*s\"?", SLICE_ARG(verb));
}

static void run_case(const struct cases_item *item, struct buf *out)
{
    struct bed bed;
    struct slice rest = item->input, line;
    open_bed(&bed);
    while (slice_split(&rest, '\n', &line))
        run_line(&bed, line, out);
    close_bed(&bed);
}

/* ---- for each ---- */

#define LB(symbol, name, doc) #symbol,
static const char *const symbols[] = {
#include "policies/kinds/lb.def"
};
#undef LB

static void test_cases(void **state)
{
    balancer = (enum lb_id)(uintptr_t)*state;
    char *file = mem_printf("sidecar/upstream/cases/%s.cases", symbols[balancer]);
    cases_run(file, 2, run_case);
    mem_free(file);
}

static void each(const char *script, const char *want)
{
    for (balancer = 0; balancer < LB_COUNT; balancer++) {
        struct cases_item item = {.input = slice_from_cstr(script)};
        struct buf out;
        buf_init(&out);
        run_case(&item, &out);
        char *got = cases_text(&out);
        assert_string_equal(got, want);
        mem_free(got);
        buf_dispose(&out);
    }
}

/* Whoever chooses: only who is ready; not who is ejected or was tried while there is another. */
static void test_all(void **state)
{
    (void)state;
    each("turns 1\n", "nobody\n");
    each("endpoint a\nturns 2\n", "a a\n");
    each("endpoint a unready\nturns 1\n", "nobody\n");
    each("endpoint a unready\nendpoint b unready\nturns 1\n", "nobody\n");
    each("endpoint a weight=0\nendpoint b\nturns 4\n", "b b b b\n");
    each("endpoint a\nendpoint b unready\nendpoint c ejected\nturns 4\n", "a a a a\n");
    each("endpoint a\nendpoint b\nendpoint c ejected\ntried a\nturns 4\n", "b b b b\n");
    each("endpoint a ejected\nendpoint b\ntried b\nturns 4\n", "b b b b\n");
    each("endpoint a ejected\nendpoint b ejected\ntried b\nturns 4\n", "a a a a\n");
    each("endpoint a\nendpoint b unready\ntried a\nturns 2\n", "a a\n");
    each("endpoint a\nendpoint b unready\nnew a\nturns 2\n", "a a\n");
}

int main(void)
{
    static struct CMUnitTest tests[LB_COUNT + 1];
    tests[LB_COUNT] = (struct CMUnitTest)cmocka_unit_test(test_all);
    for (size_t i = 0; i < LB_COUNT; i++)
        tests[i] = (struct CMUnitTest){.name = symbols[i],
                                       .test_func = test_cases,
                                       .initial_state = (void *)(uintptr_t)i};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
