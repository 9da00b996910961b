/* The table of ListenerPolicy. Control thread.
 * Must not know which Gateways exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/listener_policy.h"

#include "lib/schema/schema_format.h"

static const struct schema_field target_fields[] = {
    SCHEMA_FIELD(struct policy_target, group, "group", STRING,
                 "Group of the target; follows from the kind when left out.", .max = 253),
    SCHEMA_FIELD(struct policy_target, kind, "kind", STRING, "Gateway.",
                 .flags = SCHEMA_REQUIRED, .max = 63),
    SCHEMA_FIELD(struct policy_target, name, "name", STRING,
                 "Name of the Gateway, in the policy's namespace.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct policy_target, section, "sectionName", STRING,
                 "One listener of the Gateway, by name.", .format = &schema_format_section),
    {0},
};

static void check_target(struct schema_run *run, const struct doc *node, void *value)
{
    const struct policy_target *t = value;
    if (t->kind.ptr && !slice_eq_cstr(t->kind, "Gateway"))
        schema_error(run, node, "kind", "must be Gateway");
    else if (t->group.ptr && !slice_eq_cstr(t->group, KIND_GROUP_GATEWAY))
        schema_error(run, node, "group", "must be \"%s\"", KIND_GROUP_GATEWAY);
}

static const struct schema_rule target_rules[] = {
    {"self.kind == 'Gateway'", "kind must be Gateway"},
    {"!has(self.group) || self.group == 'gateway.networking.k8s.io'",
     "group must be gateway.networking.k8s.io"},
    {0},
};

static const struct schema target_schema = {
    .name = "ListenerPolicyTarget",
    .doc = "What the policy is for.",
    .size = sizeof(struct policy_target),
    .fields = target_fields,
    .has_line = true,
    .line_offset = offsetof(struct policy_target, line),
    .check = check_target,
    .rules = target_rules,
};

static const struct schema_field target_element = {.type = SCHEMA_INLINE, .object = &target_schema};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct listener_policy_spec, targets, "targetRefs", LIST,
                 "What the policy is for.", .flags = SCHEMA_REQUIRED, .min = 1, .max = 16,
                 .element = &target_element),
    CLIENT_TRAFFIC_FIELDS(struct listener_policy_spec, traffic.),
    SCHEMA_FIELD(struct listener_policy_spec, tls, "tls", INLINE,
                 "How TLS ends at the listeners. Without meaning for listeners that do not end it.",
                 .object = &listener_tls_schema),
    {0},
};

static const struct schema spec_schema = {
    .name = "ListenerPolicySpec",
    .doc = "Targets, and what holds for connections of clients there.",
    .size = sizeof(struct listener_policy_spec),
    .fields = spec_fields,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct listener_policy, spec, "spec", INLINE,
                 "Targets, and what holds for connections of clients there.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema listener_policy_kind_schema = {
    .name = "ListenerPolicy",
    .doc = "What holds for connections from clients at a Gateway, or at one of its listeners. What "
           "it leaves out, MeshConfig says (spec.clientTraffic).",
    .size = sizeof(struct listener_policy),
    .fields = fields,
};
