/* What belongs to a Gateway's data plane besides its pods: the metadata of all its objects, its
 * ServiceAccount, Service and autoscaler. Pure. Must not know when they are applied.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/gateway_manifest.h"

#include <stdio.h>

#include "policies/gateway/gateway_names.h"
#include "policies/kinds/selector.h"
#include "policies/policyd/access.h"
#include "policies/policyd/gateway_manifest_priv.h"

#define CLASS_LABEL "gateway.networking.k8s.io/gateway-class-name"

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

static void put_pair(struct json_write *w, const struct schema_pair *pair,
                     bool (*is_own)(struct slice key))
{
    char key[400];
    if (is_own && is_own(pair->key))
        return;
    snprintf(key, sizeof key, "%.*s", SLICE_ARG(pair->key));
    json_write_field(w, key, pair->value);
}

void gateway_manifest_put_pairs(struct json_write *w, const struct schema_list *pairs,
                                bool (*is_own)(struct slice key))
{
    for (SCHEMA_EACH(*pairs, struct schema_pair, pair))
        put_pair(w, pair, is_own);
}

void gateway_manifest_put_labels(const struct gateway_manifest *m, struct json_write *w)
{
    const struct gateway_spec *spec = &m->gateway->spec;
    open_object(w, "labels");
    put_label(w, ACCESS_GATEWAY_LABEL, m->gateway->object.meta.name);
    put_label(w, CLASS_LABEL, spec->class_name);
    put_text(w, "app.kubernetes.io/managed-by", GATEWAY_MANIFEST_MANAGED_BY);
    gateway_manifest_put_pairs(w, &spec->infrastructure.labels, is_own_label);
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

void gateway_manifest_put_annotations(const struct gateway_manifest *m, struct json_write *w,
                                      const struct schema_list *more,
                                      bool (*is_own)(struct slice key))
{
    for (SCHEMA_EACH(m->gateway->spec.infrastructure.annotations, struct schema_pair, pair))
        if (!more || !gateway_settings_pair(more, pair->key))
            put_pair(w, pair, is_own);
    if (more)
        gateway_manifest_put_pairs(w, more, is_own);
}

struct slice gateway_manifest_said(const struct gateway_manifest *m, const char *annotation)
{
    return selector_label(&m->gateway->object.meta.annotations, slice_from_cstr(annotation));
}

void gateway_manifest_begin(const struct gateway_manifest *m, struct json_write *w, struct buf *to,
                            const char *api_version, const char *kind,
                            const struct schema_list *annotations)
{
    json_write_init(w, to);
    json_write_object(w);
    put_text(w, "apiVersion", api_version);
    put_text(w, "kind", kind);
    open_object(w, "metadata");
    put_text(w, "name", m->name);
    json_write_field(w, "namespace", m->gateway->object.meta.namespace_name);
    gateway_manifest_put_labels(m, w);
    open_object(w, "annotations");
    gateway_manifest_put_annotations(m, w, annotations, NULL);
    json_write_object_end(w);
    put_owner(m, w);
    json_write_object_end(w);
}

void gateway_manifest_account(const struct gateway_manifest *m, struct buf *to)
{
    struct json_write w;
    gateway_manifest_begin(m, &w, to, "v1", "ServiceAccount", NULL);
    json_write_field_bool(&w, "automountServiceAccountToken", false);
    json_write_object_end(&w);
}

/* ---- Service ---- */

void gateway_manifest_put_selector(const struct gateway_manifest *m, struct json_write *w,
                                   const char *key)
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
    const struct gateway_settings_service *s = &m->settings->service;
    struct slice said = gateway_manifest_said(m, GATEWAY_MANIFEST_EXTERNAL);
    if (s->type == GATEWAY_SETTINGS_CLUSTER_IP)
        return;
    if (slice_eq_cstr(said, "Local") || slice_eq_cstr(said, "Cluster"))
        json_write_field(w, "externalTrafficPolicy", said);
    else if (s->external != SCHEMA_UNSET)
        put_text(w, "externalTrafficPolicy", gateway_settings_externals[s->external]);
}

/* What only load balancers have. */
static void put_load_balancer(const struct gateway_manifest *m, struct json_write *w)
{
    const struct gateway_settings_service *s = &m->settings->service;
    if (s->type != GATEWAY_SETTINGS_LOAD_BALANCER)
        return;
    put_static_address(m, w);
    if (s->load_balancer.len)
        json_write_field(w, "loadBalancerClass", s->load_balancer);
    if (!s->source_ranges.count)
        return;
    open_array(w, "loadBalancerSourceRanges");
    for (SCHEMA_EACH(s->source_ranges, struct slice, range))
        json_write_string(w, *range);
    json_write_array_end(w);
}

void gateway_manifest_service(const struct gateway_manifest *m, struct buf *to)
{
    struct json_write w;
    gateway_manifest_begin(m, &w, to, "v1", "Service", &m->settings->service.annotations);
    open_object(&w, "spec");
    put_text(&w, "type", gateway_settings_service_types[m->settings->service.type]);
    put_load_balancer(m, &w);
    put_external_policy(m, &w);
    gateway_manifest_put_selector(m, &w, "selector");
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

/* ---- HorizontalPodAutoscaler ---- */

static void put_cpu_target(const struct gateway_settings_scaling *s, struct json_write *w)
{
    unsigned percent = gateway_settings_cpu_percent(s);
    open_object(w, "target");
    put_text(w, "type", percent ? "Utilization" : "AverageValue");
    if (percent)
        json_write_field_u64(w, "averageUtilization", percent);
    else
        json_write_field(w, "averageValue", s->cpu);
    json_write_object_end(w);
}

void gateway_manifest_autoscaler(const struct gateway_manifest *m, struct buf *to)
{
    const struct gateway_settings_scaling *s = &m->settings->scaling;
    struct json_write w;
    gateway_manifest_begin(m, &w, to, "autoscaling/v2", "HorizontalPodAutoscaler", NULL);
    open_object(&w, "spec");
    open_object(&w, "scaleTargetRef");
    put_text(&w, "apiVersion", "apps/v1");
    put_text(&w, "kind", "Deployment");
    put_text(&w, "name", m->name);
    json_write_object_end(&w);
    json_write_field_u64(&w, "minReplicas", (uint64_t)s->min);
    json_write_field_u64(&w, "maxReplicas", (uint64_t)s->max);
    open_array(&w, "metrics");
    json_write_object(&w);
    put_text(&w, "type", "Resource");
    open_object(&w, "resource");
    put_text(&w, "name", "cpu");
    put_cpu_target(s, &w);
    json_write_object_end(&w);
    json_write_object_end(&w);
    json_write_array_end(&w);
    json_write_object_end(&w);
    json_write_object_end(&w);
}
