/* Who has which address: pods, and Services with an address of their own. Control thread.
 * Must not know what is asked of them. Built once, with the other indices of a policy_set.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policy_addresses.h"

struct slice policy_addresses_canonical(struct slice ip, char text[ADDR_TEXT_MAX])
{
    struct addr addr;
    if (addr_parse(ip, &addr) || addr.port)
        return (struct slice){NULL, 0};
    return slice_from_cstr(addr_format_ip(&addr, text));
}

static void index_ip(struct policy_set *s, const struct pod *pod, struct slice ip,
                     struct diag_list *diags)
{
    char text[ADDR_TEXT_MAX];
    struct slice key = policy_addresses_canonical(ip, text);
    if (!key.ptr) {
        policy_set_complain(diags, &pod->object, 0, false, "status.podIP",
                            "\"%.*s\" is not an address", SLICE_ARG(ip));
        return;
    }
    const struct pod *first = map_get(&s->pods_by_ip, key);
    if (first && first != pod)
        policy_set_complain(diags, &pod->object, 0, true, "status.podIP",
                            "%.*s is also the address of %.*s, which keeps it", SLICE_ARG(key),
                            SLICE_ARG(first->object.text));
    else
        map_put(&s->pods_by_ip, key, (void *)(uintptr_t)pod);
}

static void index_pods(struct policy_set *s, struct diag_list *diags)
{
    for (size_t i = 0; i < s->all[KIND_POD].count; i++) {
        const struct pod *pod = POLICY_AT(&s->all[KIND_POD], struct pod, i);
        if (pod_is_done(pod) || pod->spec.host_network)
            continue;
        if (pod->status.ip.len)
            index_ip(s, pod, pod->status.ip, diags);
        for (SCHEMA_EACH(pod->status.ips, struct pod_ip, ip))
            if (ip->ip.len)
                index_ip(s, pod, ip->ip, diags);
    }
}

static void claim_address(struct policy_set *s, const struct service *service, struct slice ip,
                          struct diag_list *diags)
{
    char text[ADDR_TEXT_MAX];
    struct slice key = policy_addresses_canonical(ip, text);
    if (slice_is_empty(ip) || service_is_headless(service))
        return;
    if (!key.ptr) {
        policy_set_complain(diags, &service->object, 0, false, "spec.clusterIP",
                            "\"%.*s\" is not an address", SLICE_ARG(ip));
        return;
    }
    const struct service *first = map_get(&s->services_by_ip, key);
    if (!first)
        map_put(&s->services_by_ip, key, (void *)(uintptr_t)service);
    else if (first != service)
        policy_set_complain(diags, &service->object, 0, false, "spec.clusterIP",
                            "%.*s is already the address of %.*s", SLICE_ARG(key),
                            SLICE_ARG(first->object.text));
}

static void index_services(struct policy_set *s, struct diag_list *diags)
{
    for (size_t i = 0; i < s->all[KIND_SERVICE].count; i++) {
        const struct service *service = POLICY_AT(&s->all[KIND_SERVICE], struct service, i);
        if (service_is_external(service))
            continue;
        claim_address(s, service, service->spec.cluster_ip, diags);
        for (SCHEMA_EACH(service->spec.cluster_ips, struct slice, ip))
            claim_address(s, service, *ip, diags);
    }
}

void policy_addresses_build(struct policy_set *s, struct diag_list *diags)
{
    index_pods(s, diags);
    index_services(s, diags);
}

const struct pod *policy_addresses_pod(const struct policy_set *s, struct slice ip)
{
    char text[ADDR_TEXT_MAX];
    struct slice key = policy_addresses_canonical(ip, text);
    return key.ptr ? map_get(&s->pods_by_ip, key) : NULL;
}

const struct service *policy_addresses_service(const struct policy_set *s, struct slice ip)
{
    char text[ADDR_TEXT_MAX];
    struct slice key = policy_addresses_canonical(ip, text);
    return key.ptr ? map_get(&s->services_by_ip, key) : NULL;
}
