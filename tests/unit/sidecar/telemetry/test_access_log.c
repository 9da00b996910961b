/* Tests of access log lines: the exact forms, and that nothing a peer sends can break a line or a
 * field.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/access_log.h"

#include "lib/base/rand.h"
#include "lib/codec/doc/doc_json.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct access_record record(void)
{
    struct access_record r = {
        .start_ms = 1767323045678, /* 2026-01-02T03:04:05.678Z */
        .direction = SLICE("outbound"),
        .method = SLICE("GET"),
        .path = SLICE("/reviews/1?x=y"),
        .protocol = SLICE("HTTP/1.1"),
        .authority = SLICE("reviews:9080"),
        .status = 200,
        .grpc_status = -1,
        .flags = SLICE("-"),
        .details = SLICE("via_upstream"),
        .bytes_received = 0,
        .bytes_sent = 295,
        .duration_us = 12345,
        .upstream_us = 11002,
        .attempts = 1,
        .user_agent = SLICE("curl/8.1"),
        .request_id = SLICE("c0ffee"),
        .upstream_cluster = SLICE("outbound|9080||reviews"),
        .route = SLICE("default/reviews/0"),
        .is_mutual_tls = true,
    };
    assert_int_equal(addr_parse(SLICE("10.0.0.1:9080"), &r.upstream_host), ERR_OK);
    assert_int_equal(addr_parse(SLICE("10.96.0.1:9080"), &r.downstream_local), ERR_OK);
    assert_int_equal(addr_parse(SLICE("10.0.0.7:41000"), &r.downstream_remote), ERR_OK);
    return r;
}

static void expect_text(const struct access_record *r, const char *want)
{
    char line[ACCESS_LOG_LINE_MAX];
    size_t len = access_log_format_text(r, line);
    assert_slice(slice_of(line, len), want);
}

static void test_text(void **state)
{
    struct access_record r = record();
    expect_text(&r,
                "[2026-01-02T03:04:05.678Z] \"GET /reviews/1?x=y HTTP/1.1\" 200 - via_upstream - "
                "\"-\" 0 295 12 11 \"-\" \"curl/8.1\" \"c0ffee\" \"reviews:9080\" "
                "\"10.0.0.1:9080\" outbound|9080||reviews - 10.96.0.1:9080 10.0.0.7:41000 - "
                "default/reviews/0\n");
}

static void test_text_of_a_failure(void **state)
{
    struct access_record r = record();
    r.status = 403;
    r.flags = SLICE("DENY");
    r.details = SLICE("authz_denied");
    r.reason = SLICE("denied by default/deny-admin rule 1");
    r.upstream_us = -1;
    r.upstream_host = (struct addr){0};
    r.upstream_cluster = r.route = SLICE("");
    expect_text(&r, "[2026-01-02T03:04:05.678Z] \"GET /reviews/1?x=y HTTP/1.1\" 403 DENY "
                    "authz_denied - \"denied by default/deny-admin rule 1\" 0 295 12 - \"-\" "
                    "\"curl/8.1\" \"c0ffee\" \"reviews:9080\" \"-\" - - 10.96.0.1:9080 "
                    "10.0.0.7:41000 - -\n");
}

static void test_text_of_a_connection(void **state)
{
    struct access_record r = {
        .start_ms = 1767323046000,
        .protocol = SLICE("TCP"),
        .grpc_status = -1,
        .flags = SLICE("-"),
        .bytes_received = 1,
        .bytes_sent = 18446744073709551615u,
        .upstream_us = -1,
        .sni = SLICE("db.example"),
    };
    expect_text(&r, "[2026-01-02T03:04:06.000Z] \"- - TCP\" 0 - - - \"-\" 1 18446744073709551615 0 "
                    "- \"-\" \"-\" \"-\" \"-\" \"-\" - - - - db.example -\n");
}

static const struct doc *parse(struct arena *arena, const struct access_record *r)
{
    char line[ACCESS_LOG_LINE_MAX];
    struct doc_error error;
    const struct doc *json;
    size_t len = access_log_format_json(r, line);
    assert_int_equal(line[len - 1], '\n');
    assert_null(memchr(line, '\n', len - 1));
    if (doc_json_parse(slice_of(line, len), arena, &json, &error))
        fail_msg("%s in %.*s", error.text, (int)len, line);
    return json;
}

static void check_string(const struct doc *json, const char *key, const char *want)
{
    assert_slice(doc_string(doc_find(json, key)), want);
}

static int64_t integer(const struct doc *json, const char *key)
{
    const struct doc *d = doc_find(json, key);
    assert_non_null(d);
    assert_int_equal(d->type, DOC_INT);
    return d->integer;
}

static void test_json(void **state)
{
    struct arena arena;
    arena_init(&arena, 8192);
    struct access_record r = record();
    r.grpc_status = 5;
    r.source_principal = SLICE("spiffe://cluster.local/ns/a/sa/b");
    const struct doc *json = parse(&arena, &r);
    check_string(json, "start_time", "2026-01-02T03:04:05.678Z");
    check_string(json, "direction", "outbound");
    check_string(json, "method", "GET");
    check_string(json, "path", "/reviews/1?x=y");
    check_string(json, "upstream_host", "10.0.0.1:9080");
    check_string(json, "response_flags", "-");
    check_string(json, "connection_security_policy", "mutual_tls");
    check_string(json, "source_principal", "spiffe://cluster.local/ns/a/sa/b");
    assert_int_equal(integer(json, "response_code"), 200);
    assert_int_equal(integer(json, "bytes_sent"), 295);
    assert_int_equal(integer(json, "grpc_status"), 5);
    assert_int_equal(integer(json, "attempts"), 1);
    assert_float_equal(doc_find(json, "upstream_ms")->number, 11.002, 1e-9);
    assert_float_equal(doc_find(json, "duration_ms")->number, 12.345, 1e-9);
    assert_null(doc_find(json, "trace_id"));
    assert_null(doc_find(json, "upstream_local_address"));
    /* What there was not is left out; what was nothing is there. */
    r.grpc_status = r.upstream_us = -1;
    r.attempts = 0;
    json = parse(&arena, &r);
    assert_null(doc_find(json, "grpc_status"));
    assert_null(doc_find(json, "upstream_ms"));
    assert_null(doc_find(json, "attempts"));
    r.grpc_status = r.upstream_us = 0;
    json = parse(&arena, &r);
    assert_int_equal(integer(json, "grpc_status"), 0);
    assert_non_null(doc_find(json, "upstream_ms"));
    arena_reset(&arena);
    arena_dispose(&arena);
}

static void test_hostile_bytes(void **state)
{
    struct arena arena;
    arena_init(&arena, 8192);
    struct access_record r = record();
    r.user_agent = SLICE("a\"b\\c\r\nd\x1b[31m\x7f\xff\xc3\xa9");
    r.sni = SLICE("x\" 200 -\n[fake]");
    char line[ACCESS_LOG_LINE_MAX];
    size_t len = access_log_format_text(&r, line);
    assert_int_equal(slice_find_byte(slice_of(line, len), '\n'), len - 1);
    assert_true(
        slice_find(slice_of(line, len),
                   SLICE("a\\\"b\\\\c\\u000d\\u000ad\\u001b[31m\\u007f\xef\xbf\xbd\xc3\xa9")) <
        len);
    const struct doc *json = parse(&arena, &r);
    check_string(json, "user_agent", "a\"b\\c\r\nd\x1b[31m\x7f\xef\xbf\xbd\xc3\xa9");
    arena_reset(&arena);
    arena_dispose(&arena);
}

/* Whatever the lengths: one line, valid, with what matters most in it. */
/* C1 controls and what turns the direction of text, in both formats. */
static void test_controls_of_unicode(void **state)
{
    struct access_record r = {.grpc_status = -1, .upstream_us = -1, .flags = SLICE("-")};
    char line[ACCESS_LOG_LINE_MAX];
    r.path = SLICE("/\xc2\x9b|\xe2\x80\xae\xe2\x81\xa6\xe2\x80\x8f/caf\xc3\xa9");
    r.user_agent = r.sni = r.authority = r.path;
    for (unsigned json = 0; json < 2; json++) {
        size_t len = json ? access_log_format_json(&r, line) : access_log_format_text(&r, line);
        line[len] = '\0';
        assert_null(strstr(line, "\xc2\x9b"));
        assert_null(strstr(line, "\xe2\x80"));
        assert_null(strstr(line, "\xe2\x81"));
        const char *at = line;
        for (unsigned i = 0; i < 4; i++) {
            at = strstr(at, "/\\u009b|\\u202e\\u2066\\u200f/caf\xc3\xa9");
            assert_non_null(at);
            at++;
        }
    }
}

static void test_everything_too_long(void **state)
{
    struct arena arena;
    arena_init(&arena, 8192);
    static char big[20000];
    struct slice *fields[16];
    struct access_record r = record();
    struct rand_state rand;
    size_t n = 0;
    fields[n++] = &r.path;
    fields[n++] = &r.user_agent;
    fields[n++] = &r.authority;
    fields[n++] = &r.reason;
    fields[n++] = &r.forwarded_for;
    fields[n++] = &r.request_id;
    fields[n++] = &r.sni;
    fields[n++] = &r.source_principal;
    fields[n++] = &r.method;
    rand_seed(&rand, 7);
    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < sizeof(big); i++)
            big[i] = round % 2 ? (char)rand_next(&rand) : '\x01';
        for (size_t i = 0; i < n; i++)
            *fields[i] = slice_of(big + rand_below(&rand, 1000), rand_below(&rand, 9000));
        char line[ACCESS_LOG_LINE_MAX];
        size_t len = access_log_format_text(&r, line);
        assert_true(len <= sizeof(line));
        assert_int_equal(slice_find_byte(slice_of(line, len), '\n'), len - 1);
        const struct doc *json = parse(&arena, &r);
        assert_int_equal(integer(json, "response_code"), 200);
        arena_reset(&arena);
    }
    arena_dispose(&arena);
}

static void test_times(void **state)
{
    struct access_record r = record();
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        {0, "[1970-01-01T00:00:00.000Z]"},
        {-5, "[1970-01-01T00:00:00.000Z]"},
        {1709251199999, "[2024-02-29T23:59:59.999Z]"},
        {1709251200000, "[2024-03-01T00:00:00.000Z]"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char line[ACCESS_LOG_LINE_MAX];
        r.start_ms = rows[i].ms;
        size_t len = access_log_format_text(&r, line);
        assert_true(slice_starts_with(slice_of(line, len), slice_from_cstr(rows[i].want)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_text_of_a_failure),
        cmocka_unit_test(test_text_of_a_connection),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_hostile_bytes),
        cmocka_unit_test(test_controls_of_unicode),
        cmocka_unit_test(test_everything_too_long),
        cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
