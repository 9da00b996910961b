/* What a Gateway's pods look like: one program, no privileges, a token for its certificate and
 * nothing else of the cluster's. Pure. Must not know when they are applied.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/quantity.h"
#include "lib/inject/inject_option.h"
#include "policies/policyd/gateway_manifest_priv.h"

#define TOKEN_DIR "/var/run/secrets/weft"
#define TRUST_DIR "/etc/weft/trust"
#define STATE_DIR "/run/weft"

enum { USER = 1337, HEALTH_PORT = 15021, METRICS_PORT = 15020, TOKEN_SECONDS = 3600 };

/* ---- the program ---- */

static void put_arg(struct json_write *w, const char *option, struct slice value)
{
    char text[600];
    int len = snprintf(text, sizeof text, "--%s=%.*s", option, SLICE_ARG(slice_sub(value, 0, 512)));
    json_write_string(w, slice_of(text, (size_t)len));
}

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

/* What the settings say of an option, in its own words; empty: nothing. */
static struct slice option_of_settings(const struct gateway_settings_proxy *p,
                                       enum inject_option_id id, char room[32])
{
    room[0] = '\0';
    if (id == INJECT_ACCESS_LOG)
        return p->access_log;
    if (id == INJECT_LOG_LEVEL)
        return p->log_level;
    if (id == INJECT_WORKERS && p->workers != SCHEMA_UNSET)
        snprintf(room, 32, "%lld", (long long)p->workers);
    if (id == INJECT_DRAIN_TIME && p->drain_ms != SCHEMA_UNSET)
        snprintf(room, 32, "%lldms", (long long)p->drain_ms);
    return slice_from_cstr(room);
}

/* The Gateway itself says it in the annotations that a pod would say it in; a value there that the
 * program would not start with is passed over. */
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
        char room[32];
        struct slice value = gateway_manifest_said(m, row->name);
        if (!value.len || !row->is_valid(value))
            value = option_of_settings(&m->settings->proxy, rows[i].id, room);
        if (value.len)
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

static void put_quantities(struct json_write *w, const char *key,
                           const struct gateway_settings_quantities *q)
{
    const struct {
        const char *name;
        int64_t value;
    } rows[] = {{"cpu", q->cpu}, {"memory", q->memory}, {"ephemeral-storage", q->storage}};
    open_object(w, key);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[QUANTITY_TEXT_MAX];
        if (rows[i].value != SCHEMA_UNSET)
            put_text(w, rows[i].name, quantity_format(rows[i].value, text));
    }
    json_write_object_end(w);
}

static void put_resources(const struct gateway_settings_resources *r, struct json_write *w)
{
    open_object(w, "resources");
    put_quantities(w, "requests", &r->requests);
    put_quantities(w, "limits", &r->limits);
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
    put_resources(&m->settings->resources, w);
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

/* ---- the pod ---- */

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

/* How its pods are run is not for annotations of the user to say. */
static bool is_own_annotation(struct slice key)
{
    return slice_starts_with(key, SLICE("weft.dev/")) ||
           slice_starts_with(key, SLICE("prometheus.io/"));
}

static void put_annotations(const struct gateway_manifest *m, struct json_write *w)
{
    open_object(w, "annotations");
    put_text(w, "prometheus.io/scrape", "true");
    put_text(w, "prometheus.io/port", "15020");
    put_text(w, "weft.dev/inject", "disabled");
    gateway_manifest_put_annotations(m, w, &m->settings->pod.annotations, is_own_annotation);
    json_write_object_end(w);
}

static void put_toleration(const struct gateway_settings_toleration *t, struct json_write *w)
{
    json_write_object(w);
    if (t->key.len)
        json_write_field(w, "key", t->key);
    put_text(w, "operator", gateway_settings_operators[t->operator_]);
    if (t->value.len)
        json_write_field(w, "value", t->value);
    if (t->effect != SCHEMA_UNSET)
        put_text(w, "effect", gateway_settings_effects[t->effect]);
    if (t->seconds != SCHEMA_UNSET)
        json_write_field_u64(w, "tolerationSeconds", (uint64_t)t->seconds);
    json_write_object_end(w);
}

static void put_placement(const struct gateway_settings_pod *pod, struct json_write *w)
{
    if (pod->node_selector.count) {
        open_object(w, "nodeSelector");
        gateway_manifest_put_pairs(w, &pod->node_selector, NULL);
        json_write_object_end(w);
    }
    if (pod->tolerations.count) {
        open_array(w, "tolerations");
        for (SCHEMA_EACH(pod->tolerations, struct gateway_settings_toleration, t))
            put_toleration(t, w);
        json_write_array_end(w);
    }
    if (pod->priority_class.len)
        json_write_field(w, "priorityClassName", pod->priority_class);
}

static void put_pod(const struct gateway_manifest *m, struct json_write *w)
{
    open_object(w, "template");
    open_object(w, "metadata");
    gateway_manifest_put_labels(m, w);
    put_annotations(m, w);
    json_write_object_end(w);
    open_object(w, "spec");
    put_text(w, "serviceAccountName", m->name);
    json_write_field_bool(w, "automountServiceAccountToken", false);
    json_write_field_u64(w, "terminationGracePeriodSeconds",
                         ((uint64_t)m->settings->pod.grace_ms + 999) / 1000);
    put_placement(&m->settings->pod, w);
    put_pod_security(w);
    open_array(w, "containers");
    put_container(m, w);
    json_write_array_end(w);
    put_volumes(w);
    json_write_object_end(w);
    json_write_object_end(w);
}

/* ---- Deployment ---- */

static uint64_t within(uint64_t n, uint64_t min, uint64_t max)
{
    return n < min ? min : n > max ? max : n;
}

/* Where nobody says a number it is not ours: the default is 1, and somebody else's autoscaler may
 * own it. With our own, what it has chosen is said again: left out, a number that was ours once
 * would become 1 until the autoscaler looks again. */
static void put_replicas(const struct gateway_manifest *m, struct json_write *w)
{
    uint64_t count;
    struct slice said = gateway_manifest_said(m, GATEWAY_MANIFEST_REPLICAS);
    const struct gateway_settings_scaling *s = &m->settings->scaling;
    if (s->max != SCHEMA_UNSET)
        json_write_field_u64(w, "replicas",
                             within(m->replicas, (uint64_t)s->min, (uint64_t)s->max));
    else if (said.len && !slice_to_u64(said, &count) && count <= 1000)
        json_write_field_u64(w, "replicas", count);
    else if (m->settings->replicas != SCHEMA_UNSET)
        json_write_field_u64(w, "replicas", (uint64_t)m->settings->replicas);
}

void gateway_manifest_deployment(const struct gateway_manifest *m, struct buf *to)
{
    struct json_write w;
    gateway_manifest_begin(m, &w, to, "apps/v1", "Deployment", NULL);
    open_object(&w, "spec");
    put_replicas(m, &w);
    open_object(&w, "selector");
    gateway_manifest_put_selector(m, &w, "matchLabels");
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
