/* A set of resources by name and version: what a data plane has, or should have. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/compile_cache.h"

struct held {
    struct packed_resource_name *name; /* a reference */
    uint64_t version;
    const struct packed_resource
        *packed; /* borrowed while the answer is held; NULL: from its own words */
};

struct version_set {
    struct held *items; /* by name, once settled */
    size_t count, capacity;
    uint64_t digest; /* policies/compile/discovery.h, once settled */
};

void version_set_dispose(struct version_set *h);
void version_set_add_answer(struct version_set *h, const struct answer *a);
/* Takes the reference over. */
void version_set_add(struct version_set *h, struct packed_resource_name *name, uint64_t version);
/* Sorted, each name once (in a version that can be built, if there is one), with its digest. */
void version_set_settle(struct version_set *h);
/* It has all of the answer's resources, in these versions; settled. */
bool version_set_has_answer(const struct version_set *h, const struct answer *a);
/* The same again; `to` is empty before. */
void version_set_copy(const struct version_set *from, struct version_set *to);
/* Parcels may go from now on. */
void version_set_forget_packed(struct version_set *h);

struct version_set_events {
    void (*is_new)(void *owner, const struct held *wanted); /* or has another version */
    void (*is_gone)(void *owner, const struct held *had);
};
/* What leads from one to the other; both settled. */
void version_set_compare(const struct version_set *from, const struct version_set *to,
                         const struct version_set_events *events, void *owner);
