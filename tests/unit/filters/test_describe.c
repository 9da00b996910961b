/* What filters say of themselves in weftctl explain.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/prepare.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static const struct row {
    const char *filter, *spec, *text;
} rows[] = {
    {"directResponse", "{\"status\": 503, \"body\": \"closed\"}",
     "answers 503 with 6 bytes of its own; no backend is asked"},
    {"requestSize", "{\"max\": \"1Ki\"}", "refuses bodies of more than 1024 bytes with 413"},
    {"requestSize", "{\"max\": 5, \"requireContentLength\": true}",
     "refuses bodies of more than 5 bytes with 413, and those without a Content-Length with 411"},
    {"faultInjection", "{\"delay\": {\"duration\": \"2s\", \"percent\": 5}}",
     "delays 5 % by 2000 ms"},
    {"faultInjection",
     "{\"delay\": {\"duration\": \"2s\"}, \"abort\": {\"httpStatus\": 418, \"fraction\": "
     "{\"numerator\": 1, \"denominator\": 1000}}, \"headers\": [{\"name\": \"x-a\"}]}",
     "delays 100 % by 2000 ms, answers 1 of 1000 with 418, of requests with its headers"},
};

static void test_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena arena;
        char detail[FILTER_DETAIL_MAX] = "";
        const struct filter *f = filter_find(slice_from_cstr(rows[i].filter));
        const void *conf;
        arena_init(&arena, 1024);
        struct filter_build b = {.arena = &arena, .detail = detail};
        assert_non_null(f);
        if (filter_prepare(f, slice_from_cstr(rows[i].spec), &b, &conf))
            fail_msg("%s: %s", rows[i].spec, detail);
        assert_slice(f->describe(&arena, conf, SLICE("/")), rows[i].text);
        arena_dispose(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_in_one_line)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
