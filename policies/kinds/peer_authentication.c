/* The table of PeerAuthentication. Control thread.
 * Must not know which workloads it is for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/peer_authentication.h"

#include "lib/schema/schema_format.h"

static const char *const modes[] = {
    [PEER_AUTHENTICATION_UNSET] = "UNSET",
    [PEER_AUTHENTICATION_PERMISSIVE] = "PERMISSIVE",
    [PEER_AUTHENTICATION_STRICT] = "STRICT",
    [PEER_AUTHENTICATION_DISABLE] = "DISABLE",
    NULL,
};

#define MODE_DOC                                                                               \
    "STRICT: mutual TLS only; PERMISSIVE: also plaintext; DISABLE: plaintext only; UNSET: as " \
    "the wider policy says."

static const struct schema_field mtls_fields[] = {
    SCHEMA_FIELD(struct peer_authentication_mtls, mode, "mode", ENUM, MODE_DOC, .choices = modes),
    {0},
};

static const struct schema mtls_schema = {
    .name = "MutualTLS",
    .doc = "Whether callers must come with mutual TLS.",
    .size = sizeof(struct peer_authentication_mtls),
    .fields = mtls_fields,
};

static const struct schema_field port_fields[] = {
    SCHEMA_FIELD(struct peer_authentication_port, mode, "mode", ENUM, MODE_DOC,
                 .flags = SCHEMA_REQUIRED, .choices = modes),
    {0},
};

static const struct schema port_schema = {
    .name = "PortMutualTLS",
    .doc = "Whether callers of one port must come with mutual TLS.",
    .size = sizeof(struct peer_authentication_port),
    .fields = port_fields,
};

static const struct schema_field port_element = {.type = SCHEMA_INLINE, .object = &port_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct peer_authentication_spec, selector, "selector", OBJECT,
                 "Workloads it is for; the namespace (weft-system: the mesh) when left out.",
                 .object = &selector_labels_schema),
    SCHEMA_FIELD(struct peer_authentication_spec, mtls, "mtls", INLINE,
                 "For all ports that are not named.", .object = &mtls_schema),
    SCHEMA_FIELD(struct peer_authentication_spec, ports, "portLevelMtls", MAP,
                 "For single ports of the workload; needs a selector.", .max = 64,
                 .format = &schema_format_port_key, .element = &port_element),
    {0},
};

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct peer_authentication_spec *spec = value;
    if (spec->ports.count && !spec->selector)
        schema_error(run, node, "portLevelMtls", "needs a selector: ports are those of a workload");
}

static const struct schema_rule spec_rules[] = {
    {"!has(self.portLevelMtls) || self.portLevelMtls.size() == 0 || has(self.selector)",
     "portLevelMtls needs a selector: ports are those of a workload"},
    {0},
};

static const struct schema spec_schema = {
    .name = "PeerAuthenticationSpec",
    .doc = "Who must come with mutual TLS.",
    .size = sizeof(struct peer_authentication_spec),
    .fields = spec_fields,
    .check = check_spec,
    .rules = spec_rules,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct peer_authentication, spec, "spec", INLINE, "Who must come with mutual TLS.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema peer_authentication_kind_schema = {
    .name = "PeerAuthentication",
    .doc = "Whether workloads take plaintext, mutual TLS, or both. The narrowest policy wins: "
           "port, workload, namespace, mesh; PERMISSIVE when there is none.",
    .size = sizeof(struct peer_authentication),
    .fields = fields,
};

enum peer_authentication_mode peer_authentication_of_port(const struct peer_authentication *p,
                                                          uint16_t port)
{
    for (SCHEMA_EACH(p->spec.ports, struct peer_authentication_port, entry)) {
        uint64_t number;
        if (!slice_to_u64(entry->port, &number) && number == port)
            return (enum peer_authentication_mode)entry->mode;
    }
    return PEER_AUTHENTICATION_UNSET;
}
