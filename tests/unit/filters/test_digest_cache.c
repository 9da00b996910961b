/* What is remembered of secrets (filters/caller/digest_cache.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/digest_cache.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static int destroyed;

static void destroy(struct digest_entry *e)
{
    destroyed++;
    mem_free(e);
}

static struct digest_entry *put(struct digest_cache *c, const char *secret)
{
    uint8_t digest[DIGEST_SIZE];
    struct digest_entry *e = mem_alloc(sizeof(*e));
    digest_sha256(slice_from_cstr(secret), digest);
    digest_entry_init(e, digest, destroy);
    digest_cache_put(c, e);
    return e;
}

static struct digest_entry *find(struct digest_cache *c, const char *secret)
{
    uint8_t digest[DIGEST_SIZE];
    digest_sha256(slice_from_cstr(secret), digest);
    return digest_cache_find(c, digest);
}

static void test_found_until_something_else_is_there(void **state)
{
    static struct digest_cache cache;
    (void)state;
    destroyed = 0;
    struct digest_entry *e = put(&cache, "one");
    assert_ptr_equal(find(&cache, "one"), e);
    assert_null(find(&cache, "two"));
    struct digest_entry *other = put(&cache, "one"); /* a newer answer */
    assert_int_equal(destroyed, 0);                  /* two still hold the first */
    digest_entry_unref(e);
    digest_entry_unref(e);
    assert_int_equal(destroyed, 1);
    assert_ptr_equal(find(&cache, "one"), other);
    digest_entry_unref(other);
    digest_entry_unref(other);
    digest_cache_dispose(&cache);
    assert_int_equal(destroyed, 2);
}

static void test_bounded(void **state)
{
    static struct digest_cache cache;
    (void)state;
    destroyed = 0;
    for (int i = 0; i < 5000; i++) {
        char secret[16];
        snprintf(secret, sizeof secret, "%d", i);
        digest_entry_unref(put(&cache, secret));
    }
    assert_in_range(5000 - destroyed, 900, DIGEST_CACHE_PLACES);
    digest_cache_dispose(&cache);
    assert_int_equal(destroyed, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_until_something_else_is_there),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
