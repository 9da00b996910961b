/* How far changes reach: which answers can be others now. Endpoints and pods, which change most,
 * reach only answers that mention them; other kinds reach all answers of the sorts that are made
 * from them. Too far costs time; not far enough would lose a change. Pure; owned by whoever holds
 * it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/proto/config.pb-c.h"

/* Sorts of answers. */
enum reach_sort {
    REACH_ADDRESS = KIND_INVALIDATES_ADDRESSES,  /* what an address is */
    REACH_WORKLOAD = KIND_INVALIDATES_WORKLOADS, /* what belongs to a pod itself */
    REACH_GATEWAY = KIND_INVALIDATES_GATEWAYS,  /* what belongs to a Gateway */
    REACH_ALL = KIND_INVALIDATES_ALL,
};

/* What an answer mentions, or a change is about, as hashes. */
struct reach_facts {
    uint64_t *items; /* sorted once reach_facts_settle was called */
    size_t count, capacity;
};

void reach_facts_dispose(struct reach_facts *f);
void reach_facts_pod(struct reach_facts *f, struct slice namespace_name, struct slice name);
/* An address in any writing, with or without a port. */
void reach_facts_ip(struct reach_facts *f, struct slice address);
void reach_facts_node(struct reach_facts *f, struct slice name);
void reach_facts_service(struct reach_facts *f, struct slice namespace_name, struct slice name);
/* Everything that is mentioned in the resources. */
void reach_facts_gather(struct reach_facts *f, const Weft__Config__V1__Configuration *c);
/* Sorted, without doubles, no larger than it must be. */
void reach_facts_settle(struct reach_facts *f);

struct reach {
    unsigned sorts; /* all answers of these */
    struct reach_facts facts;
};

void reach_dispose(struct reach *r);
/* Empties it; it can be used again. */
void reach_reset(struct reach *r);
/* As policy_store_change_fn; owner: the reach. */
void reach_note(void *owner, const struct object *before, const struct object *after);
void reach_note_all(struct reach *r);
bool reach_is_empty(const struct reach *r);
bool reach_touches(const struct reach *r, enum reach_sort sort, const struct reach_facts *facts);
