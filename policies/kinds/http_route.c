/* The table of HTTPRoute, with what the standard demands across its fields. Control thread. Must
 * not know which parents and backends exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route.h"

#include <stdio.h>

static const struct schema_field filter_element = {.type = SCHEMA_INLINE,
                                                   .object = &http_route_filter_schema};

static const struct schema_field backend_fields[] = {
    ROUTE_BACKEND_FIELDS,
    ROUTE_WEIGHT_FIELD,
    SCHEMA_FIELD(struct route_backend, filters, "filters", LIST,
                 "Filters for what goes to this backend.", .max = 16, .element = &filter_element),
    {0},
};

static void check_backend(struct schema_run *run, const struct doc *node, void *value)
{
    const struct route_backend *b = value;
    route_backend_check(run, node, value);
    for (size_t i = 0; i < b->filters.count; i++) {
        const struct http_route_filter *f = SCHEMA_AT(b->filters, struct http_route_filter, i);
        char where[48];
        snprintf(where, sizeof where, "filters[%zu].type", i);
        if (f->type == HTTP_ROUTE_FILTER_CORS)
            schema_error(run, node, where, "CORS is for a rule, not for a single backend");
    }
}

static const struct schema backend_schema = {
    .name = "HTTPBackendRef",
    .doc = "Where requests go.",
    .size = sizeof(struct route_backend),
    .fields = backend_fields,
    .has_line = true,
    .line_offset = offsetof(struct route_backend, line),
    .check = check_backend,
};

static const struct schema_field timeouts_fields[] = {
    SCHEMA_FIELD(struct http_route_timeouts, request, "request", DURATION,
                 "For the whole request, including retries; \"0s\": none.",
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct http_route_timeouts, backend_request, "backendRequest", DURATION,
                 "For one attempt; \"0s\": none.", .fallback = SCHEMA_UNSET),
    {0},
};

static void check_timeouts(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_timeouts *t = value;
    if (t->request > 0 && t->backend_request > t->request)
        schema_error(run, node, "backendRequest", "must not be longer than request");
}

static const struct schema timeouts_schema = {
    .name = "HTTPRouteTimeouts",
    .doc = "How long requests may take.",
    .size = sizeof(struct http_route_timeouts),
    .fields = timeouts_fields,
    .check = check_timeouts,
};

static const struct schema_field code_element = {.type = SCHEMA_INT, .min = 400, .max = 599};

static const struct schema_field retry_fields[] = {
    SCHEMA_FIELD(struct http_route_retry, codes, "codes", LIST, "Status codes that are retried.",
                 .max = 64, .element = &code_element),
    SCHEMA_FIELD(struct http_route_retry, attempts, "attempts", INT,
                 "Attempts after the first; 0: none.", .min = 0, .max = 100,
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct http_route_retry, backoff, "backoff", DURATION,
                 "Pause before the second attempt; later ones are longer.",
                 .fallback = SCHEMA_UNSET),
    {0},
};

static const struct schema retry_schema = {
    .name = "HTTPRouteRetry",
    .doc = "When to retry.",
    .size = sizeof(struct http_route_retry),
    .fields = retry_fields,
};

static const struct schema_field match_element = {.type = SCHEMA_INLINE,
                                                  .object = &http_route_match_schema};
static const struct schema_field backend_element = {.type = SCHEMA_INLINE,
                                                    .object = &backend_schema};

static const struct schema_field rule_fields[] = {
    SCHEMA_FIELD(struct http_route_rule, name, "name", STRING, "Name of the rule.",
                 .format = &schema_format_section),
    SCHEMA_FIELD(struct http_route_rule, matches, "matches", LIST,
                 "Requests for which the rule is: any of them; all when left out.", .max = 64,
                 .element = &match_element),
    SCHEMA_FIELD(struct http_route_rule, filters, "filters", LIST,
                 "What happens to requests on the way.", .max = 16, .element = &filter_element),
    SCHEMA_FIELD(struct http_route_rule, backends, "backendRefs", LIST,
                 "Where requests go, by weight.", .max = 16, .element = &backend_element),
    SCHEMA_FIELD(struct http_route_rule, timeouts, "timeouts", OBJECT,
                 "How long requests may take.", .object = &timeouts_schema),
    SCHEMA_FIELD(struct http_route_rule, retry, "retry", OBJECT, "When to retry.",
                 .object = &retry_schema),
    SCHEMA_FIELD(struct http_route_rule, session, "sessionPersistence", OBJECT,
                 "Keeps a client with the endpoint that it met first.",
                 .object = &session_persistence_schema),
    {0},
};

static bool has_one_prefix(const struct http_route_rule *rule)
{
    if (rule->matches.count == 0)
        return true;
    const struct http_route_match *only = rule->matches.items;
    return rule->matches.count == 1 && only->path.type == HTTP_ROUTE_PREFIX;
}

static void check_rule(struct schema_run *run, const struct doc *node, void *value)
{
    const struct http_route_rule *rule = value;
    bool has_prefix = has_one_prefix(rule);
    bool redirect = http_route_filter_find(&rule->filters, HTTP_ROUTE_FILTER_REDIRECT) != NULL;
    http_route_filter_check_list(run, node, "filters", &rule->filters, has_prefix);
    for (size_t i = 0; i < rule->backends.count; i++) {
        char at[48];
        snprintf(at, sizeof at, "backendRefs[%zu].filters", i);
        http_route_filter_check_list(run, node, at,
                                     &SCHEMA_AT(rule->backends, struct route_backend, i)->filters,
                                     has_prefix);
    }
    if (redirect && rule->backends.count)
        schema_error(run, node, "backendRefs", "must be left out: the rule has a RequestRedirect");
}

static const struct schema rule_schema = {
    .name = "HTTPRouteRule",
    .doc = "What happens to some requests.",
    .size = sizeof(struct http_route_rule),
    .fields = rule_fields,
    .has_line = true,
    .line_offset = offsetof(struct http_route_rule, line),
    .check = check_rule,
};

static const struct schema_field parent_element = {.type = SCHEMA_INLINE,
                                                   .object = &route_parent_schema};
static const struct schema_field rule_element = {.type = SCHEMA_INLINE, .object = &rule_schema};
static const struct schema_field hostname_element = {.type = SCHEMA_STRING,
                                                     .format = &schema_format_hostname};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct route_spec, parents, "parentRefs", LIST,
                 "Gateways, and Services of the mesh, that the route is for.", .max = 32,
                 .element = &parent_element),
    SCHEMA_FIELD(struct route_spec, hostnames, "hostnames", LIST,
                 "Hosts that the route is for; those of the listener when left out.", .max = 16,
                 .element = &hostname_element),
    SCHEMA_FIELD(struct route_spec, rules, "rules", LIST, "What happens to requests.", .min = 1,
                 .max = 16, .element = &rule_element),
    SCHEMA_BARE("useDefaultGateways", REFUSED, "Attaching without naming a Gateway."),
    {0},
};

void http_route_check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    const struct route_spec *spec = value;
    size_t matches = 0;
    for (size_t i = 0; i < spec->rules.count; i++) {
        const struct http_route_rule *rule = SCHEMA_AT(spec->rules, struct http_route_rule, i);
        char where[48];
        snprintf(where, sizeof where, "rules[%zu].name", i);
        matches += rule->matches.count;
        for (size_t j = 0; rule->name.len && j < i; j++)
            if (slice_eq(rule->name, SCHEMA_AT(spec->rules, struct http_route_rule, j)->name))
                schema_error(run, node, where, "\"%.*s\" is given twice", SLICE_ARG(rule->name));
    }
    if (matches > 128)
        schema_error(run, node, "rules", "have %zu matches in all, at most 128 are allowed",
                     matches);
}

static const struct schema spec_schema = {
    .name = "HTTPRouteSpec",
    .doc = "Parents, hosts and rules.",
    .size = sizeof(struct route_spec),
    .fields = spec_fields,
    .check = http_route_check_spec,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct route, spec, "spec", INLINE, "Parents, hosts and rules.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

const struct schema http_route_kind_schema = {
    .name = "HTTPRoute",
    .doc = "Says which HTTP requests go where, at a Gateway or in the mesh.",
    .size = sizeof(struct route),
    .fields = fields,
};
