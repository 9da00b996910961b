/* Tests of histograms and of the Prometheus text format. * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/metric.h"

#include <math.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

static char *text_of(struct buf *b)
{
    char *text = mem_zalloc(b->len + 1);
    buf_copy_out(b, text, b->len);
    buf_dispose(b);
    return text;
}

static void check(struct buf *b, const char *want)
{
    char *text = text_of(b);
    assert_string_equal(text, want);
    mem_free(text);
}

static void test_counter(void **state)
{
    metric_value v = 0;
    metric_add(&v, 2);
    metric_add(&v, 40);
    assert_int_equal(metric_read(&v), 42);
}

static void test_bounds_are_inclusive(void **state)
{
    struct histogram h = {0};
    metric_observe_us(&h, 0);
    metric_observe_us(&h, 1000);
    metric_observe_us(&h, 1001);
    metric_observe_us(&h, 5000);
    metric_observe_us(&h, 10000000u);
    metric_observe_us(&h, 10000001u);
    assert_int_equal(metric_read(&h.buckets[0]), 2);
    assert_int_equal(metric_read(&h.buckets[1]), 2);
    assert_int_equal(metric_read(&h.buckets[METRIC_BOUNDS - 1]), 1);
    assert_int_equal(metric_read(&h.buckets[METRIC_BOUNDS]), 1);
    assert_int_equal(metric_total(&h), 6);
    assert_true(metric_read(&h.sum) == 20007002u);
}

static void test_merge(void **state)
{
    struct histogram a = {0}, b = {0};
    metric_observe_us(&a, 100);
    metric_observe_us(&b, 100);
    metric_observe_us(&b, 7000);
    metric_merge(&a, &b);
    assert_int_equal(metric_total(&a), 3);
    assert_int_equal(metric_read(&a.buckets[0]), 2);
    assert_int_equal(metric_read(&a.buckets[2]), 1);
    assert_int_equal(metric_read(&a.sum), 7200);
}

static void test_type_lines(void **state)
{
    struct buf b;
    buf_init(&b);
    metric_write_type(&b, "x_total", METRIC_COUNTER, "Counts \"x\".\nBack\\slash.");
    metric_write_type(&b, "y", METRIC_GAUGE, "y");
    metric_write_type(&b, "z", METRIC_HISTOGRAM, "z");
    check(&b, "# HELP x_total Counts \"x\".\\nBack\\\\slash.\n# TYPE x_total counter\n"
              "# HELP y y\n# TYPE y gauge\n# HELP z z\n# TYPE z histogram\n");
}

static void test_samples(void **state)
{
    struct buf b;
    const struct metric_label labels[] = {
        {"path", SLICE("a\"b\\c\nd\xff\xc3\xa4")},
        {"code", SLICE("200")},
    };
    buf_init(&b);
    metric_write_u64(&b, "up", NULL, 0, UINT64_MAX);
    metric_write_u64(&b, "r_total", labels, 2, 3);
    metric_write_f64(&b, "g", labels + 1, 1, 0.25);
    metric_write_f64(&b, "g", NULL, 0, NAN);
    metric_write_f64(&b, "g", NULL, 0, INFINITY);
    metric_write_f64(&b, "g", NULL, 0, -INFINITY);
    check(&b, "up 18446744073709551615\n"
              "r_total{path=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\xc3\xa4\",code=\"200\"} 3\n"
              "g{code=\"200\"} 0.25\ng NaN\ng +Inf\ng -Inf\n");
}

static void test_sizes(void **state)
{
    struct buf b;
    struct histogram h = {0};
    metric_observe_bytes(&h, 0);
    metric_observe_bytes(&h, 101);
    metric_observe_bytes(&h, 100000001);
    buf_init(&b);
    metric_write_histogram(&b, "s", NULL, 0, METRIC_SIZE, &h);
    char *text = text_of(&b);
    assert_non_null(strstr(text, "s_bucket{le=\"100\"} 1\ns_bucket{le=\"500\"} 2\n"));
    assert_non_null(strstr(text, "s_bucket{le=\"100000000\"} 2\ns_bucket{le=\"+Inf\"} 3\n"
                                 "s_sum 100000102\ns_count 3\n"));
    mem_free(text);
}

static void test_histogram_text(void **state)
{
    struct buf b;
    struct histogram h = {0};
    const struct metric_label labels[] = {{"app", SLICE("a")}};
    metric_observe_us(&h, 400);
    metric_observe_us(&h, 2050);
    metric_observe_us(&h, 4000000000u);
    buf_init(&b);
    metric_write_histogram(&b, "d", labels, 1, METRIC_DURATION, &h);
    char *text = text_of(&b);
    static const char start[] = "d_bucket{app=\"a\",le=\"1\"} 1\n"
                                "d_bucket{app=\"a\",le=\"5\"} 2\nd_bucket{app=\"a\",le=\"10\"} 2\n";
    static const char end[] = "d_bucket{app=\"a\",le=\"10000\"} 2\n"
                              "d_bucket{app=\"a\",le=\"+Inf\"} 3\n"
                              "d_sum{app=\"a\"} 4000002.450\nd_count{app=\"a\"} 3\n";
    struct slice all = slice_from_cstr(text);
    assert_true(slice_starts_with(all, slice_from_cstr(start)));
    assert_true(slice_ends_with(all, slice_from_cstr(end)));
    mem_free(text);
    buf_init(&b);
    metric_write_histogram(&b, "d", NULL, 0, METRIC_DURATION, &(struct histogram){0});
    text = text_of(&b);
    assert_non_null(strstr(text, "d_bucket{le=\"500\"} 0\n"));
    assert_non_null(strstr(text, "d_sum 0.000\nd_count 0\n"));
    mem_free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter),        cmocka_unit_test(test_bounds_are_inclusive),
        cmocka_unit_test(test_merge),          cmocka_unit_test(test_type_lines),
        cmocka_unit_test(test_samples),        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_histogram_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
