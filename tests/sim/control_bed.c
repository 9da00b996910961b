/* See control_bed.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/control_bed.h"

#include "lib/base/mem.h"
#include "lib/io/mailbox.h"
#include "tests/sim/sim_road.h"

struct control_bed_room {
    struct sim_road road;
    struct sim_app elsewhere;
    bool has_elsewhere;
};

void control_bed_open(struct control_bed *b)
{
    struct control_bed_room *room = mem_zalloc(sizeof(*room));
    sim_road_open(&room->road);
    room->road.node.app.sessions_left = UINT32_MAX;
    *b = (struct control_bed){.room = room,
                              .loop = room->road.sim.loop,
                              .settings = &room->road.node.settings,
                              .worker = &room->road.node.worker,
                              .mailbox = mailbox_open(room->road.sim.loop)};
    b->settings->workers = 1;
    room->road.node.app.mailbox = b->mailbox;
}

void control_bed_close(struct control_bed *b)
{
    sim_turn(&b->room->road.sim);
    mailbox_close(b->mailbox);
    if (b->room->has_elsewhere)
        sim_app_close(&b->room->elsewhere);
    sim_road_close(&b->room->road);
    mem_free(b->room);
}

void control_bed_turn(struct control_bed *b)
{
    sim_turn(&b->room->road.sim);
}

void control_bed_advance(struct control_bed *b, uint64_t ms)
{
    sim_advance(&b->room->road.sim, ms);
}

struct sim_peer *control_bed_call(struct control_bed *b, const struct addr *at)
{
    struct addr from = {.family = 4, .ip = {127, 0, 0, 1}, .port = 40000};
    struct memstream_options options = {0};
    struct stream *client, *server;
    assert_true(sim_net_listens_at(at));
    sim_net_pair(&options, &from, at, NULL, &client, &server);
    struct sim_peer *p = sim_peer_create(client);
    sim_net_arrive(at, server);
    control_bed_turn(b);
    return p;
}

struct sim_peer *control_bed_begin_request(struct control_bed *b)
{
    struct sim_peer *client = sim_road_client(&b->room->road);
    sim_peer_send(client, ROAD_GET);
    assert_non_null(sim_road_app(&b->room->road));
    return client;
}

struct sim_peer *control_bed_begin_passthrough(struct control_bed *b, const char *to)
{
    sim_app_open(&b->room->elsewhere, to);
    b->room->has_elsewhere = true;
    struct sim_peer *client = sim_node_connect(&b->room->road.node, to);
    sim_peer_send(client, "\1not HTTP");
    control_bed_advance(b, 500);
    control_bed_turn(b);
    return client;
}

uint32_t control_bed_sessions_left(const struct control_bed *b)
{
    return b->room->road.node.app.sessions_left;
}
