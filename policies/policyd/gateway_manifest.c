/* What a Gateway's pods look like: one program, no privileges, a token for its certificate and
 * nothing else of the cluster's. Pure. Must not know when they are applied.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/gateway_manifest.h"

#include <stdio.h>

#include "lib/base/json_write.h"
#include "lib/inject/inject_option.h"
#include "policies/gateway/gateway_names.h"
#include "policies/policyd/access.h"
#include "policies/kinds/selector.h"

#define CLASS_LABEL "gateway.networking.k8s.io/gateway-class-name"
#define TOKEN_DIR "/var/run/secrets/weft"
#define TRUST_DIR "/etc/weft/trust"
#define STATE_DIR "/run/weft"

enum { USER = 1337, HEALTH_PORT = 15021, METRICS_PORT = 15020, TOKEN_SECONDS = 3600 };

/* ---- shorthands ---- */

static void open_object(struct json_write *w, const char *key)
{
    json_write_key(w, key);
    json_write_object(w);
}

static void open_array(struct json_write *w, const char *key)
{
    json_write_key(w, key);
    json_write_array(w);
}

static void put_text(struct json_write *w, const char *key, const char *value)
{
    json_write_field(w, key, slice_from_cstr(value));
}

static void put_arg(struct json_write *w, const char *option, struct slice value)
{
    char text[600];
    int len = snprintf(text, sizeof text, "--%s=%.*s", option, SLICE_ARG(slice_sub(value, 0, 512)));
    json_write_string(w, slice_of(text, (size_t)len));
}

/* ---- metadata ---- */

static bool is_own_label(struct slice key)
{
    return slice_eq_cstr(key, ACCESS_GATEWAY_LABEL) || slice_eq_cstr(key, CLASS_LABEL) ||
           slice_eq_cstr(key, "app.kubernetes.io/managed-by");
}

static void put_label(struct json_write *w, const char *key, struct slice name)
{
    char label[GATEWAY_NAMES_MAX];
    put_text(w, key, gateway_names_label(name, label));
}

static void put_labels(const struct gateway_manifest *m, struct json_write *w)
{
    const struct gateway_spec *spec = &m->gateway->spec;
    open_object(w, "labels");
    put_label(w, ACCESS_GATEWAY_LABEL, m->gateway->object.meta.name);
    put_label(w, CLASS_LABEL, spec->class_name);
    put_text(w, "app.kubernetes.io/managed-by", GATEWAY_MANIFEST_MANAGED_BY);
    for (SCHEMA_EACH(spec->infrastructure.labels, struct schema_pair, pair))
        if (!is_own_label(pair->key)) {
            char key[400];
            snprintf(key, sizeof key, "%.*s", SLICE_ARG(pair->key));
            json_write_field(w, key, pair->value);
        }
    json_write_object_end(w);
}

/* How its pods are run is not the Gateway's to say. */
static bool is_own_annotation(struct slice key)
{
    return slice_starts_with(key, SLICE("weft.dev/")) ||
           slice_starts_with(key, SLICE("prometheus.io/"));
}

static void put_annotations(const struct gateway_manifest *m, struct json_write *w, bool is_pod)
{
    open_object(w, "annotations");
    if (is_pod) {
        put_text(w, "prometheus.io/scrape", "true");
        put_text(w, "prometheus.io/port", "15020");
        put_text(w, "weft.dev/inject", "disabled");
    }
    for (SCHEMA_EACH(m->gateway->spec.infrastructure.annotations, struct schema_pair, pair)) {
        if (is_pod && is_own_annotation(pair->key))
            continue;
        char key[400];
        snprintf(key, sizeof key, "%.*s", SLICE_ARG(pair->key));
        json_write_field(w, key, pair->value);
    }
    json_write_object_end(w);
}

/* It goes with the Gateway. */
static void put_owner(const struct gateway_manifest *m, struct json_write *w)
{
    open_array(w, "ownerReferences");
    json_write_object(w);
    put_text(w, "apiVersion", "gateway.networking.k8s.io/v1");
    put_text(w, "kind", "Gateway");
    json_write_field(w, "name", m->gateway->object.meta.name);
    json_write_field(w, "uid", m->gateway->object.meta.uid);
    json_write_field_bool(w, "controller", true);
    json_write_object_end(w);
    json_write_array_end(w);
}

static void begin(const struct gateway_manifest *m, struct json_write *w, struct buf *to,
                  const char *api_version, const char *kind)
{
    json_write_init(w, to);
    json_write_object(w);
    put_text(w, "apiVersion", api_version);
    put_text(w, "kind", kind);
    open_object(w, "metadata");
    put_text(w, "name", m->name);
    json_write_field(w, "namespace", m->gateway->object.meta.namespace_name);
    put_labels(m, w);
    put_annotations(m, w, false);
    put_owner(m, w);
    json_write_object_end(w);
}

void gateway_manifest_account(const struct gateway_manifest *m, struct buf *to)
{
    struct json_write w;
    begin(m, &w, to, "v1", "ServiceAccount");
    json_write_field_bool(&w, "automountServiceAccountToken", false);
    json_write_object_end(&w);
}

/* ---- Service ---- */

static void put_selector(const struct gateway_manifest *m, struct json_write *w, const char *key)
{
    open_object(w, key);
    put_label(w, ACCESS_GATEWAY_LABEL, m->gateway->object.meta.name);
    json_write_object_end(w);
}

static void put_static_address(const struct gateway_manifest *m, struct json_write *w)
{
    for (SCHEMA_EACH(m->gateway->spec.addresses, struct gateway_address, a))
        if (a->type == GATEWAY_ADDRESS_IP && a->value.len) {
            json_write_field(w, "loadBalancerIP", a->value);
            return;
        }
}

/* Local: nodes hand connections to their own pods, and clients' addresses stay what they are. */
static void put_external_policy(const struct gateway_manifest *m, struct json_write *w)
{
    struct slice said =
        selector_label(&m->gateway->object.meta.annotations, SLICE(GATEWAY_MANIFEST_EXTERNAL));
    if (slice_eq_cstr(said, "Local") || slice_eq_cstr(said, "Cluster"))
        json_write_field(w, "externalTrafficPolicy", said);
}

void gateway_manifest_service(const struct gateway_manifest *m, struct buf *to)
{
    struct json_write w;
    begin(m, &w, to, "v1", "Service");
    open_object(&w, "spec");
    put_text(&w, "type", "LoadBalancer");
    put_static_address(m, &w);
    put_external_policy(m, &w);
    put_selector(m, &w, "selector");
    open_array(&w, "ports");
    for (size_t i = 0; i < m->n_ports; i++) {
        char name[16];
        const struct gateway_manifest_port *p = &m->ports[i];
        snprintf(name, sizeof name, "%s-%u", p->is_udp ? "udp" : "port", p->number);
        json_write_object(&w);
        put_text(&w, "name", name);
        put_text(&w, "protocol", p->is_udp ? "UDP" : "TCP");
        json_write_field_u64(&w, "port", p->number);
        json_write_field_u64(&w, "targetPort", p->number);
        json_write_object_end(&w);
    }
    json_write_array_end(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
}

/* ---- Deployment ---- */

static void put_env(struct json_write *w, const char *name, const char *path)
{
    json_write_object(w);
    put_text(w, "name", name);
    open_object(w, "valueFrom");
    open_object(w, "fieldRef");
    put_text(w, "apiVersion", "v1");
    put_text(w, "fieldPath", path);
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_object_end(w);
}

/* What the Gateway says of its pods' program, in the annotations that a pod would say it in. A
 * value that the program would not start with is passed over. */
static void put_own_args(const struct gateway_manifest *m, struct json_write *w)
{
    static const struct {
        enum inject_option_id id;
        const char *option;
    } rows[] = {{INJECT_ACCESS_LOG, "access-log"},
                {INJECT_LOG_LEVEL, "log-level"},
                {INJECT_WORKERS, "workers"},
                {INJECT_DRAIN_TIME, "drain-time"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct inject_option_row *row = &inject_option_rows[rows[i].id];
        struct slice value = selector_label(&m->gateway->object.meta.annotations,
                                            slice_from_cstr(row->name));
        if (value.len && row->is_valid(value))
            put_arg(w, rows[i].option, value);
    }
}

static void put_args(const struct gateway_manifest *m, struct json_write *w)
{
    const struct policyd_options *o = m->options;
    open_array(w, "command");
    json_write_string(w, SLICE("weft-sidecar"));
    json_write_array_end(w);
    open_array(w, "args");
    put_arg(w, "mode", SLICE("ingress"));
    put_arg(w, "gateway", m->gateway->object.meta.name);
    put_arg(w, "trust-domain", slice_from_cstr(o->trust_domain));
    put_arg(w, "discovery", slice_from_cstr(o->discovery_address));
    if (o->certd_address)
        put_arg(w, "certd", slice_from_cstr(o->certd_address));
    put_arg(w, "certd-name", slice_from_cstr(o->certd_name));
    put_arg(w, "token-file", SLICE(TOKEN_DIR "/token"));
    put_arg(w, "trust-bundle", SLICE(TRUST_DIR "/ca.crt"));
    put_arg(w, "identity-dir", SLICE(STATE_DIR "/identity"));
    put_arg(w, "last-good", SLICE(STATE_DIR "/last-good"));
    /* Nodes hear a little later than the pod that it is on its way out. */
    put_arg(w, "drain-delay", SLICE("5s"));
    put_own_args(m, w);
    json_write_array_end(w);
    open_array(w, "env");
    put_env(w, "POD_NAME", "metadata.name");
    put_env(w, "POD_NAMESPACE", "metadata.namespace");
    put_env(w, "POD_IP", "status.podIP");
    put_env(w, "SERVICE_ACCOUNT", "spec.serviceAccountName");
    json_write_array_end(w);
}

static void put_container_port(struct json_write *w, const char *name, unsigned port)
{
    json_write_object(w);
    put_text(w, "name", name);
    json_write_field_u64(w, "containerPort", port);
    json_write_object_end(w);
}

static void put_probe(struct json_write *w, const char *key, const char *path, unsigned period)
{
    open_object(w, key);
    open_object(w, "httpGet");
    put_text(w, "path", path);
    json_write_field_u64(w, "port", HEALTH_PORT);
    json_write_object_end(w);
    json_write_field_u64(w, "periodSeconds", period);
    json_write_field_u64(w, "failureThreshold", 3);
    json_write_object_end(w);
}

static void put_mount(struct json_write *w, const char *name, const char *path, bool read_only)
{
    json_write_object(w);
    put_text(w, "name", name);
    put_text(w, "mountPath", path);
    json_write_field_bool(w, "readOnly", read_only);
    json_write_object_end(w);
}

static void put_container(const struct gateway_manifest *m, struct json_write *w)
{
    json_write_object(w);
    put_text(w, "name", "weft-gateway");
    put_text(w, "image", m->options->image);
    put_text(w, "imagePullPolicy", "IfNotPresent");
    put_args(m, w);
    open_array(w, "ports");
    put_container_port(w, "health", HEALTH_PORT);
    put_container_port(w, "metrics", METRICS_PORT);
    json_write_array_end(w);
    put_probe(w, "readinessProbe", "/healthz/ready", 1);
    put_probe(w, "livenessProbe", "/healthz/live", 10);
    open_object(w, "resources");
    open_object(w, "requests");
    put_text(w, "cpu", "20m");
    put_text(w, "memory", "16Mi");
    json_write_object_end(w);
    json_write_object_end(w);
    open_object(w, "securityContext");
    json_write_field_bool(w, "allowPrivilegeEscalation", false);
    json_write_field_bool(w, "readOnlyRootFilesystem", true);
    open_object(w, "capabilities");
    open_array(w, "drop");
    json_write_string(w, SLICE("ALL"));
    json_write_array_end(w);
    json_write_object_end(w);
    json_write_object_end(w);
    open_array(w, "volumeMounts");
    put_mount(w, "weft-token", TOKEN_DIR, true);
    put_mount(w, "weft-trust", TRUST_DIR, true);
    put_mount(w, "weft-state", STATE_DIR, false);
    json_write_array_end(w);
    json_write_object_end(w);
}

static void put_token_volume(struct json_write *w)
{
    json_write_object(w);
    put_text(w, "name", "weft-token");
    open_object(w, "projected");
    json_write_field_u64(w, "defaultMode", 0440);
    open_array(w, "sources");
    json_write_object(w);
    open_object(w, "serviceAccountToken");
    put_text(w, "audience", "weft-certd");
    json_write_field_u64(w, "expirationSeconds", TOKEN_SECONDS);
    put_text(w, "path", "token");
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_array_end(w);
    json_write_object_end(w);
    json_write_object_end(w);
}

static void put_volumes(struct json_write *w)
{
    open_array(w, "volumes");
    put_token_volume(w);
    json_write_object(w);
    put_text(w, "name", "weft-trust");
    open_object(w, "configMap");
    put_text(w, "name", "weft-trust-bundle");
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_object(w);
    put_text(w, "name", "weft-state");
    open_object(w, "emptyDir");
    put_text(w, "medium", "Memory");
    put_text(w, "sizeLimit", "64Mi");
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_array_end(w);
}

/* Ports below 1024 are bound without a capability. */
static void put_pod_security(struct json_write *w)
{
    open_object(w, "securityContext");
    json_write_field_bool(w, "runAsNonRoot", true);
    json_write_field_u64(w, "runAsUser", USER);
    json_write_field_u64(w, "runAsGroup", USER);
    json_write_field_u64(w, "fsGroup", USER);
    open_object(w, "seccompProfile");
    put_text(w, "type", "RuntimeDefault");
    json_write_object_end(w);
    open_array(w, "sysctls");
    json_write_object(w);
    put_text(w, "name", "net.ipv4.ip_unprivileged_port_start");
    put_text(w, "value", "0");
    json_write_object_end(w);
    json_write_array_end(w);
    json_write_object_end(w);
}

static void put_pod(const struct gateway_manifest *m, struct json_write *w)
{
    open_object(w, "template");
    open_object(w, "metadata");
    put_labels(m, w);
    put_annotations(m, w, true);
    json_write_object_end(w);
    open_object(w, "spec");
    put_text(w, "serviceAccountName", m->name);
    json_write_field_bool(w, "automountServiceAccountToken", false);
    json_write_field_u64(w, "terminationGracePeriodSeconds", 30);
    put_pod_security(w);
    open_array(w, "containers");
    put_container(m, w);
    json_write_array_end(w);
    put_volumes(w);
    json_write_object_end(w);
    json_write_object_end(w);
}

/* Without the annotation the number is not ours: the default is 1, and an autoscaler may own it. */
static void put_replicas(const struct gateway_manifest *m, struct json_write *w)
{
    uint64_t count;
    struct slice said =
        selector_label(&m->gateway->object.meta.annotations, SLICE(GATEWAY_MANIFEST_REPLICAS));
    if (said.len && !slice_to_u64(said, &count) && count <= 1000)
        json_write_field_u64(w, "replicas", count);
}

void gateway_manifest_deployment(const struct gateway_manifest *m, struct buf *to)
{
    struct json_write w;
    begin(m, &w, to, "apps/v1", "Deployment");
    open_object(&w, "spec");
    put_replicas(m, &w);
    open_object(&w, "selector");
    put_selector(m, &w, "matchLabels");
    json_write_object_end(&w);
    open_object(&w, "strategy");
    open_object(&w, "rollingUpdate");
    json_write_field_u64(&w, "maxUnavailable", 0);
    json_write_field_u64(&w, "maxSurge", 1);
    json_write_object_end(&w);
    json_write_object_end(&w);
    put_pod(m, &w);
    json_write_object_end(&w);
    json_write_object_end(&w);
}
