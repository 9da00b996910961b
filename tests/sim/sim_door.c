/* See sim_door.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_door.h"

void sim_door_prepare(struct sim_door *d)
{
    *d = (struct sim_door){0};
    sim_open(&d->sim);
    sim_conf_init(&d->conf);
    d->one = sim_conf_cluster(&d->conf, "one");
    d->two = sim_conf_cluster(&d->conf, "two");
    sim_conf_endpoint(&d->conf, d->one, "10.0.0.1:8080");
    sim_conf_endpoint(&d->conf, d->two, "10.0.0.2:8080");
}

void sim_door_start(struct sim_door *d)
{
    sim_app_open(&d->apps[0], "10.0.0.1:8080");
    sim_app_open(&d->apps[1], "10.0.0.2:8080");
    sim_node_open(&d->node, &d->sim, MODE_INGRESS, "10.0.9.1", &d->conf);
}

void sim_door_close(struct sim_door *d)
{
    sim_app_close(&d->apps[0]);
    sim_app_close(&d->apps[1]);
    sim_turn(&d->sim);
    sim_node_close(&d->node);
    sim_conf_dispose(&d->conf);
    sim_close(&d->sim);
}

struct sim_peer *sim_door_app(struct sim_door *d, unsigned app)
{
    sim_turn(&d->sim);
    struct sim_peer *p = sim_app_accept(&d->apps[app]);
    sim_turn(&d->sim);
    return p;
}

struct sim_peer *sim_door_tls(struct sim_door *d, uint16_t port, const char *sni, const char *id,
                              const char *alpn)
{
    struct sim_peer *p = sim_node_connect_gateway(&d->node, port);
    sim_tls_connect_to(p->s, sni, id, alpn);
    sim_turn(&d->sim);
    return p;
}

void sim_door_done(struct sim_door *d, struct sim_peer *client)
{
    sim_peer_destroy(client);
    sim_node_check_idle(&d->node);
}
