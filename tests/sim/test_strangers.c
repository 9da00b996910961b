/* What strangers read at a gateway when something fails: the status, its name and the request's id,
 * and nothing of services, policies or addresses; metrics and the log have the rest.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "sidecar/exchange/exchange_priv.h"
#include "sidecar/exchange/exchange_run.h"
#include "tests/sim/sim_door.h"

#define DETAIL "Service shop/vault at 10.0.0.9:8443, denied by policy shop/keep-out"

struct gate {
    struct sim_door d;
    struct sim_client client;
};

static void open_gate(struct gate *g, enum http_protocol protocol,
                      Weft__Config__V1__FailureDetails details, const char *trusted)
{
    sim_door_prepare(&g->d);
    sim_gateway *gateway = sim_conf_gateway(&g->d.conf, 8000, "one");
    sim_clients *clients = sim_conf_clients(&g->d.conf, gateway);
    clients->failure_details = details;
    if (trusted)
        sim_conf_trust(&g->d.conf, clients, trusted);
    sim_door_start(&g->d);
    sim_client_open(&g->client, sim_node_dial_gateway(&g->d.node, 8000), protocol);
}

static void close_gate(struct gate *g)
{
    sim_client_close(&g->client);
    sim_node_check_idle(&g->d.node);
    sim_door_close(&g->d);
}

/* A request that is on its way to the app. */
static struct sim_call *ask(struct gate *g, bool is_grpc)
{
    struct sim_call *c = sim_client_make(&g->client);
    struct message *m = sim_call_request(c, "POST", "shop", "/x");
    sim_call_add(m, c, "x-request-id", "id-of-it");
    if (is_grpc)
        sim_call_add(m, c, "content-type", "application/grpc");
    sim_client_send(&g->client, c, m, false);
    sim_call_send(c, "ping", true);
    sim_turn(&g->d.sim);
    assert_false(c->done);
    return c;
}

static void break_off(struct gate *g, enum fail why)
{
    struct session *s = container_of(g->d.node.worker.sessions.next, struct session, node);
    struct exchange *ex = container_of(s->exchanges.next, struct exchange, node);
    assert_int_equal(ex->magic, EXCHANGE_MAGIC);
    exchange_fail(ex, why, SLICE(DETAIL));
    exchange_wake(ex);
    sim_turn(&g->d.sim);
}

static bool has_word(struct slice text, const char *word)
{
    return slice_find(text, slice_from_cstr(word)) < text.len;
}

static void expect_nothing_of_us(struct slice text, enum fail why)
{
    static const char *const internal[] = {"shop/", "vault", "10.0.0", "keep-out", "policy",
                                           "weft",  "one",   "sidecar"};
    const struct fail_info *info = fail_info(why);
    for (size_t i = 0; i < sizeof(internal) / sizeof(internal[0]); i++)
        if (has_word(text, internal[i]))
            fail_msg("%.*s: \"%.*s\"", SLICE_ARG(info->label), SLICE_ARG(text));
    assert_true(info->is_public || slice_find(text, info->text) == text.len);
    assert_true(slice_find(text, info->label) == text.len);
}

static void expect_short(struct sim_call *c, enum fail why, bool is_grpc)
{
    const struct fail_info *info = fail_info(why);
    char body[128];
    assert_true(c->done);
    for (uint32_t i = 0; i < c->head->headers.count; i++) {
        expect_nothing_of_us(c->head->headers.items[i].name, why);
        expect_nothing_of_us(c->head->headers.items[i].value, why);
    }
    assert_string_equal(sim_call_header(c, "x-request-id"), "id-of-it");
    if (is_grpc) {
        assert_int_equal(c->head->status, 200);
        snprintf(body, sizeof(body), "%u", info->grpc_status);
        assert_string_equal(sim_call_header(c, "grpc-status"), body);
        return;
    }
    assert_int_equal(c->head->status, info->http_status);
    if (info->is_public) {
        expect_nothing_of_us(slice_from_cstr(sim_text_get(&c->body)), why);
        snprintf(body, sizeof(body), "%.*s\n", SLICE_ARG(info->text));
    } else {
        snprintf(body, sizeof(body), "%u %s\nrequest id: id-of-it\n", info->http_status,
                 message_reason(info->http_status));
    }
    assert_string_equal(sim_text_get(&c->body), body);
}

static void every_failure(void **state)
{
    static const enum http_protocol protocols[] = {HTTP_PROTOCOL_1, HTTP_PROTOCOL_2};
    for (unsigned f = FAIL_NONE + 1; f < fail_total(); f++) {
        for (unsigned i = 0; i < 4; i++) {
            struct gate g;
            bool is_grpc = i / 2;
            open_gate(&g, protocols[i % 2],
                      WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_INTERNAL, NULL);
            struct sim_call *c = ask(&g, is_grpc);
            break_off(&g, (enum fail)f);
            expect_short(c, (enum fail)f, is_grpc);
            assert_int_equal(sim_report.fail, f); /* metrics know */
            close_gate(&g);
        }
    }
}

static void who_is_told(void **state)
{
    static const struct {
        Weft__Config__V1__FailureDetails details;
        const char *trusted;
        bool told;
    } cases[] = {
        {WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_ALWAYS, NULL, true},
        {WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_INTERNAL, NULL, false},
        {WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_INTERNAL, "198.18.0.0/15", false},
        {WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_INTERNAL, "0.0.0.0/0", true},
        {WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_NEVER, "0.0.0.0/0", false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gate g;
        open_gate(&g, HTTP_PROTOCOL_1, cases[i].details, cases[i].trusted);
        struct sim_call *c = ask(&g, false);
        break_off(&g, FAIL_AUTHZ_DENIED);
        assert_int_equal(c->head->status, 403);
        assert_string_equal(sim_call_header(c, "x-weft-reason"),
                            cases[i].told ? "authz_denied" : "");
        assert_int_equal(strstr(sim_text_get(&c->body), DETAIL) != NULL, cases[i].told);
        close_gate(&g);
    }
}

/* Through a proxy that is trusted, it is the client that counts. */
static void a_stranger_behind_a_trusted_proxy(void **state)
{
    struct sim_door d;
    sim_door_prepare(&d);
    sim_gateway *gateway = sim_conf_gateway(&d.conf, 8000, "one");
    sim_clients *clients = sim_conf_clients(&d.conf, gateway);
    clients->failure_details = WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_INTERNAL;
    clients->trust->hops = 1;
    sim_conf_trust(&d.conf, clients, "192.168.0.0/16");
    sim_door_start(&d);
    static const char *const froms[] = {"203.0.113.9", "unknown", "192.168.1.1"};
    for (unsigned i = 0; i < 3; i++) {
        char request[256];
        struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
        snprintf(request, sizeof(request),
                 "GET /x HTTP/1.1\r\nhost: shop\r\nconnection: close\r\nx-forwarded-for: %s\r\n"
                 "content.length: 1\r\n\r\n",
                 froms[i]);
        sim_peer_send(client, request);
        sim_turn(&d.sim);
        assert_int_equal(strstr(sim_peer_got(client), "x-weft-reason") != NULL, i == 2);
        sim_door_done(&d, client);
    }
    sim_door_close(&d);
}

/* What the codec refuses has no reason either. */
static void malformed_requests(void **state)
{
    static const char *const bad[] = {
        "GET /x HTTP/1.1\r\n\r\n",
        "G=T /x HTTP/1.1\r\nhost: a\r\n\r\n",
        "GET /x HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
        "GET /x HTTP/3.0\r\nhost: a\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sim_door d;
        sim_door_prepare(&d);
        sim_conf_clients(&d.conf, sim_conf_gateway(&d.conf, 8000, "one"))->failure_details =
            WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_INTERNAL;
        sim_door_start(&d);
        struct sim_peer *client = sim_node_connect_gateway(&d.node, 8000);
        sim_peer_send(client, bad[i]);
        sim_turn(&d.sim);
        const char *got = sim_peer_got(client), *body = strstr(got, "\r\n\r\n");
        assert_non_null(body);
        assert_null(strstr(got, "weft"));
        assert_int_equal(strlen(body + 4), strcspn(got + 9, "\r") + 1); /* "400 Bad Request" */
        assert_memory_equal(body + 4, got + 9, strlen(body + 4) - 1);
        sim_door_done(&d, client);
        sim_door_close(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_failure),
        cmocka_unit_test(who_is_told),
        cmocka_unit_test(a_stranger_behind_a_trusted_proxy),
        cmocka_unit_test(malformed_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
