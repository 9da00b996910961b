/* What is known to be the answer to a question that data planes ask: what an address is, what
 * belongs to a workload, what belongs to a Gateway. Compiled once for all who ask, and again only
 * when a change reached it. An answer lives as long as somebody holds it. Owned by the loop's
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/compile/compile.h"
#include "policies/policyd/parcel.h"
#include "policies/policyd/reach.h"

struct answers;

struct answer {
    struct answers *home;
    enum reach_sort sort;
    uint32_t refs;
    bool is_stale;
    uint64_t changed; /* the round in which its parcels last changed */
    uint64_t names;   /* a hash of its parcels' names */
    struct parcel **parcels;
    size_t count;
    /* What should be sent in its newest version and is not to be built. In its place is the last
     * version that was, or it itself where there is none: data planes know what to keep closed. */
    struct parcel **refused;
    size_t refused_count;
    struct reach_facts facts;
    unsigned locality; /* enum compile_locality: on what of the asker's place it depends */
    struct compile_target target; /* its texts lie in key */
    struct slice address, key;
};

/* set: asked for whenever something is compiled. The domains must outlive it. */
struct answers *answers_create(const struct policy_set *(*set)(void *owner), void *owner,
                               struct slice trust_domain, struct slice cluster_domain);
/* Nothing may be held any more. */
void answers_destroy(struct answers *a);
struct parcel_table *answers_parcels(struct answers *a);

struct answer *answers_hold_address(struct answers *a, struct slice namespace_name,
                                    struct slice address);
struct answer *answers_hold_workload(struct answers *a, struct slice namespace_name,
                                     struct slice service_account, struct slice pod,
                                     struct slice pod_ip);
struct answer *answers_hold_gateway(struct answers *a, struct slice namespace_name,
                                    struct slice gateway);
void answers_drop(struct answer *one);

/* A new round: what the changes reach is stale. Rounds count from 1. */
void answers_mark(struct answers *a, const struct reach *changes);
uint64_t answers_round(const struct answers *a);
/* Compiles it when it is stale. */
void answers_refresh(struct answer *one);
/* Why a resource of it cannot be built: a sentence that begins with its name; NULL: all can. Valid
 * until the answer is refreshed. */
const char *answers_refusal(const struct answer *one);

/* An answer as one asker has it. Most are the same for all. Where Services keep calls near, there
 * is one for each node or zone that somebody asks from. */
struct answer_at {
    struct answer *general, *here; /* here: NULL where the general one is for everybody */
};

static inline struct answer *answer_of(const struct answer_at *a)
{
    return a->here ? a->here : a->general;
}

/* Compiles what is stale. True when it is another answer than before, whatever its rounds say. */
bool answers_refresh_at(struct answer_at *a, struct slice node, struct slice zone);
void answers_drop_at(struct answer_at *a);

struct answers_count {
    size_t answers, parcel_bytes, refused;
    uint64_t compiled; /* since the start */
};
void answers_measure(const struct answers *a, struct answers_count *out);
