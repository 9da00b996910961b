/* What the arguments of `weft-sidecar redirect` ask for, checked. Pure; one thread. Must not know
 * iptables.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"

enum {
    REDIRECT_LIST_MAX = 256, /* ports or prefixes in one list */
    REDIRECT_INTERFACES_MAX = 16,
    REDIRECT_INTERFACE_NAME_MAX = 16, /* the kernel's IFNAMSIZ */
};

enum redirect_action { REDIRECT_APPLY, REDIRECT_REMOVE, REDIRECT_PRINT };
enum redirect_ipv6 { REDIRECT_IPV6_AUTO, REDIRECT_IPV6_ON, REDIRECT_IPV6_OFF };

struct redirect_ports {
    bool all; /* "*" */
    uint16_t count;
    uint16_t port[REDIRECT_LIST_MAX];
};

struct redirect_cidrs {
    bool all; /* "*" */
    uint16_t count;
    struct cidr cidr[REDIRECT_LIST_MAX];
};

struct redirect_options {
    enum redirect_action action;
    bool is_action_given;
    enum redirect_ipv6 ipv6;
    uint16_t inbound_port, outbound_port;
    uint32_t uid;
    bool has_gid;
    uint32_t gid;
    struct redirect_ports include_inbound, exclude_inbound;
    struct redirect_ports include_outbound, exclude_outbound;
    struct redirect_cidrs include_cidrs, exclude_cidrs;
    unsigned interface_count;
    char exclude_interface[REDIRECT_INTERFACES_MAX][REDIRECT_INTERFACE_NAME_MAX];
};

/* Fills o from argv and the environment; prints help or the mistake itself. Returns -1 to go on,
 * else the exit status. */
int redirect_options_parse(struct redirect_options *o, int argc, char **argv);
