/* The CA of a cluster: watches the Secret that holds it, makes it where there is none, replaces the
 * intermediate in time. Every replica watches, and what is handed out always came from the Secret,
 * never from a replica's own mind; the one that leads writes, by optimistic locking. A root that
 * has nothing in common with what the cluster trusts is an alarm: in the log, an Event, a note on
 * the Secret that lasts until somebody takes it away. One loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "certd/ca.h"
#include "lib/base/slice.h"

#define CA_CONTROLLER_SECRET "weft-ca"

struct ca_controller;
struct kube_client;
struct loop;

struct ca_controller_config {
    struct slice namespace_name; /* of the Secret; must outlive it, like all texts here */
    const char *trust_domain;
    uint64_t root_ttl_ms, intermediate_ttl_ms;
    /* What the cluster trusts, as it is published: the witness of the root that it had. See
     * bundle_controller_published. */
    bool (*published)(void *owner, struct slice *roots_pem, bool *is_own);
    void *owner; /* of published */
};

struct ca_controller_state {
    int64_t replaced_ms; /* the note's, unless it is of a new installation; 0: there is none */
    uint64_t restored;   /* how often the Secret was deleted and written again */
};

/* The CA from now on; the receiver's. */
typedef void (*ca_controller_fn)(void *owner, struct ca *ca);

struct ca_controller *ca_controller_open(struct loop *l, struct kube_client *client,
                                         const struct ca_controller_config *config,
                                         ca_controller_fn changed, void *owner);
/* This replica writes, or does not. At first it does not. */
void ca_controller_set_active(struct ca_controller *k, bool is_active);
/* What is published is known by now. */
void ca_controller_look(struct ca_controller *k);
void ca_controller_read(const struct ca_controller *k, struct ca_controller_state *out);
/* Before the client is destroyed. */
void ca_controller_close(struct ca_controller *k);
