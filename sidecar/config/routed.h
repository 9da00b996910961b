/* What routes requests to clusters: a destination that apps call, or a port of a gateway. Two
 * layers: the core is compiled from the message (texts, expressions, certificates), the binding
 * points its routes at the clusters of some snapshots. A cluster that changes costs a new binding,
 * not a new core. Built on the control thread; shared by snapshots.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/config/route_plan.h"
#include "sidecar/config/snapshot.h"

struct routed_core {
    _Atomic uint32_t refs;
    struct part part;
    struct route_plan plan;
    bool is_gateway;
    struct destination_conf destination; /* without routes */
    const struct addr *addresses;
    const struct slice *hosts; /* lower-case */
    uint32_t address_count, host_count;
    struct gateway_conf gateway; /* without routes; one reference of each TLS context */
    uint64_t tls_hash;           /* of what those were made from */
};

struct routed {
    _Atomic uint32_t refs;
    struct routed_core *core;
    struct arena arena;
    const struct cluster_conf **clusters; /* references; one for each name of the plan, or NULL */
    struct filter_part **filters;         /* the same of its filters */
    struct route_table table;
    struct destination_conf destination;
    struct gateway_conf gateway;
};

MUST_USE enum err routed_core_create_destination(const Weft__Config__V1__Resource *resource,
                                                 char *detail, struct routed_core **out);
/* An empty one, for those who fill it (gateway_core.c). */
struct routed_core *routed_core_create(bool is_gateway);
struct routed_core *routed_core_ref(struct routed_core *c);
/* NULL is allowed. */
void routed_core_unref(struct routed_core *c);

/* Where clusters and filters are found by their names, or are not: NULL. */
struct routed_finder {
    const struct cluster_conf *(*cluster)(const void *clusters, struct slice name);
    const void *clusters;
    filter_find_fn filter;
    const void *filters;
};
/* Takes references of its own. Returns `before` (one reference more) when it would come out the
 * same. */
struct routed *routed_bind(struct routed_core *core, struct routed *before,
                           const struct routed_finder *find);
struct routed *routed_ref(struct routed *r);
void routed_unref(struct routed *r);
