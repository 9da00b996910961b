/* The CA of a cluster: watches the Secret that holds it, makes it where there is none, replaces the
 * intermediate in time. Several replicas agree by the API server's optimistic locking: what is
 * handed out always came from the Secret, never from a replica's own mind. One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/ca.h"
#include "lib/base/slice.h"

#define CA_KEEPER_SECRET "weft-ca"

struct ca_keeper;
struct kube_client;
struct loop;

struct ca_keeper_config {
    struct slice namespace_name; /* of the Secret; must outlive it, like all texts here */
    const char *trust_domain;
    uint64_t root_ttl_ms, intermediate_ttl_ms;
};

/* The CA from now on; the receiver's. */
typedef void (*ca_keeper_fn)(void *owner, struct ca *ca);

struct ca_keeper *ca_keeper_open(struct loop *l, struct kube_client *client,
                                 const struct ca_keeper_config *config, ca_keeper_fn changed,
                                 void *owner);
/* Before the client is destroyed. */
void ca_keeper_close(struct ca_keeper *k);
