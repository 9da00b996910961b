/* The snapshot's inside, for snapshot.c and snapshot_builder.c. Filled on the control thread, then
 * immutable.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/consumer_part.h"
#include "sidecar/config/inbound_part.h"
#include "sidecar/config/lookup.h"
#include "sidecar/config/mesh_part.h"
#include "sidecar/config/routed.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/config/workload_part.h"

struct snapshot {
    _Atomic uint32_t refs;
    uint64_t version;
    struct arena arena; /* the tables below */
    /* One reference of each part. */
    const struct cluster_conf **clusters;
    struct routed **routed; /* destinations and gateways */
    struct workload_part **workloads;
    struct inbound_part *inbound;
    struct mesh_part *mesh;
    struct consumer_table *consumers; /* NULL: there are none */
    uint32_t cluster_count, routed_count, workload_count, gateway_count;
    const struct gateway_conf **gateways;
    struct lookup by_cluster; /* struct cluster_conf */
    struct lookup by_addr;    /* struct snapshot_addr */
    struct lookup by_host;    /* struct snapshot_host */
    struct lookup by_ip;      /* struct workload_conf */
    struct lookup by_gateway; /* struct gateway_conf */
};

struct snapshot_addr {
    const struct addr *addr;
    const struct destination_conf *destination;
};

struct snapshot_host {
    struct slice host; /* lower-case */
    const struct destination_conf *destination;
};

/* What the tables are going to hold. */
struct snapshot_sizes {
    size_t clusters, destinations, gateways, workloads, addresses, hosts;
};

struct snapshot *snapshot_create(uint64_t version);
void snapshot_reserve_clusters(struct snapshot *s, size_t count);
void snapshot_reserve(struct snapshot *s, const struct snapshot_sizes *sizes);
/* Each takes a reference of its own. False: there is one of that name or port already. */
MUST_USE bool snapshot_add_cluster(struct snapshot *s, const struct cluster_conf *c);
MUST_USE bool snapshot_add_gateway(struct snapshot *s, struct routed *r);
void snapshot_add_destination(struct snapshot *s, struct routed *r);
void snapshot_add_workload(struct snapshot *s, struct workload_part *w);
