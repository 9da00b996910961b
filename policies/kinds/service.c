/* The table of Service, and small questions about one. Control thread.
 * Must not know who asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/service.h"

#include "lib/schema/schema_format.h"
#include "policies/kinds/selector.h"

const char *const service_protocols[] = {
    [SERVICE_TCP] = "TCP",
    [SERVICE_UDP] = "UDP",
    [SERVICE_SCTP] = "SCTP",
    NULL,
};

static const struct schema_field port_fields[] = {
    SCHEMA_FIELD(struct service_port, name, "name", STRING,
                 "Name of the port; its part before a '-' declares the protocol.", .max = 63),
    SCHEMA_FIELD(struct service_port, protocol, "protocol", ENUM, "Transport protocol.",
                 .choices = service_protocols),
    SCHEMA_FIELD(struct service_port, port, "port", INT, "What clients call.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 65535),
    SCHEMA_FIELD(struct service_port, target, "targetPort", PORT, "Where the pods listen."),
    SCHEMA_FIELD(struct service_port, app_protocol, "appProtocol", STRING,
                 "What is spoken on the port; wins over the port's name.", .max = 253),
    {0},
};

static const struct schema port_schema = {
    .name = "ServicePort",
    .size = sizeof(struct service_port),
    .fields = port_fields,
    .is_open = true,
};

static const struct schema_field port_element = {.type = SCHEMA_INLINE, .object = &port_schema};
static const struct schema_field ip_element = {.type = SCHEMA_STRING, .max = 64};

static const struct schema_field client_ip_fields[] = {
    SCHEMA_FIELD(struct service_client_ip, timeout_s, "timeoutSeconds", INT,
                 "How long a client keeps its endpoint without calling it.", .min = 1,
                 .max = 86400, .fallback = SERVICE_AFFINITY_S),
    {0},
};

static const struct schema client_ip_schema = {
    .name = "ClientIPConfig",
    .size = sizeof(struct service_client_ip),
    .fields = client_ip_fields,
    .is_open = true,
};

static const struct schema_field affinity_fields[] = {
    SCHEMA_FIELD(struct service_affinity, client_ip, "clientIP", INLINE, "For ClientIP.",
                 .object = &client_ip_schema),
    {0},
};

static const struct schema affinity_schema = {
    .name = "SessionAffinityConfig",
    .size = sizeof(struct service_affinity),
    .fields = affinity_fields,
    .is_open = true,
};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct service_spec, type, "type", STRING, "How the service is reached."),
    SCHEMA_FIELD(struct service_spec, cluster_ip, "clusterIP", STRING,
                 "Its address; \"None\" for a headless service.", .max = 64),
    SCHEMA_FIELD(struct service_spec, cluster_ips, "clusterIPs", LIST, "All its addresses.",
                 .element = &ip_element),
    SCHEMA_FIELD(struct service_spec, selector, "selector", MAP, "Labels of its pods.",
                 .element = &selector_label_element),
    SCHEMA_FIELD(struct service_spec, ports, "ports", LIST, "Its ports.", .element = &port_element),
    SCHEMA_FIELD(struct service_spec, session_affinity, "sessionAffinity", STRING,
                 "\"ClientIP\": a client stays with the endpoint that it called last."),
    SCHEMA_FIELD(struct service_spec, affinity, "sessionAffinityConfig", INLINE, "For how long.",
                 .object = &affinity_schema),
    SCHEMA_FIELD(struct service_spec, internal_policy, "internalTrafficPolicy", STRING,
                 "\"Local\": pods call endpoints on their own node only."),
    SCHEMA_FIELD(struct service_spec, external_ips, "externalIPs", LIST,
                 "Addresses that nodes take for its own.", .element = &ip_element),
    SCHEMA_FIELD(struct service_spec, source_ranges, "loadBalancerSourceRanges", LIST,
                 "Who may call the load balancer's addresses.", .element = &ip_element),
    {0},
};

static const struct schema_field ingress_fields[] = {
    SCHEMA_FIELD(struct service_ingress, ip, "ip", STRING, "An address.", .max = 64),
    SCHEMA_FIELD(struct service_ingress, ip_mode, "ipMode", STRING,
                 "\"Proxy\": the load balancer must see the connections."),
    {0},
};

static const struct schema ingress_schema = {
    .name = "LoadBalancerIngress",
    .size = sizeof(struct service_ingress),
    .fields = ingress_fields,
    .is_open = true,
};

static const struct schema_field ingress_element = {.type = SCHEMA_INLINE,
                                                    .object = &ingress_schema};

static const struct schema_field balancer_fields[] = {
    SCHEMA_FIELD(struct service_balancer, ingress, "ingress", LIST, "Where it is reached.",
                 .element = &ingress_element),
    {0},
};

static const struct schema balancer_schema = {
    .name = "LoadBalancerStatus",
    .size = sizeof(struct service_balancer),
    .fields = balancer_fields,
    .is_open = true,
};

static const struct schema_field status_fields[] = {
    SCHEMA_FIELD(struct service_status, balancer, "loadBalancer", INLINE, "Its load balancer.",
                 .object = &balancer_schema),
    {0},
};

static const struct schema status_schema = {
    .name = "ServiceStatus",
    .size = sizeof(struct service_status),
    .fields = status_fields,
    .is_open = true,
};

static const struct schema spec_schema = {
    .name = "ServiceSpec",
    .size = sizeof(struct service_spec),
    .fields = spec_fields,
    .is_open = true,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct service, spec, "spec", INLINE, "Ports, addresses and selector.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    SCHEMA_FIELD(struct service, status, "status", INLINE, "What a load balancer made of it.",
                 .object = &status_schema),
    {0},
};

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct service *s = value;
    if (!schema_format_label_name.is_valid(s->object.meta.name) && s->object.meta.name.ptr)
        schema_error(run, node, "metadata.name", "%s", schema_format_label_name.must_be);
    for (size_t i = 0; i < s->spec.ports.count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct service_port *a = SCHEMA_AT(s->spec.ports, struct service_port, i);
            const struct service_port *b = SCHEMA_AT(s->spec.ports, struct service_port, j);
            if (a->port && a->port == b->port && a->protocol == b->protocol)
                schema_error(run, node, "spec.ports", "port %d is given twice", (int)a->port);
        }
    }
}

const struct schema service_kind_schema = {
    .name = "Service",
    .size = sizeof(struct service),
    .fields = fields,
    .is_open = true,
    .check = check,
};

bool service_is_headless(const struct service *s)
{
    return slice_eq_cstr(s->spec.cluster_ip, "None");
}

bool service_is_external(const struct service *s)
{
    return slice_eq_cstr(s->spec.type, "ExternalName");
}

bool service_is_node_local(const struct service *s)
{
    return slice_eq_cstr(s->spec.internal_policy, "Local") && !service_is_headless(s);
}

uint32_t service_affinity_s(const struct service *s)
{
    bool has = slice_eq_cstr(s->spec.session_affinity, "ClientIP") && !service_is_headless(s);
    return has ? (uint32_t)s->spec.affinity.client_ip.timeout_s : 0;
}

void service_each_external(const struct service *s, void (*each)(void *owner, struct slice ip),
                           void *owner)
{
    /* From inside, too, these are called by the rules of calls from outside: with Local there would
     * have to be a second set of endpoints. They are left to the node, like those of which only
     * some may be called. */
    if (service_is_node_local(s) || service_is_headless(s) || service_is_external(s))
        return;
    for (SCHEMA_EACH(s->spec.external_ips, struct slice, ip))
        each(owner, *ip);
    if (!slice_eq_cstr(s->spec.type, "LoadBalancer") || s->spec.source_ranges.count)
        return;
    for (SCHEMA_EACH(s->status.balancer.ingress, struct service_ingress, i))
        if (i->ip.len && !slice_eq_cstr(i->ip_mode, "Proxy"))
            each(owner, i->ip);
}

const struct service_port *service_find_port_of(const struct service *s, int protocol,
                                                int64_t port)
{
    for (SCHEMA_EACH(s->spec.ports, struct service_port, p))
        if (p->port == port && p->protocol == protocol)
            return p;
    return NULL;
}

const struct service_port *service_find_port(const struct service *s, int64_t port)
{
    return service_find_port_of(s, SERVICE_TCP, port);
}
