/* What the parts of explain share. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "weftctl/explain.h"

#define EX(type) Weft__Config__V1__##type

/* Of the caller's configuration; NULL when there is none. */
const EX(Cluster) * explain_cluster(const struct explain *e, const char *name);
/* What holds for clients of sidecars; NULL: nothing is said. */
const EX(ClientTraffic) * explain_mesh_rules(const EX(Configuration) * c);
/* ---- explain_ends.c: endpoints, and what their sidecars say ---- */
void explain_ends_add(struct explain *e, struct explain_share *share);
/* A pod called by its own address. */
void explain_ends_add_workload(struct explain *e, const EX(Workload) * workload);
