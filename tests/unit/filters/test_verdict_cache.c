/* What was found good a moment ago: by hash and secret, for a time, and for nobody else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/verdict_cache.h"

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

static struct verdict_cache *make(void)
{
    struct verdict_cache *c = mem_zalloc(sizeof *c);
    verdict_cache_init(&c->keep);
    return c;
}

static bool has(const struct verdict_cache *c, const char *hash, const char *secret, uint64_t now)
{
    return verdict_cache_has(
        c, verdict_cache_mark(c, slice_from_cstr(hash), slice_from_cstr(secret)), now);
}

static void test_what_was_put(void **state)
{
    struct verdict_cache *c = make();
    assert_false(has(c, "$6$a", "hush", 0));
    verdict_cache_put(c, verdict_cache_mark(c, SLICE("$6$a"), SLICE("hush")), 1000);
    assert_true(has(c, "$6$a", "hush", 999));
    assert_false(has(c, "$6$a", "hush", 1000));
    /* A changed password, another one, and the same bytes cut elsewhere. */
    assert_false(has(c, "$6$b", "hush", 0));
    assert_false(has(c, "$6$a", "hush!", 0));
    assert_false(has(c, "$6$ah", "ush", 0));
    mem_free(c);
}

/* Nobody can make an entry who does not know the key. */
static void test_each_has_its_own_key(void **state)
{
    struct verdict_cache *a = make(), *b = make();
    verdict_cache_put(b, verdict_cache_mark(a, SLICE("$6$a"), SLICE("hush")), 1000);
    assert_false(has(b, "$6$a", "hush", 0));
    mem_free(a);
    mem_free(b);
}

static void test_it_is_bounded(void **state)
{
    struct verdict_cache *c = make();
    unsigned there = 0;
    for (unsigned i = 0; i < 10 * VERDICT_CACHE_SLOTS; i++)
        verdict_cache_put(
            c, verdict_cache_mark(c, SLICE("h"), slice_of(&i, sizeof i)), 1000);
    for (unsigned i = 0; i < 10 * VERDICT_CACHE_SLOTS; i++)
        there += verdict_cache_has(c, verdict_cache_mark(c, SLICE("h"), slice_of(&i, sizeof i)), 0);
    assert_in_range(there, VERDICT_CACHE_SLOTS / 2, VERDICT_CACHE_SLOTS);
    mem_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_put),
        cmocka_unit_test(test_each_has_its_own_key),
        cmocka_unit_test(test_it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
