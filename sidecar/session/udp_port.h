/* A port of a Gateway for datagrams, as one worker has it: its socket, which the clients of all its
 * flows write to and are answered from. Each worker has its own for the same address; the kernel
 * chooses among them by the addresses of client and port, so a client's datagrams meet one worker.
 * Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/io/udp.h"

struct gateway_conf;
struct worker;

struct udp_port {
    struct worker *worker;
    struct udp *socket;
    uint16_t number; /* of the Gateway, not of the socket */
    struct addr at;
};

/* It is freed by udp_port_close. */
MUST_USE enum err udp_port_open(struct worker *w, const struct addr *at, uint16_t number,
                                struct udp_port **out);
/* Its flows end. */
void udp_port_close(struct udp_port *p);
/* By the newest configuration; NULL: it is no longer a Gateway's. */
const struct gateway_conf *udp_port_conf(const struct udp_port *p);
/* Datagrams to a client; those that cannot be sent are dropped and counted. */
void udp_port_send(struct udp_port *p, const struct udp_datagram *d, size_t count);
/* Datagrams that go nowhere. reason: a literal, or a label of filters/fail.def. */
void udp_port_drop(struct udp_port *p, struct slice reason, size_t count);
