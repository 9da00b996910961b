/* The table of ExternalService. Control thread. Must not know who calls it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/external_service.h"

#include <assert.h>

#include "lib/base/addr_reach.h"
#include "lib/schema/schema_format.h"

static_assert(offsetof(struct external_service, spec.service) == offsetof(struct service, spec) &&
                  offsetof(struct external_service, spec.none) == offsetof(struct service, status),
              "an ExternalService begins as a Service");

static bool is_address(struct slice text)
{
    struct addr addr;
    return addr_parse(text, &addr) == ERR_OK && addr.port == 0 && !addr_is_any(&addr);
}

static const struct schema_format address_format = {
    "address", "must be an IP address, without a port", NULL, is_address};

static const struct schema_field port_fields[] = {
    SCHEMA_FIELD(struct service_port, name, "name", STRING,
                 "Name of the port; its part before a '-' declares the protocol.", .max = 63,
                 .format = &schema_format_section),
    SCHEMA_FIELD(struct service_port, port, "port", INT, "What is called.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 65535),
    SCHEMA_FIELD(struct service_port, app_protocol, "appProtocol", STRING,
                 "What is spoken on the port, inside of TLS where there is tls; wins over the "
                 "port's name.",
                 .max = 253),
    {0},
};

static const struct schema port_schema = {
    .name = "ExternalServicePort",
    .doc = "A port that can be called.",
    .size = sizeof(struct service_port),
    .fields = port_fields,
};

static const struct schema_field endpoint_fields[] = {
    SCHEMA_FIELD(struct external_service_endpoint, address, "address", STRING, "Its IP address.",
                 .flags = SCHEMA_REQUIRED, .format = &address_format),
    SCHEMA_FIELD(struct external_service_endpoint, port, "port", INT,
                 "Its port, where that is another than the one that is called.", .min = 1,
                 .max = 65535),
    SCHEMA_FIELD(struct external_service_endpoint, weight, "weight", INT,
                 "Its share of the requests, against the other weights.", .min = 1, .max = 1000000,
                 .fallback = 1),
    SCHEMA_FIELD(struct external_service_endpoint, is_backup, "backup", BOOL,
                 "It gets requests only while no other is healthy, or for another attempt when "
                 "all others were tried."),
    {0},
};

static const struct schema endpoint_schema = {
    .name = "ExternalServiceEndpoint",
    .doc = "One server.",
    .size = sizeof(struct external_service_endpoint),
    .fields = endpoint_fields,
};

static const struct schema_field port_element = {.type = SCHEMA_INLINE, .object = &port_schema};
static const struct schema_field endpoint_element = {.type = SCHEMA_INLINE,
                                                     .object = &endpoint_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct external_service_spec, service.ports, "ports", LIST,
                 "Ports that can be called.", .flags = SCHEMA_REQUIRED, .min = 1, .max = 16,
                 .element = &port_element),
    SCHEMA_FIELD(struct external_service_spec, host, "host", STRING,
                 "The host name whose addresses are called: all of them, for as long as DNS says. "
                 "A name of a Service of the cluster is refused.",
                 .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct external_service_spec, endpoints, "endpoints", LIST,
                 "The servers that are called, instead of a host.", .max = 64,
                 .element = &endpoint_element),
    SCHEMA_FIELD(struct external_service_spec, tls, "tls", OBJECT,
                 "It is called over TLS; in the clear when left out.",
                 .object = &backend_tls_policy_validation_schema),
    SCHEMA_FIELD(struct external_service_spec, allows_local, "allowLocalAddresses", BOOL,
                 "Also call addresses of the data plane's own machine and link: loopback, "
                 "link-local and metadata services."),
    {0},
};

static bool is_local(const struct external_service_endpoint *e)
{
    struct addr addr;
    return e->address.len && addr_parse(e->address, &addr) == ERR_OK && !addr_is_beyond(&addr);
}

/* One namespace must not reach Services of another by their names: that takes a ReferenceGrant. */
static bool is_in_cluster(struct slice host)
{
    return slice_ends_with(host, SLICE(".svc")) || slice_find(host, SLICE(".svc.")) < host.len;
}

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct external_service_spec *s = value;
    if (!s->host.len == !s->endpoints.count)
        schema_error(run, node, "host", "either host or endpoints must be given");
    if (is_in_cluster(s->host))
        schema_error(run, node, "host", "is a Service of the cluster: name that as the backend");
    for (SCHEMA_EACH(s->endpoints, struct external_service_endpoint, e))
        if (!s->allows_local && is_local(e))
            schema_error(run, node, "endpoints",
                         "%.*s is an address of the data plane's own machine or link: "
                         "allowLocalAddresses has to allow it", SLICE_ARG(e->address));
    if (s->tls && s->tls->well_known.len && !slice_eq_cstr(s->tls->well_known, "System"))
        schema_error(run, node, "tls.wellKnownCACertificates", "must be System");
    if (s->tls && s->tls->hostname.len &&
        !schema_format_precise_hostname.is_valid(s->tls->hostname))
        schema_error(run, node, "tls.hostname", "%s", schema_format_precise_hostname.must_be);
    for (size_t i = 0; i < s->service.ports.count; i++)
        for (size_t j = 0; j < i; j++)
            if (SCHEMA_AT(s->service.ports, struct service_port, i)->port ==
                SCHEMA_AT(s->service.ports, struct service_port, j)->port)
                schema_error(run, node, "ports", "port %d is given twice",
                             (int)SCHEMA_AT(s->service.ports, struct service_port, i)->port);
}

static const struct schema_rule spec_rules[] = {
    {"has(self.host) != (has(self.endpoints) && size(self.endpoints) > 0)",
     "either host or endpoints must be given"},
    {"!has(self.host) || !(self.host.endsWith('.svc') || self.host.contains('.svc.'))",
     "host is a Service of the cluster: name that as the backend"},
    {"!has(self.tls) || !has(self.tls.wellKnownCACertificates) || "
     "self.tls.wellKnownCACertificates == 'System'",
     "tls.wellKnownCACertificates must be System"},
    {0},
};

static const struct schema spec_schema = {
    .name = "ExternalServiceSpec",
    .doc = "Where it is, and how it is called.",
    .size = sizeof(struct external_service_spec),
    .fields = spec_fields,
    .check = check_spec,
    .rules = spec_rules,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct external_service, spec, "spec", INLINE,
                 "Where it is, and how it is called.", .flags = SCHEMA_REQUIRED,
                 .object = &spec_schema),
    {0},
};

const struct schema external_service_kind_schema = {
    .name = "ExternalService",
    .doc = "What is outside of the mesh and the cluster, by a host name or by addresses, as a "
           "backend of routes.",
    .size = sizeof(struct external_service),
    .fields = fields,
};

bool external_service_is(const struct service *s)
{
    return s->object.kind->id == KIND_EXTERNAL_SERVICE;
}
