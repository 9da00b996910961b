/* GatewaySettings: how the data plane of a Gateway is run, beside what the Gateway itself can say.
 * A Gateway names one in infrastructure.parametersRef, and a GatewayClass in parametersRef.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

/* Numbers and choices are SCHEMA_UNSET, and texts have no ptr, where nothing is said. */
struct gateway_settings_scaling {
    int64_t min, max; /* replicas; max is said where a HorizontalPodAutoscaler is wanted */
    struct slice cpu; /* "80%" of what is requested, or a quantity of one pod: "500m" */
};

enum gateway_settings_service_type {
    GATEWAY_SETTINGS_LOAD_BALANCER,
    GATEWAY_SETTINGS_NODE_PORT,
    GATEWAY_SETTINGS_CLUSTER_IP,
};
enum gateway_settings_external { GATEWAY_SETTINGS_CLUSTER, GATEWAY_SETTINGS_LOCAL };

struct gateway_settings_service {
    int type;                        /* enum gateway_settings_service_type */
    int external;                    /* enum gateway_settings_external */
    struct slice load_balancer;      /* its class */
    struct schema_list annotations;  /* struct schema_pair */
    struct schema_list source_ranges; /* struct slice */
};

/* Thousandths of a CPU, and of a byte. */
struct gateway_settings_quantities {
    int64_t cpu, memory, storage;
};

struct gateway_settings_resources {
    struct gateway_settings_quantities requests, limits;
};

struct gateway_settings_toleration {
    struct slice key, value;
    int operator_, effect; /* indices of gateway_settings_operators, gateway_settings_effects */
    int64_t seconds;
};

struct gateway_settings_pod {
    struct schema_list node_selector; /* struct schema_pair */
    struct schema_list tolerations;   /* struct gateway_settings_toleration */
    struct schema_list annotations;   /* struct schema_pair */
    struct slice priority_class;
    int64_t grace_ms;
};

struct gateway_settings_proxy {
    struct slice log_level, access_log;
    int64_t workers, drain_ms;
};

struct gateway_settings_spec {
    int64_t replicas;
    struct gateway_settings_scaling scaling;
    struct gateway_settings_resources resources;
    struct gateway_settings_service service;
    struct gateway_settings_pod pod;
    struct gateway_settings_proxy proxy;
};

struct gateway_settings {
    struct object object;
    struct gateway_settings_spec spec;
};

extern const struct schema gateway_settings_spec_schema; /* of struct gateway_settings_spec */
extern const char *const gateway_settings_service_types[], *const gateway_settings_externals[];
extern const char *const gateway_settings_operators[], *const gateway_settings_effects[];

/* "80%" -> 80; 0: it is a quantity. */
unsigned gateway_settings_cpu_percent(const struct gateway_settings_scaling *scaling);
/* Of a list of struct schema_pair; NULL: it is not there. */
const struct schema_pair *gateway_settings_pair(const struct schema_list *pairs, struct slice key);
