/* lib/io/udp.h without sockets: hosts that receive datagrams and answer them, clients whose
 * datagrams arrive at a port that is bound, and what was sent to clients. A host that does not
 * exist swallows what it is sent, as most of the net does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/list.h"

#define SIM_UDP_TEXT_MAX 128

struct udp;

struct sim_udp_host {
    struct list node;
    struct addr at;
    bool refuses; /* nobody listens at the port: its system says so */
    unsigned count;
    size_t len; /* of the last datagram */
    char text[SIM_UDP_TEXT_MAX];
    struct udp *from; /* who sent it */
};

void sim_udp_add(struct sim_udp_host *h, const char *at);
void sim_udp_remove(struct sim_udp_host *h);
/* To whom it heard from last. */
void sim_udp_answer(struct sim_udp_host *h, const char *text);
/* `count` of the same, which come in together. local: the address of ours; NULL: it is not said. */
void sim_udp_arrive(uint16_t port, const char *from, const char *local, const char *text,
                    unsigned count);

/* What clients were sent. */
struct sim_udp_sent {
    unsigned count;
    struct addr peer, local; /* of the last one */
    size_t len;
    char text[SIM_UDP_TEXT_MAX];
};
extern struct sim_udp_sent sim_udp_sent;

/* Sockets that talk to a host; and all that are open. */
unsigned sim_udp_connected(void);
unsigned sim_udp_open(void);
/* What connecting comes to, `times` times; what sending comes to for those who are connected, and
 * for those who are not, until ERR_OK is said. */
void sim_udp_refuse_connects(enum err why, unsigned times);
void sim_udp_refuse_sends(enum err connected, enum err bound);
