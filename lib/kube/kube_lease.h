/* Leader election by a coordination.k8s.io/v1 Lease: at most one holder, by the server's own
 * optimistic locking. On the client's loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/kube/kube_client.h"

struct kube_lease;

struct kube_lease_config {
    struct slice namespace_name, name, holder; /* copied; holder: the pod's name */
    uint32_t duration_ms;                      /* 0: 15000 */
    uint32_t renew_ms;                         /* 0: a third of it */
};

/* is_leader changed. It becomes false by itself before another can become leader, also when the API
 * server does not answer. */
typedef void (*kube_lease_fn)(void *owner, bool is_leader);

/* A holder's name that no other process has: the pod's ($POD_NAME), or one made up from the host's.
 * mem_free it. */
char *kube_lease_own_name(void);
struct kube_lease *kube_lease_open(struct kube_client *c, const struct kube_lease_config *config,
                                   kube_lease_fn changed, void *owner);
/* Gives the lease back, so that another can take it at once; changed is not called any more. done
 * (may be NULL), never from inside: when that was answered, or is not to be had. When the client is
 * destroyed before, that is at the end of the same turn. */
void kube_lease_close(struct kube_lease *l, void (*done)(void *owner), void *owner);
bool kube_lease_is_held(const struct kube_lease *l);
