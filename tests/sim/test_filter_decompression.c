/* Bodies that are decompressed on their way: filters that look at them before the head goes on see
 * what came out, damage is told while it can be told, and who takes slowly gets all the same.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_road.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/compress/encoder.h"

#define BOTH                              \
    "{\"requests\":{\"maxRatio\":2000}," \
    "\"responses\":{\"when\":\"Always\",\"maxRatio\":2000}}"
#define DROP_A \
    "{\"request\":{\"body\":{\"remove\":[\"a\"]}},\"response\":{\"body\":{\"remove\":[\"a\"]}}}"
#define POST                                                                                   \
    "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\ncontent-type: application/json\r\n"   \
    "content-encoding: gzip\r\n"
#define OK "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\n"
#define JSON "{\"a\":1,\"b\":2}"

static sim_route *prepare(struct sim_road *r, const char *transform)
{
    sim_road_prepare(r);
    sim_route *route = sim_conf_route(&r->conf, r->destination, "/", "app");
    sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&r->conf, "unpack", "decompression", BOTH));
    if (transform)
        sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                      sim_conf_filter(&r->conf, "change", "transform", transform));
    return route;
}

static struct sim_peer *start(struct sim_road *r)
{
    sim_road_start(r);
    return sim_road_client(r);
}

static void finish(struct sim_road *r, struct sim_peer *client)
{
    sim_road_done(r, client);
    sim_road_close(r);
}

/* mem_free it. */
static char *gzip(const char *text, size_t len, size_t *size)
{
    struct encoder *e = encoder_take(CODING_GZIP, 5);
    struct buf out;
    buf_init(&out);
    assert_true(encoder_run(e, slice_of(text, len), ENCODER_END, &out));
    encoder_give(e);
    return buf_take_text(&out, size);
}

/* A message with its length, all but the last `missing` bytes of it. */
static void send_packed(struct sim_peer *to, const char *head, const char *text, size_t missing)
{
    char line[64];
    size_t size;
    char *packed = gzip(text, strlen(text), &size);
    snprintf(line, sizeof line, "content-length: %zu\r\n\r\n", size);
    sim_peer_send(to, head);
    sim_peer_send(to, line);
    sim_peer_send_bytes(to, packed, size - missing);
    mem_free(packed);
}

static void a_request_passes(void **state)
{
    struct sim_road r;
    prepare(&r, NULL);
    struct sim_peer *client = start(&r);
    send_packed(client, POST, JSON, 0);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_expect_part(app, "POST /x HTTP/1.1\r\n", "transfer-encoding: chunked\r\n");
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    assert_string_equal(sim_report.filter_event, "decompression request");
    finish(&r, client);
}

/* Who looks at the body before the head goes on sees it as the backend would. */
static void a_filter_looks_at_a_request(void **state)
{
    struct sim_road r;
    prepare(&r, DROP_A);
    struct sim_peer *client = start(&r);
    send_packed(client, POST, JSON, 0);
    struct sim_peer *app = sim_road_app(&r);
    assert_null(strstr(sim_peer_got(app), "content-encoding"));
    assert_non_null(strstr(sim_peer_got(app), "content-length: 7\r\n"));
    assert_non_null(strstr(sim_peer_got(app), "\r\n\r\n{\"b\":2}"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

static void a_filter_looks_at_a_response(void **state)
{
    struct sim_road r;
    prepare(&r, DROP_A);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    send_packed(app, OK, JSON, 0);
    sim_turn(&r.sim);
    assert_null(strstr(sim_peer_got(client), "content-encoding"));
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "content-length: 7\r\n\r\n{\"b\":2}");
    finish(&r, client);
}

static void damage_is_told_before_the_backend_hears_of_it(void **state)
{
    struct sim_road r;
    prepare(&r, DROP_A);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, POST "content-length: 13\r\n\r\n" JSON);
    sim_turn(&r.sim);
    assert_null(sim_app_accept(&r.app));
    sim_peer_expect_part(client, "HTTP/1.1 400 ", "x-weft-reason: decompression_body_invalid\r\n");
    finish(&r, client);
}

/* The length was right, and what it is the length of was not. */
static void a_request_that_is_cut_short(void **state)
{
    struct sim_road r;
    size_t size;
    char line[256], *packed = gzip(JSON, strlen(JSON), &size);
    prepare(&r, NULL);
    struct sim_peer *client = start(&r);
    snprintf(line, sizeof line, POST "content-length: %zu\r\n\r\n", size - 1);
    sim_peer_send(client, line);
    sim_peer_send_bytes(client, packed, size - 1);
    sim_turn(&r.sim);
    sim_peer_expect_part(client, "HTTP/1.1 400 ", "x-weft-reason: decompression_body_invalid\r\n");
    mem_free(packed);
    finish(&r, client);
}

static void a_damaged_response_that_a_filter_waits_for(void **state)
{
    struct sim_road r;
    prepare(&r, DROP_A);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), OK "content-length: 13\r\n\r\n" JSON);
    sim_peer_expect_part(client, "HTTP/1.1 502 ",
                         "x-weft-reason: decompression_response_invalid\r\n");
    finish(&r, client);
}

/* Its head was not sent, so that the client can still be told. */
static void a_response_that_is_damaged_from_the_start(void **state)
{
    struct sim_road r;
    prepare(&r, NULL);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    sim_peer_send(sim_road_app(&r), OK "content-length: 13\r\n\r\n" JSON);
    sim_peer_expect_part(client, "HTTP/1.1 502 ",
                         "x-weft-reason: decompression_response_invalid\r\n");
    finish(&r, client);
}

static void a_response_that_is_damaged_later(void **state)
{
    struct sim_road r;
    prepare(&r, NULL);
    struct sim_peer *client = start(&r);
    sim_peer_send(client, ROAD_GET);
    struct sim_peer *app = sim_road_app(&r);
    send_packed(app, OK, JSON, 3);
    sim_turn(&r.sim);
    assert_non_null(strstr(sim_peer_got(client), "HTTP/1.1 200 OK\r\n"));
    sim_peer_send(app, "abc");
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(client));
    assert_null(strstr(sim_peer_got(client), "\r\n0\r\n\r\n")); /* nobody takes it for whole */
    assert_string_equal(fail_info(sim_report.fail)->label.ptr, "decompression_response_invalid");
    finish(&r, client);
}

/* A copy gets what the backend gets. */
static void a_copy_of_the_request(void **state)
{
    static char app_name[] = "app";
    Weft__Config__V1__Mirror mirror = WEFT__CONFIG__V1__MIRROR__INIT, *mirrors[] = {&mirror};
    struct sim_road r;
    sim_route *route = prepare(&r, NULL);
    mirror.cluster = app_name;
    route->mirrors = mirrors;
    route->n_mirrors = 1;
    struct sim_peer *client = start(&r);
    send_packed(client, POST, JSON, 4);
    struct sim_peer *one = sim_road_app(&r), *two = sim_road_app(&r);
    size_t size;
    char *packed = gzip(JSON, strlen(JSON), &size);
    sim_peer_send_bytes(client, packed + size - 4, 4);
    mem_free(packed);
    sim_turn(&r.sim);
    assert_string_equal(sim_peer_got(one), sim_peer_got(two));
    assert_non_null(strstr(sim_peer_got(two), "\r\n\r\nd\r\n" JSON "\r\n0\r\n\r\n"));
    sim_peer_send(one, ROAD_OK);
    sim_peer_send(two, ROAD_OK);
    sim_turn(&r.sim);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* More than a window on its way in: the client is told to go on while the filter waits. */
static void a_long_request_that_a_filter_waits_for(void **state)
{
    enum { LEN = 400000 };
    static char text[LEN + 64];
    struct sim_road r;
    unsigned seed = 1;
    prepare(&r, DROP_A);
    struct sim_peer *client = start(&r);
    memcpy(text, "{\"a\":1,\"b\":\"", 12);
    for (size_t i = 12; i < LEN; i++) {
        seed = seed * 1103515245 + 12345;
        text[i] = "0123456789abcdef"[seed >> 28];
    }
    memcpy(text + LEN, "\"}", 3);
    send_packed(client, POST, text, 0);
    struct sim_peer *app = sim_road_app(&r);
    for (unsigned i = 0; i < 60; i++)
        sim_turn(&r.sim);
    assert_non_null(strstr(sim_peer_got(app), "content-length: 399996\r\n"));
    assert_non_null(strstr(sim_peer_got(app), text + 12));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* Little comes, much follows from it, and the backend takes its time. */
static void a_backend_that_takes_slowly(void **state)
{
    enum { LEN = 6 * 1024 * 1024 };
    struct sim_road r;
    size_t size;
    char *zeros = mem_alloc(LEN);
    memset(zeros, '0', LEN);
    char *packed = gzip(zeros, LEN, &size);
    char head[256];
    prepare(&r, NULL);
    struct sim_peer *client = start(&r);
    r.app.host.options.capacity = 65536; /* on the way to it */
    snprintf(head, sizeof head, POST "content-length: %zu\r\n\r\n", size);
    sim_peer_send(client, head);
    sim_peer_send_bytes(client, packed, 40);
    struct sim_peer *app = sim_road_app(&r);
    sim_peer_read(app, false);
    mem_trim();
    uint64_t before = mem_fresh_count(); /* 6 MB were 384 blocks */
    sim_peer_send_bytes(client, packed + 40, size - 40);
    for (unsigned i = 0; i < 20; i++)
        sim_turn(&r.sim);
    assert_in_range(mem_fresh_count() - before, 0, 150);
    sim_peer_read(app, true);
    for (unsigned i = 0; i < 500; i++)
        sim_turn(&r.sim);
    mem_free(packed);
    mem_free(zeros);
    size_t count = 0;
    for (const char *at = strstr(sim_peer_got(app), "\r\n\r\n"); *at; at++)
        count += *at == '0';
    assert_in_range(count, LEN, LEN + 5000); /* lengths of chunks have some too */
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    finish(&r, client);
}

/* Longer than a filter looks: what it has seen goes on, and the rest behind it. */
static struct sim_peer *long_response(struct sim_road *r, bool is_compressed)
{
    enum { LEN = 3 * 1024 * 1024 };
    char *text = mem_alloc(LEN + 1);
    memset(text, '0', LEN);
    text[LEN] = '\0';
    sim_route *route = prepare(r, NULL);
    sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&r->conf, "select", "fieldSelection", "{}"));
    if (is_compressed)
        sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                      sim_conf_filter(&r->conf, "pack", "compression", "{}"));
    struct sim_peer *client = start(r);
    sim_peer_send(client, "GET /x?fields=a HTTP/1.1\r\nhost: app\r\n"
                          "accept-encoding: gzip\r\n\r\n");
    send_packed(sim_road_app(r), OK, text, 0);
    for (unsigned i = 0; i < 300; i++)
        sim_turn(&r->sim);
    mem_free(text);
    return client;
}

static void a_response_that_is_too_long_for_a_filter(void **state)
{
    enum { LEN = 3 * 1024 * 1024 };
    struct sim_road r;
    struct sim_peer *client = long_response(&r, false);
    size_t count = 0;
    for (const char *at = strstr(sim_peer_got(client), "\r\n\r\n"); *at; at++)
        count += *at == '0';
    assert_in_range(count, LEN, LEN + 5000);
    finish(&r, client);
}

/* A filter that comes behind has all of it, from the first byte on. */
static void and_is_compressed_again(void **state)
{
    struct sim_road r;
    struct sim_peer *client = long_response(&r, true);
    const char *got = sim_peer_got(client);
    assert_non_null(strstr(got, "content-encoding: gzip\r\n"));
    const char *chunk = strstr(got, "\r\n\r\n") + 4;
    assert_memory_equal(strstr(chunk, "\r\n") + 2, "\x1f\x8b", 2);
    assert_in_range(client->in.len, 3000, 100000);
    assert_memory_equal(got + client->in.len - 7, "\r\n0\r\n\r\n", 7);
    finish(&r, client);
}

static void the_client_leaves(void **state)
{
    struct sim_road r;
    prepare(&r, DROP_A);
    struct sim_peer *client = start(&r);
    send_packed(client, POST, JSON, 2);
    sim_turn(&r.sim);
    sim_peer_reset(client);
    sim_turn(&r.sim);
    assert_int_equal(sim_report.fail, FAIL_DOWNSTREAM_GONE);
    finish(&r, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_passes),
        cmocka_unit_test(a_filter_looks_at_a_request),
        cmocka_unit_test(a_filter_looks_at_a_response),
        cmocka_unit_test(damage_is_told_before_the_backend_hears_of_it),
        cmocka_unit_test(a_request_that_is_cut_short),
        cmocka_unit_test(a_damaged_response_that_a_filter_waits_for),
        cmocka_unit_test(a_response_that_is_damaged_from_the_start),
        cmocka_unit_test(a_response_that_is_damaged_later),
        cmocka_unit_test(a_copy_of_the_request),
        cmocka_unit_test(a_long_request_that_a_filter_waits_for),
        cmocka_unit_test(a_backend_that_takes_slowly),
        cmocka_unit_test(a_response_that_is_too_long_for_a_filter),
        cmocka_unit_test(and_is_compressed_again),
        cmocka_unit_test(the_client_leaves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
