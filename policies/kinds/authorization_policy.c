/* The table of AuthorizationPolicy. Control thread.
 * Must not know which workloads exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/authorization_policy.h"

#include "policies/kinds/finding.h"
#include "lib/schema/schema_format.h"

static const char *const actions[] = {
    [AUTHORIZATION_POLICY_ALLOW] = "ALLOW",
    [AUTHORIZATION_POLICY_DENY] = "DENY",
    [AUTHORIZATION_POLICY_AUDIT] = "AUDIT",
    [AUTHORIZATION_POLICY_CUSTOM] = "CUSTOM",
    NULL,
};

static const struct schema_field target_fields[] = {
    SCHEMA_FIELD(struct policy_target, group, "group", STRING,
                 "Group of the Gateway.", .text = KIND_GROUP_GATEWAY, .max = 253),
    SCHEMA_FIELD(struct policy_target, kind, "kind", STRING, "Gateway.",
                 .flags = SCHEMA_REQUIRED, .max = 63),
    SCHEMA_FIELD(struct policy_target, name, "name", STRING,
                 "Name of the Gateway, in the policy's namespace.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_name),
    {0},
};

static void check_target(struct schema_run *run, const struct doc *node, void *value)
{
    const struct policy_target *t = value;
    if (t->kind.ptr &&
        (!slice_eq_cstr(t->kind, "Gateway") || !slice_eq_cstr(t->group, KIND_GROUP_GATEWAY)))
        schema_error(run, node, "kind", "must be Gateway; workloads are chosen by selector");
}

static const struct schema_rule target_rules[] = {
    {"self.kind == 'Gateway' && (!has(self.group) || self.group == 'gateway.networking.k8s.io')",
     "must be a Gateway; workloads are chosen by selector"},
    {0},
};

static const struct schema target_schema = {
    .name = "PolicyTargetReference",
    .doc = "A Gateway that the policy is for.",
    .size = sizeof(struct policy_target),
    .fields = target_fields,
    .check = check_target,
    .rules = target_rules,
};

static const struct schema_field target_element = {.type = SCHEMA_INLINE, .object = &target_schema};
static const struct schema_field rule_element = {.type = SCHEMA_INLINE,
                                                 .object = &authz_rule_schema};

static const struct schema_field provider_fields[] = {
    SCHEMA_FIELD(struct authorization_policy_provider, name, "name", STRING,
                 "Name of an HTTPFilter with extAuth, in the policy's namespace. It needs no "
                 "targetRefs.",
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_name),
    {0},
};

static const struct schema provider_schema = {
    .name = "AuthorizationProvider",
    .doc = "Who decides.",
    .size = sizeof(struct authorization_policy_provider),
    .fields = provider_fields,
};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct authorization_policy_spec, selector, "selector", OBJECT,
                 "Workloads it is for; the namespace (weft-system: the mesh) when left out.",
                 .object = &selector_labels_schema),
    SCHEMA_FIELD(struct authorization_policy_spec, targets, "targetRefs", LIST,
                 "Gateways it is for, instead of a selector.", .min = 1, .max = 16,
                 .element = &target_element),
    SCHEMA_FIELD(struct authorization_policy_spec, action, "action", ENUM,
                 "CUSTOM is evaluated first: the provider is asked about requests that match. Then "
                 "DENY; if there is any ALLOW policy, one of them must match; AUDIT only writes to "
                 "the log.",
                 .choices = actions),
    SCHEMA_FIELD(struct authorization_policy_spec, rules, "rules", LIST,
                 "The action is taken when any of them matches; ALLOW without rules allows "
                 "nothing.",
                 .max = 512, .element = &rule_element),
    SCHEMA_FIELD(struct authorization_policy_spec, provider, "provider", OBJECT,
                 "Who decides, for CUSTOM.", .object = &provider_schema),
    {0},
};

/* The path with a '/' behind it, or all that begins with it, is in the list as well. */
static bool covers_slash(const struct schema_list *paths, struct slice path)
{
    for (SCHEMA_EACH(*paths, struct slice, p)) {
        bool open = p->len && p->ptr[p->len - 1] == '*';
        struct slice body = slice_sub(*p, 0, p->len - open);
        if (open && slice_starts_with(path, body))
            return true;
        if (body.len == path.len + 1 && slice_starts_with(body, path) && body.ptr[path.len] == '/')
            return true;
    }
    return false;
}

static void each_open(const struct schema_list *paths, authorization_policy_path_fn each,
                      void *owner)
{
    for (SCHEMA_EACH(*paths, struct slice, p)) {
        char last = p->len ? p->ptr[p->len - 1] : '/';
        if (last != '*' && last != '/' && !covers_slash(paths, *p))
            each(owner, *p);
    }
}

void authorization_policy_each_open_path(const struct authorization_policy_spec *spec,
                                         authorization_policy_path_fn each, void *owner)
{
    for (SCHEMA_EACH(spec->rules, struct authz_rule_spec, rule)) {
        for (SCHEMA_EACH(rule->to, struct authz_to_spec, to)) {
            if (spec->action == AUTHORIZATION_POLICY_DENY)
                each_open(&to->operation.paths, each, owner);
            else if (spec->action == AUTHORIZATION_POLICY_ALLOW)
                each_open(&to->operation.not_paths, each, owner);
        }
    }
}

struct warning {
    struct schema_run *run;
    const struct doc *node;
};

static void warn_of_slash(void *owner, struct slice path)
{
    struct warning *w = owner;
    schema_warn_of(w->run, w->node, "rules", FINDING_PATH_SLASH,
                   AUTHORIZATION_POLICY_OPEN_PATH, SLICE_ARG(path), SLICE_ARG(path));
}

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct authorization_policy_spec *spec = value;
    bool is_custom = spec->action == AUTHORIZATION_POLICY_CUSTOM;
    if (is_custom != (spec->provider != NULL))
        schema_error(run, node, "provider",
                     is_custom ? "is required for CUSTOM" : "must be left out but for CUSTOM");
    if (spec->action != AUTHORIZATION_POLICY_ALLOW && spec->rules.count == 0)
        schema_error(run, node, "rules", "is required for %s: without rules it never matches",
                     actions[spec->action]);
    struct warning w = {run, node};
    authorization_policy_each_open_path(spec, warn_of_slash, &w);
    if (spec->selector && spec->targets.present)
        schema_error(run, node, "targetRefs", "cannot be combined with selector");
}

static const struct schema_rule spec_rules[] = {
    {"has(self.provider) == (has(self.action) && self.action == 'CUSTOM')",
     "provider is required for CUSTOM, and for no other action"},
    {"!has(self.action) || self.action == 'ALLOW' || (has(self.rules) && self.rules.size() > 0)",
     "rules is required: without rules it never matches"},
    {"!has(self.selector) || !has(self.targetRefs)", "targetRefs cannot be combined with selector"},
    {0},
};

static const struct schema spec_schema = {
    .name = "AuthorizationPolicySpec",
    .doc = "Who may do what.",
    .size = sizeof(struct authorization_policy_spec),
    .fields = spec_fields,
    .check = check_spec,
    .rules = spec_rules,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct authorization_policy, spec, "spec", INLINE, "Who may do what.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema authorization_policy_kind_schema = {
    .name = "AuthorizationPolicy",
    .doc = "Who may do what to workloads or at a Gateway. Without any ALLOW policy for a workload, "
           "everything is allowed that no DENY policy matches.",
    .size = sizeof(struct authorization_policy),
    .fields = fields,
};
