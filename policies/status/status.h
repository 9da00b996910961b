/* What the status of objects should say: conditions of the Gateway API (Accepted, Programmed,
 * ResolvedRefs, Conflicted …) and of our own kinds, from the same model that the configuration is
 * compiled from. Pure: whoever calls writes it to the API server. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_store.h"

#define STATUS_CONTROLLER "weft.dev/gateway-controller"
#define STATUS_MESH_CONTROLLER "weft.dev/mesh-controller"

/* How a Gateway's data plane is. */
struct status_gateway {
    struct slice addresses[16]; /* IP addresses or host names */
    size_t address_count;
    bool is_ready;     /* a pod of it is, with whatever configuration */
    bool is_running;   /* somebody answers there with this configuration */
    bool is_refused;   /* no, because it cannot be used: time will not help */
    struct slice text; /* why not, for people */
};

/* A resource that is not in force in its newest version, since no data plane can use it. */
struct status_refusal {
    struct slice resource;                 /* "inbound", "gateway/shop/g:80" */
    struct slice text;                     /* begins with its name, then says why */
    struct slice namespace_name, workload; /* whose it is, where it belongs to one pod */
};
typedef void (*status_refusal_fn)(void *owner, const struct status_refusal *one);

struct status_inputs {
    const struct policy_set *set;
    const struct policy_store *store; /* for objects that were refused; may be NULL */
    int64_t now_ms;                   /* wall clock, for lastTransitionTime */
    void (*gateway)(void *owner, const struct object *gateway, struct status_gateway *out);
    void *owner;
    /* Tells each; what it points to lives until status_compute is over. NULL: there are none. */
    void (*refusals)(const void *source, status_refusal_fn each, void *each_owner);
    const void *refusal_source;
};

/* status: the new value of .status as JSON, entries of other controllers included. */
typedef void (*status_emit_fn)(void *owner, const struct object *o, struct slice status);

/* Calls emit for every object whose .status (object.status) is not what it should be, and for no
 * other. Conditions that say the same keep their lastTransitionTime. */
void status_compute(const struct status_inputs *in, status_emit_fn emit, void *owner);
