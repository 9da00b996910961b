/* The inside of a policy_set, for the compiler. Everything is sorted by namespace and name, so
 * that equal sets compile to equal bytes. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/map.h"
#include "policies/kinds/finding.h"
#include "policies/kinds/kind.h"
#include "policies/kinds/pod.h"
#include "policies/store/policy_set.h"

struct object_list {
    const struct object **items;
    size_t count, capacity;
};

/* Objects by something that they have in common; each list is in order of precedence: oldest first,
 * then by name. */
enum policy_group {
    POLICY_GROUP_SLICES,          /* EndpointSlices of the Service namespace/name */
    POLICY_GROUP_SERVICE_ROUTES,  /* HTTPRoutes and GRPCRoutes with the Service as a parent */
    POLICY_GROUP_GATEWAY_ROUTES,  /* routes of all kinds with the Gateway as a parent */
    POLICY_GROUP_SET_ROUTES,      /* routes of all kinds with the ListenerSet as a parent */
    POLICY_GROUP_GATEWAY_SETS,    /* ListenerSets of the Gateway namespace/name */
    POLICY_GROUP_SERVICE_TRAFFIC, /* TrafficPolicies for the Service namespace/name */
    POLICY_GROUP_ROUTE_TRAFFIC,   /* TrafficPolicies for the route namespace/name */
    POLICY_GROUP_GATEWAY_CLIENTS, /* ListenerPolicies for the Gateway namespace/name */
    POLICY_GROUP_GATEWAY_FILTERS, /* HTTPFilters for the Gateway namespace/name */
    POLICY_GROUP_ROUTE_FILTERS,   /* HTTPFilters for the HTTPRoute or GRPCRoute namespace/name */
    POLICY_GROUP_SERVICE_FILTERS, /* HTTPFilters for the Service namespace/name */
    POLICY_GROUP_CONSUMER_FILTERS, /* HTTPFilters for the Consumer namespace/name */
    POLICY_GROUP_BACKEND_TLS,     /* BackendTLSPolicies for the Service namespace/name */
    POLICY_GROUP_HEADLESS,        /* headless Services with an endpoint at that address */
    POLICY_GROUP_SERVICES,        /* Services of the namespace */
    POLICY_GROUP_GRANTS,          /* ReferenceGrants of the namespace */
    POLICY_GROUP_PEER,            /* PeerAuthentications of the namespace */
    POLICY_GROUP_AUTHZ,           /* AuthorizationPolicies of the namespace */
    POLICY_GROUP_REQUEST_AUTH,    /* RequestAuthentications of the namespace */
    POLICY_GROUP_COUNT
};

struct policy_set {
    struct arena arena;
    struct object_list all[KIND_COUNT]; /* after finish: by namespace and name */
    struct map by_name[KIND_COUNT];     /* "namespace/name" -> object */
    struct map
        groups[POLICY_GROUP_COUNT]; /* "namespace/name" or "namespace/" -> struct object_list */
    struct map pods_by_ip, services_by_ip;
    struct map services_by_external; /* "203.0.113.1:80" -> service */
    struct object_list templates; /* of a folder: what Deployments and the like make pods of */
    unsigned order;
    bool is_finished;
};

/* Adds an object to those of its kind. */
void policy_set_append(struct object_list *list, const struct object *o);

/* About an object as a whole, or a place in it. */
void policy_set_complain(struct diag_list *diags, const struct object *o, unsigned line,
                         bool is_warning, const char *path, enum finding finding,
                         const char *format, ...) __attribute__((format(printf, 7, 8)));

#define POLICY_AT(list, type, i) ((const type *)(const void *)(list)->items[i])
