/* IP addresses, ports and prefixes. An IPv4-mapped IPv6 address is always held as IPv4.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/base/slice.h"

struct addr {
    uint8_t family; /* 4, 6, or 0 for "none" */
    uint16_t port;
    uint8_t ip[16]; /* network order; unused bytes are zero */
};

struct cidr {
    struct addr base;
    uint8_t bits;
};

#define ADDR_TEXT_MAX 56 /* "[ipv6]:port" and the NUL */

/* "10.0.0.1:80", "[::1]:80"; without a port, port is 0. ERR_SYNTAX. Zone ids are refused. */
MUST_USE enum err addr_parse(struct slice text, struct addr *out);
/* "certd.weft-system.svc:15012", "10.0.0.1:80", "[::1]:80": a host (a view into text, without
 * brackets), which may be a name, and a port from 1. ERR_SYNTAX. */
MUST_USE enum err addr_split(struct slice text, struct slice *host, uint16_t *port);
/* "10.0.0.1:80", "[::1]:80"; into text, NUL-terminated; returns text. */
char *addr_format(const struct addr *a, char text[ADDR_TEXT_MAX]);
/* The same without the port. */
char *addr_format_ip(const struct addr *a, char text[ADDR_TEXT_MAX]);
bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_eq_ip(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
bool addr_is_any(const struct addr *a);
uint64_t addr_hash(const struct addr *a);
MUST_USE enum err addr_from_sockaddr(const struct sockaddr *from, struct addr *out);
/* Returns the length to pass to the kernel. */
socklen_t addr_to_sockaddr(const struct addr *a, struct sockaddr_storage *out);
/* "10.0.0.0/8", or an address alone (then all bits). Host bits set are refused: ERR_SYNTAX. */
MUST_USE enum err cidr_parse(struct slice text, struct cidr *out);
bool cidr_contains(const struct cidr *c, const struct addr *a);
