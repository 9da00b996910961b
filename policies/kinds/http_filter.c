/* The table of HTTPFilter, whose union is made from filters/filters.def. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_filter.h"

#include <stdio.h>

#include "lib/schema/schema_format.h"

/* ---- targets ---- */

static const struct schema_field target_fields[] = {
    SCHEMA_FIELD(struct policy_target, group, "group", STRING,
                 "Group of the target; follows from the kind when left out.", .max = 253),
    SCHEMA_FIELD(struct policy_target, kind, "kind", STRING,
                 "Gateway, HTTPRoute, GRPCRoute, Service or Consumer.", .flags = SCHEMA_REQUIRED,
                 .max = 63),
    SCHEMA_FIELD(struct policy_target, name, "name", STRING,
                 "Name of the target, in the filter's namespace.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct policy_target, section, "sectionName", STRING,
                 "One listener of the Gateway, one rule of the route, or one port of the Service, "
                 "by name.",
                 .format = &schema_format_section),
    {0},
};

static void check_target(struct schema_run *run, const struct doc *node, void *value)
{
    const struct policy_target *t = value;
    const char *group = NULL;
    if (slice_eq_cstr(t->kind, "Service"))
        group = KIND_GROUP_CORE;
    else if (slice_eq_cstr(t->kind, "Consumer"))
        group = KIND_GROUP_WEFT;
    else if (slice_eq_cstr(t->kind, "Gateway") || slice_eq_cstr(t->kind, "HTTPRoute") ||
             slice_eq_cstr(t->kind, "GRPCRoute"))
        group = KIND_GROUP_GATEWAY;
    else if (t->kind.ptr)
        schema_error(run, node, "kind",
                     "must be Gateway, HTTPRoute, GRPCRoute, Service or Consumer");
    if (slice_eq_cstr(t->kind, "Consumer") && t->section.ptr)
        schema_error(run, node, "sectionName", "must be left out: a Consumer has no sections");
    if (group && t->group.ptr && !slice_eq_cstr(t->group, group))
        schema_error(run, node, "group", "must be \"%s\" for this kind", group);
}

static const struct schema_rule target_rules[] = {
    {"self.kind in ['Gateway', 'HTTPRoute', 'GRPCRoute', 'Service', 'Consumer']",
     "kind must be Gateway, HTTPRoute, GRPCRoute, Service or Consumer"},
    {"!has(self.group) || self.group == (self.kind == 'Service' ? '' : self.kind == 'Consumer' ? "
     "'policy.weft.dev' : 'gateway.networking.k8s.io')",
     "group must be the one of the kind"},
    {"self.kind != 'Consumer' || !has(self.sectionName)", "a Consumer has no sections"},
    {0},
};

static const struct schema target_schema = {
    .name = "HTTPFilterTarget",
    .doc = "What the filter is for.",
    .size = sizeof(struct policy_target),
    .fields = target_fields,
    .has_line = true,
    .line_offset = offsetof(struct policy_target, line),
    .check = check_target,
    .rules = target_rules,
};

static const struct schema_field target_element = {.type = SCHEMA_INLINE, .object = &target_schema};

/* ---- the union ---- */

#define ROUTE_FILTER(symbol)
#define FILTER(symbol) extern const struct filter filter_##symbol;
#include "filters/filters.def"
#undef FILTER

#define ROUTE_FILTER(symbol)
#define FILTER(symbol) &filter_##symbol,
const struct filter *const http_filter_all[HTTP_FILTER_COUNT] = {
#include "filters/filters.def"
};
#undef FILTER

enum { TARGETS_FIELD, FIRST_FILTER, SPEC_FIELDS = FIRST_FILTER + HTTP_FILTER_COUNT };
enum { RULE_MAX = 4096 };

/* A row for each filter is added before main. */
static struct schema_field spec_fields[SPEC_FIELDS + 1] = {
    SCHEMA_FIELD(struct http_filter_spec, targets, "targetRefs", LIST,
                 "What the filter is for. Routes can name it themselves as well (ExtensionRef).",
                 .max = 16, .element = &target_element),
};

static char one_of_rule[RULE_MAX];
static const struct schema_rule spec_rules[] = {
    {one_of_rule, "exactly one filter must be given"},
    {0},
};

/* "[has(self.a),has(self.b)].exists_one(x,x)" */
__attribute__((constructor)) static void make_union(void)
{
    int at = snprintf(one_of_rule, RULE_MAX, "[");
    for (size_t i = 0; i < HTTP_FILTER_COUNT; i++) {
        const struct filter *f = http_filter_all[i];
        spec_fields[FIRST_FILTER + i] = (struct schema_field){
            .name = f->name,
            .doc = f->doc,
            .type = SCHEMA_OBJECT,
            .offset = offsetof(struct http_filter_spec, filters) + i * sizeof(void *),
            .object = f->spec,
        };
        at += snprintf(one_of_rule + at, (size_t)(RULE_MAX - at), "%shas(self.%s)", i ? "," : "",
                       f->name);
    }
    snprintf(one_of_rule + at, (size_t)(RULE_MAX - at), "].exists_one(x, x)");
}

/* Who it is must be known before. */
static void check_consumers(struct schema_run *run, const struct doc *node,
                            const struct http_filter_spec *s, const struct filter *f)
{
    for (SCHEMA_EACH(s->targets, struct policy_target, t))
        if (slice_eq_cstr(t->kind, "Consumer") && f->phase <= FILTER_PHASE_AUTHENTICATE)
            schema_error(run, node, "targetRefs", "%s cannot be for a Consumer: it runs before it "
                         "is known who calls", f->name);
}

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct schema_field *chosen = NULL;
    for (const struct schema_field *f = &spec_fields[FIRST_FILTER]; f->name; f++) {
        if (!doc_get(node, slice_from_cstr(f->name)))
            continue;
        if (chosen)
            schema_error(run, node, f->name, "must be left out: the filter is %s", chosen->name);
        else
            chosen = f;
    }
    if (!chosen)
        schema_error(run, node, NULL, "must have a filter; weftctl reference lists them");
    else
        check_consumers(run, node, value, filter_find(slice_from_cstr(chosen->name)));
}

static const struct schema spec_schema = {
    .name = "HTTPFilterSpec",
    .doc = "One filter, and what it is for.",
    .size = sizeof(struct http_filter_spec),
    .fields = spec_fields,
    .check = check_spec,
    .rules = spec_rules,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct http_filter, spec, "spec", INLINE, "One filter, and what it is for.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema http_filter_kind_schema = {
    .name = "HTTPFilter",
    .doc = "Something that looks at requests, changes or answers them: at a Gateway, along a "
           "route, or at the pods of a Service. The narrower target wins where two are of one "
           "type.",
    .size = sizeof(struct http_filter),
    .fields = fields,
};

const struct filter *http_filter_chosen(const struct http_filter *o, const void **spec)
{
    size_t i = 0;
    while (i + 1 < HTTP_FILTER_COUNT && !o->spec.filters[i])
        i++;
    *spec = o->spec.filters[i];
    return http_filter_all[i];
}
