/* MeshConfig (policy.weft.dev): what holds for the whole mesh.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"
#include "policies/kinds/client_traffic.h"
#include "policies/kinds/traffic_policy.h"

enum mesh_config_log { MESH_CONFIG_LOG_JSON, MESH_CONFIG_LOG_TEXT };

enum mesh_config_log_mode { MESH_CONFIG_LOG_OFF, MESH_CONFIG_LOG_ERRORS, MESH_CONFIG_LOG_ALL };

struct mesh_config_access_log {
    int mode;   /* enum mesh_config_log_mode */
    int format; /* enum mesh_config_log */
};

struct mesh_config_metrics {
    bool body_sizes;
};

struct mesh_config_spec {
    struct slice trust_domain, cluster_domain; /* empty: not said */
    struct mesh_config_access_log access_log;
    struct mesh_config_metrics metrics;
    struct traffic defaults;
    struct client_traffic clients;
    struct schema_list sidecars; /* struct schema_pair: annotations and their values */
};

struct mesh_config {
    struct object object;
    struct mesh_config_spec spec;
};
