/* What users write in an AuthorizationPolicy's rules. A pattern that could never match is an error
 * here: in a DENY it would silently protect nothing. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/authz.h"

#include <string.h>

#include "filters/ext_auth.h"
#include "filters/authz/authz_token.h"
#include "lib/schema/schema_format.h"

/* What is left of a pattern without its star; false when a star stands elsewhere, or twice. */
static bool pattern_body(struct slice text, struct slice *body)
{
    bool front = slice_starts_with(text, SLICE("*"));
    bool back = text.len > 1 && slice_ends_with(text, SLICE("*"));
    *body = slice_sub(text, front, text.len - front - back);
    return text.len > 0 && !(front && back) && slice_find_byte(*body, '*') == body->len;
}

static bool is_pattern(struct slice text)
{
    struct slice body;
    return pattern_body(text, &body);
}

static bool is_principal(struct slice text)
{
    struct slice body;
    return pattern_body(text, &body) && slice_find(text, SLICE("://")) == text.len;
}

static bool is_host(struct slice text)
{
    struct slice body;
    return pattern_body(text, &body) && slice_find_byte(body, ':') == body.len &&
           slice_find_byte(body, '/') == body.len;
}

static bool is_method(struct slice text)
{
    struct slice body;
    if (!pattern_body(text, &body))
        return false;
    for (size_t i = 0; i < body.len; i++)
        if (body.ptr[i] >= 'a' && body.ptr[i] <= 'z')
            return false;
    return body.len == 0 || schema_format_header_name.is_valid(body);
}

/* Rules see the path decoded, without parameters, with dots and double slashes resolved. */
static bool is_path(struct slice text)
{
    struct slice body;
    if (!pattern_body(text, &body) || (text.ptr[0] != '/' && text.ptr[0] != '*'))
        return false;
    for (size_t i = 0; i < body.len; i++)
        if ((unsigned char)body.ptr[i] <= 0x20 || strchr("%?#;\\{}\x7f", body.ptr[i]))
            return false;
    return slice_find(body, SLICE("//")) == body.len &&
           slice_find(body, SLICE("/./")) == body.len &&
           slice_find(body, SLICE("/../")) == body.len && !slice_ends_with(body, SLICE("/.")) &&
           !slice_ends_with(body, SLICE("/.."));
}

static bool is_account(struct slice text)
{
    size_t slash = slice_find_byte(text, '/');
    struct slice name = slash < text.len ? slice_sub(text, slash + 1, text.len) : text;
    return schema_format_name.is_valid(name) &&
           (slash == text.len || schema_format_label_name.is_valid(slice_sub(text, 0, slash)));
}

#define STAR "; a '*' may stand at the beginning or at the end"

static const struct schema_format pattern_format = {
    "pattern", "must be a value, \"value*\", \"*value\" or \"*\"", "^(\\*|[^*]+\\*?|\\*[^*]+)$",
    is_pattern};
const struct schema_format authz_principal_format = {
    "principal", "must be like \"cluster.local/ns/shop/sa/web\", without \"spiffe://\"" STAR, NULL,
    is_principal};
static const struct schema_format host_format = {
    "host-pattern", "must be a host without a port" STAR, NULL, is_host};
static const struct schema_format method_format = {
    "method-pattern", "must be a method in upper case" STAR, NULL, is_method};
static const struct schema_format path_format = {
    "path-pattern",
    "must be a path as rules see it: it begins with '/', is decoded, has no \"//\", \"/../\", "
    "parameters or query" STAR,
    NULL, is_path};
static const struct schema_format account_format = {
    "service-account", "must be a service account, \"web\" or \"shop/web\"", NULL, is_account};

#define TEXT(format_)                                                    \
    {                                                                    \
        .type = SCHEMA_STRING, .min = 1, .max = 2048, .format = &format_ \
    }

static const struct schema_field pattern_element = TEXT(pattern_format);
static const struct schema_field principal_element = TEXT(authz_principal_format);
static const struct schema_field host_element = TEXT(host_format);
static const struct schema_field method_element = TEXT(method_format);
static const struct schema_field path_element = TEXT(path_format);
static const struct schema_field account_element = TEXT(account_format);
static const struct schema_field cidr_element = TEXT(schema_format_cidr);
static const struct schema_field port_element = {
    .type = SCHEMA_INT, .flags = SCHEMA_DIGITS, .min = 1, .max = 65535};
static const struct schema_field value_element = {.type = SCHEMA_STRING, .min = 1, .max = 2048};

#define SOURCE(member, name, element_, doc_)                                             \
    SCHEMA_FIELD(struct authz_source_spec, member, name, LIST, doc_, .min = 1, \
                 .max = 256, .element = &element_)

static const struct schema_field source_fields[] = {
    SOURCE(principals, "principals", principal_element,
           "Identities from the caller's certificate: any of them."),
    SOURCE(not_principals, "notPrincipals", principal_element, "None of these identities."),
    SOURCE(namespaces, "namespaces", pattern_element, "Namespaces of the caller: any of them."),
    SOURCE(not_namespaces, "notNamespaces", pattern_element, "None of these namespaces."),
    SOURCE(service_accounts, "serviceAccounts", account_element,
           "Service accounts of the caller: any of them."),
    SOURCE(not_service_accounts, "notServiceAccounts", account_element,
           "None of these service accounts."),
    SOURCE(ip_blocks, "ipBlocks", cidr_element, "Addresses of the connection's other end."),
    SOURCE(not_ip_blocks, "notIpBlocks", cidr_element, "None of these addresses."),
    SOURCE(remote_ip_blocks, "remoteIpBlocks", cidr_element,
           "Addresses of the client: of the connection's other end, or whom a trusted proxy "
           "names (MeshConfig and ListenerPolicy say who is trusted)."),
    SOURCE(not_remote_ip_blocks, "notRemoteIpBlocks", cidr_element,
           "None of these client addresses."),
    SOURCE(request_principals, "requestPrincipals", pattern_element,
           "Identities from a token that an HTTPFilter jwt of the Service has checked, "
           "\"<issuer>/<subject>\": any of them. \"*\": there is one."),
    SOURCE(not_request_principals, "notRequestPrincipals", pattern_element,
           "None of these identities; \"*\": there is no token."),
    {0},
};

static void check_source(struct schema_run *run, const struct doc *node, void *value)
{
    const struct authz_source_spec *s = value;
    bool accounts = s->service_accounts.present || s->not_service_accounts.present;
    if (node->count == 0)
        schema_error(run, node, NULL, "says nothing: leave \"from\" out to mean any source");
    if (accounts && (s->principals.present || s->namespaces.present))
        schema_error(run, node, "serviceAccounts",
                     "cannot be combined with principals or namespaces");
}

static const struct schema_rule source_rules[] = {
    {"!(has(self.serviceAccounts) || has(self.notServiceAccounts)) || !(has(self.principals) || "
     "has(self.namespaces))",
     "serviceAccounts cannot be combined with principals or namespaces"},
    {0},
};

static const struct schema source_schema = {
    .name = "Source",
    .doc = "Who calls; all that is said must hold.",
    .size = sizeof(struct authz_source_spec),
    .fields = source_fields,
    .check = check_source,
    .rules = source_rules,
};

static const struct schema_field from_fields[] = {
    SCHEMA_FIELD(struct authz_from_spec, source, "source", INLINE, "Who calls.",
                 .flags = SCHEMA_REQUIRED, .object = &source_schema),
    {0},
};

static const struct schema from_schema = {
    .name = "From",
    .doc = "One kind of caller.",
    .size = sizeof(struct authz_from_spec),
    .fields = from_fields,
};

#define OPERATION(member, name, element_, doc_)                                             \
    SCHEMA_FIELD(struct authz_operation_spec, member, name, LIST, doc_, .min = 1, \
                 .max = 256, .element = &element_)

static const struct schema_field operation_fields[] = {
    OPERATION(hosts, "hosts", host_element, "Hosts of the request, in any case."),
    OPERATION(not_hosts, "notHosts", host_element, "None of these hosts."),
    OPERATION(ports, "ports", port_element, "Ports of the workload."),
    OPERATION(not_ports, "notPorts", port_element, "None of these ports."),
    OPERATION(methods, "methods", method_element, "Methods of the request."),
    OPERATION(not_methods, "notMethods", method_element, "None of these methods."),
    OPERATION(paths, "paths", path_element, "Paths of the request, normalised."),
    OPERATION(not_paths, "notPaths", path_element, "None of these paths."),
    {0},
};

static void check_operation(struct schema_run *run, const struct doc *node, void *value)
{
    (void)value;
    if (node->count == 0)
        schema_error(run, node, NULL, "says nothing: leave \"to\" out to mean any operation");
}

static const struct schema operation_schema = {
    .name = "Operation",
    .doc = "What is asked for; all that is said must hold.",
    .size = sizeof(struct authz_operation_spec),
    .fields = operation_fields,
    .check = check_operation,
};

static const struct schema_field to_fields[] = {
    SCHEMA_FIELD(struct authz_to_spec, operation, "operation", INLINE,
                 "What is asked for.", .flags = SCHEMA_REQUIRED, .object = &operation_schema),
    {0},
};

static const struct schema to_schema = {
    .name = "To",
    .doc = "One kind of request.",
    .size = sizeof(struct authz_to_spec),
    .fields = to_fields,
};

static const struct schema_field when_fields[] = {
    SCHEMA_FIELD(struct authz_when_spec, key, "key", STRING,
                 "What is looked at: request.headers[name], source.ip, remote.ip, "
                 "source.namespace, source.principal, destination.ip, destination.port, "
                 "connection.sni; of a token request.auth.principal, request.auth.audiences, "
                 "request.auth.presenter, request.auth.claims[name] or "
                 "request.auth.claims[name][member].",
                 .flags = SCHEMA_REQUIRED, .max = 300),
    SCHEMA_FIELD(struct authz_when_spec, values, "values", LIST, "Any of these.",
                 .min = 1, .max = 256, .element = &value_element),
    SCHEMA_FIELD(struct authz_when_spec, not_values, "notValues", LIST, "None of these.",
                 .min = 1, .max = 256, .element = &value_element),
    {0},
};

static bool is_claim(struct slice key)
{
    struct claim_path path;
    struct arena arena;
    arena_init(&arena, 512);
    bool is_one = authz_token_path(key, &arena, &path);
    arena_dispose(&arena);
    return is_one;
}

/* What the values of a key must be; NULL: no such key. */
static const struct schema_format *format_of_key(struct slice key)
{
    static const struct {
        const char *key;
        const struct schema_format *format;
    } keys[] = {
        {"source.ip", &schema_format_cidr},      {"remote.ip", &schema_format_cidr},
        {"destination.ip", &schema_format_cidr}, {"destination.port", &schema_format_port_key},
        {"source.namespace", &pattern_format},
        {"source.principal", &authz_principal_format},
        {"connection.sni", &host_format},
        {"request.auth.principal", &pattern_format},
        {"request.auth.audiences", &pattern_format},
        {"request.auth.presenter", &pattern_format},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (slice_eq_cstr(key, keys[i].key))
            return keys[i].format;
    struct slice front = SLICE("request.headers[");
    if (is_claim(key))
        return &pattern_format;
    if (!slice_starts_with(key, front) || !slice_ends_with(key, SLICE("]")))
        return NULL;
    struct slice name = slice_sub(key, front.len, key.len - front.len - 1);
    bool is_host_name = slice_eq_nocase(name, SLICE("host"));
    return schema_format_header_name.is_valid(name) && !is_host_name ? &pattern_format : NULL;
}

static void check_values(struct schema_run *run, const struct doc *node, const char *field,
                         const struct schema_list *values, const struct schema_format *format)
{
    for (SCHEMA_EACH(*values, struct slice, v))
        if (v->ptr && !format->is_valid(*v))
            schema_error(run, node, field, "\"%.*s\" %s", SLICE_ARG(*v), format->must_be);
}

static void check_when(struct schema_run *run, const struct doc *node, void *value)
{
    const struct authz_when_spec *w = value;
    if (!w->key.ptr)
        return;
    const struct schema_format *format = format_of_key(w->key);
    if (!format)
        schema_error(run, node, "key",
                     "must be request.headers[name] (for the host use \"hosts\"), source.ip, "
                     "remote.ip, source.namespace, source.principal, destination.ip, "
                     "destination.port, connection.sni, request.auth.principal, "
                     "request.auth.audiences, request.auth.presenter or "
                     "request.auth.claims[name]");
    if (!w->values.present && !w->not_values.present)
        schema_error(run, node, NULL, "needs values or notValues");
    if (!format)
        return;
    check_values(run, node, "values", &w->values, format);
    check_values(run, node, "notValues", &w->not_values, format);
}

static const struct schema_rule when_rules[] = {
    {"has(self.values) || has(self.notValues)", "needs values or notValues"},
    {0},
};

static const struct schema when_schema = {
    .name = "Condition",
    .doc = "A further condition.",
    .size = sizeof(struct authz_when_spec),
    .fields = when_fields,
    .check = check_when,
    .rules = when_rules,
};

static const struct schema_field from_element = {.type = SCHEMA_INLINE, .object = &from_schema};
static const struct schema_field to_element = {.type = SCHEMA_INLINE, .object = &to_schema};
static const struct schema_field when_element = {.type = SCHEMA_INLINE, .object = &when_schema};

static const struct schema_field rule_fields[] = {
    SCHEMA_FIELD(struct authz_rule_spec, from, "from", LIST,
                 "Who calls: any of them; anybody when left out.", .min = 1, .max = 64,
                 .element = &from_element),
    SCHEMA_FIELD(struct authz_rule_spec, to, "to", LIST,
                 "What is asked for: any of them; anything when left out.", .min = 1, .max = 64,
                 .element = &to_element),
    SCHEMA_FIELD(struct authz_rule_spec, when, "when", LIST,
                 "Further conditions; all must hold.", .min = 1, .max = 64,
                 .element = &when_element),
    {0},
};

const struct schema authz_rule_schema = {
    .name = "AuthorizationRule",
    .doc = "Matches when from, to and when all do; an empty rule matches every request.",
    .size = sizeof(struct authz_rule_spec),
    .fields = rule_fields,
};

/* ---- policies ---- */

const char *const authz_actions[] = {
    [AUTHZ_ALLOW] = "ALLOW",
    [AUTHZ_DENY] = "DENY",
    [AUTHZ_AUDIT] = "AUDIT",
    [AUTHZ_CUSTOM] = "CUSTOM",
    NULL,
};

static const struct schema_field rule_element = {.type = SCHEMA_INLINE,
                                                 .object = &authz_rule_schema};

static const struct schema_field policy_fields[] = {
    SCHEMA_FIELD(struct authz_policy_spec, name, "name", STRING, "\"namespace/name\".",
                 .flags = SCHEMA_REQUIRED),
    SCHEMA_FIELD(struct authz_policy_spec, action, "action", ENUM, "What a match means.",
                 .choices = authz_actions),
    SCHEMA_FIELD(struct authz_policy_spec, rules, "rules", LIST, "Any of them.", .max = 512,
                 .element = &rule_element),
    SCHEMA_FIELD(struct authz_policy_spec, provider_name, "providerName", STRING,
                 "CUSTOM: its HTTPFilter."),
    SCHEMA_FIELD(struct authz_policy_spec, provider, "provider", OBJECT,
                 "CUSTOM: who is asked; nobody when left out.", .object = &ext_auth_schema),
    {0},
};

static const struct schema policy_schema = {
    .name = "AuthorizationPolicy",
    .doc = "One policy.",
    .size = sizeof(struct authz_policy_spec),
    .fields = policy_fields,
};

static const struct schema_field policy_element = {.type = SCHEMA_INLINE,
                                                   .object = &policy_schema};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct authz_spec, trust_domain, "trustDomain", STRING,
                 "Whose service accounts are meant."),
    SCHEMA_FIELD(struct authz_spec, tokens_later, "tokensLater", BOOL,
                 "Filters that read tokens may stand behind the decision: what depends on one that "
                 "was not read yet is decided behind them."),
    SCHEMA_FIELD(struct authz_spec, policies, "policies", LIST, "All that are for one workload.",
                 .max = 65536, .element = &policy_element),
    {0},
};

const struct schema authz_schema = {
    .name = "Authorization",
    .doc = "Who may do what.",
    .size = sizeof(struct authz_spec),
    .fields = fields,
};
