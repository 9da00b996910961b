/* TrafficPolicy (policy.weft.dev): how calls to a Service, or along a route, are made.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/health_check.h"
#include "policies/kinds/http2_keepalive.h"
#include "policies/kinds/kind.h"
#include "policies/kinds/load_balancing.h"
#include "policies/kinds/outlier_detection.h"
#include "policies/kinds/policy_target.h"
#include "policies/kinds/tcp_keepalive.h"

/* Numbers are SCHEMA_UNSET where nothing is said; durations are milliseconds. */
struct traffic_timeouts {
    int64_t request, backend, idle, connect, tunnel; /* 0: none */
};

enum traffic_retry_on { TRAFFIC_CONNECT_FAILURE, TRAFFIC_RESET, TRAFFIC_GATEWAY_ERROR };

struct traffic_backoff {
    int64_t base, max;
};

struct traffic_budget {
    int64_t percent, min_per_second;
};

struct traffic_retries {
    int64_t attempts;
    struct schema_list on;           /* int, enum traffic_retry_on; not present: the default */
    struct schema_list status_codes; /* int64_t */
    int64_t per_try_timeout;
    struct traffic_backoff *backoff;
    struct traffic_budget *budget;
    bool retry_non_idempotent;
};

struct traffic_breaker {
    int64_t max_connections, max_requests, max_pending;
};

/* The header of the PROXY protocol that an endpoint gets first. */
enum traffic_proxy { TRAFFIC_PROXY_V1, TRAFFIC_PROXY_V2 };

struct traffic_pool {
    int64_t max_requests_per_connection, max_idle, idle;
    struct tcp_keepalive_setting *keepalive;
    struct http2_keepalive_setting *http2_keepalive;
    int proxy; /* enum traffic_proxy, or SCHEMA_UNSET */
};

/* What TrafficPolicy and MeshConfig's defaults share; NULL where nothing is said. */
struct traffic {
    struct traffic_timeouts *timeouts;
    struct traffic_retries *retries;
    struct traffic_outlier *outlier;
    struct health_check_setting *health; /* never of a MeshConfig */
    struct traffic_breaker *breaker;
    struct traffic_balancing *balancing;
    struct traffic_pool *pool;
};

struct traffic_policy_spec {
    struct schema_list targets; /* struct policy_target */
    struct traffic traffic;
};

struct traffic_policy {
    struct object object;
    struct traffic_policy_spec spec;
};

/* Of a target; an HTTPRoute where it is none that there is. */
enum kind_id traffic_policy_target_kind(const struct policy_target *t);
/* Of the sections; what is not said in one is SCHEMA_UNSET until schema_layer_complete. */
extern const struct schema traffic_policy_timeouts_schema, traffic_policy_retries_schema,
    traffic_policy_backoff_schema, traffic_policy_budget_schema, traffic_policy_breaker_schema;
extern const struct schema traffic_policy_traffic_schema; /* of struct traffic, for MeshConfig */
