/* The rate limit service that Envoy asks, as the filter rateLimitService asks it: what it is told
 * of a request, and what becomes of that for each thing that it may answer.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/ext_auth_wire.h"

#define BACKEND "\"backendRef\":{\"name\":\"a\",\"port\":1,\"value\":\"auth\"},\"domain\":\"shop\""
#define BY_TENANT "\"descriptors\":[{\"entries\":[{\"type\":\"Header\",\"name\":\"X-Tenant\"}]}]"
#define GET_A "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\nx-tenant: a\r\n\r\n"

enum { DOMAIN = 1, DESCRIPTORS = 2, HITS = 3, ENTRIES = 1, KEY = 1, VALUE = 2 };
enum { CODE = 1, TO_CLIENT = 3, TO_BACKEND = 4, BODY = 5, OK = 1, OVER = 2 };

static struct sim_peer *open_service(struct world *w, const char *spec)
{
    static char service[] = "limits.svc";
    *w = (struct world){.is_grpc = true};
    sim_road_prepare(&w->r);
    w->auth = sim_conf_cluster(&w->r.conf, "auth");
    w->auth->service = service;
    sim_conf_endpoint(&w->r.conf, w->auth, AUTH);
    w->route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    sim_conf_name(&w->r.conf, &w->route->n_filters, &w->route->filters,
                  sim_conf_filter(&w->r.conf, "limits", "rateLimitService", spec));
    return start(w);
}

static struct slice question_of(struct sim_call *call)
{
    SAYS(call->head->path, "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit");
    return slice_of(call->body.ptr + 5, call->body.len - 5);
}

static struct slice nth(struct slice from, unsigned field, unsigned n)
{
    uint64_t ignored;
    return take_nth(from, field, n, &ignored);
}

static void expect_entry(struct slice descriptor, unsigned n, const char *key, const char *value)
{
    struct slice entry = nth(descriptor, ENTRIES, n);
    SAYS(take(entry, KEY), key);
    SAYS(take(entry, VALUE), value);
}

static struct bytes verdict(unsigned code)
{
    struct bytes all = {.len = 0};
    put_number(&all, CODE, code);
    return all;
}

static void put_header(struct bytes *to, unsigned field, const char *name, const char *value)
{
    struct bytes one = {.len = 0};
    put_text(&one, 1, name);
    put_text(&one, 2, value);
    put(to, field, &one);
}

static void it_is_told(void **state)
{
    struct world w;
    uint64_t hits;
    struct sim_peer *client = open_service(
        &w, "{" BACKEND ",\"hitsAddend\":3,\"descriptors\":["
            "{\"entries\":[{\"type\":\"IP\"},{\"type\":\"Method\"},{\"type\":\"Path\"}]},"
            "{\"entries\":[{\"type\":\"Header\",\"name\":\"X-Missing\"}]},"
            "{\"entries\":[{\"type\":\"Consumer\"}]},"
            "{\"entries\":[{\"type\":\"Value\",\"value\":\"all\"},"
            "{\"type\":\"Header\",\"name\":\"X-Tenant\",\"key\":\"tenant\"}]}]}");
    sim_peer_send(client, GET_A);
    struct sim_call *call = next_call(&w);
    struct slice asked = question_of(call);
    SAYS(take(asked, DOMAIN), "shop");
    take_nth(asked, HITS, 0, &hits);
    assert_int_equal(hits, 3);
    struct slice first = nth(asked, DESCRIPTORS, 0), second = nth(asked, DESCRIPTORS, 1);
    SAYS(take(nth(first, ENTRIES, 0), KEY), "remote_address");
    assert_true(take(nth(first, ENTRIES, 0), VALUE).len > 0);
    expect_entry(first, 1, "method", "GET");
    expect_entry(first, 2, "path", "/x");
    expect_entry(second, 0, "generic_key", "all");
    expect_entry(second, 1, "tenant", "a");
    assert_null(nth(asked, DESCRIPTORS, 2).ptr); /* whatever has a part that is not there */
    struct bytes yes = verdict(OK);
    answer(call, &yes, "0");
    expect_app(&w, client, "x-tenant: a\r\n", NULL);
    finish(&w, client);
}

static void nothing_describes_it(void **state)
{
    struct world w;
    struct sim_peer *client =
        open_service(&w, "{" BACKEND "," BY_TENANT ",\"onFailure\":\"Deny\"}");
    sim_peer_send(client, ROAD_GET);
    expect_app(&w, client, NULL, NULL);
    assert_int_equal(w.server.host.dials, 0);
    finish(&w, client);
}

static void it_passes_with_headers(void **state)
{
    struct world w;
    struct sim_peer *client = open_service(&w, "{" BACKEND "," BY_TENANT "}");
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\nx-tenant: a\r\n"
                          "x-plan: gold\r\nx_plan: gold\r\n\r\n");
    struct bytes yes = verdict(OK);
    put_header(&yes, TO_BACKEND, "X-Plan", "free");
    put_header(&yes, TO_BACKEND, "content-length", "5"); /* which no service may say */
    put_header(&yes, TO_BACKEND, "x-split", "a\r\nx-evil: 1");
    put_header(&yes, TO_CLIENT, "x-ratelimit-remaining", "9");
    answer(next_call(&w), &yes, "0");
    struct sim_peer *app = sim_road_app(&w.r);
    assert_non_null(strstr(sim_peer_got(app), "x-plan: free\r\n"));
    assert_null(strstr(sim_peer_got(app), "gold"));
    assert_null(strstr(sim_peer_got(app), "content-length"));
    assert_null(strstr(sim_peer_got(app), "x-evil"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect_part(client, "HTTP/1.1 200 OK\r\n", "x-ratelimit-remaining: 9\r\n");
    finish(&w, client);
}

static void it_refuses(void **state)
{
    struct world w;
    struct sim_peer *client =
        open_service(&w, "{" BACKEND "," BY_TENANT ",\"onFailure\":\"Deny\"}");
    struct bytes no = verdict(OVER);
    put_header(&no, TO_CLIENT, "retry-after", "7");
    put_text(&no, BODY, "slow down");
    sim_peer_send(client, GET_A);
    answer(next_call(&w), &no, "0");
    sim_turn(&w.r.sim);
    assert_non_null(strstr(sim_peer_got(client), "x-envoy-ratelimited: true\r\n"));
    assert_non_null(strstr(sim_peer_got(client), "retry-after: 7\r\n"));
    assert_non_null(strstr(sim_peer_got(client), "x-weft-reason: rate_service_limited\r\n"));
    expect_refused(&w, client, "HTTP/1.1 429 ", "\r\n\r\nslow down");
    finish(&w, client);
}

/* Neither yes nor no, in every way. */
static void it_fails(void **state)
{
    struct bytes unknown = verdict(0), other = verdict(3), yes = verdict(OK);
    struct bytes broken = {.at = {0x12, 0x7f}, .len = 2};
    const struct {
        const struct bytes *message;
        const char *status;
    } rows[] = {{&unknown, "0"}, {&other, "0"}, {&broken, "0"}, {&yes, "14"}, {&yes, ""}};
    for (unsigned i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct world w;
        bool denies = i % 2;
        struct sim_peer *client =
            open_service(&w, denies ? "{" BACKEND "," BY_TENANT ",\"onFailure\":\"Deny\"}"
                                    : "{" BACKEND "," BY_TENANT "}");
        sim_peer_send(client, GET_A);
        answer(next_call(&w), rows[i / 2].message, rows[i / 2].status);
        if (denies)
            expect_refused(&w, client, "HTTP/1.1 500 ", "rate_service_failed");
        else
            expect_app(&w, client, NULL, NULL);
        finish(&w, client);
    }
}

static void it_is_too_slow(void **state)
{
    struct world w;
    struct sim_peer *client = open_service(&w, "{" BACKEND "," BY_TENANT "}");
    sim_peer_send(client, GET_A);
    next_call(&w);
    assert_null(sim_app_accept(&w.r.app));
    sim_advance(&w.r.sim, 30); /* 20 ms is the default, as Envoy's */
    expect_app(&w, client, NULL, NULL);
    finish(&w, client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_told),
        cmocka_unit_test(nothing_describes_it),
        cmocka_unit_test(it_passes_with_headers),
        cmocka_unit_test(it_refuses),
        cmocka_unit_test(it_fails),
        cmocka_unit_test(it_is_too_slow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
