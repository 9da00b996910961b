/* The table of Pod, and small questions about one. Control thread.
 * Must not know who asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/pod.h"

#include "policies/kinds/service.h"
#include "policies/kinds/selector.h"

static const struct schema_field port_fields[] = {
    SCHEMA_FIELD(struct pod_port, name, "name", STRING, "Name of the port.", .max = 63),
    SCHEMA_FIELD(struct pod_port, port, "containerPort", INT, "Where the container listens.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 65535),
    SCHEMA_FIELD(struct pod_port, protocol, "protocol", ENUM, "Transport protocol.",
                 .choices = service_protocols),
    {0},
};

static const struct schema port_schema = {
    .name = "ContainerPort",
    .size = sizeof(struct pod_port),
    .fields = port_fields,
    .is_open = true,
};

static const struct schema_field port_element = {.type = SCHEMA_INLINE, .object = &port_schema};

static const struct schema_field container_fields[] = {
    SCHEMA_FIELD(struct pod_container, ports, "ports", LIST, "Ports of the container.",
                 .element = &port_element),
    {0},
};

static const struct schema container_schema = {
    .name = "Container",
    .size = sizeof(struct pod_container),
    .fields = container_fields,
    .is_open = true,
};

static const struct schema_field container_element = {.type = SCHEMA_INLINE,
                                                      .object = &container_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct pod_spec, service_account, "serviceAccountName", STRING,
                 "The identity of the pod.", .text = "default", .max = 253),
    SCHEMA_FIELD(struct pod_spec, containers, "containers", LIST, "Its containers.",
                 .element = &container_element),
    SCHEMA_FIELD(struct pod_spec, init_containers, "initContainers", LIST,
                 "Containers that start first; some of them stay.", .element = &container_element),
    SCHEMA_FIELD(struct pod_spec, node, "nodeName", STRING, "The node it runs on.", .max = 253),
    SCHEMA_FIELD(struct pod_spec, host_network, "hostNetwork", BOOL,
                 "It shares the node's address, so the address says nothing about it."),
    {0},
};

static const struct schema spec_schema = {
    .name = "PodSpec",
    .size = sizeof(struct pod_spec),
    .fields = spec_fields,
    .is_open = true,
};

static const struct schema_field ip_fields[] = {
    SCHEMA_FIELD(struct pod_ip, ip, "ip", STRING, "An address.", .max = 64),
    {0},
};

static const struct schema ip_schema = {
    .name = "PodIP",
    .size = sizeof(struct pod_ip),
    .fields = ip_fields,
    .is_open = true,
};

static const struct schema_field ip_element = {.type = SCHEMA_INLINE, .object = &ip_schema};

static const struct schema_field status_fields[] = {
    SCHEMA_FIELD(struct pod_status, phase, "phase", STRING, "Where in its life it is."),
    SCHEMA_FIELD(struct pod_status, ip, "podIP", STRING, "Its address.", .max = 64),
    SCHEMA_FIELD(struct pod_status, ips, "podIPs", LIST, "All its addresses.",
                 .element = &ip_element),
    {0},
};

static const struct schema status_schema = {
    .name = "PodStatus",
    .size = sizeof(struct pod_status),
    .fields = status_fields,
    .is_open = true,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    SCHEMA_FIELD(struct pod, spec, "spec", INLINE, "Containers and identity.",
                 .object = &spec_schema),
    SCHEMA_FIELD(struct pod, status, "status", INLINE, "Address and phase.",
                 .object = &status_schema),
    {0},
};

const struct schema pod_kind_schema = {
    .name = "Pod",
    .size = sizeof(struct pod),
    .fields = fields,
    .is_open = true,
};

bool pod_is_meshed(const struct pod *p)
{
    struct slice status = selector_label(&p->object.meta.annotations, SLICE(POD_STATUS_ANNOTATION));
    return slice_eq_cstr(status, "injected") && !p->spec.host_network;
}

uint16_t pod_mesh_port(const struct pod *p)
{
    const struct schema_list *annotations = &p->object.meta.annotations;
    bool redirects =
        !slice_eq_cstr(selector_label(annotations, SLICE(POD_REDIRECT_ANNOTATION)), "none");
    bool forwards = selector_label(annotations, SLICE(POD_FORWARD_ANNOTATION)).len > 0;
    return pod_is_meshed(p) && !redirects && !forwards ? POD_MESH_PORT : 0;
}

bool pod_is_done(const struct pod *p)
{
    return slice_eq_cstr(p->status.phase, "Succeeded") || slice_eq_cstr(p->status.phase, "Failed");
}

static uint16_t find_in(const struct schema_list *containers, struct slice name)
{
    for (SCHEMA_EACH(*containers, struct pod_container, container))
        for (SCHEMA_EACH(container->ports, struct pod_port, port))
            if (port->protocol == SERVICE_TCP && slice_eq(port->name, name))
                return (uint16_t)port->port;
    return 0;
}

uint16_t pod_find_port(const struct pod *p, struct slice name)
{
    uint16_t port = find_in(&p->spec.containers, name);
    return port ? port : find_in(&p->spec.init_containers, name);
}
