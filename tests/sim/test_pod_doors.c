/* What a pod's way in believes, ends and refuses: mutual TLS that is switched off, callers in the
 * clear that speak like sidecars, connections to the sidecar's own ports.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_pod.h"

#include <string.h>

#include "tests/sim/sim_tls.h"

#define DISABLE WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE
#define PERMISSIVE WEFT__CONFIG__V1__MTLS_MODE__MTLS_PERMISSIVE
#define CLIENT_ID "spiffe://cluster.local/ns/default/sa/client"
#define SERVER_ID "spiffe://cluster.local/ns/default/sa/server"

static void done(struct sim_pod *p, struct sim_peer *client)
{
    sim_peer_destroy(client);
    sim_node_check_idle(&p->node);
    sim_pod_close(p);
}

/* With DISABLE even the mesh's own TLS is the app's business, for the workload or for one port. */
static void disable_ends_no_tls(void **state)
{
    static const struct {
        Weft__Config__V1__MtlsMode workload, port;
        bool is_apps;
    } cases[] = {
        {DISABLE, DISABLE, true},
        {PERMISSIVE, DISABLE, true},
        {DISABLE, PERMISSIVE, false},
        {PERMISSIVE, PERMISSIVE, false},
    };
    static const char *const names[] = {"weft-h2", "weft-h1", "weft-tcp"};
    for (unsigned i = 0; i < 3 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        p.inbound->mtls = cases[i / 3].workload;
        sim_conf_inbound_port(&p.conf, p.inbound, 8080, SIM_AUTO)->mtls = cases[i / 3].port;
        sim_pod_start(&p);
        sim_node_identify(&p.node, SERVER_ID);
        unsigned before = sim_tls_handshakes();
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
        sim_tls_connect(client->s, CLIENT_ID, names[i % 3]);
        sim_turn(&p.sim);
        struct sim_peer *app = sim_app_accept(&p.app);
        bool has_hello = app && app->in.len > 5 && sim_peer_got(app)[0] == 0x16;
        assert_int_equal(has_hello, cases[i / 3].is_apps);
        assert_int_equal(sim_tls_handshakes() == before, cases[i / 3].is_apps);
        done(&p, client);
    }
}

/* TLS of the app's own is carried as bytes, but not by a port that is declared to be HTTP; and what
 * is refused never reaches the app. */
static void tls_of_the_app(void **state)
{
    static const Weft__Config__V1__Protocol protocols[] = {SIM_HTTP, SIM_HTTP2, SIM_AUTO, SIM_TCP};
    for (unsigned i = 0; i < 4; i++) {
        struct sim_pod p;
        bool is_refused = i < 2;
        sim_pod_prepare(&p);
        sim_conf_inbound_port(&p.conf, p.inbound, 8080, protocols[i])->mtls = PERMISSIVE;
        sim_pod_start(&p);
        sim_node_identify(&p.node, SERVER_ID);
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
        sim_tls_connect(client->s, NULL, "h2");
        sim_turn(&p.sim);
        struct sim_peer *app = sim_app_accept(&p.app);
        assert_int_equal(app == NULL, is_refused);
        assert_int_equal(sim_peer_is_over(client), is_refused);
        assert_int_equal(sim_report.values[METRICS_CONNECTIONS_REFUSED], is_refused);
        done(&p, client);
    }
}

/* Whoever calls by the mesh's TLS before there is a certificate is turned away, not let in. */
static void a_peer_before_there_is_a_certificate(void **state)
{
    struct sim_pod p;
    sim_pod_prepare(&p);
    sim_conf_inbound_port(&p.conf, p.inbound, 8080, SIM_AUTO)->mtls = PERMISSIVE;
    sim_pod_start(&p);
    struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
    sim_tls_connect(client->s, CLIENT_ID, "weft-h2");
    sim_turn(&p.sim);
    assert_true(sim_peer_is_over(client));
    assert_null(sim_app_accept(&p.app));
    assert_int_equal(sim_report.values[METRICS_CONNECTIONS_REFUSED], 1);
    done(&p, client);
}

/* What sidecars tell each other counts over mutual TLS only. */
static void plaintext_says_nothing_for_the_mesh(void **state)
{
    static const char *const fields[] = {"x-weft-http-version: 1.0\r\n",
                                         "x-weft-http-version: 2\r\n",
                                         "x-weft-source: root/root\r\n"};
    for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        p.inbound->mtls = PERMISSIVE;
        sim_pod_start(&p);
        sim_node_identify(&p.node, SERVER_ID);
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", 8080);
        sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: app\r\n");
        sim_peer_send(client, fields[i]);
        sim_peer_send(client, "\r\n");
        sim_turn(&p.sim);
        struct sim_peer *app = sim_app_accept(&p.app);
        assert_non_null(app);
        sim_peer_expect(app, "GET /x HTTP/1.1\r\nhost: app\r\n\r\n");
        sim_peer_send(app, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        sim_turn(&p.sim);
        assert_null(strstr(sim_report.source_in, "root"));
        done(&p, client);
    }
}

/* Redirected to us, and from us to us: a stranger would speak for the app, or turn in a circle. */
static void own_ports_are_not_the_apps(void **state)
{
    static const uint16_t ports[] = {15001, 15006};
    for (unsigned i = 0; i < 2; i++) {
        struct sim_pod p;
        sim_pod_prepare(&p);
        sim_conf_inbound_port(&p.conf, p.inbound, ports[i], SIM_HTTP);
        sim_pod_start(&p);
        p.app.host.at.port = ports[i];
        struct sim_peer *client = sim_node_connect_inbound(&p.node, "10.0.5.5", ports[i]);
        sim_peer_send(client, "GET /x HTTP/1.1\r\nhost: app\r\n\r\n");
        sim_turn(&p.sim);
        assert_true(sim_peer_is_over(client));
        assert_string_equal(sim_peer_got(client), "");
        assert_int_equal(p.app.host.dials, 0);
        done(&p, client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disable_ends_no_tls),
        cmocka_unit_test(tls_of_the_app),
        cmocka_unit_test(a_peer_before_there_is_a_certificate),
        cmocka_unit_test(plaintext_says_nothing_for_the_mesh),
        cmocka_unit_test(own_ports_are_not_the_apps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
