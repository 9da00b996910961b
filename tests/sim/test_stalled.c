/* Who does not read what is sent to it holds up itself and nobody else, however many there are of
 * its kind on the one connection between two sidecars.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_mesh.h"

#include <string.h>

enum { STALLED = 120, SIZE = 500000 };

#define POST "POST /x HTTP/1.1\r\nhost: reviews\r\ncontent-length: 500000\r\n\r\n"
#define GET "GET /x HTTP/1.1\r\nhost: reviews\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n"

static char zeros[SIZE];

static void start(struct sim_mesh *m)
{
    sim_mesh_prepare(m);
    sim_mesh_start(m);
    m->in.settings.server_mesh.max_streams = 2 * STALLED;
    m->out.pieces.capacity = m->app.host.options.capacity = 1000;
}

static size_t body_len(const struct sim_peer *p)
{
    const char *text = sim_peer_got(p), *body = strstr(text, "\r\n\r\n");
    assert_non_null(body);
    return p->in.len - (size_t)(body + 4 - text);
}

/* Everything of a request and its answer, both ways. */
static void expect_a_whole_exchange(struct sim_mesh *m)
{
    struct sim_peer *client = sim_node_connect(&m->out, ROAD_VIP);
    sim_peer_send(client, POST);
    sim_peer_send_bytes(client, zeros, SIZE);
    struct sim_peer *app = sim_mesh_accept(m);
    sim_turn(&m->sim);
    assert_int_equal(body_len(app), SIZE);
    sim_peer_send(app, OK);
    sim_peer_send_bytes(app, zeros, SIZE);
    sim_turn(&m->sim);
    assert_int_equal(body_len(client), SIZE);
    sim_peer_destroy(client);
    sim_peer_close(app);
    sim_turn(&m->sim);
}

static void finish(struct sim_mesh *m, struct sim_peer **clients)
{
    assert_int_equal(m->in.host.dials, 1);
    for (unsigned i = 0; i < STALLED; i++)
        sim_peer_destroy(clients[i]);
    sim_mesh_finish(m);
}

static void clients_that_do_not_read(void **state)
{
    struct sim_mesh m;
    struct sim_peer *clients[STALLED];
    start(&m);
    for (unsigned i = 0; i < STALLED; i++) {
        clients[i] = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(clients[i], GET);
        struct sim_peer *app = sim_mesh_accept(&m);
        sim_peer_read(clients[i], false);
        sim_peer_send(app, OK);
        sim_peer_send_bytes(app, zeros, SIZE);
        sim_turn(&m.sim);
    }
    expect_a_whole_exchange(&m);
    /* One that begins to read gets all of it. */
    sim_peer_read(clients[STALLED / 2], true);
    sim_turn(&m.sim);
    assert_int_equal(body_len(clients[STALLED / 2]), SIZE);
    finish(&m, clients);
}

static void apps_that_do_not_read(void **state)
{
    struct sim_mesh m;
    struct sim_peer *clients[STALLED], *one = NULL;
    start(&m);
    for (unsigned i = 0; i < STALLED; i++) {
        clients[i] = sim_node_connect(&m.out, ROAD_VIP);
        sim_peer_send(clients[i], POST);
        struct sim_peer *app = sim_mesh_accept(&m);
        sim_peer_read(app, false);
        sim_peer_send_bytes(clients[i], zeros, SIZE);
        sim_turn(&m.sim);
        one = i == STALLED / 2 ? app : one;
    }
    expect_a_whole_exchange(&m);
    sim_peer_read(one, true);
    sim_turn(&m.sim);
    assert_int_equal(body_len(one), SIZE);
    finish(&m, clients);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_that_do_not_read),
        cmocka_unit_test(apps_that_do_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
