/* A sidecar whose one route asks an authorizer, of HTTP or of gRPC, at 10.0.0.9:9000.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <string.h>

#include "tests/sim/sim_http.h"
#include "tests/sim/sim_road.h"

#define AUTH "10.0.0.9:9000"
#define HTTP "\"protocol\":\"HTTP\",\"backendRef\":{\"name\":\"a\",\"port\":1,\"value\":\"auth\"}"
#define GRPC "\"protocol\":\"GRPC\",\"backendRef\":{\"name\":\"a\",\"port\":1,\"value\":\"auth\"}"
#define YES "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
#define POST(head) "POST /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\n" head "\r\n"

struct world {
    struct sim_road r;
    sim_cluster *auth;
    sim_route *route;
    struct sim_app app;       /* an authorizer of HTTP, and */
    struct sim_server server; /* one of gRPC */
    bool is_grpc;
    unsigned calls;
};

static inline void prepare(struct world *w, const char *spec)
{
    static char service[] = "authz.svc";
    *w = (struct world){.is_grpc = strstr(spec, "GRPC") != NULL};
    sim_road_prepare(&w->r);
    w->auth = sim_conf_cluster(&w->r.conf, "auth");
    w->auth->service = service;
    sim_conf_endpoint(&w->r.conf, w->auth, AUTH);
    w->route = sim_conf_route(&w->r.conf, w->r.destination, "/", "app");
    sim_conf_name(&w->r.conf, &w->route->n_filters, &w->route->filters,
                  sim_conf_filter(&w->r.conf, "authorizer", "extAuth", spec));
}

static inline struct sim_peer *start(struct world *w)
{
    sim_road_start(&w->r);
    if (w->is_grpc) {
        sim_server_open(&w->server, w->r.sim.loop, AUTH, HTTP_PROTOCOL_2);
        w->server.manual = true;
    } else {
        sim_app_open(&w->app, AUTH);
    }
    return sim_road_client(&w->r);
}

static inline struct sim_peer *open_world(struct world *w, const char *spec)
{
    prepare(w, spec);
    return start(w);
}

static inline void finish(struct world *w, struct sim_peer *client)
{
    sim_road_done(&w->r, client);
    sim_node_close(&w->r.node);
    sim_app_close(&w->r.app);
    if (w->is_grpc)
        sim_server_close(&w->server);
    else
        sim_app_close(&w->app);
    sim_conf_dispose(&w->r.conf);
    sim_close(&w->r.sim);
}

/* The next connection to the authorizer of HTTP. */
static inline struct sim_peer *asked(struct world *w)
{
    sim_turn(&w->r.sim);
    struct sim_peer *p = sim_app_accept(&w->app);
    assert_non_null(p);
    sim_turn(&w->r.sim);
    return p;
}

static inline void expect_app(struct world *w, struct sim_peer *client, const char *part,
                       const char *never)
{
    struct sim_peer *app = sim_road_app(&w->r);
    if (part)
        assert_non_null(strstr(sim_peer_got(app), part));
    if (never)
        assert_null(strstr(sim_peer_got(app), never));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
}

static inline void expect_refused(struct world *w, struct sim_peer *client, const char *status,
                           const char *part)
{
    sim_peer_expect_part(client, status, part);
    assert_null(sim_app_accept(&w->r.app));
}
