/* Tables for hashing: as even as weights say, the same for whoever makes one of the same endpoints
 * in whatever order, and when endpoints come or go little moves but what must.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/hash_table.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

enum { KEYS = 20000, MANY = 40, NAME_MAX_ = 24 };

struct bed {
    enum lb_id lb;
    bool is_small;
    uint32_t count;
    struct endpoint_conf endpoints[MANY];
    char names[MANY][NAME_MAX_];
    struct hash_table *table;
    uint64_t chosen[KEYS]; /* the hash of the address */
    unsigned shares[MANY];
};

static uint32_t find(const struct bed *b, uint64_t key)
{
    return b->lb == LB_maglev ? hash_maglev_find(b->table, key) : hash_ring_find(b->table, key);
}

static void add(struct bed *b, unsigned number, uint32_t weight)
{
    uint32_t i = b->count++;
    snprintf(b->names[i], sizeof(b->names[i]), "10.0.%u.%u:8080", number / 7, number);
    b->endpoints[i] = (struct endpoint_conf){.weight = weight, .ready = true};
    b->endpoints[i].address_hash = slice_hash(slice_from_cstr(b->names[i]));
}

/* Whom each key leads to. */
static void make(struct bed *b)
{
    size_t size = hash_table_size(b->lb, b->endpoints, b->count, b->is_small);
    b->table = mem_realloc(b->table, size);
    hash_table_make(b->table, b->lb, b->endpoints, b->count, b->is_small);
    memset(b->shares, 0, sizeof(b->shares));
    for (uint64_t key = 0; key < KEYS; key++) {
        uint32_t at = find(b, hash_table_mix(key + 1));
        assert_true(at < b->count);
        b->chosen[key] = b->endpoints[at].address_hash;
        b->shares[at]++;
    }
}

static struct bed *open_bed(void **state, unsigned count)
{
    struct bed *b = mem_zalloc(sizeof(*b));
    b->lb = (enum lb_id)(uintptr_t)*state;
    for (unsigned i = 0; i < count; i++)
        add(b, i, 1);
    return b;
}

static void close_bed(struct bed *b)
{
    mem_free(b->table);
    mem_free(b);
}

static bool is_near(unsigned got, double want, double percent)
{
    return got > want * (1 - percent / 100) && got < want * (1 + percent / 100);
}

/* A ring of 256 points each is even within a few standard deviations of 1/16. */
static void shares_are_even(void **state)
{
    struct bed *b = open_bed(state, 10);
    make(b);
    for (uint32_t i = 0; i < b->count; i++)
        assert_true(is_near(b->shares[i], KEYS / 10.0, b->lb == LB_maglev ? 10 : 30));
    close_bed(b);
}

static void shares_are_as_weights_say(void **state)
{
    struct bed *b = open_bed(state, 0);
    add(b, 1, 1);
    add(b, 2, 3);
    add(b, 3, 6);
    make(b);
    assert_true(is_near(b->shares[0], KEYS * 0.1, b->lb == LB_maglev ? 10 : 40));
    assert_true(is_near(b->shares[1], KEYS * 0.3, b->lb == LB_maglev ? 10 : 30));
    assert_true(is_near(b->shares[2], KEYS * 0.6, b->lb == LB_maglev ? 10 : 20));
    close_bed(b);
}

/* Of `before` and now: how many keys moved that neither had left nor joined. */
static unsigned moved_besides(const struct bed *b, const uint64_t *before, uint64_t changed)
{
    unsigned moved = 0;
    for (unsigned key = 0; key < KEYS; key++)
        moved += before[key] != b->chosen[key] && before[key] != changed &&
                 b->chosen[key] != changed;
    return moved;
}

static void who_leaves_takes_only_its_own(void **state)
{
    struct bed *b = open_bed(state, 20);
    uint64_t *before = mem_zalloc(sizeof(b->chosen)), gone = b->endpoints[7].address_hash;
    make(b);
    memcpy(before, b->chosen, sizeof(b->chosen));
    b->endpoints[7].ready = false;
    make(b);
    assert_int_equal(b->shares[7], 0);
    unsigned moved = moved_besides(b, before, gone);
    if (b->lb == LB_ring_hash)
        assert_int_equal(moved, 0);
    assert_true(moved < KEYS / 20); /* Maglev: less than who left had */
    mem_free(before);
    close_bed(b);
}

static void who_comes_takes_its_share_only(void **state)
{
    struct bed *b = open_bed(state, 20);
    uint64_t *before = mem_zalloc(sizeof(b->chosen));
    make(b);
    memcpy(before, b->chosen, sizeof(b->chosen));
    add(b, 30, 1);
    make(b);
    unsigned moved = moved_besides(b, before, b->endpoints[20].address_hash);
    assert_true(is_near(b->shares[20], KEYS / 21.0, 40));
    if (b->lb == LB_ring_hash)
        assert_int_equal(moved, 0);
    assert_true(moved < KEYS / 20);
    mem_free(before);
    close_bed(b);
}

static void the_order_of_endpoints_says_nothing(void **state)
{
    struct bed *b = open_bed(state, 9), *other = open_bed(state, 0);
    unsigned moved = 0;
    for (unsigned i = 9; i-- > 0;)
        add(other, i, 1);
    make(b);
    make(other);
    for (unsigned key = 0; key < KEYS; key++)
        moved += b->chosen[key] != other->chosen[key];
    assert_int_equal(moved, 0);
    close_bed(b);
    close_bed(other);
}

static void nobody_is_for_it(void **state)
{
    struct bed *b = open_bed(state, 3);
    b->endpoints[0].ready = false;
    b->endpoints[1].is_backup = true;
    b->endpoints[2].weight = 0;
    b->table = mem_zalloc(hash_table_size(b->lb, b->endpoints, 3, false));
    hash_table_make(b->table, b->lb, b->endpoints, 3, false);
    assert_true(find(b, 1) == HASH_TABLE_NONE);
    close_bed(b);
}

static void one_that_is_small_is_as_good(void **state)
{
    struct bed *b = open_bed(state, 5);
    b->is_small = true;
    make(b);
    for (uint32_t i = 0; i < b->count; i++)
        assert_true(is_near(b->shares[i], KEYS / 5.0, b->lb == LB_maglev ? 10 : 30));
    close_bed(b);
}

static void others_have_none(void **state)
{
    (void)state;
    assert_int_equal(hash_table_size(LB_random, NULL, 0, false), 0);
}

#define BOTH(test)                                                                               \
    cmocka_unit_test_prestate(test, (void *)(uintptr_t)LB_ring_hash),                            \
        cmocka_unit_test_prestate(test, (void *)(uintptr_t)LB_maglev)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(shares_are_even),
        BOTH(shares_are_as_weights_say),
        BOTH(who_leaves_takes_only_its_own),
        BOTH(who_comes_takes_its_share_only),
        BOTH(the_order_of_endpoints_says_nothing),
        BOTH(nobody_is_for_it),
        BOTH(one_that_is_small_is_as_good),
        cmocka_unit_test(others_have_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
