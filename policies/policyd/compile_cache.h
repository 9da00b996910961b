/* What is known to be the answer to a question that data planes ask: what an address is, what
 * belongs to a workload, what belongs to a Gateway. Compiled once for all who ask, and again only
 * when a change reached it. An answer lives as long as somebody holds it. Owned by the loop's
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/compile/compile.h"
#include "policies/policyd/packed_resource.h"
#include "policies/policyd/invalidation.h"

struct compile_cache;

struct answer {
    struct compile_cache *home;
    enum invalidation_sort sort;
    uint32_t refs;
    bool is_stale;
    uint64_t changed; /* the round in which its packed resources last changed */
    uint64_t names;   /* a hash of its packed resources' names */
    struct packed_resource **packed;
    size_t count;
    /* What should be sent in its newest version and is not to be built. In its place is the last
     * version that was, or it itself where there is none: data planes know what to keep closed. */
    struct packed_resource **refused;
    size_t refused_count;
    struct invalidation_facts facts;
    unsigned locality; /* enum compile_locality: on what of the asker's place it depends */
    struct compile_target target; /* its texts lie in key */
    struct slice address, key;
};

/* set: asked for whenever something is compiled. The domains must outlive it. */
struct compile_cache *compile_cache_create(const struct policy_set *(*set)(void *owner),
                                           void *owner, struct slice trust_domain,
                                           struct slice cluster_domain);
/* Nothing may be held any more. */
void compile_cache_destroy(struct compile_cache *a);
struct packed_resource_table *compile_cache_packed(struct compile_cache *a);

struct answer *compile_cache_hold_address(struct compile_cache *a, struct slice namespace_name,
                                          struct slice address);
struct answer *compile_cache_hold_workload(struct compile_cache *a, struct slice namespace_name,
                                           struct slice service_account, struct slice pod,
                                           struct slice pod_ip);
struct answer *compile_cache_hold_gateway(struct compile_cache *a, struct slice namespace_name,
                                          struct slice gateway);
void compile_cache_drop(struct answer *one);

/* A new round: what the changes reach is stale. Rounds count from 1. */
void compile_cache_mark(struct compile_cache *a, const struct invalidation *changes);
uint64_t compile_cache_round(const struct compile_cache *a);
/* Compiles it when it is stale. */
void compile_cache_refresh(struct answer *one);
/* Why a resource of it cannot be built: a sentence that begins with its name; NULL: all can. Valid
 * until the answer is refreshed. */
const char *compile_cache_refusal(const struct answer *one);

/* Each resource that is not in force in its newest version, with whose answer it is in. */
void compile_cache_each_refused(const struct compile_cache *a,
                                void (*each)(void *owner, const struct answer *one,
                                             const struct packed_resource *refused),
                                void *owner);

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
bool compile_cache_refresh_at(struct answer_at *a, struct slice node, struct slice zone);
void compile_cache_drop_at(struct answer_at *a);

struct answers_count {
    size_t answers, packed_resource_bytes, refused;
    uint64_t compiled; /* since the start */
};
void compile_cache_measure(const struct compile_cache *a, struct answers_count *out);
