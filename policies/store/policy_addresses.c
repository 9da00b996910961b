/* Who has which address: pods, and Services with an address of their own. Control thread.
 * Must not know what is asked of them. Built once, with the other indices of a policy_set.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/policy_addresses.h"

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
                            FINDING_INVALID,
                            "\"%.*s\" is not an address", SLICE_ARG(ip));
        return;
    }
    const struct pod *first = map_get(&s->pods_by_ip, key);
    if (first && first != pod)
        policy_set_complain(diags, &pod->object, 0, true, "status.podIP",
                            FINDING_ADDRESS_TAKEN,
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
                            FINDING_INVALID,
                            "\"%.*s\" is not an address", SLICE_ARG(ip));
        return;
    }
    const struct service *first = map_get(&s->services_by_ip, key);
    if (!first)
        map_put(&s->services_by_ip, key, (void *)(uintptr_t)service);
    else if (first != service)
        policy_set_complain(diags, &service->object, 0, false, "spec.clusterIP",
                            FINDING_INVALID,
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

/* ---- addresses for calls from outside ---- */

struct external {
    struct policy_set *set;
    struct diag_list *diags;
    const struct service *service;
};

static void claim_port(struct external *x, const struct addr *ip, int64_t port)
{
    char text[ADDR_TEXT_MAX];
    struct addr addr = *ip;
    addr.port = (uint16_t)port;
    struct slice key = slice_from_cstr(addr_format(&addr, text));
    const struct service *first = map_get(&x->set->services_by_external, key);
    if (!first)
        map_put(&x->set->services_by_external, key, (void *)(uintptr_t)x->service);
    else if (first != x->service)
        policy_set_complain(x->diags, &x->service->object, 0, true, "spec.externalIPs",
                            FINDING_ADDRESS_TAKEN,
                            "%.*s is already the address of %.*s", SLICE_ARG(key),
                            SLICE_ARG(first->object.text));
}

/* Nobody takes over what is called inside the cluster by naming its address. */
static void claim_external(void *owner, struct slice ip)
{
    struct external *x = owner;
    struct addr addr;
    if (addr_parse(ip, &addr) || addr.port)
        return;
    if (policy_addresses_pod(x->set, ip) || policy_addresses_service(x->set, ip)) {
        policy_set_complain(x->diags, &x->service->object, 0, true, "spec.externalIPs",
                            FINDING_ADDRESS_TAKEN,
                            "%.*s is an address of the cluster: it stays whose it is",
                            SLICE_ARG(ip));
        return;
    }
    for (SCHEMA_EACH(x->service->spec.ports, struct service_port, port))
        if (port->protocol == SERVICE_TCP)
            claim_port(x, &addr, port->port);
}

static void index_external(struct policy_set *s, struct diag_list *diags)
{
    for (size_t i = 0; i < s->all[KIND_SERVICE].count; i++) {
        const struct service *service = POLICY_AT(&s->all[KIND_SERVICE], struct service, i);
        struct external x = {s, diags, service};
        service_each_external(service, claim_external, &x);
    }
}

void policy_addresses_build(struct policy_set *s, struct diag_list *diags)
{
    index_pods(s, diags);
    index_services(s, diags);
    index_external(s, diags);
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

const struct service *policy_addresses_external(const struct policy_set *s,
                                                const struct addr *address)
{
    char text[ADDR_TEXT_MAX];
    return map_get(&s->services_by_external, slice_from_cstr(addr_format(address, text)));
}
