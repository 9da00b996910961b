/* Tests of spans of pages; linked with mem_span.c in every build, sanitizers too.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"

#include <string.h>
#include <sys/mman.h>

#include "tests/unit/lib/base/cmocka_base.h"

static bool is_resident(void *page)
{
    unsigned char there = 0;
    assert_int_equal(mincore(page, MEM_PAGE, &there), 0);
    return there & 1;
}

static bool is_zero(const char *bytes)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, MEM_PAGE - 1) == 0;
}

static void test_a_span_costs_what_is_written(void **state)
{
    char *span = mem_span_take();
    assert_int_equal((uintptr_t)span % MEM_PAGE, 0);
    assert_false(is_resident(span));
    span[100] = 1;
    assert_true(is_resident(span));
    assert_false(is_resident(span + MEM_PAGE));
    mem_span_give(span);
}

/* Only while the first page is all zero; what is written afterwards is there as ever. */
static void test_rest(void **state)
{
    char *span = mem_span_take();
    for (size_t at = 0; at < MEM_PAGE; at += MEM_PAGE - 1) {
        span[at] = 1;
        assert_false(mem_span_rest(span));
        assert_int_equal(span[at], 1);
        span[at] = 0;
        assert_true(mem_span_rest(span));
        assert_false(is_resident(span));
        assert_true(is_zero(span));
    }
    span[MEM_PAGE] = 7;
    assert_true(mem_span_rest(span));
    assert_int_equal(span[MEM_PAGE], 7);
    mem_span_give(span);
    mem_span_give(NULL);
}

/* Many at once do not overlap; those that come again are zeroed; those that nobody has rest. */
static void test_many(void **state)
{
    enum { COUNT = 1000 };
    static char *spans[COUNT];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            spans[i] = mem_span_take();
            assert_true(is_zero(spans[i]));
            memset(spans[i], i % 100 + 1, MEM_SPAN);
        }
        for (int i = 0; i < COUNT; i++) {
            assert_int_equal(spans[i][0], i % 100 + 1);
            assert_int_equal(spans[i][MEM_SPAN - 1], i % 100 + 1);
            mem_span_give(spans[i]);
        }
        if (round == 1)
            mem_span_trim();
        for (int i = 0; round == 1 && i < COUNT; i++)
            assert_false(is_resident(spans[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_span_costs_what_is_written),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
