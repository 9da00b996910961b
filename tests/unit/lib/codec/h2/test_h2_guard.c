/* The price of every kind of frame, what becomes of frames for streams that are gone, and the
 * bucket behind it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/h2_guard.h"

#include "tests/unit/lib/codec/cmocka_codec.h"

enum { BURST = 20, ACK = 1, END_HEADERS = 4 };

static void bucket_refills_a_tenth_a_second(void **state)
{
    struct h2_budget b;
    h2_budget_init(&b, BURST, 1000);
    for (unsigned i = 0; i < BURST; i++)
        assert_true(h2_budget_charge(&b, 1000));
    assert_false(h2_budget_charge(&b, 1000));
    assert_false(h2_budget_charge(&b, 1499));
    assert_true(h2_budget_charge(&b, 1500));
    assert_false(h2_budget_charge(&b, 1500));
    assert_true(h2_budget_charge(&b, 3000));
    assert_true(h2_budget_charge(&b, 3000));
    assert_true(h2_budget_charge(&b, 3000));
    assert_false(h2_budget_charge(&b, 3000));
    for (unsigned i = 0; i < BURST; i++)
        assert_true(h2_budget_charge(&b, 1000000));
    assert_false(h2_budget_charge(&b, 1000000));
    assert_false(h2_budget_charge(&b, 500)); /* time that stands still or runs back gives nothing */
}

static void open_guard(struct h2_guard *g, bool server)
{
    h2_guard_init(g, server, BURST, 0);
    struct h2_frame f = {.type = H2_SETTINGS};
    assert_int_equal(h2_guard_judge(g, &f, false, 0), H2_PASS);
}

static enum h2_verdict judge(struct h2_guard *g, uint8_t type, uint8_t flags, uint32_t id,
                             uint32_t length)
{
    struct h2_frame f = {.type = type, .flags = flags, .id = id, .length = length};
    return h2_guard_judge(g, &f, false, 0);
}

static void head_is_read(void **state)
{
    const uint8_t head[] = {0x01, 0x02, 0x03, 0x09, 0x04, 0x80, 0x00, 0x01, 0x05};
    struct h2_frame f;
    h2_frame_read(&f, head);
    assert_int_equal(f.length, 0x010203);
    assert_int_equal(f.type, H2_CONTINUATION);
    assert_int_equal(f.flags, 4);
    assert_int_equal(f.id, 0x105); /* without the reserved bit */
}

/* What the budget pays for: exactly BURST of them, then the connection ends. */
static void nuisance_costs(void **state)
{
    static const struct {
        bool server;
        uint8_t type, flags;
        uint32_t id, length;
        enum h2_verdict verdict;
        unsigned free;
    } frames[] = {
        {true, H2_PRIORITY, 0, 1, 5, H2_SKIP, 0},
        {true, H2_RST_STREAM, 0, 1, 4, H2_PASS, 0},
        {true, H2_SETTINGS, 0, 0, 0, H2_PASS, 0},
        {true, H2_PING, 0, 0, 8, H2_PASS, 0},
        {true, H2_GOAWAY, 0, 0, 8, H2_PASS, 0},
        {true, H2_WINDOW_UPDATE, 0, 0, 4, H2_PASS, 32},
        {true, 0xbb, 0, 0, 100, H2_SKIP, 0},
        {false, H2_PRIORITY, 0, 1, 5, H2_SKIP, 0},
        {false, H2_SETTINGS, 0, 0, 0, H2_PASS, 0},
        {false, H2_PING, 0, 0, 8, H2_PASS, 0},
        {false, H2_WINDOW_UPDATE, 0, 0, 4, H2_PASS, 32},
        {false, 0x0a, 0, 0, 100, H2_SKIP, 0},
    };
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct h2_guard g;
        open_guard(&g, frames[i].server);
        for (unsigned n = 0; n < BURST + frames[i].free; n++)
            assert_int_equal(
                judge(&g, frames[i].type, frames[i].flags, frames[i].id, frames[i].length),
                frames[i].verdict);
        assert_int_equal(judge(&g, frames[i].type, frames[i].flags, frames[i].id, frames[i].length),
                         H2_KILL);
        assert_int_equal(g.code, H2_ENHANCE_YOUR_CALM);
        assert_non_null(g.reason);
    }
}

static void fair_frames_are_free(void **state)
{
    struct h2_guard g;
    open_guard(&g, true);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(judge(&g, H2_SETTINGS, ACK, 0, 0), H2_PASS);
        assert_int_equal(judge(&g, H2_PING, ACK, 0, 8), H2_PASS);
        h2_guard_sent_data(&g);
        assert_int_equal(judge(&g, H2_PING, 0, 0, 8), H2_PASS);
        for (unsigned k = 0; k < 10; k++)
            assert_int_equal(judge(&g, H2_WINDOW_UPDATE, 0, 1, 4), H2_PASS);
    }
    struct h2_guard client;
    open_guard(&client, false);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(judge(&client, H2_RST_STREAM, 0, 1, 4), H2_PASS);
}

static void broken_rules_end_the_connection(void **state)
{
    static const struct {
        uint8_t type, flags;
        uint32_t id, length;
        enum h2_code code;
    } frames[] = {
        {H2_DATA, 0, 1, 16385, H2_FRAME_SIZE_ERROR},
        {0xbb, 0, 0, 16385, H2_FRAME_SIZE_ERROR},
        {H2_PRIORITY, 0, 0, 5, H2_PROTOCOL_ERROR},
        {H2_PRIORITY, 0, 1, 4, H2_FRAME_SIZE_ERROR},
        {H2_PUSH_PROMISE, END_HEADERS, 1, 4, H2_PROTOCOL_ERROR},
        {H2_CONTINUATION, END_HEADERS, 1, 4, H2_PROTOCOL_ERROR},
    };
    for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        struct h2_guard g;
        open_guard(&g, true);
        assert_int_equal(judge(&g, frames[i].type, frames[i].flags, frames[i].id, frames[i].length),
                         H2_KILL);
        assert_int_equal(g.code, frames[i].code);
    }
}

static void settings_come_first(void **state)
{
    struct h2_guard g;
    h2_guard_init(&g, true, BURST, 0);
    assert_int_equal(judge(&g, H2_PING, 0, 0, 8), H2_KILL);
    assert_int_equal(g.code, H2_PROTOCOL_ERROR);
}

static void nothing_interrupts_a_block(void **state)
{
    static const uint8_t types[] = {H2_DATA, H2_HEADERS, H2_PRIORITY, H2_PING, 0xbb};
    for (size_t i = 0; i < sizeof(types); i++) {
        struct h2_guard g;
        open_guard(&g, true);
        assert_int_equal(judge(&g, H2_HEADERS, 0, 1, 10), H2_PASS);
        assert_int_equal(judge(&g, types[i], 0, 1, 5), H2_KILL);
        assert_int_equal(g.code, H2_PROTOCOL_ERROR);
    }
}

static void continuations_are_counted(void **state)
{
    struct h2_guard g;
    open_guard(&g, true);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(judge(&g, H2_HEADERS, 0, 1 + 2 * round, 10), H2_PASS);
        for (unsigned i = 1; i < H2_MAX_CONTINUATIONS; i++)
            assert_int_equal(judge(&g, H2_CONTINUATION, 0, 1 + 2 * round, 0), H2_PASS);
        assert_int_equal(judge(&g, H2_CONTINUATION, END_HEADERS, 1 + 2 * round, 0), H2_PASS);
    }
    assert_int_equal(judge(&g, H2_HEADERS, 0, 9, 10), H2_PASS);
    for (unsigned i = 0; i < H2_MAX_CONTINUATIONS; i++)
        assert_int_equal(judge(&g, H2_CONTINUATION, 0, 9, 0), H2_PASS);
    assert_int_equal(judge(&g, H2_CONTINUATION, END_HEADERS, 9, 0), H2_KILL);
    assert_int_equal(g.code, H2_ENHANCE_YOUR_CALM);
}

static void closed_streams_are_remembered(void **state)
{
    struct h2_guard g;
    open_guard(&g, true);
    assert_true(h2_guard_is_new(&g, 5));
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 5, 10), H2_PASS);
    assert_false(h2_guard_is_new(&g, 5));
    assert_false(h2_guard_is_new(&g, 6));
    /* 3 was skipped, 5 is closed (not live). */
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 3, 10), H2_KILL);
    assert_int_equal(g.code, H2_PROTOCOL_ERROR);
    assert_int_equal(judge(&g, H2_DATA, 0, 5, 1000), H2_KILL);
    assert_int_equal(g.code, H2_STREAM_CLOSED);
    struct h2_frame f = {.type = H2_DATA, .id = 5, .length = 1};
    assert_int_equal(h2_guard_judge(&g, &f, true, 0), H2_PASS);
}

static void streams_let_go_are_tolerated(void **state)
{
    struct h2_guard g;
    open_guard(&g, true);
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 1, 10), H2_PASS);
    h2_guard_let_go(&g, 1);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(judge(&g, H2_DATA, 0, 1, 16384), H2_PASS);
    for (unsigned i = 0; i < BURST; i++)
        assert_int_equal(judge(&g, H2_DATA, 0, 1, 1), H2_PASS);
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 1, 10), H2_KILL);
    assert_int_equal(g.code, H2_ENHANCE_YOUR_CALM);
}

static void memory_is_bounded(void **state)
{
    struct h2_guard g;
    open_guard(&g, true);
    for (uint32_t id = 1; id < 10000; id += 2)
        assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, id, 10), H2_PASS);
    h2_guard_let_go(&g, 1); /* long forgotten */
    assert_int_equal(judge(&g, H2_DATA, 0, 1, 10), H2_PASS);
    assert_int_equal(judge(&g, H2_DATA, 0, 9999, 10), H2_KILL);
    assert_int_equal(g.code, H2_STREAM_CLOSED);
    /* A jump over more ids than are remembered leaves no old fates behind. */
    open_guard(&g, true);
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 1, 10), H2_PASS);
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 0x7fffffff, 10), H2_PASS);
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 0x7ffffffd, 10), H2_KILL);
    assert_int_equal(g.code, H2_PROTOCOL_ERROR);
}

static void after_goaway_new_streams_are_ignored(void **state)
{
    struct h2_guard g;
    open_guard(&g, true);
    g.going_away = true;
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 1, 10), H2_PASS);
    assert_int_equal(judge(&g, H2_DATA, 0, 1, 1000), H2_PASS);
}

static void priority_on_itself(void **state)
{
    struct h2_guard g;
    const uint8_t on_seven[] = {0x80, 0, 0, 7};
    open_guard(&g, true);
    assert_int_equal(h2_guard_priority(&g, 5, on_seven), H2_SKIP);
    assert_int_equal(h2_guard_priority(&g, 7, on_seven), H2_KILL);
    assert_int_equal(g.code, H2_PROTOCOL_ERROR);
}

static void clients_know_their_own_streams(void **state)
{
    struct h2_guard g;
    open_guard(&g, false);
    h2_guard_opened(&g, 1);
    h2_guard_opened(&g, 3);
    assert_false(h2_guard_is_new(&g, 5));
    assert_int_equal(judge(&g, H2_HEADERS, END_HEADERS, 1, 10), H2_KILL);
    assert_int_equal(g.code, H2_STREAM_CLOSED);
    h2_guard_let_go(&g, 3);
    open_guard(&g, false);
    h2_guard_opened(&g, 1);
    h2_guard_let_go(&g, 1);
    assert_int_equal(judge(&g, H2_DATA, 0, 1, 1000), H2_PASS);
    assert_int_equal(judge(&g, H2_DATA, 0, 3, 10), H2_PASS); /* nghttp2 says what that is */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bucket_refills_a_tenth_a_second),
        cmocka_unit_test(head_is_read),
        cmocka_unit_test(nuisance_costs),
        cmocka_unit_test(fair_frames_are_free),
        cmocka_unit_test(broken_rules_end_the_connection),
        cmocka_unit_test(settings_come_first),
        cmocka_unit_test(nothing_interrupts_a_block),
        cmocka_unit_test(continuations_are_counted),
        cmocka_unit_test(closed_streams_are_remembered),
        cmocka_unit_test(streams_let_go_are_tolerated),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(after_goaway_new_streams_are_ignored),
        cmocka_unit_test(priority_on_itself),
        cmocka_unit_test(clients_know_their_own_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
