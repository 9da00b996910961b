/* The table of MeshConfig. Control thread.
 * Must not know of single Services.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/mesh_config.h"

#include "lib/inject/inject_option.h"
#include "policies/kinds/namespace.h"
#include "lib/schema/schema_format.h"

static const char *const formats[] = {
    [MESH_CONFIG_LOG_JSON] = "JSON",
    [MESH_CONFIG_LOG_TEXT] = "Text",
    NULL,
};

static const char *const modes[] = {
    [MESH_CONFIG_LOG_OFF] = "None",
    [MESH_CONFIG_LOG_ERRORS] = "Errors",
    [MESH_CONFIG_LOG_ALL] = "All",
    NULL,
};

static const struct schema_field access_log_fields[] = {
    SCHEMA_FIELD(struct mesh_config_access_log, mode, "mode", ENUM,
                 "Which requests and connections get a line. Errors: responses from status 400 on, "
                 "failed gRPC calls, and broken connections.",
                 .choices = modes),
    SCHEMA_FIELD(struct mesh_config_access_log, format, "format", ENUM,
                 "JSON, or Text in Istio's format.", .choices = formats),
    {0},
};

static const struct schema access_log_schema = {
    .name = "AccessLog",
    .doc = "The access log.",
    .size = sizeof(struct mesh_config_access_log),
    .fields = access_log_fields,
};

static const struct schema_field metrics_fields[] = {
    SCHEMA_FIELD(struct mesh_config_metrics, body_sizes, "bodySizes", BOOL,
                 "Also count the sizes of request and response bodies: istio_request_bytes and "
                 "istio_response_bytes, which make the page of metrics about three times as long."),
    {0},
};

static const struct schema metrics_schema = {
    .name = "Metrics",
    .doc = "Metrics of data planes.",
    .size = sizeof(struct mesh_config_metrics),
    .fields = metrics_fields,
};

static const struct schema_field sidecar_element = {.type = SCHEMA_STRING, .max = 1024};

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct mesh_config_spec, trust_domain, "trustDomain", STRING,
                 "First part of every identity; cluster.local when left out.", .max = 253,
                 .format = &schema_format_trust_domain),
    SCHEMA_FIELD(struct mesh_config_spec, cluster_domain, "clusterDomain", STRING,
                 "Last part of the names of Services, like reviews.shop.svc.cluster.local; when "
                 "left out what weft-policyd's own resolver is told, and cluster.local in a "
                 "folder.",
                 .max = 253, .format = &schema_format_trust_domain),
    SCHEMA_FIELD(struct mesh_config_spec, access_log, "accessLog", INLINE, "The access log.",
                 .object = &access_log_schema),
    SCHEMA_FIELD(struct mesh_config_spec, metrics, "metrics", INLINE, "Metrics of data planes.",
                 .object = &metrics_schema),
    SCHEMA_FIELD(struct mesh_config_spec, defaults, "trafficDefaults", INLINE,
                 "How calls are made where no TrafficPolicy says otherwise.",
                 .object = &traffic_policy_traffic_schema),
    SCHEMA_FIELD(struct mesh_config_spec, clients, "clientTraffic", INLINE,
                 "What holds for connections from clients, at sidecars and at Gateways where no "
                 "ListenerPolicy says otherwise.",
                 .object = &client_traffic_schema),
    SCHEMA_FIELD(struct mesh_config_spec, sidecars, "sidecarDefaults", MAP,
                 "Annotations of pods, by their whole name, that hold where neither the pod nor "
                 "its namespace says otherwise. Pods that are there already keep what they have.",
                 .element = &sidecar_element),
    {0},
};

static const struct schema spec_schema = {
    .name = "MeshConfigSpec",
    .doc = "Settings of the mesh.",
    .size = sizeof(struct mesh_config_spec),
    .fields = spec_fields,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct mesh_config, spec, "spec", INLINE, "Settings of the mesh.",
                 .flags = SCHEMA_REQUIRED, .object = &spec_schema),
    {0},
};

static void check_sidecars(struct schema_run *run, const struct doc *node,
                           const struct schema_list *sidecars)
{
    const char *must_be = "";
    for (SCHEMA_EACH(*sidecars, struct schema_pair, pair)) {
        enum err e = inject_option_check(pair->key, pair->value, &must_be);
        if (e == ERR_NOT_FOUND)
            schema_error(run, node, "spec.sidecarDefaults",
                         "%.*s is no annotation of pods that Weft knows", SLICE_ARG(pair->key));
        else if (e)
            schema_error(run, node, "spec.sidecarDefaults", "%.*s: \"%.*s\" is not %s",
                         SLICE_ARG(pair->key), SLICE_ARG(pair->value), must_be);
    }
}

static void check(struct schema_run *run, const struct doc *node, void *value)
{
    const struct mesh_config *m = value;
    check_sidecars(run, node, &m->spec.sidecars);
    if (m->object.meta.name.ptr && !slice_eq_cstr(m->object.meta.name, "default"))
        schema_error(run, node, "metadata.name", "must be \"default\": there is one MeshConfig");
    if (!slice_eq_cstr(m->object.meta.namespace_name, NAMESPACE_ROOT))
        schema_error(run, node, "metadata.namespace", "must be \"%s\"", NAMESPACE_ROOT);
}

static const struct schema_rule rules[] = {
    {"self.metadata.name == 'default'", "there is one MeshConfig: weft-system/default"},
    {0},
};

const struct schema mesh_config_kind_schema = {
    .name = "MeshConfig",
    .doc = "What holds for the whole mesh. There is one: weft-system/default.",
    .size = sizeof(struct mesh_config),
    .fields = fields,
    .check = check,
    .rules = rules,
};
