/* Tests of streams in memory: the contract of stream.h, piece by piece, with and without a loop.
 * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/memstream.h"

#include <string.h>

#include "lib/io/loop_sim.h"
#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/probe.h"

struct both {
    struct probe a, b;
};

static void pair_up(struct both *p, struct loop *l, struct memstream_options options)
{
    struct stream *a, *b;
    memstream_pair(l, &options, &a, &b);
    probe_init(&p->a, l);
    probe_init(&p->b, l);
    probe_use(&p->a, a);
    probe_use(&p->b, b);
    probe_read(&p->a, true);
    probe_read(&p->b, true);
}

static unsigned pump_all(struct probe *p)
{
    unsigned n = 0;
    while (p->stream && memstream_pump(p->stream))
        n++;
    return n;
}

static void end(struct both *p)
{
    probe_dispose(&p->a);
    probe_dispose(&p->b);
}

static void test_pieces(void **state)
{
    struct both p;
    pair_up(&p, NULL, (struct memstream_options){.piece = 3});
    probe_write(&p.a, "0123456789", 10);
    assert_int_equal(p.b.count[EVENT_DATA], 0);
    assert_true(memstream_pump(p.a.stream));
    assert_true(probe_got(&p.b, "012"));
    probe_write(&p.b, "abcd", 4);
    pump_all(&p.a);
    assert_true(probe_got(&p.b, "0123456789"));
    assert_int_equal(p.b.count[EVENT_DATA], 4);
    assert_true(probe_got(&p.a, "abcd"));
    assert_int_equal(p.a.count[EVENT_DATA], 2);
    assert_int_equal(p.a.count[EVENT_DRAIN], 0);
    assert_false(memstream_pump(p.a.stream));
    end(&p);
}

static void test_capacity_and_drain(void **state)
{
    struct both p;
    pair_up(&p, NULL, (struct memstream_options){.capacity = 4});
    probe_write(&p.a, "0123456789", 10);
    assert_int_equal(stream_queued(p.a.stream), 6);
    probe_read(&p.b, false);
    pump_all(&p.a);
    assert_int_equal(stream_queued(p.a.stream), 6);
    assert_int_equal(p.b.count[EVENT_DATA], 0);
    probe_read(&p.b, true);
    pump_all(&p.a);
    assert_true(probe_got(&p.b, "0123456789"));
    assert_int_equal(p.a.count[EVENT_DRAIN], 1);
    assert_int_equal(stream_queued(p.a.stream), 0);
    end(&p);
}

static void test_half_close(void **state)
{
    struct both p;
    pair_up(&p, NULL, (struct memstream_options){.piece = 2, .capacity = 2});
    probe_write(&p.a, "hello", 5);
    probe_shutdown(&p.a);
    probe_write(&p.a, "dropped", 7);
    pump_all(&p.a);
    assert_true(probe_got(&p.b, "hello"));
    assert_int_equal(p.b.count[EVENT_EOF], 1);
    probe_write(&p.b, "still", 5);
    probe_shutdown(&p.b);
    pump_all(&p.a);
    assert_true(probe_got(&p.a, "still"));
    assert_int_equal(p.a.count[EVENT_EOF], 1);
    end(&p);
}

static void test_close(void **state)
{
    struct both p;
    /* Queued bytes are dropped, what the kernel has arrives. */
    pair_up(&p, NULL, (struct memstream_options){.capacity = 4});
    probe_write(&p.a, "0123456789", 10);
    probe_close(&p.a, false);
    pump_all(&p.b);
    assert_true(probe_got(&p.b, "0123"));
    assert_int_equal(p.b.count[EVENT_EOF], 1);
    end(&p);
    /* Flushed: all of it. */
    pair_up(&p, NULL, (struct memstream_options){.capacity = 4});
    probe_write(&p.a, "0123456789", 10);
    probe_close(&p.a, true);
    pump_all(&p.b);
    assert_true(probe_got(&p.b, "0123456789"));
    assert_int_equal(p.b.count[EVENT_EOF], 1);
    /* Who writes to nobody hears of it, later. */
    probe_write(&p.b, "anyone?", 7);
    assert_int_equal(p.b.count[EVENT_FAIL], 0);
    pump_all(&p.b);
    assert_int_equal(p.b.why, ERR_RESET);
    assert_string_not_equal(p.b.detail, "");
    end(&p);
}

static void test_close_with_unread_bytes(void **state)
{
    struct both p;
    pair_up(&p, NULL, (struct memstream_options){.capacity = 4});
    probe_write(&p.b, "0123456789", 10);
    probe_write(&p.a, "bye", 3);
    probe_close(&p.a, true);
    pump_all(&p.b);
    /* The answer first, then the failure. */
    assert_true(probe_got(&p.b, "bye"));
    assert_int_equal(p.b.why, ERR_RESET);
    end(&p);
}

static void test_cut(void **state)
{
    struct both p;
    pair_up(&p, NULL, (struct memstream_options){0});
    probe_write(&p.a, "lost", 4);
    memstream_cut(p.b.stream, ERR_TIMEOUT);
    assert_int_equal(p.a.count[EVENT_FAIL] + p.b.count[EVENT_FAIL], 0);
    pump_all(&p.a);
    assert_int_equal(p.a.why, ERR_TIMEOUT);
    assert_int_equal(p.b.why, ERR_TIMEOUT);
    assert_int_equal(p.b.count[EVENT_DATA], 0);
    end(&p);
}

static void close_both(struct probe *p, enum event what)
{
    struct both *pair = p->more;
    (void)what;
    probe_close(&pair->b, false);
    probe_close(&pair->a, false);
}

static void test_closed_from_inside(void **state)
{
    struct loop *loops[] = {NULL, loop_sim_create(0)};
    for (int i = 0; i < 2; i++) {
        struct both p;
        pair_up(&p, loops[i], (struct memstream_options){.piece = 1});
        p.b.hook = close_both;
        p.b.more = &p;
        probe_write(&p.a, "xyz", 3);
        if (loops[i])
            loop_sim_turn(loops[i]);
        else
            memstream_pump(p.a.stream);
        assert_int_equal(p.b.count[EVENT_DATA], 1);
        end(&p);
    }
    loop_destroy(loops[1]);
}

static void echo(struct probe *p, enum event what)
{
    if (what == EVENT_DATA)
        stream_write(p->stream, &p->got);
    if (what == EVENT_EOF)
        probe_close(p, true);
}

/* On a loop everything moves by itself. */
static void test_on_a_loop(void **state)
{
    struct loop *l = loop_sim_create(0);
    struct both p;
    char text[20000];
    memset(text, 'x', sizeof(text));
    pair_up(&p, l, (struct memstream_options){.piece = 7, .capacity = 100});
    p.b.hook = echo;
    probe_write(&p.a, text, sizeof(text));
    probe_shutdown(&p.a);
    assert_true(loop_sim_turn(l));
    assert_int_equal(p.a.got.len, sizeof(text));
    assert_int_equal(p.a.count[EVENT_EOF], 1);
    assert_int_equal(p.a.count[EVENT_DRAIN], 1);
    end(&p);
    loop_destroy(l);
}

static void test_info(void **state)
{
    struct both p;
    struct stream_info a, b;
    pair_up(&p, NULL, (struct memstream_options){0});
    stream_info(p.a.stream, &a);
    stream_info(p.b.stream, &b);
    assert_true(addr_eq(&a.peer, &b.local));
    assert_true(addr_eq(&a.local, &b.peer));
    assert_false(addr_eq(&a.local, &b.local));
    assert_false(tcp_is_stale(p.a.stream));
    struct addr none;
    assert_int_equal(tcp_original_dst(p.a.stream, &none), ERR_UNSUPPORTED);
    stream_close_reset(p.a.stream);
    p.a.stream = NULL;
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_capacity_and_drain),
        cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_close_with_unread_bytes),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_closed_from_inside),
        cmocka_unit_test(test_on_a_loop),
        cmocka_unit_test(test_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
