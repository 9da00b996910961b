/* One Gateway as the Gateway API sees it: its listeners (its own, then those of ListenerSets, in
 * order of precedence), what is wrong with them, and which routes attach where. What is compiled
 * and what status says are both read from here, so that they never disagree. Pure: no I/O, no
 * clock. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/gateway.h"
#include "policies/kinds/listener_set.h"
#include "policies/kinds/route.h"
#include "policies/kinds/secret.h"
#include "policies/store/policy_set_priv.h"

#define GATEWAY_MODEL_CONTROLLER "weft.dev/gateway-controller"
#define GATEWAY_MODEL_CLASS "weft" /* the GatewayClass that is installed */
#define GATEWAY_MODEL_LISTENERS_MAX 1024 /* further ones are refused: TooManyListeners */

struct gateway_class;

/* What came of something, in the words of the Gateway API. */
struct gateway_finding {
    bool ok;
    const char *reason; /* "Accepted", "HostnameConflict"; never NULL, static */
    struct slice text;  /* for people; in the model's arena */
    enum finding finding; /* where the reason alone does not tell; else FINDING_NONE */
};

/* A route at a listener, for one of its host names. */
struct gateway_attachment {
    const struct route *route;
    struct slice host;     /* what both agree on; "*": any */
    struct slice original; /* as the route has it; empty: none */
};

struct gateway_model_listener {
    const struct gateway_listener *from;
    const struct object *owner; /* the Gateway, or a ListenerSet */
    struct gateway_finding accepted, resolved, conflict;
    struct slice left_out; /* of lists of authorities that are of use; empty: nothing */
    bool overlaps;         /* another listener on its port has TLS for some of its hosts */
    bool is_served;        /* accepted, and nothing that it needs is missing */
    unsigned kinds;        /* of routes that may attach: bits by enum kind_id */
    const struct secret **certificates;
    size_t n_certificates;
    struct gateway_attachment *items; /* by age of the routes */
    size_t n_items;
    size_t n_routes;
};

/* A ListenerSet that names the Gateway as its parent. */
struct gateway_model_set {
    const struct listener_set *set;
    struct gateway_finding accepted;
    size_t first, count; /* in listeners; none when it may not attach */
};

/* A parentRef of a route, and what became of it. */
struct gateway_model_parent {
    const struct route *route;
    const struct route_parent *parent;
    struct gateway_finding accepted;
};

struct gateway_model {
    struct arena *arena;
    const struct policy_set *set;
    const struct gateway *gateway;
    struct gateway_finding accepted, resolved;
    const struct gateway_settings_spec *settings; /* complete; NULL: they cannot be had */
    bool is_in_force; /* its listeners are, as far as they are good themselves */
    const struct secret *client_certificate; /* for backends; NULL: none, or none that is usable */
    bool has_fallback; /* clients without a good certificate are let in somewhere */
    struct gateway_model_listener *listeners;
    size_t n_listeners, n_own; /* the Gateway's own come first */
    struct gateway_model_set *sets;
    size_t n_sets;
    struct gateway_model_parent *parents;
    size_t n_parents;
};

/* All of it lives in the arena, and borrows from the set. */
void gateway_model_build(struct gateway_model *m, struct arena *arena, const struct policy_set *set,
                         const struct gateway *gateway);
/* NULL: there is none. */
const struct gateway_class *gateway_model_class(const struct policy_set *set,
                                                const struct gateway *gateway);
/* Its class names us as the controller. */
bool gateway_model_is_ours(const struct policy_set *set, const struct gateway *gateway);
/* A data plane that is told to serve it may: no other controller does. In a folder, where classes
 * mostly are not, the name alone counts. */
bool gateway_model_is_for_us(const struct policy_set *set, const struct gateway *gateway);
/* Which finding the reason of something that is not ok is. */
enum finding gateway_model_finding(const struct gateway_finding *why);
/* The listener ends TLS itself. */
bool gateway_model_ends_tls(const struct gateway_listener *l);
