/* The table of Service, and small questions about one. Control thread.
 * Must not know who asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/service.h"

#include "lib/schema/schema_format.h"
#include "policies/selector.h"

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

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct service_spec, type, "type", STRING, "How the service is reached."),
    SCHEMA_FIELD(struct service_spec, cluster_ip, "clusterIP", STRING,
                 "Its address; \"None\" for a headless service.", .max = 64),
    SCHEMA_FIELD(struct service_spec, cluster_ips, "clusterIPs", LIST, "All its addresses.",
                 .element = &ip_element),
    SCHEMA_FIELD(struct service_spec, selector, "selector", MAP, "Labels of its pods.",
                 .element = &selector_label_element),
    SCHEMA_FIELD(struct service_spec, ports, "ports", LIST, "Its ports.", .element = &port_element),
    {0},
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

static const struct schema schema = {
    .name = "Service",
    .size = sizeof(struct service),
    .fields = fields,
    .is_open = true,
    .check = check,
};

const struct kind service_kind = {
    .id = KIND_SERVICE,
    .name = "Service",
    .group = "",
    .versions = {"v1"},
    .schema = &schema,
};

bool service_is_headless(const struct service *s)
{
    return slice_eq_cstr(s->spec.cluster_ip, "None");
}

bool service_is_external(const struct service *s)
{
    return slice_eq_cstr(s->spec.type, "ExternalName");
}

const struct service_port *service_find_port(const struct service *s, int64_t port)
{
    for (SCHEMA_EACH(s->spec.ports, struct service_port, p))
        if (p->port == port && p->protocol == SERVICE_TCP)
            return p;
    return NULL;
}
