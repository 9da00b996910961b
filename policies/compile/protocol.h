/* What is spoken on a port, from what was declared: appProtocol, then the part of the port's
 * name before a '-', then the well-known number. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"
#include "policies/proto/config.pb-c.h"

/* Ports given as "3306,6379" that are opaque by annotation, on a Service or a Pod. */
#define PROTOCOL_OPAQUE_ANNOTATION "weft.dev/opaque-ports"

/* What was declared, however incompletely; empty slices where nothing was. */
struct protocol_hints {
    struct slice app_protocol;
    struct slice port_name;
    struct slice opaque_ports; /* value of the annotation */
};

/* PROTOCOL_AUTO when nothing is declared and the number is not one whose server speaks first. */
Weft__Config__V1__Protocol protocol_of_port(const struct protocol_hints *hints, uint16_t port);
/* It is, or may turn out to be, HTTP. */
bool protocol_may_be_http(Weft__Config__V1__Protocol p);
/* That appProtocol is one of the words that declare something. */
bool protocol_is_known(struct slice app_protocol);
/* That appProtocol means TLS. */
bool protocol_is_tls(struct slice app_protocol);
/* What such a port speaks inside of TLS that somebody else takes care of. */
Weft__Config__V1__Protocol protocol_inside_tls(const struct protocol_hints *hints, uint16_t port);
