/* The table of TrafficPolicy. Control thread.
 * Must not know which Services and routes exist.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/traffic_policy.h"

#include "lib/schema/schema_format.h"

#define UNSET .fallback = SCHEMA_UNSET
/* Left out, the fallback holds where no wider policy says anything either. */
#define INHERIT .flags = SCHEMA_INHERIT

static const struct schema_field timeouts_fields[] = {
    SCHEMA_FIELD(struct traffic_timeouts, request, "request", DURATION,
                 "For the whole request, including retries; \"0s\": none.", UNSET),
    SCHEMA_FIELD(struct traffic_timeouts, backend, "backend", DURATION,
                 "For one attempt; \"0s\": none.", UNSET),
    SCHEMA_FIELD(struct traffic_timeouts, idle, "idle", DURATION,
                 "Silence in both directions; when left out, 5m for requests, none for opaque "
                 "connections and 1m for flows of datagrams (UDP).", UNSET),
    SCHEMA_FIELD(struct traffic_timeouts, connect, "connect", DURATION,
                 "For a new connection, including the TLS handshake.", INHERIT, .fallback = 2000),
    SCHEMA_FIELD(struct traffic_timeouts, tunnel, "tunnel", DURATION,
                 "For how long a connection may carry bytes that are no requests (WebSocket and "
                 "other upgrades, CONNECT, opaque TCP), whatever moves on it; \"0s\": for ever, "
                 "as when it is left out.", UNSET),
    {0},
};

static void check_timeouts(struct schema_run *run, const struct doc *node, void *value)
{
    const struct traffic_timeouts *t = value;
    if (t->request > 0 && t->backend > t->request)
        schema_error(run, node, "backend", "must not be longer than request");
    if (t->connect == 0)
        schema_error(run, node, "connect", "must not be 0");
    if (t->idle == 0)
        schema_error(run, node, "idle", "must not be 0");
}

static const struct schema_rule timeouts_rules[] = {
    {"!has(self.request) || !has(self.backend) || duration(self.request) == duration('0s') || "
     "duration(self.backend) <= duration(self.request)",
     "backend must not be longer than request"},
    {"!has(self.connect) || duration(self.connect) > duration('0s')", "connect must not be 0"},
    {"!has(self.idle) || duration(self.idle) > duration('0s')", "idle must not be 0"},
    {0},
};

const struct schema traffic_policy_timeouts_schema = {
    .name = "Timeouts",
    .doc = "Timeouts of calls.",
    .size = sizeof(struct traffic_timeouts),
    .fields = timeouts_fields,
    .check = check_timeouts,
    .rules = timeouts_rules,
};

static const char *const retry_on[] = {
    [TRAFFIC_CONNECT_FAILURE] = "connect-failure",
    [TRAFFIC_RESET] = "reset",
    [TRAFFIC_GATEWAY_ERROR] = "gateway-error",
    NULL,
};
static const struct schema_field on_element = {.type = SCHEMA_ENUM, .choices = retry_on};
static const struct schema_field code_element = {.type = SCHEMA_INT, .min = 400, .max = 599};

static const struct schema_field backoff_fields[] = {
    SCHEMA_FIELD(struct traffic_backoff, base, "base", DURATION,
                 "Pause before the second attempt.", INHERIT, .fallback = 25),
    SCHEMA_FIELD(struct traffic_backoff, max, "max", DURATION,
                 "The longest pause.", INHERIT, .fallback = 250),
    {0},
};

static void check_backoff(struct schema_run *run, const struct doc *node, void *value)
{
    const struct traffic_backoff *b = value;
    if (b->base > 0 && b->max >= 0 && b->max < b->base)
        schema_error(run, node, "max", "must not be shorter than base");
}

static const struct schema_rule backoff_rules[] = {
    {"!has(self.base) || !has(self.max) || duration(self.max) >= duration(self.base)",
     "max must not be shorter than base"},
    {0},
};

const struct schema traffic_policy_backoff_schema = {
    .name = "Backoff",
    .doc = "Pauses between attempts; they double, with jitter.",
    .size = sizeof(struct traffic_backoff),
    .fields = backoff_fields,
    .check = check_backoff,
    .rules = backoff_rules,
};

static const struct schema_field budget_fields[] = {
    SCHEMA_FIELD(struct traffic_budget, percent, "percent", INT,
                 "Retries allowed, in percent of live requests.", .min = 1,
                 .max = 100, INHERIT, .fallback = 20),
    SCHEMA_FIELD(struct traffic_budget, min_per_second, "minPerSecond", INT,
                 "Retries always allowed each second.", .min = 1, .max = 10000,
                 INHERIT, .fallback = 10),
    {0},
};

const struct schema traffic_policy_budget_schema = {
    .name = "RetryBudget",
    .doc = "Bounds retries, so that they cannot bring down what is already struggling.",
    .size = sizeof(struct traffic_budget),
    .fields = budget_fields,
};

/* YAML 1.1, which kubectl reads, takes an unquoted "on" for the boolean true. */
static const char *const on_names[] = {"on", "true", NULL};

static const struct schema_field retries_fields[] = {
    SCHEMA_FIELD(struct traffic_retries, attempts, "attempts", INT,
                 "Attempts after the first; 0: none.", .min = 0, .max = 10,
                 INHERIT, .fallback = 1),
    SCHEMA_FIELD(struct traffic_retries, on, "retryOn", LIST,
                 "Failures that are retried; connect-failure and reset when left out.", .max = 3,
                 .element = &on_element, .formerly = on_names),
    SCHEMA_FIELD(struct traffic_retries, status_codes, "statusCodes", LIST,
                 "Status codes that are retried.", .max = 32, .element = &code_element),
    SCHEMA_FIELD(struct traffic_retries, per_try_timeout, "perTryTimeout", DURATION,
                 "For one attempt, when there are retries.", UNSET),
    SCHEMA_FIELD(struct traffic_retries, backoff, "backoff", OBJECT, "Pauses between attempts.",
                 .object = &traffic_policy_backoff_schema),
    SCHEMA_FIELD(struct traffic_retries, budget, "budget", OBJECT,
                 "Limit on retries, in proportion to requests.",
                 .object = &traffic_policy_budget_schema),
    SCHEMA_FIELD(struct traffic_retries, retry_non_idempotent, "retryNonIdempotent", BOOL,
                 "Also retry POST and PATCH after a reset or a bad response; the backend may then "
                 "receive them twice."),
    {0},
};

const struct schema traffic_policy_retries_schema = {
    .name = "Retries",
    .doc = "When to retry.",
    .size = sizeof(struct traffic_retries),
    .fields = retries_fields,
};

static const struct schema_field breaker_fields[] = {
    SCHEMA_FIELD(struct traffic_breaker, max_connections, "maxConnections", INT,
                 "Connections of one sidecar to the Service. Flows of datagrams (UDP) count as "
                 "such where a policy says how many there may be.", .min = 1,
                 .max = 1000000, INHERIT, .fallback = 1024),
    SCHEMA_FIELD(struct traffic_breaker, max_requests, "maxRequests", INT,
                 "Concurrent requests.", .min = 1, .max = 1000000, INHERIT, .fallback = 10000),
    SCHEMA_FIELD(struct traffic_breaker, max_pending, "maxPending", INT,
                 "Requests that wait for a connection.", .min = 1,
                 .max = 1000000, INHERIT, .fallback = 1024),
    {0},
};

const struct schema traffic_policy_breaker_schema = {
    .name = "CircuitBreaker",
    .doc = "Bounds what one sidecar asks of the Service; what is above fails at once.",
    .size = sizeof(struct traffic_breaker),
    .fields = breaker_fields,
};

static const char *const proxy_names[] = {
    [TRAFFIC_PROXY_V1] = "V1", [TRAFFIC_PROXY_V2] = "V2", NULL};

static const struct schema_field pool_fields[] = {
    SCHEMA_FIELD(struct traffic_pool, max_requests_per_connection, "maxRequestsPerConnection", INT,
                 "Requests after which a connection is closed; no limit when left out.", .min = 1,
                 .max = INT32_MAX, UNSET),
    SCHEMA_FIELD(struct traffic_pool, max_idle, "maxIdleConnections", INT,
                 "Connections to all endpoints together that each worker of a data plane keeps "
                 "while no request uses them; beyond it the one that was unused for longest is "
                 "closed. This is nginx's keepalive. No limit when left out.",
                 .min = 1, .max = 100000, UNSET),
    SCHEMA_FIELD(struct traffic_pool, idle, "idleTimeout", DURATION,
                 "How long a connection is kept while no request uses it, unless the endpoint says "
                 "that it keeps it for less; when left out, 4s for HTTP/1 and 5m for HTTP/2.",
                 UNSET),
    SCHEMA_FIELD(struct traffic_pool, keepalive, "tcpKeepalive", OBJECT,
                 "How an endpoint that disappeared is detected.",
                 .object = &tcp_keepalive_call_schema),
    SCHEMA_FIELD(struct traffic_pool, http2_keepalive, "http2Keepalive", OBJECT,
                 "Whether the sidecar of an endpoint is asked over HTTP/2 if it is still there. "
                 "Endpoints without a sidecar are never asked: many gRPC servers take PINGs for "
                 "an attack.",
                 .object = &http2_keepalive_call_schema),
    SCHEMA_FIELD(struct traffic_pool, proxy, "proxyProtocol", ENUM,
                 "Tells endpoints who the client is, by a header of the PROXY protocol of this "
                 "version before the first byte of an opaque connection (TCPRoute, TLSRoute, ports "
                 "that do not speak HTTP). Requests of HTTP share connections and say it in "
                 "X-Forwarded-For. Nothing is sent when left out.",
                 .choices = proxy_names, UNSET),
    {0},
};

static void check_pool(struct schema_run *run, const struct doc *node, void *value)
{
    const struct traffic_pool *p = value;
    if (p->idle == 0)
        schema_error(run, node, "idleTimeout", "must not be 0");
}

static const struct schema_rule pool_rules[] = {
    {"!has(self.idleTimeout) || duration(self.idleTimeout) > duration('0s')",
     "idleTimeout must not be 0"},
    {0},
};

static const struct schema pool_schema = {
    .name = "ConnectionPool",
    .doc = "Settings of connections to endpoints.",
    .size = sizeof(struct traffic_pool),
    .fields = pool_fields,
    .check = check_pool,
    .rules = pool_rules,
};

#define TRAFFIC(struct_, prefix)                                                                  \
    SCHEMA_FIELD(struct_, prefix timeouts, "timeouts", OBJECT, "Timeouts of calls.",              \
                 .object = &traffic_policy_timeouts_schema),                                      \
        SCHEMA_FIELD(struct_, prefix retries, "retries", OBJECT, "When to retry.",                \
                     .object = &traffic_policy_retries_schema),                                   \
        SCHEMA_FIELD(struct_, prefix outlier, "outlierDetection", OBJECT,                         \
                     "When a failing endpoint is ejected.",                                       \
                     .object = &outlier_detection_schema),                                   \
        SCHEMA_FIELD(struct_, prefix breaker, "circuitBreaker", OBJECT,                           \
                     "Limits on connections and concurrent requests.",                            \
                     .object = &traffic_policy_breaker_schema),                                   \
        SCHEMA_FIELD(struct_, prefix balancing, "loadBalancing", OBJECT,                          \
                     "How an endpoint is chosen.", .object = &load_balancing_schema),             \
        SCHEMA_FIELD(struct_, prefix pool, "connectionPool", OBJECT,                              \
                     "Settings of connections to endpoints.",                                     \
                     .object = &pool_schema)

static const struct schema_field traffic_fields[] = {TRAFFIC(struct traffic, ), {0}};

const struct schema traffic_policy_traffic_schema = {
    .name = "TrafficDefaults",
    .doc = "How calls are made where no TrafficPolicy says otherwise.",
    .size = sizeof(struct traffic),
    .fields = traffic_fields,
};

static const struct schema_field target_fields[] = {
    SCHEMA_FIELD(struct policy_target, group, "group", STRING,
                 "Group of the target; follows from the kind when left out.", .max = 253),
    SCHEMA_FIELD(struct policy_target, kind, "kind", STRING,
                 "Service, ExternalService, HTTPRoute or GRPCRoute.", .flags = SCHEMA_REQUIRED,
                 .max = 63),
    SCHEMA_FIELD(struct policy_target, name, "name", STRING,
                 "Name of the target, in the policy's namespace.", .flags = SCHEMA_REQUIRED,
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct policy_target, section, "sectionName", STRING,
                 "One port of the Service, or one rule of the route, by name.",
                 .format = &schema_format_section),
    {0},
};

static void check_target(struct schema_run *run, const struct doc *node, void *value)
{
    const struct policy_target *t = value;
    const char *group = NULL;
    if (slice_eq_cstr(t->kind, "Service"))
        group = KIND_GROUP_CORE;
    else if (slice_eq_cstr(t->kind, "ExternalService"))
        group = KIND_GROUP_WEFT;
    else if (slice_eq_cstr(t->kind, "HTTPRoute") || slice_eq_cstr(t->kind, "GRPCRoute"))
        group = KIND_GROUP_GATEWAY;
    else if (t->kind.ptr)
        schema_error(run, node, "kind",
                     "must be Service, ExternalService, HTTPRoute or GRPCRoute");
    if (group && t->group.ptr && !slice_eq_cstr(t->group, group))
        schema_error(run, node, "group", "must be \"%s\" for this kind", group);
}

static const struct schema_rule target_rules[] = {
    {"self.kind in ['Service', 'ExternalService', 'HTTPRoute', 'GRPCRoute']",
     "kind must be Service, ExternalService, HTTPRoute or GRPCRoute"},
    {"!has(self.group) || self.group == (self.kind == 'Service' ? '' : self.kind == "
     "'ExternalService' ? 'policy.weft.dev' : 'gateway.networking.k8s.io')",
     "group must be the one of the kind"},
    {0},
};

static const struct schema target_schema = {
    .name = "PolicyTargetReference",
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
    SCHEMA_FIELD(struct traffic_policy_spec, targets, "targetRefs", LIST, "What the policy is for.",
                 .flags = SCHEMA_REQUIRED, .min = 1, .max = 16, .element = &target_element),
    TRAFFIC(struct traffic_policy_spec, traffic.),
    SCHEMA_FIELD(struct traffic_policy_spec, traffic.health, "healthCheck", OBJECT,
                 "How endpoints are asked whether they are healthy; they are not asked when left "
                 "out.",
                 .object = &health_check_schema),
    {0},
};

/* A client that stays where it is does so along a route as well. */
static bool is_of_routes(const char *section, const struct doc *said)
{
    return strcmp(section, "loadBalancing") == 0 && said->count == 1 &&
           doc_get(said, SLICE("sessionPersistence"));
}

/* Endpoints and connections are a Service's, whichever route leads there. */
static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    static const char *const of_services[] = {"outlierDetection", "healthCheck", "circuitBreaker",
                                              "loadBalancing", "connectionPool"};
    const struct traffic_policy_spec *spec = value;
    for (SCHEMA_EACH(spec->targets, struct policy_target, t))
        if (!slice_eq_cstr(t->kind, "HTTPRoute") && !slice_eq_cstr(t->kind, "GRPCRoute"))
            return;
    for (size_t i = 0; spec->targets.count && i < sizeof(of_services) / sizeof(*of_services); i++) {
        const struct doc *said = doc_get(node, slice_from_cstr(of_services[i]));
        if (said && !is_of_routes(of_services[i], said))
            schema_warn(run, node, of_services[i], "is for Services: it does nothing for a route");
    }
}

static const struct schema spec_schema = {
    .name = "TrafficPolicySpec",
    .doc = "Targets, and how calls to them are made.",
    .size = sizeof(struct traffic_policy_spec),
    .fields = spec_fields,
    .check = check_spec,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct traffic_policy, spec, "spec", INLINE,
                 "Targets, and how calls to them are made.", .flags = SCHEMA_REQUIRED,
                 .object = &spec_schema),
    {0},
};

const struct schema traffic_policy_kind_schema = {
    .name = "TrafficPolicy",
    .doc = "How calls to a Service, or along a route, are made: timeouts, retries, load "
           "balancing, health checks, ejection of failing endpoints, limits.",
    .size = sizeof(struct traffic_policy),
    .fields = fields,
};

enum kind_id traffic_policy_target_kind(const struct policy_target *t)
{
    return slice_eq_cstr(t->kind, "Service")           ? KIND_SERVICE
           : slice_eq_cstr(t->kind, "ExternalService") ? KIND_EXTERNAL_SERVICE
           : slice_eq_cstr(t->kind, "GRPCRoute")       ? KIND_GRPC_ROUTE
                                                       : KIND_HTTP_ROUTE;
}
