/* http_stream.c: a stream that was used before is taken as a new one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/net/http_stream.h"
#include "lib/net/http_stream_priv.h"
#include "tests/unit/lib/base/cmocka_base.h"

static unsigned writable;

static void on_writable(struct http_stream *st)
{
    writable++;
}

static void test_attach(void **state)
{
    static const struct http_stream_ops ops;
    struct list streams;
    struct http_stream st;
    int conn;
    list_init(&streams);
    memset(&st, 0xa5, sizeof st);
    list_init(&st.node);
    http_stream_attach(&st, &ops, &conn, &streams);
    assert_ptr_equal(st.ops, &ops);
    assert_ptr_equal(st.conn, &conn);
    assert_null(st.codec);
    assert_int_equal(st.id, 0);
    assert_int_equal(st.state, 0);
    assert_false(st.above_high);
    assert_int_equal(st.unconsumed, 0);
    assert_null(st.in);
    assert_null(st.out_trailers);
    assert_true(buf_is_empty(&st.out));
    assert_ptr_equal(streams.next, &st.node);
    http_stream_detach(&st);
    assert_true(list_is_empty(&streams));
    assert_null(st.conn);
}

/* Once, when what was too much has become little; whoever does not listen is not called. */
static void test_writable(void **state)
{
    static const struct http_events deaf, listens = {.on_writable = on_writable};
    static char bytes[HTTP_STREAM_LOW_WATER];
    struct http_stream st = {.events = &listens, .above_high = true};
    writable = 0;
    buf_init(&st.out);
    buf_append(&st.out, bytes, sizeof bytes);
    http_stream_check_writable(&st);
    assert_int_equal(writable, 0);
    buf_drain(&st.out, 1);
    http_stream_check_writable(&st);
    http_stream_check_writable(&st);
    assert_int_equal(writable, 1);
    st.events = &deaf;
    st.above_high = true;
    http_stream_check_writable(&st);
    assert_false(st.above_high);
    buf_dispose(&st.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_writable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
