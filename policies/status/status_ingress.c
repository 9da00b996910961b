/* The status of Ingresses of our class: where the Gateway that serves them is reached. Control
 * thread. Must not know what becomes of their rules.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/addr.h"
#include "policies/store/ingress_routes.h"
#include "policies/kinds/ingress.h"
#include "policies/kinds/namespace.h"
#include "policies/store/policy_index.h"
#include "policies/status/status_priv.h"

static void put_addresses(struct status_doc *d, const struct status_gateway *plane)
{
    struct addr ip;
    struct doc *balancer = doc_make_put_object(d->arena, d->root, "loadBalancer");
    struct doc *array = doc_make_put_array(d->arena, balancer, "ingress");
    for (size_t i = 0; i < plane->address_count; i++) {
        bool is_ip = addr_parse(plane->addresses[i], &ip) == ERR_OK;
        status_doc_text(d, status_doc_push(d, array), is_ip ? "ip" : "hostname",
                        plane->addresses[i]);
    }
}

void status_ingress_all(struct status_run *run)
{
    const struct policy_set *set = run->in->set;
    const struct object_list *all = &set->all[KIND_INGRESS];
    const struct object *gateway =
        policy_index_find(set, KIND_GATEWAY, SLICE(NAMESPACE_ROOT), SLICE(INGRESS_ROUTES_GATEWAY));
    struct status_gateway plane = {0};
    if (!gateway || !gateway_model_is_ours(set, (const struct gateway *)(const void *)gateway))
        return;
    if (all->count && run->in->gateway)
        run->in->gateway(run->in->owner, gateway, &plane);
    for (size_t i = 0; i < all->count; i++) {
        struct status_doc d;
        if (!ingress_is_ours(POLICY_AT(all, struct ingress, i)))
            continue;
        status_doc_begin(&d, run, all->items[i]);
        if (plane.address_count)
            put_addresses(&d, &plane);
        status_doc_end(&d, plane.address_count == 0);
    }
}
