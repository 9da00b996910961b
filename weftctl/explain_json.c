/* An explanation as JSON. Main thread.
 * Must not know how it was come by.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain_print.h"

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

static void write_route(const struct explain *e, struct json_write *w)
{
    const struct explain_route *r = &e->route;
    json_write_key(w, "route");
    if (r->route) {
        json_write_object(w);
        write_text(w, "name", r->route->name);
        json_write_field(w, "because", r->why);
        json_write_object_end(w);
    } else {
        json_write_null(w);
    }
    json_write_key(w, "notRoutedBy");
    json_write_array(w);
    for (size_t i = 0; i < r->tried_count; i++) {
        json_write_object(w);
        write_text(w, "name", r->tried[i].route);
        json_write_field(w, "because", r->tried[i].why);
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
        write_text(w, "policy", v->rules[i].policy);
        write_text(w, "action", explain_authz_action(v->rules[i].action));
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
    json_write_object(w);
    write_text(w, "address", end->endpoint->address);
    write_text(w, "namespace", end->endpoint->namespace_);
    write_text(w, "workload", end->endpoint->workload);
    json_write_field_bool(w, "ready", end->endpoint->ready);
    json_write_field_bool(w, "mutualTLS", end->is_mutual_tls);
    write_text(w, "identity", end->endpoint->spiffe_id);
    write_verdict(&end->verdict, w);
    json_write_object_end(w);
}

static void write_shares(const struct explain *e, struct json_write *w)
{
    json_write_key(w, "to");
    json_write_array(w);
    for (size_t i = 0; i < e->share_count; i++) {
        const struct explain_share *s = &e->shares[i];
        json_write_object(w);
        write_text(w, "cluster", s->cluster_name);
        json_write_field_u64(w, "weight", s->weight);
        json_write_field_bool(w, "resolves", s->cluster || s->count);
        json_write_key(w, "endpoints");
        json_write_array(w);
        for (size_t j = 0; j < s->count; j++)
            write_endpoint(&s->endpoints[j], w);
        json_write_array_end(w);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

void explain_print_json(const struct explain *e, struct json_write *w)
{
    json_write_object(w);
    write_from(e, w);
    write_request(&e->asked, w);
    if (e->destination) {
        write_text(w, "destination", e->destination);
        write_text(w, "protocol", explain_print_protocol(e->protocol));
    }
    if (e->entry)
        write_verdict(e->entry, w);
    write_route(e, w);
    write_shares(e, w);
    json_write_field_u64(w, "status", e->status);
    json_write_field(w, "remark", e->answer);
    json_write_field_bool(w, "delivered", e->is_delivered);
    json_write_object_end(w);
}
