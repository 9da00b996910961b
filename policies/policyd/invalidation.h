/* How far changes reach: which answers can be others now. Endpoints and pods, which change most,
 * reach only answers that mention them; other kinds reach all answers of the sorts that are made
 * from them. Too far costs time; not far enough would lose a change. Pure; owned by whoever holds
 * it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/proto/config.pb-c.h"

/* Sorts of answers. */
enum invalidation_sort {
    INVALIDATION_ADDRESS = KIND_INVALIDATES_ADDRESSES,  /* what an address is */
    INVALIDATION_WORKLOAD = KIND_INVALIDATES_WORKLOADS, /* what belongs to a pod itself */
    INVALIDATION_GATEWAY = KIND_INVALIDATES_GATEWAYS,   /* what belongs to a Gateway */
    INVALIDATION_ALL = KIND_INVALIDATES_ALL,
};

/* What an answer mentions, or a change is about, as hashes. */
struct invalidation_facts {
    uint64_t *items; /* sorted once reach_facts_settle was called */
    size_t count, capacity;
};

void invalidation_facts_dispose(struct invalidation_facts *f);
void invalidation_facts_pod(struct invalidation_facts *f, struct slice namespace_name,
                            struct slice name);
/* An address in any writing, with or without a port. */
void invalidation_facts_ip(struct invalidation_facts *f, struct slice address);
void invalidation_facts_node(struct invalidation_facts *f, struct slice name);
void invalidation_facts_service(struct invalidation_facts *f, struct slice namespace_name,
                                struct slice name);
/* Everything that is mentioned in the resources. */
void invalidation_facts_gather(struct invalidation_facts *f,
                               const Weft__Config__V1__Configuration *c);
/* Sorted, without doubles, no larger than it must be. */
void invalidation_facts_settle(struct invalidation_facts *f);

struct invalidation {
    unsigned sorts; /* all answers of these */
    struct invalidation_facts facts;
};

void invalidation_dispose(struct invalidation *r);
/* Empties it; it can be used again. */
void invalidation_reset(struct invalidation *r);
/* As policy_store_change_fn; owner: the reach. */
void invalidation_note(void *owner, const struct object *before, const struct object *after);
void invalidation_note_all(struct invalidation *r);
bool invalidation_is_empty(const struct invalidation *r);
bool invalidation_touches(const struct invalidation *r, enum invalidation_sort sort,
                          const struct invalidation_facts *facts);
