/* A set of resources by name and version: what a data plane has, or should have. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/answers.h"

struct held {
    struct parcel_name *name; /* a reference */
    uint64_t version;
    const struct parcel *parcel; /* borrowed while the answer is held; NULL: from its own words */
};

struct holding {
    struct held *items; /* by name, once settled */
    size_t count, capacity;
    uint64_t digest; /* policies/compile/discovery.h, once settled */
};

void holding_dispose(struct holding *h);
void holding_add_answer(struct holding *h, const struct answer *a);
/* Takes the reference over. */
void holding_add(struct holding *h, struct parcel_name *name, uint64_t version);
/* Sorted, each name once (in a version that can be built, if there is one), with its digest. */
void holding_settle(struct holding *h);
/* It has all of the answer's resources, in these versions; settled. */
bool holding_has_answer(const struct holding *h, const struct answer *a);
/* The same again; `to` is empty before. */
void holding_copy(const struct holding *from, struct holding *to);
/* Parcels may go from now on. */
void holding_forget_parcels(struct holding *h);

struct holding_events {
    void (*is_new)(void *owner, const struct held *wanted); /* or has another version */
    void (*is_gone)(void *owner, const struct held *had);
};
/* What leads from one to the other; both settled. */
void holding_compare(const struct holding *from, const struct holding *to,
                     const struct holding_events *events, void *owner);
