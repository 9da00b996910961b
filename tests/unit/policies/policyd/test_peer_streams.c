/* peer_streams.c: how many a peer may have, and when its refusal is news.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/peer_streams.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static struct peer_streams streams;

static bool take(const char *peer, bool want_news)
{
    bool is_news = !want_news;
    bool taken = peer_streams_take(&streams, slice_from_cstr(peer), &is_news);
    assert_int_equal(is_news, want_news);
    return taken;
}

static void test_each_may_have_so_many(void **state)
{
    peer_streams_init(&streams, 4);
    for (int i = 0; i < 4; i++)
        assert_true(take("a", false));
    assert_false(take("a", true));
    assert_true(take("b", false));
    peer_streams_give(&streams, SLICE("a"));
    assert_true(take("a", false));
    peer_streams_dispose(&streams);
}

/* A peer that tries all the time, around its bound, is not told of each time. */
static void test_what_is_news(void **state)
{
    peer_streams_init(&streams, 4);
    for (int i = 0; i < 4; i++)
        assert_true(take("a", false));
    assert_false(take("a", true));
    assert_false(take("a", false));
    for (int i = 0; i < 2; i++)
        peer_streams_give(&streams, SLICE("a"));
    for (int i = 0; i < 2; i++)
        assert_true(take("a", false));
    assert_false(take("a", false));
    for (int i = 0; i < 3; i++)
        peer_streams_give(&streams, SLICE("a"));
    for (int i = 0; i < 3; i++)
        assert_true(take("a", false));
    assert_false(take("a", true));
    peer_streams_dispose(&streams);
}

static void test_who_has_none_is_forgotten(void **state)
{
    peer_streams_init(&streams, 1);
    assert_true(take("a", false));
    assert_false(take("a", true));
    assert_int_equal(streams.peers.count, 1);
    peer_streams_give(&streams, SLICE("a"));
    assert_int_equal(streams.peers.count, 0);
    peer_streams_give(&streams, SLICE("a"));
    assert_true(take("a", false));
    peer_streams_dispose(&streams);
}

static void test_no_bound(void **state)
{
    peer_streams_init(&streams, 0);
    for (int i = 0; i < 1000; i++)
        assert_true(take("a", false));
    for (int i = 0; i < 1000; i++)
        peer_streams_give(&streams, SLICE("a"));
    assert_int_equal(streams.peers.count, 0);
    peer_streams_dispose(&streams);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_may_have_so_many),
        cmocka_unit_test(test_what_is_news),
        cmocka_unit_test(test_who_has_none_is_forgotten),
        cmocka_unit_test(test_no_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
