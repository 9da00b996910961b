/* Resources that no data plane can use, and the objects that they are made of. What is refused is a
 * whole resource, so every policy in it is named: none of them is in force as it is now. Control
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "policies/kinds/authorization_policy.h"
#include "policies/kinds/listener_policy.h"
#include "policies/kinds/namespace.h"
#include "policies/kinds/peer_authentication.h"
#include "policies/kinds/selector.h"
#include "policies/kinds/traffic_policy.h"
#include "policies/status/status_priv.h"
#include "policies/store/policy_index.h"

static void add(void *owner, const struct status_refusal *one)
{
    struct status_run *run = owner;
    struct status_refusal *longer =
        arena_alloc(&run->arena, (run->n_refusals + 1) * sizeof *longer);
    for (size_t i = 0; i < run->n_refusals; i++)
        longer[i] = run->refusals[i];
    longer[run->n_refusals++] = *one;
    run->refusals = longer;
}

void status_refusal_gather(struct status_run *run)
{
    if (run->in->refusals)
        run->in->refusals(run->in->refusal_source, add, run);
}

/* ---- Gateways */

const struct status_refusal *status_refusal_of_gateway(const struct status_run *run,
                                                       struct slice namespace_name,
                                                       struct slice name, unsigned port)
{
    char text[600];
    int len = snprintf(text, sizeof text, "gateway/%.*s/%.*s:", SLICE_ARG(namespace_name),
                       SLICE_ARG(name));
    struct slice start = slice_of(text, (size_t)len < sizeof text ? (size_t)len : 0);
    for (size_t i = 0; i < run->n_refusals; i++) {
        struct slice resource = run->refusals[i].resource;
        uint64_t number;
        if (start.len && slice_starts_with(resource, start) &&
            (!port || (!slice_to_u64(slice_sub(resource, start.len, resource.len), &number) &&
                       number == port)))
            return &run->refusals[i];
    }
    return NULL;
}

/* ---- policies */

static bool is_for(const struct status_run *run, const struct status_refusal *one,
                   const struct object *policy, const struct selector *selector)
{
    struct slice ns = policy->meta.namespace_name;
    if (!slice_eq_cstr(one->resource, "inbound") ||
        (!slice_eq_cstr(ns, NAMESPACE_ROOT) && !slice_eq(ns, one->namespace_name)))
        return false;
    const struct object *pod =
        policy_index_find(run->in->set, KIND_POD, one->namespace_name, one->workload);
    return !selector || !selector->match_labels.count ||
           (pod && selector_matches(selector, &pod->meta.labels));
}

static const struct status_refusal *of_workloads(const struct status_run *run,
                                                 const struct object *policy,
                                                 const struct selector *selector)
{
    for (size_t i = 0; i < run->n_refusals; i++)
        if (is_for(run, &run->refusals[i], policy, selector))
            return &run->refusals[i];
    return NULL;
}

static const struct status_refusal *of_authz(const struct status_run *run,
                                             const struct authorization_policy *p)
{
    const struct status_refusal *found = NULL;
    if (!p->spec.targets.present)
        return of_workloads(run, &p->object, p->spec.selector);
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
        if (!found)
            found = status_refusal_of_gateway(run, p->object.meta.namespace_name, t->name, 0);
    return found;
}

static const struct status_refusal *of_listeners(const struct status_run *run,
                                                 const struct listener_policy *p)
{
    const struct status_refusal *found = NULL;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
        if (!found)
            found = status_refusal_of_gateway(run, p->object.meta.namespace_name, t->name, 0);
    return found;
}

/* "cluster/outbound|80|subset|name.namespace.svc.…", "cluster/external|80|subset|name.namespace" */
static bool is_of_service(struct slice resource, struct slice kind, struct slice ns,
                          struct slice name)
{
    struct slice part;
    bool is_external = slice_eq_cstr(kind, "ExternalService");
    if ((!is_external && !slice_eq_cstr(kind, "Service")) ||
        !slice_starts_with(resource, is_external ? SLICE("cluster/external|")
                                                 : SLICE("cluster/outbound|")))
        return false;
    for (int i = 0; i < 3; i++)
        slice_split(&resource, '|', &part);
    return slice_split(&resource, '.', &part) && slice_eq(part, name) &&
           slice_split(&resource, '.', &part) && slice_eq(part, ns);
}

static const struct status_refusal *of_traffic(const struct status_run *run,
                                               const struct traffic_policy *p)
{
    struct slice ns = p->object.meta.namespace_name;
    for (SCHEMA_EACH(p->spec.targets, struct policy_target, t))
        for (size_t i = 0; i < run->n_refusals; i++)
            if (is_of_service(run->refusals[i].resource, t->kind, ns, t->name))
                return &run->refusals[i];
    return NULL;
}

const struct status_refusal *status_refusal_of_policy(const struct status_run *run,
                                                      const struct object *policy)
{
    const void *p = policy;
    if (policy->kind->id == KIND_AUTHORIZATION_POLICY)
        return of_authz(run, p);
    if (policy->kind->id == KIND_PEER_AUTHENTICATION)
        return of_workloads(run, policy, ((const struct peer_authentication *)p)->spec.selector);
    if (policy->kind->id == KIND_LISTENER_POLICY)
        return of_listeners(run, p);
    return policy->kind->id == KIND_TRAFFIC_POLICY ? of_traffic(run, p) : NULL;
}
