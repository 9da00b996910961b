/* Tests of lines in formats of users' own: the three languages, that a line stays a line and JSON
 * stays JSON whatever peers send, and which requests have one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/access_format.h"

#include "filters/log/log_rule.h"
#include "lib/base/rand.h"
#include "lib/codec/doc/doc_json.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct arena arena;
static struct headers request_headers, response_headers;

static struct access_record record(void)
{
    struct access_record r = {
        .start_ms = 1767323045678, /* 2026-01-02T03:04:05.678Z */
        .direction = SLICE("ingress"),
        .method = SLICE("GET"),
        .path = SLICE("/reviews/1?x=y"),
        .protocol = SLICE("HTTP/1.1"),
        .authority = SLICE("reviews:9080"),
        .status = 200,
        .grpc_status = -1,
        .flags = SLICE("-"),
        .details = SLICE("via_upstream"),
        .bytes_received = 7,
        .bytes_sent = 295,
        .duration_us = 12345,
        .upstream_us = 11002,
        .attempts = 1,
        .request_id = SLICE("c0ffee"),
        .route = SLICE("default/reviews/0"),
        .request_headers = &request_headers,
        .response_headers = &response_headers,
    };
    assert_int_equal(addr_parse(SLICE("10.0.0.1:9080"), &r.upstream_host), ERR_OK);
    assert_int_equal(addr_parse(SLICE("10.0.0.7:41000"), &r.downstream_remote), ERR_OK);
    return r;
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 4096);
    headers_init(&request_headers, &arena);
    headers_init(&response_headers, &arena);
    headers_add(&request_headers, SLICE("user-agent"), SLICE("curl \"8\"\n"))->id =
        HEADER_USER_AGENT;
    headers_add(&request_headers, SLICE("authorization"), SLICE("Bearer secret"))->id =
        HEADER_AUTHORIZATION;
    headers_add(&request_headers, SLICE("proxy-authorization"), SLICE("Basic secret"));
    headers_add(&request_headers, SLICE("x-tenant"), SLICE("shop"));
    headers_add(&response_headers, SLICE("x-cache"), SLICE("HIT"));
    headers_add(&response_headers, SLICE("set-cookie"), SLICE("a=secret"))->id = HEADER_SET_COOKIE;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_dispose(&arena);
    return 0;
}

static struct log_rule rule_of(const struct log_spec *s)
{
    char detail[FILTER_DETAIL_MAX] = "";
    struct filter_build b = {.arena = &arena, .detail = detail};
    struct log_rule rule;
    if (log_rule_prepare(&b, s, &rule))
        fail_msg("%s", detail);
    return rule;
}

static void expect(const struct log_format *f, const struct access_record *r, const char *want)
{
    char line[ACCESS_LOG_LINE_MAX];
    assert_slice(slice_of(line, access_format_line(f, r, line)), want);
}

static void three_languages(void **state)
{
    static const struct {
        const char *format, *line;
    } rows[] = {
        {"[%START_TIME%] %REQ(:METHOD)% %REQ(X-Tenant)% %RESP(X-Cache)% %RESPONSE_CODE% "
         "%DURATION%",
         "[2026-01-02T03:04:05.678Z] GET shop HIT 200 12\n"},
        {"$time_local $request_uri $uri $args $request_time $upstream_response_time "
         "$upstream_addr",
         "02/Jan/2026:03:04:05 +0000 /reviews/1?x=y /reviews/1 x=y 0.012 0.011 10.0.0.1:9080\n"},
        {"$context.requestId,$context.identity.sourceIp,$context.status.",
         "c0ffee,10.0.0.7,200.\n"},
        {"100%% $$1 $http_x_tenant. $sent_http_x_cache;$http_none",
         "100% $1 shop. HIT;-\n"},
        {"%REQ(authorization)% $http_authorization %RESP(set-cookie)% $http_cookie "
         "$http_proxy_authorization",
         "REDACTED REDACTED REDACTED - REDACTED\n"},
        {"%GRPC_STATUS_NUMBER% %RESPONSE_FLAGS% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %ROUTE_NAME%",
         "- - 1 default/reviews/0\n"},
        {"\"$http_user_agent\"", "\"curl \\\"8\\\"\\u000a\"\n"},
    };
    struct access_record r = record();
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log_format f;
        const char *why = log_format_text(&arena, slice_from_cstr(rows[i].format), &f);
        if (why)
            fail_msg("%s: %s", rows[i].format, why);
        expect(&f, &r, rows[i].line);
    }
}

static void named_forms(void **state)
{
    struct access_record r = record();
    struct log_spec s = {.is_enabled = true, .form = LOG_FORM_COMBINED, .min_duration_ms = -1};
    struct log_rule rule = rule_of(&s);
    expect(&rule.format, &r,
           "10.0.0.7 - - [02/Jan/2026:03:04:05 +0000] \"GET /reviews/1?x=y HTTP/1.1\" 200 295 "
           "\"-\" \"curl \\\"8\\\"\\u000a\"\n");
    s.form = LOG_FORM_AWS;
    rule = rule_of(&s);
    expect(&rule.format, &r,
           "{\"requestId\":\"c0ffee\",\"ip\":\"10.0.0.7\",\"requestTime\":\"02/Jan/2026:03:04:05 "
           "+0000\",\"httpMethod\":\"GET\",\"path\":\"/reviews/1\",\"routeKey\":"
           "\"default/reviews/0\",\"status\":200,\"protocol\":\"HTTP/1.1\",\"responseLength\":295,"
           "\"latency\":12,\"integrationLatency\":11,\"userAgent\":\"curl \\\"8\\\"\\u000a\"}\n");
    r.upstream_us = -1;
    s = (struct log_spec){.is_enabled = true, .min_duration_ms = -1};
    struct schema_pair members[] = {{SLICE("a\"b"), SLICE("$upstream_response_time")},
                                    {SLICE("c"), SLICE("\"$status\"")},
                                    {SLICE("d"), SLICE("")}};
    s.json = (struct schema_list){members, 3, true};
    rule = rule_of(&s);
    expect(&rule.format, &r, "{\"a\\\"b\":null,\"c\":\"\\\"200\\\"\",\"d\":\"\"}\n");
}

/* Whatever peers send, one line of JSON. */
static void nothing_breaks_a_line(void **state)
{
    static char noise[9000];
    struct log_format_json j;
    struct log_format f;
    struct rand_state seed;
    rand_seed(&seed, 7);
    log_format_json_begin(&j, &arena);
    for (unsigned i = 0; i < 30; i++) {
        struct slice name = arena_printf(&arena, "member%u", i);
        struct slice value = i % 3 == 0 ? SLICE("$status") : SLICE("$http_x_tenant$request");
        assert_null(log_format_json_member(&j, name, value));
    }
    assert_null(log_format_json_end(&j, &f));
    for (unsigned round = 0; round < 300; round++) {
        struct access_record r = record();
        size_t len = rand_next(&seed) % sizeof(noise);
        for (size_t i = 0; i < len; i++)
            noise[i] = (char)(round % 2 ? rand_next(&seed) : 0xe2);
        r.path = slice_of(noise, len);
        headers_set(&request_headers, SLICE("x-tenant"), r.path);
        char line[ACCESS_LOG_LINE_MAX];
        size_t whole = access_format_line(&f, &r, line);
        const struct doc *doc = NULL;
        struct doc_error error;
        assert_true(whole <= sizeof(line) && line[whole - 1] == '\n');
        assert_null(memchr(line, '\n', whole - 1));
        assert_int_equal(doc_json_parse(slice_of(line, whole), &arena, &doc, &error), ERR_OK);
        assert_non_null(doc_get(doc, SLICE("member29")));
    }
}

static bool wants(struct log_spec s, unsigned status, uint64_t ms, bool is_error, uint64_t random)
{
    s.is_enabled = true;
    struct log_rule rule = rule_of(&s);
    return log_rule_wants(&rule, status, ms * 1000, is_error, random);
}

static void which_requests(void **state)
{
    struct slice texts[] = {SLICE("404"), SLICE("5xx")};
    struct log_spec all = {.min_duration_ms = -1, .sample = 100000}, some = all;
    some.statuses = (struct schema_list){texts, 2, true};
    assert_true(wants(all, 200, 0, false, 99999));
    assert_true(wants(some, 404, 0, false, 0) && wants(some, 500, 0, false, 0));
    assert_true(wants(some, 599, 0, false, 0));
    assert_false(wants(some, 403, 0, false, 0) || wants(some, 405, 0, false, 0));
    assert_false(wants(some, 499, 0, true, 0) || wants(some, 0, 0, true, 0));
    some.min_duration_ms = 500; /* or slow */
    assert_true(wants(some, 200, 500, false, 0) && wants(some, 404, 1, false, 0));
    assert_false(wants(some, 200, 499, false, 0));
    struct log_spec errors = all;
    errors.only_errors = true;
    assert_true(wants(errors, 200, 0, true, 0));
    assert_false(wants(errors, 200, 9000, false, 0));
    struct log_spec half = all;
    half.sample = 500; /* 0.5 % */
    assert_true(wants(half, 200, 0, false, 499) && wants(half, 200, 0, false, 100499));
    assert_false(wants(half, 200, 0, false, 500));
    half.sample = 0;
    assert_false(wants(half, 200, 0, false, 0));
    struct log_rule off = rule_of(&all);
    off.is_enabled = false;
    assert_false(log_rule_wants(&off, 500, 1, true, 0));
}

static void too_much(void **state)
{
    static char text[4200];
    struct log_format f;
    memset(text, 'x', sizeof(text));
    assert_non_null(log_format_text(&arena, slice_of(text, 4097), &f));
    assert_null(log_format_text(&arena, slice_of(text, 4096), &f));
    for (unsigned i = 0; i < 101; i++)
        memcpy(text + (size_t)i * 8, "$status ", 8);
    assert_null(log_format_text(&arena, slice_of(text, 800), &f));
    assert_non_null(log_format_text(&arena, slice_of(text, 808), &f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_languages), cmocka_unit_test(named_forms),
        cmocka_unit_test(nothing_breaks_a_line), cmocka_unit_test(which_requests),
        cmocka_unit_test(too_much),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
