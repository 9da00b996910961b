/* What the access log is told of a request or a connection: by whom it was, where it went, how it
 * ended and how long it took; and of which it is told at all.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/access_log.h"

#include <stdio.h>
#include <string.h>

#include "filters/log/log_rule.h"
#include "sidecar/telemetry/access_format.h"
#include "sidecar/telemetry/report.h"
#include "tests/sim/sim_mesh.h"

static struct {
    unsigned count;
    char line[2048];  /* the last one */
    char other[2048]; /* the one before */
} seen;

static const char *or_dash(const struct addr *a, char text[ADDR_TEXT_MAX])
{
    return a->family ? addr_format(a, text) : "-";
}

/* In the place of the log. */
void access_log_write(const struct access_record *r, bool json)
{
    char host[ADDR_TEXT_MAX], local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX], direct[ADDR_TEXT_MAX];
    const char *client = or_dash(&r->downstream_remote, remote);
    bool is_pod = !strncmp(client, "127.0.0.1:", 10);
    seen.count++;
    memcpy(seen.other, seen.line, sizeof(seen.line));
    snprintf(seen.line, sizeof(seen.line),
             "%.*s %.*s %.*s %.*s %.*s %u grpc=%d %.*s %.*s in=%llu out=%llu ms=%llu up=%lld "
             "attempts=%u for=%.*s agent=%.*s id=%.*s trace=%.*s to=%s local=%s remote=%s same=%d "
             "cluster=%.*s route=%.*s sni=%.*s by=%.*s peer=%.*s mtls=%d json=%d",
             SLICE_ARG(r->direction), SLICE_ARG(r->method), SLICE_ARG(r->path),
             SLICE_ARG(r->protocol), SLICE_ARG(r->authority), r->status, r->grpc_status,
             SLICE_ARG(r->flags), SLICE_ARG(r->details), (unsigned long long)r->bytes_received,
             (unsigned long long)r->bytes_sent, (unsigned long long)r->duration_us / 1000,
             r->upstream_us < 0 ? -1LL : (long long)r->upstream_us / 1000, r->attempts,
             SLICE_ARG(r->forwarded_for), SLICE_ARG(r->user_agent), SLICE_ARG(r->request_id),
             SLICE_ARG(r->trace_id), or_dash(&r->upstream_host, host),
             or_dash(&r->downstream_local, local), is_pod ? "pod" : client,
             !strcmp(client, or_dash(&r->downstream_direct, direct)),
             SLICE_ARG(r->upstream_cluster), SLICE_ARG(r->route), SLICE_ARG(r->sni),
             SLICE_ARG(r->source_principal), SLICE_ARG(r->destination_principal), r->is_mutual_tls,
             json);
    assert_true(r->reason.len > 0 || r->flags.len > 0);
}

static char formatted[ACCESS_LOG_LINE_MAX + 1];

void access_format_write(const struct log_format *f, const struct access_record *r)
{
    struct log_rule rule = {.format = *f};
    seen.count++;
    formatted[0] = '\0';
    for (uint32_t i = 0; i < rule.format.count; i++)
        if (f->pieces[i].field == LOG_REQUEST_HEADER || f->pieces[i].field == LOG_RESPONSE_HEADER) {
            const struct header *h = headers_find(f->pieces[i].field == LOG_REQUEST_HEADER
                                                      ? r->request_headers
                                                      : r->response_headers,
                                                  f->pieces[i].text);
            snprintf(formatted + strlen(formatted), sizeof(formatted) - strlen(formatted), "%.*s;",
                     SLICE_ARG(h ? h->value : SLICE("-")));
        }
}

static void open_road(struct sim_road *r, Weft__Config__V1__Protocol protocol)
{
    memset(&seen, 0, sizeof(seen));
    sim_road_prepare(r);
    r->destination->protocol = protocol;
    sim_road_start(r);
    r->node.settings.access_log = ACCESS_LOG_SAID_ALL;
    r->node.settings.access_log_form = ACCESS_LOG_FORM_TEXT;
}

/* One exchange: the app answers 20 ms after the request and is done 30 ms later. */
static void exchange(struct sim_road *r, const char *request, const char *head, const char *rest)
{
    struct sim_peer *client = sim_road_client(r);
    sim_peer_send(client, request);
    struct sim_peer *app = sim_road_app(r);
    sim_advance(&r->sim, 20);
    sim_peer_send(app, head);
    sim_turn(&r->sim);
    sim_advance(&r->sim, 30);
    sim_peer_send(app, rest);
    sim_turn(&r->sim);
    sim_peer_close(app);
    sim_road_done(r, client);
}

#define POST                                                                       \
    "POST /x?y=1 HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\nuser-agent: curl\r\n" \
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"     \
    "x-forwarded-for: 192.0.2.1\r\ncontent-length: 6\r\n\r\nabcdef"

static void request(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_HTTP);
    exchange(&r, POST, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "hello");
    assert_int_equal(seen.count, 1);
    assert_string_equal(
        seen.line,
        "outbound POST /x?y=1 HTTP/1.1 app 200 grpc=-1 - via_upstream in=6 out=5 ms=50 up=20 "
        "attempts=1 for=192.0.2.1 agent=curl id=1 trace=0af7651916cd43dd8448eb211c80319c "
        "to=10.0.0.1:8080 local=10.96.0.1:80 remote=pod same=1 cluster=app route=default sni= by= "
        "peer= "
        "mtls=0 json=0");
    exchange(
        &r,
        "GET / HTTP/1.0\r\nhost: app\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319\r\n\r\n",
        "HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n", "");
    assert_non_null(strstr(seen.line, "outbound GET / HTTP/1.0 app 404 grpc=-1 - via_upstream "));
    sim_road_close(&r);
}

/* A rule of the route's counts, whatever the data plane was started with. */
static void a_rule_of_the_route(void **state)
{
    static const struct {
        const char *spec;
        unsigned lines;
        const char *formatted; /* NULL: in a form that is built in */
        bool is_json;
    } rows[] = {
        {"{\"enabled\":false}", 0, NULL, false},
        {"{\"format\":\"JSON\"}", 1, NULL, true},
        {"{\"format\":\"Text\"}", 1, NULL, false},
        {"{}", 1, NULL, true}, /* as everywhere */
        {"{\"text\":\"%REQ(X-Request-Id)% %RESP(X-A)% $http_none\"}", 1, "1;b;-;", false},
        {"{\"minDuration\":\"50ms\"}", 1, NULL, true},
        {"{\"minDuration\":\"51ms\"}", 0, NULL, false},
        {"{\"statuses\":[\"2xx\"]}", 1, NULL, true},
        {"{\"onlyErrors\":true}", 0, NULL, false},
        {"{\"samplePercent\":0}", 0, NULL, false},
    };
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sim_road r;
        memset(&seen, 0, sizeof(seen));
        formatted[0] = '\0';
        sim_road_prepare(&r);
        r.destination->protocol = SIM_HTTP;
        sim_route *route = sim_conf_route(&r.conf, r.destination, "/", "app");
        sim_conf_name(&r.conf, &route->n_filters, &route->filters,
                      sim_conf_filter(&r.conf, "log", "accessLog", rows[i].spec));
        sim_road_start(&r);
        r.node.settings.access_log =
            rows[i].lines ? ACCESS_LOG_SAID_OFF : ACCESS_LOG_SAID_ALL;
        r.node.settings.access_log_form =
            strstr(rows[i].spec, "JSON") ? ACCESS_LOG_FORM_TEXT : ACCESS_LOG_FORM_JSON;
        exchange(&r, ROAD_GET, "HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 5\r\n\r\n", "hello");
        assert_int_equal(seen.count, rows[i].lines);
        assert_string_equal(formatted, rows[i].formatted ? rows[i].formatted : "");
        if (rows[i].lines && !rows[i].formatted)
            assert_non_null(strstr(seen.line, rows[i].is_json ? " json=1" : " json=0"));
        sim_road_close(&r);
    }
}

/* What we answer ourselves names the reason and no upstream time. */
static void own_answer(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_HTTP);
    r.app.host.answer = SIM_REFUSE;
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ROAD_GET);
    sim_advance(&r.sim, 2000);
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "connect_failed");
    assert_int_equal(seen.count, 1);
    assert_non_null(strstr(seen.line, " app 503 grpc=-1 UF "));
    assert_non_null(strstr(seen.line, " up=-1 "));
    assert_null(strstr(seen.line, "via_upstream"));
    sim_road_done(&r, client);
    sim_road_close(&r);
}

#define GRPC                                                                  \
    "POST /a.B/C HTTP/1.1\r\nhost: app\r\ncontent-type: application/grpc\r\n" \
    "content-length: 0\r\n\r\n"
#define GRPC_HEAD "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\n"

/* The status of a call is in the trailers, or in the head where there is nothing else. */
static void grpc_status(void **state)
{
    static const struct {
        const char *head, *rest;
        int status;
        bool is_error;
    } cases[] = {
        {GRPC_HEAD "transfer-encoding: chunked\r\n\r\n", "0\r\ngrpc-status: 5\r\n\r\n", 5, true},
        {GRPC_HEAD "transfer-encoding: chunked\r\n\r\n", "0\r\ngrpc-status: 0\r\n\r\n", 0, false},
        {GRPC_HEAD "grpc-status: 7\r\ncontent-length: 0\r\n\r\n", "", 7, true},
        {GRPC_HEAD "grpc-status: 16\r\ncontent-length: 0\r\n\r\n", "", 16, true},
        {GRPC_HEAD "grpc-status: 17\r\ncontent-length: 0\r\n\r\n", "", -1, false},
        {GRPC_HEAD "grpc-status: x\r\ncontent-length: 0\r\n\r\n", "", -1, false},
        {GRPC_HEAD "content-length: 0\r\n\r\n", "", -1, false},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_road r;
        char part[32];
        open_road(&r, SIM_HTTP);
        exchange(&r, GRPC, cases[i].head, cases[i].rest);
        snprintf(part, sizeof(part), " 200 grpc=%d ", cases[i].status);
        assert_non_null(strstr(seen.line, part));
        assert_int_equal(sim_report.grpc_status,
                         cases[i].status < 0 ? METRICS_NO_GRPC_STATUS : cases[i].status);
        r.node.settings.access_log = ACCESS_LOG_SAID_ERRORS;
        exchange(&r, GRPC, cases[i].head, cases[i].rest);
        assert_int_equal(seen.count, 1 + cases[i].is_error);
        /* What is no call has no such status, whatever it says. */
        r.node.settings.access_log = ACCESS_LOG_SAID_ALL;
        exchange(&r, ROAD_GET, cases[i].head, cases[i].rest);
        assert_non_null(strstr(seen.line, " 200 grpc=-1 "));
        assert_int_equal(sim_report.grpc_status, METRICS_NO_GRPC_STATUS);
        sim_road_close(&r);
    }
}

static void which_are_logged(void **state)
{
    static const struct {
        enum access_log_said which;
        unsigned status;
        bool is_logged;
    } cases[] = {
        {ACCESS_LOG_SAID_OFF, 500, false},    {ACCESS_LOG_SAID_ALL, 200, true},
        {ACCESS_LOG_SAID_ERRORS, 399, false}, {ACCESS_LOG_SAID_ERRORS, 400, true},
        {ACCESS_LOG_SAID_ERRORS, 503, true},  {ACCESS_LOG_AS_MESH, 200, false},
        {ACCESS_LOG_AS_MESH, 500, false},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_road r;
        char head[64];
        open_road(&r, SIM_HTTP);
        r.node.settings.access_log = cases[i].which;
        snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\ncontent-length: 0\r\n\r\n", cases[i].status);
        exchange(&r, ROAD_GET, head, "");
        if (seen.count != cases[i].is_logged)
            fail_msg("case %u", i);
        sim_road_close(&r);
    }
}

/* What MeshConfig says, where the command line says nothing. */
static void as_the_mesh_says(void **state)
{
    static const struct {
        Weft__Config__V1__AccessLogMode mode;
        bool json;
        unsigned status;
        bool is_logged;
    } cases[] = {
        {WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ALL, false, 200, true},
        {WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ALL, true, 500, true},
        {WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ERRORS, false, 200, false},
        {WEFT__CONFIG__V1__ACCESS_LOG_MODE__ACCESS_LOG_ERRORS, true, 500, true},
    };
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_road r;
        char head[64];
        memset(&seen, 0, sizeof(seen));
        sim_road_prepare(&r);
        Weft__Config__V1__MeshSettings *m = sim_conf_mesh(&r.conf);
        m->access_log = cases[i].mode;
        m->access_log_json = cases[i].json;
        sim_road_start(&r);
        snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\ncontent-length: 0\r\n\r\n", cases[i].status);
        exchange(&r, ROAD_GET, head, "");
        assert_int_equal(seen.count, cases[i].is_logged);
        if (seen.count)
            assert_non_null(strstr(seen.line, cases[i].json ? " json=1" : " json=0"));
        sim_road_close(&r);
    }
}

static void form(void **state)
{
    struct sim_road r;
    open_road(&r, SIM_HTTP);
    r.node.settings.access_log_form = ACCESS_LOG_FORM_JSON;
    exchange(&r, ROAD_GET, ROAD_OK, "");
    assert_non_null(strstr(seen.line, " json=1"));
    r.node.settings.access_log_form = ACCESS_LOG_FORM_TEXT;
    exchange(&r, ROAD_GET, ROAD_OK, "");
    assert_non_null(strstr(seen.line, " json=0"));
    r.node.settings.access_log_form = ACCESS_LOG_FORM_AS_MESH; /* where nobody says: JSON */
    exchange(&r, ROAD_GET, ROAD_OK, "");
    assert_non_null(strstr(seen.line, " json=1"));
    sim_road_close(&r);
}

static void connection(void **state)
{
    for (int is_cut = 0; is_cut < 2; is_cut++) {
        struct sim_road r;
        open_road(&r, SIM_TCP);
        struct sim_peer *client = sim_road_client(&r);
        sim_peer_send(client, "hello");
        struct sim_peer *app = sim_road_app(&r);
        sim_peer_send(app, "220 ready");
        sim_turn(&r.sim);
        sim_advance(&r.sim, 40);
        assert_int_equal(seen.count, 0);
        (is_cut ? sim_peer_reset : sim_peer_close)(app);
        sim_turn(&r.sim);
        if (!is_cut)
            sim_peer_close(client);
        sim_road_done(&r, client);
        assert_int_equal(seen.count, 1);
        assert_non_null(strstr(seen.line, is_cut ? "outbound   TCP  0 grpc=-1 UR "
                                                 : "outbound   TCP  0 grpc=-1 - "));
        assert_non_null(strstr(seen.line, " in=5 out=9 ms=40 up=-1 attempts=0 "));
        assert_non_null(strstr(seen.line, " to=10.0.0.1:8080 local=10.96.0.1:80 remote=pod same=1 "
                                          "cluster=app "));
        sim_road_close(&r);
    }
}

/* Both sidecars say who the other is. */
static void mesh(void **state)
{
    struct sim_mesh m;
    memset(&seen, 0, sizeof(seen));
    sim_mesh_prepare(&m);
    sim_mesh_start(&m);
    m.out.settings.access_log = m.in.settings.access_log = ACCESS_LOG_SAID_ALL;
    struct sim_peer *client = sim_node_connect(&m.out, ROAD_VIP);
    sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: reviews\r\n\r\n");
    sim_turn(&m.sim);
    struct sim_peer *app = sim_mesh_accept(&m);
    sim_peer_send(app, ROAD_OK);
    sim_turn(&m.sim);
    sim_peer_destroy(client);
    sim_turn(&m.sim);
    assert_int_equal(seen.count, 2);
    assert_non_null(strstr(seen.other, "inbound GET /x HTTP/2 reviews 200 "));
    assert_non_null(strstr(seen.other, " by=cluster.local/ns/default/sa/frontend peer= mtls=1 "));
    assert_non_null(strstr(seen.line, "outbound GET /x HTTP/1.1 reviews 200 "));
    assert_non_null(strstr(seen.line, " by= peer=" SIM_MESH_SERVER_ID " mtls=1 "));
    sim_mesh_finish(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request),          cmocka_unit_test(own_answer),
        cmocka_unit_test(grpc_status),      cmocka_unit_test(which_are_logged),
        cmocka_unit_test(as_the_mesh_says), cmocka_unit_test(form),
        cmocka_unit_test(connection),       cmocka_unit_test(mesh),
        cmocka_unit_test(a_rule_of_the_route),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
