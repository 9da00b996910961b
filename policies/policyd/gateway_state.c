/* Addresses from the Service, readiness from its EndpointSlices, and the list of subscribers's
 * word. Pure. Must not know who makes any of them. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/gateway_state.h"

#include "policies/kinds/endpoint_slice.h"
#include "policies/store/policy_index.h"
#include "policies/policyd/access.h"
#include "policies/gateway/gateway_names.h"
#include "policies/policyd/subscriber_list.h"
#include "policies/kinds/selector.h"

struct slice gateway_state_deployment(const struct gateway *g)
{
    return selector_label(&g->object.meta.annotations, SLICE(ACCESS_DEPLOYMENT_ANNOTATION));
}

const struct service *gateway_state_service(const struct policy_set *set, const struct gateway *g)
{
    char name[GATEWAY_NAMES_MAX];
    struct slice given = gateway_state_deployment(g);
    if (!given.len)
        given = slice_from_cstr(gateway_names_managed(g, name));
    return (const void *)policy_index_find(set, KIND_SERVICE, g->object.meta.namespace_name, given);
}

static void add_addresses(const struct service *s, struct status_gateway *out)
{
    const struct doc *list = doc_find(s->object.status, "loadBalancer.ingress");
    size_t max = sizeof out->addresses / sizeof *out->addresses;
    for (size_t i = 0; list && list->type == DOC_ARRAY && i < list->count; i++) {
        struct slice ip = doc_string(doc_get(list->items[i], SLICE("ip")));
        struct slice host = doc_string(doc_get(list->items[i], SLICE("hostname")));
        if (out->address_count < max && (ip.len || host.len))
            out->addresses[out->address_count++] = ip.len ? ip : host;
    }
}

static bool has_ready_endpoint(const struct policy_set *set, const struct service *s)
{
    const struct metadata *meta = &s->object.meta;
    const struct object_list *slices =
        policy_index_group(set, POLICY_GROUP_SLICES, meta->namespace_name, meta->name);
    for (size_t i = 0; i < slices->count; i++)
        for (SCHEMA_EACH(POLICY_AT(slices, struct endpoint_slice, i)->endpoints,
                         struct endpoint_slice_endpoint, e))
            if (e->conditions.ready)
                return true;
    return false;
}

void gateway_state_judge(const struct policy_set *set, const struct subscriber_list *subscribers,
                         const struct gateway *g, struct status_gateway *out)
{
    const struct service *s = gateway_state_service(set, g);
    const struct metadata *meta = &g->object.meta;
    if (!s) {
        out->text = gateway_state_deployment(g).len
                        ? SLICE("there is no Service with the name of the Deployment")
                        : SLICE("its Service has not been made yet");
        return;
    }
    add_addresses(s, out);
    struct slice refusal;
    enum subscriber_gateway here =
        subscriber_list_find_gateway(subscribers, meta->namespace_name, meta->name, &refusal);
    bool may_run = here == SUBSCRIBER_GATEWAY_CURRENT || here == SUBSCRIBER_GATEWAY_ABSENT;
    out->is_ready = has_ready_endpoint(set, s);
    out->is_running = may_run && out->is_ready;
    out->is_refused = here == SUBSCRIBER_GATEWAY_REFUSING;
    if (out->is_refused)
        out->text = refusal;
    else if (here == SUBSCRIBER_GATEWAY_BEHIND)
        out->text = SLICE("its data plane is taking an update");
    else if (!out->is_running)
        out->text = SLICE("no pod of its Deployment is ready yet");
}
