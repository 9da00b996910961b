/* affinity.c: clients are told apart, find what they had, and move only when they must.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/affinity.h"

#include "lib/base/mem.h"
#include "lib/base/slice.h"
#include "tests/unit/lib/base/cmocka_base.h"

static uint64_t client(uint32_t number)
{
    return slice_hash(slice_of(&number, sizeof number));
}

static void test_a_client_finds_what_it_had(void **state)
{
    struct affinity *a = affinity_create(true);
    unsigned kept = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(affinity_find(a, client(i), 60, 5000), 0);
        affinity_keep(a, client(i), i + 1, 5000);
    }
    for (uint32_t i = 0; i < 1000; i++)
        kept += affinity_find(a, client(i), 60, 5000) == i + 1;
    assert_int_equal(kept, 1000);
    /* Another one instead. */
    affinity_keep(a, client(7), 4711, 5000);
    assert_int_equal(affinity_find(a, client(7), 60, 5000), 4711);
    mem_free(a);
}

static void test_time_passes(void **state)
{
    struct affinity *a = affinity_create(false);
    affinity_keep(a, client(1), 9, 1000);
    assert_int_equal(affinity_find(a, client(1), 10, 10900), 9);
    assert_int_equal(affinity_find(a, client(1), 10, 20900), 9);
    assert_int_equal(affinity_find(a, client(1), 10, 32000), 0);
    /* A worker whose clock is a little behind; and a second is a whole one. */
    affinity_keep(a, client(2), 8, 100000);
    assert_int_equal(affinity_find(a, client(2), 1, 99990), 8);
    affinity_keep(a, client(2), 8, 100999);
    assert_int_equal(affinity_find(a, client(2), 1, 101998), 8);
    mem_free(a);
}

/* More clients than places: nobody gets another's, and the newest have theirs. */
static void test_more_than_there_is_room_for(void **state)
{
    enum { CLIENTS = 100000, NEWEST = 1000 };
    struct affinity *a = affinity_create(true);
    unsigned kept = 0, wrong = 0;
    for (uint32_t i = 0; i < CLIENTS; i++)
        affinity_keep(a, client(i), i % 1000 + 1, 1000 + i);
    for (uint32_t i = 0; i < CLIENTS; i++) {
        uint32_t found = affinity_find(a, client(i), 3600, 1000 + CLIENTS);
        wrong += found && found != i % 1000 + 1;
        kept += found && i >= CLIENTS - NEWEST;
    }
    assert_in_range(kept, NEWEST * 95 / 100, NEWEST);
    assert_in_range(wrong, 0, 10); /* of a million places each, two clients may share one */
    mem_free(a);
}

/* An endpoint that comes takes its share, and moves nobody between the others. */
static void test_scores(void **state)
{
    enum { CLIENTS = 10000, ENDPOINTS = 5 };
    unsigned count[ENDPOINTS] = {0};
    for (uint32_t i = 0; i < CLIENTS; i++) {
        uint32_t best = 0, best_of_four = 0;
        for (uint32_t e = 0; e < ENDPOINTS; e++) {
            if (affinity_score(client(i), client(1000000 + e)) >
                affinity_score(client(i), client(1000000 + best)))
                best = e;
            if (e < 4 && affinity_score(client(i), client(1000000 + e)) >
                             affinity_score(client(i), client(1000000 + best_of_four)))
                best_of_four = e;
        }
        count[best]++;
        assert_true(best == 4 || best == best_of_four);
    }
    for (unsigned e = 0; e < ENDPOINTS; e++)
        assert_in_range(count[e], CLIENTS / ENDPOINTS * 9 / 10, CLIENTS / ENDPOINTS * 11 / 10);
    assert_int_not_equal(affinity_id(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_client_finds_what_it_had), cmocka_unit_test(test_time_passes),
        cmocka_unit_test(test_more_than_there_is_room_for), cmocka_unit_test(test_scores)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
