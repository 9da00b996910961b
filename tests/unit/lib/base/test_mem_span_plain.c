/* Spans as sanitizer builds have them; linked with mem_span_plain.c in every build.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

static void test_spans_are_zero_and_aligned(void **state)
{
    char *spans[4];
    for (int i = 0; i < 4; i++) {
        spans[i] = mem_span_take();
        assert_int_equal((uintptr_t)spans[i] % MEM_PAGE, 0);
        assert_int_equal(spans[i][0], 0);
        assert_memory_equal(spans[i], spans[i] + 1, MEM_SPAN - 1);
        memset(spans[i], i + 1, MEM_SPAN);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(spans[i][0], i + 1);
        assert_int_equal(spans[i][MEM_SPAN - 1], i + 1);
        mem_span_give(spans[i]);
    }
    mem_span_give(NULL);
}

/* As in real builds a span rests while its first page is all zero. */
static void test_rest(void **state)
{
    char *span = mem_span_take();
    assert_true(mem_span_rest(span));
    for (size_t at = 0; at < MEM_PAGE; at += MEM_PAGE / 2 - 1) {
        span[at] = 1;
        assert_false(mem_span_rest(span));
        assert_int_equal(span[at], 1);
        span[at] = 0;
        assert_true(mem_span_rest(span));
    }
    span[MEM_PAGE - 1] = 1;
    assert_false(mem_span_rest(span));
    span[MEM_PAGE - 1] = 0;
    span[MEM_PAGE] = 7;
    assert_true(mem_span_rest(span));
    assert_int_equal(span[MEM_PAGE], 7);
    memset(span, 5, MEM_PAGE);
    assert_false(mem_span_rest(span));
    mem_span_give(span);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spans_are_zero_and_aligned),
        cmocka_unit_test(test_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
