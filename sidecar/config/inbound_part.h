/* What this workload serves, and to whom. One part; built on the control thread, shared by
 * snapshots.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/filter_part.h"
#include "sidecar/config/lookup.h"
#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"

struct inbound_part {
    _Atomic uint32_t refs;
    struct part part;
    struct inbound_conf conf;
    struct lookup by_port; /* struct inbound_port_conf */
    struct filter_names names;
    const struct filter_chain *own; /* authorization alone; NULL: none */
    const struct filter_uses *uses; /* for each of conf.ports */
    struct filter_uses other_uses;  /* for ports that are not listed */
    struct inbound_part *unbound;   /* what it was bound from; NULL: it was not */
    struct filter_part **filters;   /* references; one for each name, or NULL */
};

MUST_USE enum err inbound_part_create(const Weft__Config__V1__Resource *resource, char *detail,
                                      struct inbound_part **out);
/* What holds when nothing is said: permissive, no ports declared. */
struct inbound_part *inbound_part_create_default(void);
/* Where the rules cannot be used: mesh peers only, and none of them may. */
struct inbound_part *inbound_part_create_closed(void);
/* The part with the filters that its ports name: a new one, or the part itself (one reference more)
 * when they are those that it has. */
struct inbound_part *inbound_part_bind(struct inbound_part *p, filter_find_fn find,
                                       const void *filters);
struct inbound_part *inbound_part_ref(struct inbound_part *p);
void inbound_part_unref(struct inbound_part *p);
const struct inbound_port_conf *inbound_part_port(const struct inbound_part *p, uint16_t port);
