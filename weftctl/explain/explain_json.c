/* An explanation as JSON. Main thread.
 * Must not know how it was come by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "sidecar/config/route/match_trace.h"
#include "weftctl/explain/explain_print.h"

static void write_text(struct json_write *w, const char *key, const char *text)
{
    json_write_field(w, key, slice_from_cstr(text));
}

static void write_from(const struct explain *e, struct json_write *w)
{
    json_write_key(w, "from");
    json_write_object(w);
    json_write_field(w, "namespace", e->from.workload.namespace_name);
    json_write_field(w, e->from.workload.pod ? "pod" : "gateway", e->from.workload.name);
    json_write_field_bool(w, "meshed", e->from.is_meshed);
    json_write_field(w, "principal", e->from.principal);
    json_write_object_end(w);
}

static void write_request(const struct asked *a, struct json_write *w)
{
    json_write_key(w, "request");
    json_write_object(w);
    json_write_field(w, "method", a->method);
    json_write_field(w, "host", a->host);
    json_write_field_u64(w, "port", a->port);
    json_write_field(w, "path", a->path);
    json_write_object_end(w);
}

static void write_chain(struct explain *e, struct json_write *w, const struct filter_chain *chain)
{
    if (!chain || !chain->count)
        return;
    json_write_key(w, "filters");
    json_write_array(w);
    for (uint32_t i = 0; i < chain->count; i++) {
        json_write_object(w);
        write_text(w, "name", chain->entries[i].filter->name);
        const char *kind;
        struct slice owner = explain_filters_owner(&chain->entries[i], &kind);
        if (owner.len)
            json_write_field(w,
                             strcmp(kind, "HTTPFilter") ? "requestAuthentication" : "httpFilter",
                             owner);
        json_write_field(w, "does", explain_filters_describe(e, &chain->entries[i]));
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void write_route(struct explain *e, struct json_write *w)
{
    const struct route_conf *r = e->route;
    json_write_key(w, "route");
    if (r) {
        json_write_object(w);
        json_write_field(w, "name", r->name);
        json_write_field(w, "because", match_trace_describe_route(&e->arena, r));
        write_chain(e, w, r->chain);
        json_write_object_end(w);
    } else {
        json_write_null(w);
    }
    json_write_key(w, "notRoutedBy");
    json_write_array(w);
    for (size_t i = 0; i < e->tried_count; i++) {
        json_write_object(w);
        json_write_field(w, "name", e->tried[i].route);
        json_write_field(w, "because", e->tried[i].why_not);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void write_verdict(const struct explain_verdict *v, struct json_write *w)
{
    json_write_key(w, "verdict");
    json_write_object(w);
    json_write_field_bool(w, "allowed", v->allowed);
    json_write_field(w, "because", v->text);
    json_write_key(w, "rules");
    json_write_array(w);
    for (size_t i = 0; i < v->rule_count; i++) {
        json_write_object(w);
        json_write_field(w, "policy", v->rules[i].policy);
        write_text(w, "action", authz_actions[v->rules[i].action]);
        json_write_field_u64(w, "rule", v->rules[i].number);
        json_write_field_bool(w, "matches", !v->rules[i].why_not.len);
        json_write_field(w, "because", v->rules[i].why_not);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    json_write_object_end(w);
}

static void write_endpoint(const struct explain_endpoint *end, struct json_write *w)
{
    const struct endpoint_conf *c = end->conf;
    json_write_object(w);
    json_write_field(w, "address", c->address_text);
    json_write_field(w, "namespace", c->namespace_name);
    json_write_field(w, "workload", c->workload);
    json_write_field_bool(w, "ready", c->ready);
    json_write_field_bool(w, "mutualTLS", end->is_mutual_tls);
    json_write_field(w, "identity", c->spiffe_id);
    json_write_key(w, "filters");
    json_write_array(w);
    for (size_t i = 0; i < end->filter_count; i++)
        json_write_string(w, end->filters[i]);
    json_write_array_end(w);
    write_verdict(&end->verdict, w);
    json_write_object_end(w);
}

static void write_share(struct explain *e, const struct explain_share *s, struct json_write *w)
{
    const struct cluster_conf *c = s->cluster;
    json_write_object(w);
    json_write_field(w, "cluster", c ? c->name : SLICE(""));
    if (c && c->service_name.len) {
        json_write_key(w, "service");
        json_write_object(w);
        json_write_field(w, "namespace", c->service_namespace);
        json_write_field(w, "name", c->service_name);
        json_write_field_u64(w, "port", c->port);
        json_write_object_end(w);
    }
    json_write_field_u64(w, "weight", s->weight);
    json_write_field_bool(w, "resolves", c || s->count);
    json_write_field_bool(w, "redirected", s->redirect != NULL);
    write_chain(e, w, s->chain);
    json_write_key(w, "endpoints");
    json_write_array(w);
    for (size_t i = 0; i < s->count; i++)
        write_endpoint(&s->endpoints[i], w);
    json_write_array_end(w);
    json_write_object_end(w);
}

void explain_print_json(struct explain *e, struct json_write *w)
{
    struct slice outcome = explain_outcome(e);
    json_write_object(w);
    write_from(e, w);
    write_request(&e->asked, w);
    if (e->destination.len) {
        json_write_field(w, "destination", e->destination);
        write_text(w, "protocol", explain_print_protocol(e->protocol));
    }
    if (e->certificate.len)
        json_write_field(w, "certificate", e->certificate);
    if (e->gateway)
        write_chain(e, w, e->gateway->chain);
    if (e->entry)
        write_verdict(e->entry, w);
    write_route(e, w);
    json_write_key(w, "to");
    json_write_array(w);
    for (size_t i = 0; i < e->share_count; i++)
        write_share(e, &e->shares[i], w);
    json_write_array_end(w);
    json_write_field_u64(w, "status", e->status);
    json_write_field(w, "remark", e->answer);
    json_write_field(w, "outcome", outcome);
    json_write_field_bool(w, "delivered", e->is_delivered);
    json_write_object_end(w);
}
