/* Tests of quantities: what the API server takes, and what is written is read again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/quantity.h"

#include "tests/unit/lib/base/cmocka_base.h"

static void test_read(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {
        {"0", 0},          {"1", 1000},          {"100m", 100},       {"0.5", 500},
        {"1.5Gi", 1500 * (INT64_C(1) << 30)},    {"64Ki", 65536000},  {"2k", 2000000},
        {"1e3", 1000000},  {"1E3", 1000000},     {".5", 500},         {"1.", 1000},
        {"0.0005", 0},     {"1Ti", INT64_C(1000) << 40}, {"1T", INT64_C(1000000000000000)},
    };
    static const char *const bad[] = {"", ".", "m", "-1", "+1", "1mm", "1.2.3", "1 ", "e3", "1e",
                                      "1e16", "1e-3", "Ki", "1ki", "a", "9999999999999999",
                                      "999999999999Ti"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        int64_t value = -1;
        if (quantity_parse(slice_from_cstr(good[i].text), &value) || value != good[i].value)
            fail_msg("%s: %lld", good[i].text, (long long)value);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        int64_t value;
        if (!quantity_parse(slice_from_cstr(bad[i]), &value))
            fail_msg("%s", bad[i]);
    }
}

static void test_write(void **state)
{
    static const struct {
        int64_t value;
        const char *text;
    } rows[] = {{0, "0"},         {1, "1m"},         {250, "250m"},
                {1000, "1"},      {1500, "1500m"},   {2000, "2"},
                {65536000, "64Ki"}, {INT64_C(1000) << 27, "128Mi"}, {INT64_C(1000) << 41, "2048Gi"},
                {1000001000, "1000001"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[QUANTITY_TEXT_MAX];
        int64_t value;
        assert_string_equal(quantity_format(rows[i].value, text), rows[i].text);
        assert_int_equal(quantity_parse(slice_from_cstr(text), &value), ERR_OK);
        assert_int_equal(value, rows[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
