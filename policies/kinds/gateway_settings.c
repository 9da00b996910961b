/* The table of GatewaySettings. Control thread. Must not know what is made of it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/gateway_settings.h"

#include "lib/base/quantity.h"
#include "lib/inject/inject_option.h"
#include "lib/schema/schema_format.h"

#define INHERIT .flags = SCHEMA_INHERIT
#define UNSET .flags = SCHEMA_INHERIT, .fallback = SCHEMA_UNSET

enum { PERCENT_MAX = 1000, REPLICAS_MAX = 1000, GRACE_MAX_MS = 3600000 };
/* Thousandths. A gateway without much to do uses less. */
#define CPU_REQUEST 20
#define MEMORY_REQUEST (INT64_C(16) * 1024 * 1024 * 1000)

/* ---- forms of text ---- */

/* 0: it is none. */
static unsigned percent_of(struct slice text)
{
    uint64_t percent = 0;
    if (text.len < 2 || text.ptr[text.len - 1] != '%' ||
        slice_to_u64(slice_sub(text, 0, text.len - 1), &percent) || percent > PERCENT_MAX)
        return 0;
    return (unsigned)percent;
}

static bool is_cpu(struct slice text)
{
    int64_t thousandths;
    return percent_of(text) || (!quantity_parse(text, &thousandths) && thousandths > 0);
}

static const struct schema_format format_cpu = {
    .name = "percentage or quantity",
    .must_be = "must be a share of the CPU that a pod requests, like \"80%\" (at most 1000%), or a "
               "quantity of CPU, like \"500m\"",
    .is_valid = is_cpu,
};

unsigned gateway_settings_cpu_percent(const struct gateway_settings_scaling *scaling)
{
    return percent_of(scaling->cpu);
}

const struct schema_pair *gateway_settings_pair(const struct schema_list *pairs, struct slice key)
{
    for (SCHEMA_EACH(*pairs, struct schema_pair, pair))
        if (slice_eq(pair->key, key))
            return pair;
    return NULL;
}

/* ---- sections ---- */

static const struct schema_field scaling_fields[] = {
    SCHEMA_FIELD(struct gateway_settings_scaling, min, "minReplicas", INT,
                 "Pods that there are at least.", INHERIT, .min = 1, .max = REPLICAS_MAX,
                 .fallback = 1),
    SCHEMA_FIELD(struct gateway_settings_scaling, max, "maxReplicas", INT,
                 "Pods that there are at most. Needed for a HorizontalPodAutoscaler.", UNSET,
                 .min = 1, .max = REPLICAS_MAX),
    SCHEMA_FIELD(struct gateway_settings_scaling, cpu, "targetCPU", STRING,
                 "CPU that a pod should use on average: a share of what it requests, like `80%`, "
                 "which needs resources.requests.cpu; or a quantity, like `500m`.",
                 INHERIT, .min = 1, .max = 32, .format = &format_cpu, .text = "500m"),
    {0},
};

static const struct schema scaling_schema = {
    .name = "GatewayAutoscaling",
    .doc = "A HorizontalPodAutoscaler for the Deployment.",
    .size = sizeof(struct gateway_settings_scaling),
    .fields = scaling_fields,
};

static const struct schema_field text_element = {.type = SCHEMA_STRING, .max = 4096};
static const struct schema_field label_element = {
    .type = SCHEMA_STRING, .max = 63, .format = &schema_format_label_value};
static const struct schema_field range_element = {
    .type = SCHEMA_STRING, .min = 1, .max = 64, .format = &schema_format_cidr};

/* The same three for what is asked for and for what may be used. */
#define QUANTITY_FIELDS(cpu_, memory_)                                                          \
    SCHEMA_FIELD(struct gateway_settings_quantities, cpu, "cpu", QUANTITY,                      \
                 "CPUs: `500m` is half of one.", INHERIT, .fallback = cpu_),                    \
        SCHEMA_FIELD(struct gateway_settings_quantities, memory, "memory", QUANTITY,            \
                     "Bytes of memory: `64Mi`.", INHERIT, .fallback = memory_),                 \
        SCHEMA_FIELD(struct gateway_settings_quantities, storage, "ephemeral-storage", QUANTITY, \
                     "Bytes of local storage.", INHERIT, .fallback = SCHEMA_UNSET)

static const struct schema_field request_fields[] = {QUANTITY_FIELDS(CPU_REQUEST, MEMORY_REQUEST),
                                                     {0}};
static const struct schema_field limit_fields[] = {QUANTITY_FIELDS(SCHEMA_UNSET, SCHEMA_UNSET),
                                                   {0}};

static const struct schema requests_schema = {
    .name = "GatewayResourceRequests",
    .doc = "What the container asks for.",
    .size = sizeof(struct gateway_settings_quantities),
    .fields = request_fields,
};

static const struct schema limits_schema = {
    .name = "GatewayResourceLimits",
    .doc = "What the container may use at most; what is left out has no limit.",
    .size = sizeof(struct gateway_settings_quantities),
    .fields = limit_fields,
};

static const struct schema_field resources_fields[] = {
    SCHEMA_FIELD(struct gateway_settings_resources, requests, "requests", INLINE,
                 "What the container asks for.", .object = &requests_schema),
    SCHEMA_FIELD(struct gateway_settings_resources, limits, "limits", INLINE,
                 "What the container may use at most; what is left out has no limit.",
                 .object = &limits_schema),
    {0},
};

static const struct schema resources_schema = {
    .name = "GatewayResources",
    .doc = "Resources of the container.",
    .size = sizeof(struct gateway_settings_resources),
    .fields = resources_fields,
};

const char *const gateway_settings_service_types[] = {
    [GATEWAY_SETTINGS_LOAD_BALANCER] = "LoadBalancer",
    [GATEWAY_SETTINGS_NODE_PORT] = "NodePort",
    [GATEWAY_SETTINGS_CLUSTER_IP] = "ClusterIP",
    NULL,
};
const char *const gateway_settings_externals[] = {
    [GATEWAY_SETTINGS_CLUSTER] = "Cluster",
    [GATEWAY_SETTINGS_LOCAL] = "Local",
    NULL,
};

static const struct schema_field service_fields[] = {
    SCHEMA_FIELD(struct gateway_settings_service, type, "type", ENUM, "How it is reached.",
                 INHERIT, .choices = gateway_settings_service_types,
                 .fallback = GATEWAY_SETTINGS_LOAD_BALANCER),
    SCHEMA_FIELD(struct gateway_settings_service, external, "externalTrafficPolicy", ENUM,
                 "Local: nodes send connections only to their own pods, which then see the "
                 "addresses of clients. Left out, the field is yours to set. Without meaning for "
                 "ClusterIP.",
                 UNSET, .choices = gateway_settings_externals),
    SCHEMA_FIELD(struct gateway_settings_service, load_balancer, "loadBalancerClass", STRING,
                 "Which implementation of load balancers is asked. Kubernetes does not let it "
                 "change later.",
                 INHERIT, .min = 1, .max = 253, .format = &schema_format_label_key),
    SCHEMA_FIELD(struct gateway_settings_service, annotations, "annotations", MAP,
                 "Annotations of the Service, which load balancers are configured with.", INHERIT,
                 .max = 64, .format = &schema_format_label_key, .element = &text_element),
    SCHEMA_FIELD(struct gateway_settings_service, source_ranges, "loadBalancerSourceRanges", LIST,
                 "The only addresses that the load balancer lets in, where it supports that.",
                 INHERIT, .max = 256, .element = &range_element),
    {0},
};

static const struct schema service_schema = {
    .name = "GatewayService",
    .doc = "The Service of the Gateway.",
    .size = sizeof(struct gateway_settings_service),
    .fields = service_fields,
};

const char *const gateway_settings_operators[] = {"Equal", "Exists", NULL};
const char *const gateway_settings_effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute",
                                                NULL};

static const struct schema_field toleration_fields[] = {
    SCHEMA_FIELD(struct gateway_settings_toleration, key, "key", STRING,
                 "Key of the taint; left out, with Exists: all.", .max = 316,
                 .format = &schema_format_label_key),
    SCHEMA_FIELD(struct gateway_settings_toleration, operator_, "operator", ENUM,
                 "How the value is compared.", .choices = gateway_settings_operators,
                 .fallback = 0),
    SCHEMA_FIELD(struct gateway_settings_toleration, value, "value", STRING,
                 "Value of the taint, for Equal.", .max = 63,
                 .format = &schema_format_label_value),
    SCHEMA_FIELD(struct gateway_settings_toleration, effect, "effect", ENUM,
                 "Effect of the taint; left out: all.", .choices = gateway_settings_effects,
                 .fallback = SCHEMA_UNSET),
    SCHEMA_FIELD(struct gateway_settings_toleration, seconds, "tolerationSeconds", INT,
                 "For how long a NoExecute taint is tolerated; left out: for ever.",
                 .max = 31536000, .fallback = SCHEMA_UNSET),
    {0},
};

static void check_toleration(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_settings_toleration *t = value;
    bool is_exists = t->operator_ == 1;
    if (!is_exists && !t->key.len)
        schema_error(run, node, "key", "is needed, but with operator Exists");
    if (is_exists && t->value.len)
        schema_error(run, node, "value", "must be left out with operator Exists");
}

static const struct schema_rule toleration_rules[] = {
    {"has(self.key) || (has(self.operator) && self.operator == 'Exists')",
     "key is needed, but with operator Exists"},
    {"!has(self.value) || !has(self.operator) || self.operator != 'Exists'",
     "value must be left out with operator Exists"},
    {0},
};

static const struct schema toleration_schema = {
    .name = "GatewayToleration",
    .doc = "A taint of nodes on which the pods may run all the same.",
    .size = sizeof(struct gateway_settings_toleration),
    .fields = toleration_fields,
    .check = check_toleration,
    .rules = toleration_rules,
};

static const struct schema_field toleration_element = {.type = SCHEMA_INLINE,
                                                       .object = &toleration_schema};

static const struct schema_field pod_fields[] = {
    SCHEMA_FIELD(struct gateway_settings_pod, node_selector, "nodeSelector", MAP,
                 "Labels of the nodes on which the pods run.", INHERIT, .max = 32,
                 .format = &schema_format_label_key, .element = &label_element),
    SCHEMA_FIELD(struct gateway_settings_pod, tolerations, "tolerations", LIST,
                 "Taints of nodes on which the pods may run all the same.", INHERIT, .max = 32,
                 .element = &toleration_element),
    SCHEMA_FIELD(struct gateway_settings_pod, annotations, "annotations", MAP,
                 "Annotations of the pods. Those of Weft and Prometheus are Weft's to set.",
                 INHERIT, .max = 64, .format = &schema_format_label_key,
                 .element = &text_element),
    SCHEMA_FIELD(struct gateway_settings_pod, priority_class, "priorityClassName", STRING,
                 "Their PriorityClass.", INHERIT, .min = 1, .max = 253,
                 .format = &schema_format_name),
    SCHEMA_FIELD(struct gateway_settings_pod, grace_ms, "terminationGracePeriod", DURATION,
                 "How long a pod may take to end. It has to be longer than proxy.drainTime, plus "
                 "5s for nodes that hear of it late.",
                 INHERIT, .fallback = 30000),
    {0},
};

static const struct schema pod_schema = {
    .name = "GatewayPod",
    .doc = "Where and how the pods run.",
    .size = sizeof(struct gateway_settings_pod),
    .fields = pod_fields,
};

static const struct schema_field proxy_fields[] = {
    SCHEMA_FIELD(struct gateway_settings_proxy, log_level, "logLevel", STRING,
                 "How much it logs: error, warn, info, debug or trace.", INHERIT, .max = 16),
    SCHEMA_FIELD(struct gateway_settings_proxy, access_log, "accessLog", STRING,
                 "One line for each request: off, errors or all, with `,text` or `,json` behind "
                 "it, or the form alone. Left out: as MeshConfig says.",
                 INHERIT, .max = 32),
    SCHEMA_FIELD(struct gateway_settings_proxy, workers, "workers", INT,
                 "Threads that serve requests. Left out: one for each CPU, at most 4.", UNSET,
                 .min = 1, .max = 64),
    SCHEMA_FIELD(struct gateway_settings_proxy, drain_ms, "drainTime", DURATION,
                 "How long running requests may take when a pod ends.", UNSET),
    {0},
};

static void check_proxy(struct schema_run *run, const struct doc *node, void *value)
{
    const struct gateway_settings_proxy *p = value;
    const char *must_be = "";
    if (p->log_level.ptr && inject_option_check(SLICE(INJECT_PREFIX "proxy-log-level"),
                                                p->log_level, &must_be) != ERR_OK)
        schema_error(run, node, "logLevel", "\"%.*s\" is not %s", SLICE_ARG(p->log_level), must_be);
    if (p->access_log.ptr && inject_option_check(SLICE(INJECT_PREFIX "proxy-access-log"),
                                                 p->access_log, &must_be) != ERR_OK)
        schema_error(run, node, "accessLog", "\"%.*s\" is not %s", SLICE_ARG(p->access_log),
                     must_be);
}

static const struct schema proxy_schema = {
    .name = "GatewayProxy",
    .doc = "The program in the pods.",
    .size = sizeof(struct gateway_settings_proxy),
    .fields = proxy_fields,
    .check = check_proxy,
};

/* ---- the kind ---- */

static const struct schema_field spec_fields[] = {
    SCHEMA_FIELD(struct gateway_settings_spec, replicas, "replicas", INT,
                 "Pods that there are. Left out, and without autoscaling, the number is yours to "
                 "set (initially 1).",
                 UNSET, .max = REPLICAS_MAX),
    SCHEMA_FIELD(struct gateway_settings_spec, scaling, "autoscaling", INLINE,
                 "A HorizontalPodAutoscaler for the Deployment, in place of replicas.",
                 .object = &scaling_schema),
    SCHEMA_FIELD(struct gateway_settings_spec, resources, "resources", INLINE,
                 "Resources of the container.", .object = &resources_schema),
    SCHEMA_FIELD(struct gateway_settings_spec, service, "service", INLINE,
                 "The Service of the Gateway.", .object = &service_schema),
    SCHEMA_FIELD(struct gateway_settings_spec, pod, "pod", INLINE, "Where and how the pods run.",
                 .object = &pod_schema),
    SCHEMA_FIELD(struct gateway_settings_spec, proxy, "proxy", INLINE,
                 "The program in the pods.", .object = &proxy_schema),
    {0},
};

static void check_scaling(struct schema_run *run, const struct doc *node,
                          const struct gateway_settings_spec *spec)
{
    const struct gateway_settings_scaling *s = &spec->scaling;
    bool is_said = s->min != SCHEMA_UNSET || s->cpu.ptr;
    if (spec->replicas != SCHEMA_UNSET && s->max != SCHEMA_UNSET)
        schema_error(run, node, "replicas", "must be left out where there is autoscaling");
    if (s->max == SCHEMA_UNSET && is_said && spec->replicas != SCHEMA_UNSET)
        schema_error(run, node, "autoscaling", "must be left out where there is replicas");
    if (s->max != SCHEMA_UNSET && s->min > s->max)
        schema_error(run, node, "autoscaling.minReplicas", "must not be more than maxReplicas");
}

/* Pods are gone before their last requests are, where the one is shorter than the other. */
static void check_grace(struct schema_run *run, const struct doc *node,
                        const struct gateway_settings_spec *spec)
{
    if (spec->pod.grace_ms > GRACE_MAX_MS)
        schema_error(run, node, "pod.terminationGracePeriod", "must be at most 1h");
    if (spec->pod.grace_ms != SCHEMA_UNSET && spec->proxy.drain_ms != SCHEMA_UNSET &&
        spec->pod.grace_ms < spec->proxy.drain_ms)
        schema_error(run, node, "pod.terminationGracePeriod",
                     "must not be shorter than proxy.drainTime");
}

static void check_spec(struct schema_run *run, const struct doc *node, void *value)
{
    check_scaling(run, node, value);
    check_grace(run, node, value);
}

static const struct schema_rule spec_rules[] = {
    {"!has(self.replicas) || !has(self.autoscaling)",
     "replicas must be left out where there is autoscaling"},
    {"!has(self.autoscaling) || !has(self.autoscaling.minReplicas) || "
     "!has(self.autoscaling.maxReplicas) || "
     "self.autoscaling.minReplicas <= self.autoscaling.maxReplicas",
     "autoscaling.minReplicas must not be more than maxReplicas"},
    {0},
};

const struct schema gateway_settings_spec_schema = {
    .name = "GatewaySettingsSpec",
    .doc = "How the data plane of a Gateway is run.",
    .size = sizeof(struct gateway_settings_spec),
    .fields = spec_fields,
    .check = check_spec,
    .rules = spec_rules,
};

static const struct schema_field fields[] = {
    KIND_FIELDS,
    KIND_STATUS_FIELD,
    SCHEMA_FIELD(struct gateway_settings, spec, "spec", INLINE,
                 "How the data plane of a Gateway is run.", .flags = SCHEMA_REQUIRED,
                 .object = &gateway_settings_spec_schema),
    {0},
};

const struct schema gateway_settings_kind_schema = {
    .name = "GatewaySettings",
    .doc = "How the data plane of a Gateway is run on Kubernetes: pods, resources, its Service. A "
           "Gateway names one of its namespace in spec.infrastructure.parametersRef; a "
           "GatewayClass names one for all its Gateways in spec.parametersRef. What a Gateway's "
           "leaves out, its class's says.",
    .size = sizeof(struct gateway_settings),
    .fields = fields,
};
