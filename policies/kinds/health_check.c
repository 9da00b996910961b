/* The table of healthCheck. Control thread. Must not know whose endpoints they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/health_check.h"

#include "lib/schema/schema_format.h"

enum { SHORTEST_MS = 100 };

const char *const health_check_methods[] = {"GET", "HEAD", NULL};

/* The target of a request (RFC 9112 §3.2.1), with its query. */
static bool is_target(struct slice text)
{
    if (!text.len || text.ptr[0] != '/')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '#')
            return false;
    return true;
}

static const struct schema_format target_format = {
    "request-target", "must begin with '/', without '#', spaces and other than ASCII",
    "^/[!-\"$-~]*$", is_target};

static const struct schema_field status_element = {.type = SCHEMA_INT, .min = 200, .max = 599};

static const struct schema_field http_fields[] = {
    SCHEMA_FIELD(struct health_check_http, path, "path", STRING,
                 "What is requested: path and query.",
                 .text = "/", .max = 1024, .format = &target_format),
    SCHEMA_FIELD(struct health_check_http, host, "host", STRING,
                 "The Host of the request; the name of the Service when left out.",
                 .format = &schema_format_precise_hostname),
    SCHEMA_FIELD(struct health_check_http, method, "method", ENUM, "GET or HEAD.",
                 .choices = health_check_methods),
    SCHEMA_FIELD(struct health_check_http, statuses, "expectedStatuses", LIST,
                 "Status codes of a healthy endpoint; 200 to 399 when left out.", .max = 32,
                 .element = &status_element),
    {0},
};

static const struct schema http_schema = {
    .name = "HTTPHealthCheck",
    .doc = "Endpoints are sent an HTTP request.",
    .size = sizeof(struct health_check_http),
    .fields = http_fields,
};

static const struct schema_field grpc_fields[] = {
    SCHEMA_FIELD(struct health_check_grpc, service, "service", STRING,
                 "The service that is asked about; the server as a whole when left out.",
                 .max = 256, .format = &schema_format_header_value),
    {0},
};

static const struct schema grpc_schema = {
    .name = "GRPCHealthCheck",
    .doc = "Endpoints are asked by the gRPC health checking protocol (grpc.health.v1.Health).",
    .size = sizeof(struct health_check_grpc),
    .fields = grpc_fields,
};

static const struct schema_field tcp_fields[] = {{0}};

static const struct schema tcp_schema = {
    .name = "TCPHealthCheck",
    .doc = "A connection to the endpoint is opened, TLS included, and closed again.",
    .size = sizeof(struct health_check_tcp),
    .fields = tcp_fields,
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct health_check_setting, http, "http", OBJECT,
                 "Endpoints are sent an HTTP request.", .object = &http_schema),
    SCHEMA_FIELD(struct health_check_setting, grpc, "grpc", OBJECT,
                 "Endpoints are asked by the gRPC health checking protocol.",
                 .object = &grpc_schema),
    SCHEMA_FIELD(struct health_check_setting, tcp, "tcp", OBJECT,
                 "A connection to the endpoint is opened and closed again.",
                 .object = &tcp_schema),
    SCHEMA_FIELD(struct health_check_setting, interval, "interval", DURATION,
                 "The pause between two checks of a healthy endpoint, give or take a tenth.",
                 .fallback = 10000),
    SCHEMA_FIELD(struct health_check_setting, unhealthy_interval, "unhealthyInterval", DURATION,
                 "The same for an unhealthy one; interval when left out.",
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct health_check_setting, timeout, "timeout", DURATION,
                 "A check without a complete response by then has failed.", .fallback = 1000),
    SCHEMA_FIELD(struct health_check_setting, healthy_threshold, "healthyThreshold", INT,
                 "Checks in a row that must pass until an unhealthy endpoint is healthy.",
                 .min = 1, .max = 100, .fallback = 2),
    SCHEMA_FIELD(struct health_check_setting, unhealthy_threshold, "unhealthyThreshold", INT,
                 "Checks in a row that must fail until a healthy endpoint is unhealthy.", .min = 1,
                 .max = 100, .fallback = 3),
    {0},
};

static bool is_short(int64_t ms)
{
    return ms != SCHEMA_UNSET && ms < SHORTEST_MS;
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct health_check_setting *h = value;
    if (!h->http + !h->grpc + !h->tcp != 2)
        schema_error(run, node, NULL, "needs exactly one of http, grpc and tcp");
    if (is_short(h->interval))
        schema_error(run, node, "interval", "must be 100ms or longer");
    if (is_short(h->unhealthy_interval))
        schema_error(run, node, "unhealthyInterval", "must be 100ms or longer");
    if (h->timeout < 1)
        schema_error(run, node, "timeout", "must not be 0");
}

static const struct schema_rule rules[] = {
    {"(has(self.http) ? 1 : 0) + (has(self.grpc) ? 1 : 0) + (has(self.tcp) ? 1 : 0) == 1",
     "exactly one of http, grpc and tcp must be given"},
    {"!has(self.interval) || duration(self.interval) >= duration('100ms')",
     "interval must be 100ms or longer"},
    {"!has(self.unhealthyInterval) || duration(self.unhealthyInterval) >= duration('100ms')",
     "unhealthyInterval must be 100ms or longer"},
    {"!has(self.timeout) || duration(self.timeout) > duration('0s')", "timeout must not be 0"},
    {0},
};

const struct schema health_check_schema = {
    .name = "HealthCheck",
    .doc = "Endpoints are asked at intervals whether they are healthy; unhealthy ones get no "
           "requests, unless all are.",
    .size = sizeof(struct health_check_setting),
    .fields = fields,
    .check = check,
    .rules = rules,
};
