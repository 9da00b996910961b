/* The table of GRPCRoute, and what its rules are in terms of HTTP. Control thread. Must not know
 * which parents and backends exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/http_route.h"

#include <stdio.h>

enum method_type { METHOD_EXACT, METHOD_REGEX };

struct grpc_method {
    int type; /* enum method_type */
    struct slice service, method;
};

struct grpc_match {
    struct grpc_method *method;
    struct schema_list headers; /* struct http_route_value_match */
};

static const char *const method_types[] = {
    [METHOD_EXACT] = "Exact",
    [METHOD_REGEX] = "RegularExpression",
    NULL,
};

/* ---- matches ---- */

static const struct schema_field method_fields[] = {
    SCHEMA_FIELD(struct grpc_method, type, "type", ENUM, "How the names compare.",
                 .choices = method_types),
    SCHEMA_FIELD(struct grpc_method, service, "service", STRING,
                 "The service, with its package; any when left out.", .max = 1024),
    SCHEMA_FIELD(struct grpc_method, method, "method", STRING, "The method; any when left out.",
                 .max = 1024),
    {0},
};

/* Letters, digits and '_', not beginning with a digit; a service's have dots between them, and one
 * may come first. */
static bool is_name(struct slice text, bool is_service)
{
    bool begins = true;
    if (is_service && slice_starts_with(text, SLICE(".")))
        text = slice_sub(text, 1, text.len);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        bool dot = c == '.' && is_service && !begins;
        if (!letter && !dot && (begins || c < '0' || c > '9'))
            return false;
        begins = dot;
    }
    return !begins;
}

static void check_name(struct schema_run *run, const struct doc *node, const char *field, int type,
                       struct slice text)
{
    if (!text.ptr)
        return;
    if (type == METHOD_REGEX)
        http_route_match_check_regex(run, node, field, text);
    else if (!is_name(text, *field == 's'))
        schema_error(run, node, field, "must be a name like \"%s\"",
                     *field == 's' ? "shop.v1.Basket" : "AddItem");
}

static void check_method(struct schema_run *run, const struct doc *node, void *value)
{
    const struct grpc_method *m = value;
    check_name(run, node, "service", m->type, m->service);
    check_name(run, node, "method", m->type, m->method);
    if (!m->service.len && !m->method.len)
        schema_error(run, node, NULL, "needs a service, a method, or both");
}

static const struct schema method_schema = {
    .name = "GRPCMethodMatch",
    .doc = "What is called.",
    .size = sizeof(struct grpc_method),
    .fields = method_fields,
    .check = check_method,
};

static const struct schema_field header_element = {.type = SCHEMA_INLINE,
                                                   .object = &http_route_match_header_schema};

static const struct schema_field match_fields[] = {
    SCHEMA_FIELD(struct grpc_match, method, "method", OBJECT,
                 "What must be called; any method when left out.", .object = &method_schema),
    SCHEMA_FIELD(struct grpc_match, headers, "headers", LIST, "All of them must match.", .max = 16,
                 .element = &header_element),
    {0},
};

static const struct schema match_schema = {
    .name = "GRPCRouteMatch",
    .doc = "A call matches when all of it holds.",
    .size = sizeof(struct grpc_match),
    .fields = match_fields,
};

/* ---- in terms of HTTP: the path is "/service/method" ---- */

static struct http_route_path_match path_of(struct arena *arena, const struct grpc_method *m)
{
    struct http_route_path_match path = {.type = HTTP_ROUTE_PREFIX, .value = SLICE("/")};
    if (!m)
        return path;
    struct slice any = SLICE("[^/]+");
    bool exact = m->type == METHOD_EXACT;
    if (exact && m->service.len && m->method.len) {
        path.type = HTTP_ROUTE_EXACT;
        path.value = arena_printf(arena, "/%.*s/%.*s", SLICE_ARG(m->service), SLICE_ARG(m->method));
    } else if (exact && m->service.len) {
        path.value = arena_printf(arena, "/%.*s", SLICE_ARG(m->service));
    } else {
        struct slice service = m->service.len ? m->service : any;
        struct slice method = m->method.len ? m->method : any;
        path.type = HTTP_ROUTE_REGEX;
        path.value =
            arena_printf(arena, "/(?:%.*s)/(?:%.*s)", SLICE_ARG(service), SLICE_ARG(method));
    }
    return path;
}

static void lower_matches(struct arena *arena, struct schema_list *matches)
{
    struct http_route_match *to = arena_zalloc(arena, matches->count * sizeof *to);
    for (size_t i = 0; i < matches->count; i++) {
        const struct grpc_match *from = SCHEMA_AT(*matches, struct grpc_match, i);
        to[i].path = path_of(arena, from->method);
        to[i].headers = from->headers;
        to[i].method = SCHEMA_UNSET;
        to[i].grpc_service_len = from->method ? from->method->service.len : 0;
        to[i].grpc_method_len = from->method ? from->method->method.len : 0;
    }
    matches->items = to;
}

/* ---- rules ---- */

static const struct schema_field filter_element = {.type = SCHEMA_INLINE,
                                                   .object = &http_route_filter_grpc_schema};

static const struct schema_field backend_fields[] = {
    ROUTE_BACKEND_FIELDS,
    ROUTE_WEIGHT_FIELD,
    SCHEMA_FIELD(struct route_backend, filters, "filters", LIST,
                 "Filters for what goes to this backend.", .max = 16, .element = &filter_element),
    {0},
};

static const struct schema backend_schema = {
    .name = "GRPCBackendRef",
    .doc = "Where calls go.",
    .size = sizeof(struct route_backend),
    .fields = backend_fields,
    .has_line = true,
    .line_offset = offsetof(struct route_backend, line),
    .check = route_backend_check,
};

static const struct schema_field match_element = {.type = SCHEMA_INLINE, .object = &match_schema};
static const struct schema_field backend_element = {.type = SCHEMA_INLINE,
                                                    .object = &backend_schema};

static const struct schema_field rule_fields[] = {
    SCHEMA_FIELD(struct http_route_rule, name, "name", STRING, "Name of the rule.",
                 .format = &schema_format_section),
    SCHEMA_FIELD(struct http_route_rule, matches, "matches", LIST,
                 "Calls for which the rule is: any of them; all when left out.", .max = 64,
                 .element = &match_element),
    SCHEMA_FIELD(struct http_route_rule, filters, "filters", LIST,
                 "What happens to calls on the way.", .max = 16, .element = &filter_element),
    SCHEMA_FIELD(struct http_route_rule, backends, "backendRefs", LIST,
                 "Where calls go, by weight.", .max = 16, .element = &backend_element),
    SCHEMA_FIELD(struct http_route_rule, session, "sessionPersistence", OBJECT,
                 "Keeps a client with the endpoint that it met first.",
                 .object = &session_persistence_schema),
    {0},
};

static void check_rule(struct schema_run *run, const struct doc *node, void *value)
{
    struct http_route_rule *rule = value;
    http_route_filter_check_list(run, node, "filters", &rule->filters, false);
    for (size_t i = 0; i < rule->backends.count; i++) {
        char at[48];
        snprintf(at, sizeof at, "backendRefs[%zu].filters", i);
        http_route_filter_check_list(
            run, node, at, &SCHEMA_AT(rule->backends, struct route_backend, i)->filters, false);
    }
    lower_matches(run->arena, &rule->matches);
}

static const struct schema rule_schema = {
    .name = "GRPCRouteRule",
    .doc = "What happens to some calls.",
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
    SCHEMA_FIELD(struct route_spec, rules, "rules", LIST, "What happens to calls.", .max = 16,
                 .element = &rule_element),
    SCHEMA_BARE("useDefaultGateways", REFUSED, "Attaching without naming a Gateway."),
    {0},
};

static const struct schema spec_schema = {
    .name = "GRPCRouteSpec",
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

const struct schema grpc_route_kind_schema = {
    .name = "GRPCRoute",
    .doc = "Says which gRPC calls go where, at a Gateway or in the mesh.",
    .size = sizeof(struct route),
    .fields = fields,
};
