/* Tests of counting: series and their labels, bounds, copies, merging, and the text that scrapers
 * read.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/metrics.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static struct metrics_key key_of(const char *workload)
{
    return (struct metrics_key){
        .source = {.workload = SLICE("frontend-1"),
                   .namespace_name = SLICE("shop"),
                   .principal = SLICE("spiffe://cluster.local/ns/shop/sa/frontend")},
        .destination = {.workload = slice_from_cstr(workload), .namespace_name = SLICE("shop")},
        .service = {.host = SLICE("reviews.shop.svc.cluster.local"),
                    .name = SLICE("reviews"),
                    .namespace_name = SLICE("shop")},
        .reporter = METRICS_SOURCE,
        .security = METRICS_MUTUAL_TLS,
        .protocol = METRICS_HTTP,
        .status = 200,
        .grpc_status = METRICS_NO_GRPC_STATUS,
    };
}

/* The rendered text; mem_free its ptr. */
static struct slice render(const struct metrics_shard *m)
{
    struct buf out;
    buf_init(&out);
    metrics_shard_render(m, &out);
    char *text = mem_alloc(out.len);
    struct slice all = {text, out.len};
    buf_copy_out(&out, text, out.len);
    buf_dispose(&out);
    return all;
}

static void drop(struct slice text)
{
    mem_free((void *)(uintptr_t)text.ptr);
}

static void expect(const struct metrics_shard *m, const char *line)
{
    struct slice text = render(m);
    if (slice_find(text, slice_from_cstr(line)) == text.len)
        fail_msg("no \"%s\" in:\n%.*s", line, SLICE_ARG(text));
    drop(text);
}

static unsigned count_lines(const struct metrics_shard *m, const char *prefix)
{
    unsigned n = 0;
    struct slice text = render(m), rest = text, line;
    while (slice_split(&rest, '\n', &line))
        n += slice_starts_with(line, slice_from_cstr(prefix));
    drop(text);
    return n;
}

#define LABELS                                                                                     \
    "{reporter=\"source\",source_workload=\"frontend-1\",source_workload_namespace=\"shop\","      \
    "source_principal=\"spiffe://cluster.local/ns/shop/sa/frontend\","                             \
    "destination_workload=\"reviews-1\",destination_workload_namespace=\"shop\","                  \
    "destination_principal=\"unknown\","                                                           \
    "destination_service=\"reviews.shop.svc.cluster.local\",destination_service_name=\"reviews\"," \
    "destination_service_namespace=\"shop\",request_protocol=\"http\",response_code=\"200\","      \
    "response_flags=\"-\",connection_security_policy=\"mutual_tls\""

static void test_request(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key key = key_of("reviews-1");
    metrics_request(m, &key, 1500, 10, 100);
    metrics_request(m, &key, 2500, 0, 20000);
    expect(m, "istio_requests_total" LABELS "} 2\n");
    expect(m, "istio_request_duration_milliseconds_bucket" LABELS ",le=\"1\"} 0\n");
    expect(m, "istio_request_duration_milliseconds_bucket" LABELS ",le=\"5\"} 2\n");
    expect(m, "istio_request_duration_milliseconds_sum" LABELS "} 4.000\n");
    assert_int_equal(count_lines(m, "istio_request_bytes"), 0);
    metrics_shard_destroy(m);
}

/* Off at first; a series that is there already gets them, and loses them, and keeps the rest. */
static void test_sizes_are_counted_on_demand(void **state)
{
    struct metrics_shard *m = metrics_shard_create(1);
    struct metrics_key key = key_of("reviews-1");
    metrics_request(m, &key, 1500, 10, 100);
    metrics_shard_count_sizes(m, true);
    metrics_request(m, &key, 2500, 10, 100);
    metrics_request(m, &key, 2500, 0, 20000);
    struct metrics_shard *sum = metrics_shard_copy(m, 0);
    metrics_shard_merge(sum, m);
    expect(m, "istio_requests_total" LABELS "} 3\n");
    expect(m, "istio_request_bytes_bucket" LABELS ",le=\"100\"} 2\n");
    expect(m, "istio_request_bytes_sum" LABELS "} 10\n");
    expect(m, "istio_response_bytes_count" LABELS "} 2\n");
    expect(m, "istio_response_bytes_sum" LABELS "} 20100\n");
    expect(sum, "istio_response_bytes_sum" LABELS "} 40200\n");
    metrics_shard_count_sizes(m, false);
    metrics_request(m, &key, 2500, 0, 20000);
    assert_int_equal(count_lines(m, "istio_response_bytes"), 0);
    expect(m, "istio_requests_total" LABELS "} 4\n");
    metrics_shard_destroy(sum);
    metrics_shard_destroy(m);
}

/* What a page costs for each series, with labels as they are in a cluster. */
static void test_a_series_is_short(void **state)
{
    struct metrics_shard *m = metrics_shard_create(1);
    struct slice before = render(m);
    struct metrics_key key = key_of("reviews-v1-6dcbcb6b8-x7x2p");
    key.source.workload = SLICE("frontend-7f8bd9c6c8-5sq6d");
    key.destination.principal = SLICE("spiffe://cluster.local/ns/shop/sa/reviews");
    metrics_request(m, &key, 1500, 10, 100);
    struct slice after = render(m);
    if (after.len - before.len > 8192)
        fail_msg("%zu bytes", after.len - before.len);
    drop(before);
    drop(after);
    metrics_shard_destroy(m);
}

/* Piece by piece it is the same text, and no piece is much longer than was asked for. */
static void test_pages_come_in_pieces(void **state)
{
    struct metrics_shard *m = metrics_shard_create(1);
    char name[32];
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "w%u", i);
        struct metrics_key key = key_of(name);
        key.protocol = i % 2 ? METRICS_TCP : METRICS_HTTP;
        metrics_request(m, &key, 1, 1, 1);
    }
    struct slice whole = render(m);
    struct metrics_cursor cursor = {0};
    struct buf piece, all;
    unsigned pieces = 0;
    bool goes_on = true;
    for (buf_init(&all); goes_on; pieces++) {
        buf_init(&piece);
        goes_on = metrics_shard_render_some(m, &cursor, &piece, 4096);
        assert_true(piece.len < 4096 + 16384);
        assert_true(piece.len >= 4096 || !goes_on);
        buf_move_all(&all, &piece);
    }
    assert_true(pieces > 50);
    assert_int_equal(all.len, whole.len);
    char *text = mem_alloc(all.len);
    buf_copy_out(&all, text, all.len);
    assert_memory_equal(text, whole.ptr, whole.len);
    mem_free(text);
    buf_dispose(&all);
    drop(whole);
    metrics_shard_destroy(m);
}

/* However long the names: the texts of all series together stay within the share. */
static void test_texts_are_bounded(void **state)
{
    enum { WORKERS = 16, LONG = 2000 };
    char name[LONG];
    for (unsigned which = 0; which < 9; which++) {
        struct metrics_shard *m = metrics_shard_create(WORKERS);
        unsigned made = 0;
        for (unsigned i = 0; i < 1500; i++) {
            memset(name, 'a', sizeof(name));
            snprintf(name, sizeof(name), "%u", i);
            struct metrics_key key = {0};
            struct slice *texts[] = {&key.source.workload,
                                     &key.source.namespace_name,
                                     &key.source.principal,
                                     &key.destination.workload,
                                     &key.destination.namespace_name,
                                     &key.destination.principal,
                                     &key.service.host,
                                     &key.service.name,
                                     &key.service.namespace_name};
            *texts[which] = slice_of(name, sizeof(name));
            key.protocol = METRICS_TCP;
            metrics_tcp_opened(m, &key);
        }
        made = count_lines(m, "istio_tcp_connections_opened_total{");
        assert_true(made > 50 && (made - 1) * LONG <= METRICS_TEXT_MAX / WORKERS);
        expect(m, "destination_service=\"overflow\"");
        /* What has been idle makes room. */
        metrics_shard_expire(m, 1);
        metrics_shard_expire(m, 1 + METRICS_IDLE_MS);
        assert_int_equal(count_lines(m, "istio_tcp_connections_opened_total{"), 1);
        struct metrics_key key = key_of("new");
        metrics_request(m, &key, 1, 1, 1);
        assert_int_equal(count_lines(m, "istio_requests_total{"), 1);
        metrics_shard_destroy(m);
    }
}

static void test_every_label_makes_a_series(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key key = key_of("a");
    metrics_request(m, &key, 1, 1, 1);
    key.status = 503;
    metrics_request(m, &key, 1, 1, 1);
    key.fail = FAIL_NO_ENDPOINT;
    metrics_request(m, &key, 1, 1, 1);
    key.security = METRICS_PLAINTEXT;
    metrics_request(m, &key, 1, 1, 1);
    key.reporter = METRICS_DESTINATION;
    metrics_request(m, &key, 1, 1, 1);
    key.protocol = METRICS_GRPC;
    metrics_request(m, &key, 1, 1, 1);
    key.grpc_status = 14;
    metrics_request(m, &key, 1, 1, 1);
    key.source.workload = SLICE("other");
    metrics_request(m, &key, 1, 1, 1);
    key.destination.principal = SLICE("spiffe://x");
    metrics_request(m, &key, 1, 1, 1);
    key.service.name = SLICE("y");
    metrics_request(m, &key, 1, 1, 1);
    assert_int_equal(count_lines(m, "istio_requests_total{"), 10);
    expect(m, "grpc_response_status=\"14\"} 1");
    expect(m, "response_flags=\"UH\"");
    metrics_shard_destroy(m);
}

/* Failures that share a flag share a series: two samples with the same labels would be refused. */
static void test_flags_are_shared(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key key = key_of("a");
    key.status = 503;
    key.fail = FAIL_CONNECT_FAILED;
    metrics_request(m, &key, 1, 1, 1);
    key.fail = FAIL_CONNECT_TIMEOUT;
    metrics_request(m, &key, 1, 1, 1);
    assert_int_equal(count_lines(m, "istio_requests_total{"), 1);
    expect(m, "response_flags=\"UF\",connection_security_policy=\"mutual_tls\"} 2");
    metrics_shard_destroy(m);
}

/* A hash that the caller kept finds the same series as one that is computed, and "unknown" is what
 * nothing is. */
static void test_kept_hashes(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key key = key_of("");
    metrics_request(m, &key, 1, 1, 1);
    key.destination.workload = SLICE("unknown");
    metrics_request(m, &key, 1, 1, 1);
    key.source.hash = metrics_party_hash(&key.source);
    key.destination.hash = metrics_party_hash(&key.destination);
    key.service.hash = metrics_service_hash(&key.service);
    metrics_request(m, &key, 1, 1, 1);
    assert_int_equal(count_lines(m, "istio_requests_total{"), 1);
    expect(m, "} 3\n");
    metrics_shard_destroy(m);
}

static void test_tcp(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key key = key_of("db-0");
    key.protocol = METRICS_TCP;
    key.status = 0;
    metrics_tcp_opened(m, &key);
    metrics_tcp_bytes(m, &key, 1000, 50);
    metrics_tcp_bytes(m, &key, 1, 2);
    metrics_tcp_closed(m, &key);
    expect(m, "request_protocol=\"tcp\",response_flags=\"-\",connection_security_policy="
              "\"mutual_tls\"} 1001\n");
    assert_int_equal(count_lines(m, "istio_tcp_sent_bytes_total{"), 1);
    assert_int_equal(count_lines(m, "istio_tcp_received_bytes_total{"), 1);
    assert_int_equal(count_lines(m, "istio_tcp_connections_opened_total{"), 1);
    assert_int_equal(count_lines(m, "istio_tcp_connections_closed_total{"), 1);
    assert_int_equal(count_lines(m, "istio_requests_total{"), 0);
    metrics_shard_destroy(m);
}

/* Whoever makes up names cannot make us grow. */
static void test_series_are_bounded(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    char name[32];
    for (unsigned i = 0; i < METRICS_SERIES_MAX + 500; i++) {
        snprintf(name, sizeof(name), "w%u", i);
        struct metrics_key key = key_of(name);
        key.protocol = METRICS_TCP;
        metrics_tcp_opened(m, &key);
        key.protocol = METRICS_HTTP;
        if (i >= METRICS_SERIES_MAX)
            metrics_request(m, &key, 1, 1, 1);
    }
    assert_int_equal(count_lines(m, "istio_tcp_connections_opened_total{"), METRICS_SERIES_MAX + 1);
    assert_int_equal(count_lines(m, "istio_requests_total{"), 1);
    expect(m, "destination_service=\"overflow\"");
    expect(m, "weft_metric_series_overflow_total 1000\n");
    /* Known ones are still told apart. */
    struct metrics_key known = key_of("w7");
    known.protocol = METRICS_TCP;
    metrics_tcp_opened(m, &known);
    expect(m, "weft_metric_series_overflow_total 1000\n");
    metrics_shard_destroy(m);
}

static void test_steady_state_allocates_nothing(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key key = key_of("a");
    metrics_request(m, &key, 1, 1, 1);
    uint64_t before = mem_fresh_count();
    for (int i = 0; i < 1000; i++)
        metrics_request(m, &key, 1, 1, 1);
    assert_int_equal(mem_fresh_count(), before);
    metrics_shard_destroy(m);
}

static void test_idle_series_go(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key a = key_of("a"), b = key_of("b");
    metrics_request(m, &a, 1, 1, 1);
    metrics_request(m, &b, 1, 1, 1);
    metrics_shard_destroy(metrics_shard_copy(m, 1000000));
    metrics_request(m, &b, 1, 1, 1);
    metrics_shard_destroy(metrics_shard_copy(m, 1000000 + METRICS_IDLE_MS - 1));
    assert_int_equal(count_lines(m, "istio_requests_total{"), 2);
    metrics_shard_destroy(metrics_shard_copy(m, 1000000 + METRICS_IDLE_MS));
    assert_int_equal(count_lines(m, "istio_requests_total{"), 1);
    expect(m, "destination_workload=\"b\"");
    /* And it may come back, from nothing. */
    metrics_request(m, &a, 1, 1, 1);
    metrics_request(m, &b, 1, 1, 1);
    assert_int_equal(count_lines(m, "istio_requests_total{"), 2);
    metrics_shard_destroy(m);
}

static void test_merge(void **state)
{
    struct metrics_shard *one = metrics_shard_create(0), *two = metrics_shard_create(1);
    struct metrics_key a = key_of("a"), b = key_of("b");
    metrics_request(one, &a, 1000, 1, 1);
    metrics_request(two, &a, 2000, 1, 1);
    metrics_request(two, &b, 1, 1, 1);
    metrics_count_retry(one);
    metrics_count_retry(two);
    metrics_set(two, METRICS_SESSIONS, 5);
    metrics_count_handshake(one, true);
    metrics_count_handshake(two, true);
    metrics_count_handshake_failure(two, ERR_UNTRUSTED);
    metrics_count_plaintext(two, SLICE("10.0.0.\"1\""));
    struct metrics_shard *sum = metrics_shard_copy(one, 1);
    struct metrics_shard *other = metrics_shard_copy(two, 1);
    metrics_shard_merge(sum, other);
    metrics_shard_destroy(other);
    assert_int_equal(count_lines(sum, "istio_requests_total{"), 2);
    expect(sum, "connection_security_policy=\"mutual_tls\"} 3.000\n");
    expect(sum, "weft_retries_total 2\n");
    expect(sum, "weft_sessions_active 5\n");
    expect(sum, "weft_tls_handshakes_total{result=\"ok\"} 2\n");
    expect(sum, "weft_tls_handshakes_total{result=\"untrusted\"} 1\n");
    expect(sum, "weft_plaintext_requests_total{source=\"10.0.0.\\\"1\\\"\"} 1\n");
    /* The shards themselves are as they were. */
    assert_int_equal(count_lines(one, "istio_requests_total{"), 1);
    expect(one, "weft_retries_total 1\n");
    metrics_shard_destroy(sum);
    metrics_shard_destroy(one);
    metrics_shard_destroy(two);
}

static void test_overflow_merges(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0), *sum = metrics_shard_create(1);
    char name[32];
    for (unsigned i = 0; i <= METRICS_SERIES_MAX; i++) {
        snprintf(name, sizeof(name), "w%u", i);
        struct metrics_key key = key_of(name);
        key.protocol = METRICS_TCP;
        metrics_tcp_opened(m, &key);
    }
    metrics_shard_merge(sum, m);
    metrics_shard_merge(sum, m);
    assert_int_equal(count_lines(sum, "istio_tcp_connections_opened_total{"),
                     METRICS_SERIES_MAX + 1);
    expect(sum, "destination_service_namespace=\"overflow\",request_protocol=\"tcp\","
                "response_flags=\"-\","
                "connection_security_policy=\"unknown\"} 2\n");
    metrics_shard_destroy(sum);
    metrics_shard_destroy(m);
}

static void test_labels_are_bounded(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    char name[32];
    for (unsigned i = 0; i < METRICS_LABELS_MAX + 50; i++) {
        snprintf(name, sizeof(name), "10.0.0.%u", i);
        metrics_count_plaintext(m, slice_from_cstr(name));
    }
    assert_int_equal(count_lines(m, "weft_plaintext_requests_total{"), METRICS_LABELS_MAX + 1);
    expect(m, "weft_plaintext_requests_total{source=\"other\"} 50\n");
    metrics_shard_destroy(m);
}

/* A catalogue of consumers is large, and still no more than so many. */
static void test_consumers(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0), *sum = metrics_shard_create(0);
    char name[32];
    metrics_count_consumer(m, SLICE("shop/app"), 200);
    metrics_count_consumer(m, SLICE("shop/app"), 200);
    metrics_count_consumer(m, SLICE("shop/app"), 429);
    for (unsigned i = 0; i < METRICS_CONSUMERS_MAX; i++) {
        snprintf(name, sizeof(name), "shop/%u", i);
        metrics_count_consumer(m, slice_from_cstr(name), 403);
    }
    metrics_shard_merge(sum, m);
    expect(sum, "weft_consumer_requests_total{consumer=\"shop/app\",response_code=\"200\"} 2\n");
    expect(sum, "weft_consumer_requests_total{consumer=\"shop/app\",response_code=\"429\"} 1\n");
    expect(sum, "weft_consumer_requests_total{consumer=\"other\",response_code=\"403\"} 2\n");
    metrics_shard_destroy(sum);
    metrics_shard_destroy(m);
}

/* Every sample has its HELP and TYPE, each once, and no two samples are the same. */
static void test_text_is_well_formed(void **state)
{
    struct metrics_shard *m = metrics_shard_create(0);
    struct metrics_key key = key_of("a"), other = key_of("b");
    metrics_request(m, &key, 1, 1, 1);
    metrics_request(m, &other, 1, 1, 1);
    char name[128] = "", seen[16384] = "\n";
    struct slice text = render(m), rest = text, line;
    while (slice_split(&rest, '\n', &line) && line.len) {
        if (slice_starts_with(line, SLICE("# HELP "))) {
            line = slice_sub(line, 7, line.len);
            snprintf(name, sizeof(name), "%.*s", (int)slice_find_byte(line, ' '), line.ptr);
            char mark[140];
            snprintf(mark, sizeof(mark), "\n%s\n", name);
            if (strstr(seen, mark))
                fail_msg("%s: HELP twice", name);
            size_t len = strlen(seen);
            assert_true(len + strlen(mark) < sizeof(seen));
            snprintf(seen + len, sizeof(seen) - len, "%s", mark + 1);
            continue;
        }
        assert_true(*name); /* no sample before its HELP */
        if (slice_starts_with(line, SLICE("# TYPE ")))
            line = slice_sub(line, 7, line.len);
        assert_true(slice_starts_with(line, slice_from_cstr(name)));
    }
    drop(text);
    expect(m, "weft_build_info{version=\"");
    metrics_shard_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_sizes_are_counted_on_demand),
        cmocka_unit_test(test_a_series_is_short),
        cmocka_unit_test(test_pages_come_in_pieces),
        cmocka_unit_test(test_texts_are_bounded),
        cmocka_unit_test(test_every_label_makes_a_series),
        cmocka_unit_test(test_flags_are_shared),
        cmocka_unit_test(test_kept_hashes),
        cmocka_unit_test(test_tcp),
        cmocka_unit_test(test_series_are_bounded),
        cmocka_unit_test(test_steady_state_allocates_nothing),
        cmocka_unit_test(test_idle_series_go),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_overflow_merges),
        cmocka_unit_test(test_labels_are_bounded),
        cmocka_unit_test(test_consumers),
        cmocka_unit_test(test_text_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
