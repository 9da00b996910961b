/* The store of a cache: found, replaced, bounded; and four threads that find, put and purge the
 * same keys at once, after which nothing is left over and nobody has seen a response that was not
 * whole. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_store.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/io/thread.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

enum { THREADS = 4, ROUNDS = 20000, KEYS = 7, BODY = 600 };

static struct cache_store *make(void)
{
    struct cache_store *s = mem_zalloc(sizeof(*s));
    cache_store_init(&s->keep);
    return s;
}

static void destroy(struct cache_store *s)
{
    cache_store_dispose(&s->keep);
    assert_int_equal(atomic_load(&s->bytes), 0);
    assert_int_equal(atomic_load(&s->filling), 0);
    mem_free(s);
}

static struct slice key_of(unsigned number, char text[16])
{
    return slice_of(text, (size_t)snprintf(text, 16, "key %u", number));
}

/* Its body is all of one letter. */
static struct cache_entry *entry_of(unsigned number, char letter, size_t len)
{
    char text[16];
    struct cache_entry_draft d = {.key = key_of(number, text), .status = 200};
    d.hash = map_hash(d.key);
    d.body = cache_body_create(len);
    d.body->len = len;
    memset(d.body->bytes, letter, len);
    return cache_entry_create(&d);
}

static bool put(struct cache_store *s, unsigned number, char letter, size_t len, int64_t max,
                unsigned *gone)
{
    struct cache_entry *e = entry_of(number, letter, len);
    bool is_kept;
    *gone = cache_store_put(s, e, max, &is_kept);
    cache_entry_drop(e);
    return is_kept;
}

static struct cache_entry *find(struct cache_store *s, unsigned number)
{
    char text[16];
    struct slice key = key_of(number, text);
    return cache_store_find(s, key, map_hash(key));
}

static void the_later_one_counts(void **state)
{
    struct cache_store *s = make();
    unsigned gone;
    (void)state;
    assert_null(find(s, 1));
    assert_true(put(s, 1, 'a', BODY, 1 << 20, &gone));
    int64_t one = atomic_load(&s->bytes);
    struct cache_entry *before = find(s, 1);
    assert_true(put(s, 1, 'b', BODY, 1 << 20, &gone));
    assert_int_equal(atomic_load(&s->bytes), one);
    struct cache_entry *after = find(s, 1);
    assert_int_equal(before->body->bytes[0], 'a'); /* as long as somebody has it */
    assert_int_equal(after->body->bytes[0], 'b');
    cache_entry_drop(before);
    cache_entry_drop(after);
    char text[16];
    struct slice key = key_of(1, text);
    assert_true(cache_store_remove(s, key, map_hash(key)));
    assert_false(cache_store_remove(s, key, map_hash(key)));
    assert_null(find(s, 1));
    destroy(s);
}

/* What is asked for stays; a long list of others that come once passes through. */
static void what_is_used_stays(void **state)
{
    struct cache_store *s = make();
    unsigned gone, all_gone = 0;
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        assert_true(put(s, 1000 + i, 'x', BODY, 100000, &gone));
        all_gone += gone;
        assert_true(atomic_load(&s->bytes) <= 100000);
        if (i == 0)
            assert_true(put(s, 1, 'a', BODY, 100000, &gone));
        struct cache_entry *e = find(s, 1);
        assert_non_null(e);
        cache_entry_drop(e);
    }
    assert_true(all_gone > 1800);
    assert_false(put(s, 2, 'a', 200000, 100000, &gone));
    destroy(s);
}

static void what_is_coming_is_bounded(void **state)
{
    struct cache_store *s = make();
    (void)state;
    assert_true(cache_store_begin(s, 600, 1000));
    assert_false(cache_store_begin(s, 600, 1000));
    cache_store_end(s, 600);
    assert_true(cache_store_begin(s, 1000, 1000));
    cache_store_end(s, 1000);
    destroy(s);
}

static struct cache_store *shared;
static _Atomic unsigned torn;

static bool is_old(const struct cache_entry *e, void *arg)
{
    (void)arg;
    return e->body->bytes[0] == 'a';
}

static void hammer(void *arg)
{
    unsigned gone, mine = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned number = (i * 7 + mine) % KEYS;
        struct cache_entry *e = find(shared, number);
        if (e && (e->body->len != BODY || e->body->bytes[0] != e->body->bytes[BODY - 1]))
            atomic_fetch_add(&torn, 1);
        if (i % 5 == mine % 5)
            put(shared, number, (char)('a' + i % 26), BODY, 1 << 20, &gone);
        if (i % 4000 == 3999)
            cache_store_purge(shared, is_old, NULL);
        cache_entry_drop(e);
    }
}

static void many_at_once(void **state)
{
    struct thread *threads[THREADS];
    (void)state;
    shared = make();
    for (unsigned i = 0; i < THREADS; i++)
        threads[i] = thread_start("test", hammer, (void *)(uintptr_t)i);
    for (unsigned i = 0; i < THREADS; i++)
        thread_join(threads[i]);
    assert_int_equal(torn, 0);
    destroy(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_one_counts),
        cmocka_unit_test(what_is_used_stays),
        cmocka_unit_test(what_is_coming_is_bounded),
        cmocka_unit_test(many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
