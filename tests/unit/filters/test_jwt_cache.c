/* Tokens that were found good: who finds them again, when they are good no longer, and many workers
 * at once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/jwt_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "filters/token/jwt_answer.h"
#include "filters/prepare.h"
#include "lib/base/mem.h"
#include "tests/unit/filters/consumer_world.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/jose/token_maker.h"

/* ---- the table ---- */

static struct jwt_verified *put(struct jwt_cache *cache, uint8_t name, uint64_t generation)
{
    uint8_t digest[DIGEST_SIZE];
    memset(digest, name, DIGEST_SIZE);
    struct jwt_verified *v = jwt_verified_create(digest);
    v->generation = generation;
    jwt_cache_put(cache, v);
    return v;
}

static bool is_there(struct jwt_cache *cache, uint8_t name, uint64_t generation)
{
    uint8_t digest[DIGEST_SIZE];
    memset(digest, name, DIGEST_SIZE);
    struct jwt_verified *v = jwt_cache_find(cache, digest, generation);
    jwt_verified_unref(v);
    return v != NULL;
}

static struct jwt_cache *create(void)
{
    return mem_zalloc(sizeof(struct jwt_cache));
}

static void destroy(struct jwt_cache *cache)
{
    jwt_cache_dispose(&cache->keep);
    mem_free(cache);
}

static void test_found_again(void **state)
{
    struct jwt_cache *cache = create();
    (void)state;
    struct jwt_verified *v = put(cache, 1, 7);
    assert_true(is_there(cache, 1, 7));
    assert_true(is_there(cache, 1, 7));
    assert_false(is_there(cache, 2, 7));
    assert_false(is_there(cache, 1, 8)); /* by other keys, or other rules */
    destroy(cache);
    assert_int_equal(atomic_load(&v->entry.refs), 1); /* who holds it keeps it */
    jwt_verified_unref(v);
}

static void test_one_place_has_one_token(void **state)
{
    struct jwt_cache *cache = create();
    uint8_t digest[DIGEST_SIZE];
    (void)state;
    memset(digest, 1, DIGEST_SIZE);
    digest[DIGEST_SIZE - 1] = 2;
    struct jwt_verified *first = put(cache, 1, 1), *second = jwt_verified_create(digest);
    second->generation = 1;
    jwt_cache_put(cache, second);
    assert_int_equal(atomic_load(&first->entry.refs), 1);
    assert_false(is_there(cache, 1, 1));
    jwt_verified_unref(first);
    jwt_verified_unref(second);
    destroy(cache);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *hammer(void *owner)
{
    struct jwt_cache *cache = owner;
    unsigned seed = (unsigned)(uintptr_t)&seed;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t name = (uint8_t)(rand_r(&seed) % 3);
        if (rand_r(&seed) % 4 == 0)
            jwt_verified_unref(put(cache, name, 1));
        else
            is_there(cache, name, 1);
    }
    return NULL;
}

/* The sanitizers see what is lost, or used when it is gone. */
static void test_many_at_once(void **state)
{
    struct jwt_cache *cache = create();
    pthread_t threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, cache), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    jwt_verified_unref(put(cache, 1, 1));
    assert_true(is_there(cache, 1, 1));
    destroy(cache);
}

/* ---- checks with it ---- */

struct world {
    struct filter_exchange x;
    struct arena arena;
    struct filter_build build;
    struct filter_keeps keeps;
    char detail[FILTER_DETAIL_MAX];
    struct filter_keep *held[8];
    size_t held_count;
};

static int64_t clock_ms;

static int64_t unix_ms(const struct filter_exchange *x)
{
    (void)x;
    return clock_ms;
}

static const struct filter_host host = {.unix_ms = unix_ms};

static void hold(void *holder, struct filter_keep *keep)
{
    struct world *w = holder;
    w->held[w->held_count++] = keep;
}

static void begin(struct world *w)
{
    *w = (struct world){.x = {.host = &host}};
    arena_init(&w->arena, 4096);
    filter_keeps_init(&w->keeps);
    w->x.arena = &w->arena;
    w->build = (struct filter_build){.arena = &w->arena,
                                     .detail = w->detail,
                                     .id = SLICE("shop/tokens"),
                                     .keeps = &w->keeps,
                                     .hold = hold,
                                     .holder = w};
    clock_ms = 1000000;
}

static void end(struct world *w)
{
    for (size_t i = 0; i < w->held_count; i++)
        filter_keep_unref(w->held[i]);
    filter_keeps_dispose(&w->keeps);
    arena_dispose(&w->arena);
}

static const struct jwt_conf *configure(struct world *w, enum signature_alg alg)
{
    const void *conf;
    struct slice key = token_jwk(&w->arena, alg, SLICE(""));
    struct slice quoted = {0}, part;
    for (bool first = true; slice_split(&key, '"', &part); first = false)
        quoted = arena_printf(&w->arena, "%.*s%s%.*s", SLICE_ARG(quoted), first ? "" : "\\\"",
                              SLICE_ARG(part));
    struct slice spec = arena_printf(
        &w->arena, "{\"providers\":[{\"issuer\":\"a\",\"jwks\":{\"inline\":\"%.*s\"}}]}",
        SLICE_ARG(quoted));
    if (filter_prepare(&filter_jwt, spec, &w->build, &conf))
        fail_msg("%s", w->detail);
    return conf;
}

static enum jwt_outcome check(struct world *w, const struct jwt_conf *c, struct slice text,
                              struct jwt_verified **out)
{
    struct jwt_token token = {text, &c->places.items[0]};
    struct published_wait wait = {0};
    struct jwt_result r = jwt_check(&w->x, c, &token, &wait);
    *out = r.verified;
    return r.outcome;
}

static void test_a_token_that_is_known(void **state)
{
    struct world w;
    struct jwt_verified *first, *again, *late;
    (void)state;
    begin(&w);
    const struct jwt_conf *c = configure(&w, SIGNATURE_P256_SHA256);
    struct slice token =
        token_plain(&w.arena, SIGNATURE_P256_SHA256, SLICE("{\"iss\":\"a\",\"exp\":2000}"));
    assert_int_equal(check(&w, c, token, &first), JWT_GOOD);
    assert_int_equal(check(&w, c, token, &again), JWT_GOOD);
    assert_ptr_equal(first, again); /* its signature was not checked again */
    clock_ms = 2000000 + 30000;
    assert_int_equal(check(&w, c, token, &late), JWT_EXPIRED);
    assert_null(late);
    jwt_verified_unref(first);
    jwt_verified_unref(again);
    end(&w);
}

/* The key is another one now: what it has signed before is not good any more. */
static void test_other_keys(void **state)
{
    struct world w;
    struct jwt_verified *v;
    (void)state;
    begin(&w);
    struct slice token =
        token_plain(&w.arena, SIGNATURE_P384_SHA384, SLICE("{\"iss\":\"a\",\"exp\":2000}"));
    const struct jwt_conf *before = configure(&w, SIGNATURE_P384_SHA384);
    assert_int_equal(check(&w, before, token, &v), JWT_GOOD);
    jwt_verified_unref(v);
    const struct jwt_conf *after = configure(&w, SIGNATURE_P256_SHA256);
    assert_ptr_equal(after->cache, before->cache);
    assert_int_equal(check(&w, after, token, &v), JWT_REFUSED);
    assert_null(v);
    end(&w);
}

/* A Consumer's credential was taken away: its token is not good from the next request on. */
static void test_a_credential_that_is_gone(void **state)
{
    struct world w;
    struct jwt_verified *v;
    const void *conf;
    (void)state;
    begin(&w);
    struct consumer_directory *directory = consumer_world_create();
    w.x.consumers = directory;
    struct slice spec = SLICE("{\"providers\":[{\"consumers\":{\"value\":\"shop\"}}]}");
    assert_int_equal(filter_prepare(&filter_jwt, spec, &w.build, &conf), ERR_OK);
    struct slice token =
        token_plain(&w.arena, SIGNATURE_HMAC_SHA256, SLICE("{\"iss\":\"ann-app\",\"exp\":2000}"));
    assert_int_equal(check(&w, conf, token, &v), JWT_GOOD);
    jwt_verified_unref(v);
    assert_int_equal(check(&w, conf, token, &v), JWT_GOOD);
    jwt_verified_unref(v);
    w.x.consumers = NULL;
    assert_int_equal(check(&w, conf, token, &v), JWT_REFUSED);
    mem_free(directory);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_again),
        cmocka_unit_test(test_one_place_has_one_token),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_a_token_that_is_known),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_a_credential_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
