/* What this workload serves, and to whom. One part; built on the control thread, shared by
 * snapshots.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/lookup.h"
#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"

struct inbound_part {
    _Atomic uint32_t refs;
    struct part part;
    struct inbound_conf conf;
    struct lookup by_port; /* struct inbound_port_conf */
};

MUST_USE enum err inbound_part_create(const Weft__Config__V1__Resource *resource, char *detail,
                                      struct inbound_part **out);
/* What holds when nothing is said: permissive, no ports declared. */
struct inbound_part *inbound_part_create_default(void);
/* Where the rules cannot be used: mesh peers only, and none of them may. */
struct inbound_part *inbound_part_create_closed(void);
struct inbound_part *inbound_part_ref(struct inbound_part *p);
void inbound_part_unref(struct inbound_part *p);
const struct inbound_port_conf *inbound_part_port(const struct inbound_part *p, uint16_t port);
