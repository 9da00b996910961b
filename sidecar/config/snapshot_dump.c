/* Writing a snapshot as JSON.
 * Any thread; reads what is immutable. Must not know who asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/snapshot_dump.h"

#include "filters/caller/consumer.h"

#include <stdio.h>

#include "filters/authz.h"
#include "lib/base/json_write.h"
#include "lib/schema/schema_write.h"
#include "sidecar/config/backend_tls.h"
#include "sidecar/config/cluster_part.h"
#include "sidecar/config/client_conf.h"
#include "sidecar/config/gateway_tls.h"
#include "sidecar/config/snapshot_priv.h"
#include "sidecar/config/route/route_dump.h"

/* The part of the constant behind the last "__PREFIX_": "HTTP2", "STRICT". */
static void put_enum(struct json_write *w, const char *key, const ProtobufCEnumDescriptor *type,
                     int value, const char *prefix)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(type, value);
    struct slice name = slice_from_cstr(v ? v->name : "?");
    if (slice_starts_with(name, slice_from_cstr(prefix)))
        name = slice_sub(name, strlen(prefix), name.len);
    json_write_field(w, key, name);
}

static void put_protocol(struct json_write *w, Weft__Config__V1__Protocol protocol)
{
    put_enum(w, "protocol", &weft__config__v1__protocol__descriptor, protocol, "PROTOCOL_");
}

static void put_mtls(struct json_write *w, Weft__Config__V1__MtlsMode mode)
{
    put_enum(w, "mtls", &weft__config__v1__mtls_mode__descriptor, mode, "MTLS_");
}

/* ---- clients' connections ---- */

static void put_trusted(struct json_write *w, const struct client_conf *c)
{
    char text[ADDR_TEXT_MAX];
    json_write_key(w, "trusted_addresses");
    json_write_array(w);
    for (uint32_t i = 0; i < c->trust.address_count; i++) {
        char prefix[ADDR_TEXT_MAX + 8];
        snprintf(prefix, sizeof(prefix), "%s/%u", addr_format_ip(&c->trust.addresses[i].base, text),
                 c->trust.addresses[i].bits);
        json_write_string(w, slice_from_cstr(prefix));
    }
    json_write_array_end(w);
    json_write_key(w, "trusted_identities");
    json_write_array(w);
    for (uint32_t i = 0; i < c->identity_count; i++)
        route_dump_match(w, &c->identities[i]);
    json_write_array_end(w);
}

/* 0: the default. */
static void put_keepalive(struct json_write *w, const struct tcp_keepalive *k)
{
    json_write_field_u64(w, "tcp_keepalive_time_s", k->time_s);
    json_write_field_u64(w, "tcp_keepalive_interval_s", k->interval_s);
    json_write_field_u64(w, "tcp_keepalive_probes", k->probes);
}

/* Missing: the default. */
static void put_http2_keepalive(struct json_write *w, const struct http2_keepalive_conf *k)
{
    if (!k->is_said)
        return;
    json_write_field_u64(w, "http2_keepalive_interval_ms", k->interval_ms);
    json_write_field_u64(w, "http2_keepalive_timeout_ms", k->timeout_ms);
}

static void put_clients(struct json_write *w, const struct client_conf *c)
{
    if (!c)
        return;
    json_write_key(w, "client_traffic");
    json_write_object(w);
    json_write_field_u64(w, "max_target_bytes", c->limits.max_target_bytes);
    json_write_field_u64(w, "max_header_bytes", c->limits.max_header_bytes);
    json_write_field_u64(w, "max_headers", c->limits.max_headers);
    put_enum(w, "headers_with_underscores", &weft__config__v1__underscores_action__descriptor,
             c->underscores, "UNDERSCORES_");
    put_enum(w, "failure_details", &weft__config__v1__failure_details__descriptor, c->details,
             "FAILURE_DETAILS_");
    json_write_field_u64(w, "trusted_hops", c->trust.hops);
    put_keepalive(w, &c->keepalive);
    put_http2_keepalive(w, &c->http2_keepalive);
    put_trusted(w, c);
    json_write_key(w, "connection");
    schema_write_value(&client_connection_schema, &c->connection, w);
    json_write_object_end(w);
}

/* ---- clusters ---- */

static void put_endpoint(struct json_write *w, const struct endpoint_conf *e)
{
    json_write_object(w);
    json_write_field(w, "address", e->address_text);
    json_write_field_u64(w, "weight", e->weight);
    json_write_field_bool(w, "meshed", e->meshed);
    json_write_field_bool(w, "ready", e->ready);
    json_write_field(w, "spiffe_id", e->spiffe_id);
    json_write_field(w, "workload", e->workload);
    json_write_object_end(w);
}

static void put_outlier(struct json_write *w, const struct outlier_conf *o)
{
    json_write_field_u64(w, "eject_after_failures", o->enabled ? o->failures[OUTLIER_ANY] : 0);
    json_write_field_u64(w, "eject_after_http_failures", o->failures[OUTLIER_HTTP]);
    json_write_field_u64(w, "eject_after_tcp_failures", o->failures[OUTLIER_TCP]);
    json_write_field_u64(w, "eject_after_timeouts", o->failures[OUTLIER_TIMEOUT]);
    json_write_field_u64(w, "forgive_after_successes", o->successes);
}

static void put_hash_on(struct json_write *w, const struct cluster_conf *c)
{
    if (!c->hash_on_count)
        return;
    json_write_key(w, "hash_on");
    json_write_array(w);
    for (uint32_t i = 0; i < c->hash_on_count; i++) {
        json_write_object(w);
        put_enum(w, "source", &weft__config__v1__hash_source__descriptor, c->hash_on[i].source,
                 "HASH_");
        if (c->hash_on[i].name.len)
            json_write_field(w, "name", c->hash_on[i].name);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void put_limits(struct json_write *w, const struct cluster_conf *c)
{
    json_write_field_u64(w, "connect_timeout_ms", c->connect_timeout_ms);
    json_write_field_u64(w, "max_connections", c->max_connections);
    json_write_field_u64(w, "max_requests", c->max_requests);
    json_write_field_u64(w, "max_pending", c->max_pending);
    json_write_field_u64(w, "max_requests_per_connection", c->max_requests_per_connection);
    put_keepalive(w, &c->keepalive);
    put_http2_keepalive(w, &c->http2_keepalive);
    json_write_field_u64(w, "proxy_protocol", c->proxy_version);
    json_write_field_u64(w, "max_idle_connections", c->max_idle_connections);
    json_write_field_u64(w, "idle_connection_ms", c->idle_connection_ms);
    put_outlier(w, &c->outlier);
    if (c->health_check)
        json_write_field_u64(w, "health_check_interval_ms", c->health_check->interval_ms);
}

static void put_cluster(struct json_write *w, const struct cluster_conf *c)
{
    json_write_object(w);
    json_write_field(w, "name", c->name);
    json_write_field(w, "service", c->service);
    json_write_field_u64(w, "port", c->port);
    put_protocol(w, c->protocol);
    json_write_field(w, "load_balancer", slice_from_cstr(cluster_part_lb_name(c->lb)));
    put_hash_on(w, c);
    json_write_field_u64(w, "slow_start_ms", c->slow_start_ms);
    json_write_field_u64(w, "panic_percent", c->panic_percent);
    json_write_field_bool(w, "mtls_disabled", c->mtls_disabled);
    if (c->host.len)
        json_write_field(w, "host", c->host);
    if (c->tls)
        json_write_field(w, "tls_name", backend_tls_name(c->tls));
    put_limits(w, c);
    json_write_key(w, "endpoints");
    json_write_array(w);
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        put_endpoint(w, &c->endpoints[i]);
    json_write_array_end(w);
    json_write_object_end(w);
}

/* ---- destinations and gateways ---- */

static void put_destination(struct json_write *w, const struct routed *r)
{
    const struct destination_conf *d = &r->destination;
    char text[ADDR_TEXT_MAX];
    json_write_object(w);
    json_write_field(w, "name", d->name);
    json_write_field_u64(w, "port", d->port);
    put_protocol(w, d->protocol);
    json_write_key(w, "addresses");
    json_write_array(w);
    for (uint32_t i = 0; i < r->core->address_count; i++)
        json_write_string(w, slice_from_cstr(addr_format(&r->core->addresses[i], text)));
    json_write_array_end(w);
    json_write_key(w, "hosts");
    json_write_array(w);
    for (uint32_t i = 0; i < r->core->host_count; i++)
        json_write_string(w, r->core->hosts[i]);
    json_write_array_end(w);
    if (d->default_cluster)
        json_write_field(w, "default_cluster", d->default_cluster->name);
    json_write_key(w, "virtual_hosts");
    route_dump_table(w, d->routes);
    json_write_object_end(w);
}

/* Missing: the port's. */
static void put_tls(struct json_write *w, const struct listener_tls_conf *t)
{
    if (!t)
        return;
    json_write_key(w, "tls");
    json_write_object(w);
    json_write_field(w, "versions", t->versions);
    json_write_field(w, "ciphers", t->ciphers);
    json_write_field(w, "groups", t->groups);
    json_write_field(w, "alpn", t->alpn);
    json_write_field(w, "client_certificates", slice_from_cstr(t->clients));
    json_write_field_u64(w, "client_issuers_max", t->issuers_max);
    json_write_object_end(w);
}

static void put_listeners(struct json_write *w, const struct gateway_conf *g)
{
    json_write_key(w, "listeners");
    json_write_array(w);
    for (uint32_t i = 0; i < g->listener_count; i++) {
        const struct gateway_listener_conf *l = &g->listeners[i];
        struct route_table streams = {.hosts = l->streams, .routes = g->routes->routes};
        json_write_object(w);
        json_write_field(w, "name", l->name);
        put_enum(w, "protocol", &weft__config__v1__listener_protocol__descriptor, (int)l->protocol,
                 "LISTENER_");
        json_write_field_bool(w, "passthrough", l->is_passthrough);
        put_tls(w, l->own_tls);
        put_clients(w, l->clients);
        json_write_key(w, "streams");
        route_dump_table(w, &streams);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void put_gateway(struct json_write *w, const struct gateway_conf *g)
{
    json_write_object(w);
    json_write_field(w, "name", g->name);
    json_write_field_u64(w, "port", g->port);
    put_enum(w, "protocol", &weft__config__v1__listener_protocol__descriptor, (int)g->protocol,
             "LISTENER_");
    put_clients(w, g->clients);
    json_write_key(w, "filters");
    route_dump_chain(w, g->chain);
    json_write_key(w, "unrouted_filters");
    route_dump_chain(w, g->unrouted);
    json_write_key(w, "virtual_hosts");
    route_dump_table(w, g->routes);
    put_listeners(w, g);
    json_write_object_end(w);
}

/* ---- inbound ---- */

static void put_authz(struct json_write *w, const struct authz *a)
{
    json_write_array(w);
    for (uint32_t i = 0; a && i < a->count; i++) {
        const struct authz_policy *p = &a->policies[i];
        json_write_object(w);
        json_write_field(w, "name", p->name);
        json_write_field(w, "action", slice_from_cstr(authz_actions[p->action]));
        json_write_field_u64(w, "rules", p->rule_count);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void put_inbound(struct json_write *w, const struct inbound_conf *in)
{
    json_write_object(w);
    json_write_field(w, "workload", in->workload);
    put_mtls(w, in->mtls);
    json_write_key(w, "ports");
    json_write_array(w);
    for (uint32_t i = 0; i < in->port_count; i++) {
        json_write_object(w);
        json_write_field_u64(w, "port", in->ports[i].port);
        put_protocol(w, in->ports[i].protocol);
        put_mtls(w, in->ports[i].mtls);
        json_write_field(w, "service", in->ports[i].service);
        json_write_key(w, "filters");
        route_dump_chain(w, in->ports[i].chain);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    json_write_key(w, "authorization");
    put_authz(w, in->authz);
    json_write_object_end(w);
}

static void put_workload(struct json_write *w, const struct workload_conf *wl)
{
    char text[ADDR_TEXT_MAX];
    json_write_object(w);
    json_write_field(w, "ip", slice_from_cstr(addr_format_ip(&wl->ip, text)));
    json_write_field(w, "name", wl->name);
    json_write_field(w, "namespace", wl->namespace_name);
    json_write_field(w, "spiffe_id", wl->spiffe_id);
    json_write_field_bool(w, "meshed", wl->meshed);
    json_write_object_end(w);
}

static void put_routed(struct json_write *w, const struct snapshot *s)
{
    json_write_key(w, "destinations");
    json_write_array(w);
    for (uint32_t i = 0; i < s->routed_count; i++)
        if (!s->routed[i]->core->is_gateway)
            put_destination(w, s->routed[i]);
    json_write_array_end(w);
    json_write_key(w, "gateways");
    json_write_array(w);
    for (uint32_t i = 0; i < s->gateway_count; i++)
        put_gateway(w, s->gateways[i]);
    json_write_array_end(w);
}

/* Of what a consumer shows only which it is: neither the credential nor its hash. */
static void put_consumer(struct json_write *w, const struct consumer *c)
{
    json_write_object(w);
    json_write_field(w, "id", c->id);
    json_write_field(w, "username", c->username);
    json_write_key(w, "groups");
    json_write_array(w);
    for (uint32_t i = 0; i < c->group_count; i++)
        json_write_string(w, c->groups[i]);
    json_write_array_end(w);
    json_write_key(w, "credentials");
    json_write_array(w);
    for (uint32_t i = 0; i < c->credential_count; i++) {
        json_write_object(w);
        json_write_field(w, "type", slice_from_cstr(credential_name(c->credentials[i].type)));
        json_write_field(w, "id", c->credentials[i].id);
        json_write_object_end(w);
    }
    json_write_array_end(w);
    json_write_object_end(w);
}

static void put_consumers(struct json_write *w, const struct consumer_directory *d)
{
    json_write_key(w, "consumers");
    json_write_array(w);
    for (uint64_t i = 0; d && i <= d->consumer_mask; i++)
        if (d->consumers[i])
            put_consumer(w, d->consumers[i]);
    json_write_array_end(w);
}

void snapshot_dump(const struct snapshot *s, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    json_write_object(&w);
    json_write_field_u64(&w, "version", s->version);
    json_write_field(&w, "trust_domain", s->mesh->conf.trust_domain);
    put_clients(&w, s->mesh->conf.clients);
    put_routed(&w, s);
    json_write_key(&w, "clusters");
    json_write_array(&w);
    for (uint32_t i = 0; i < s->cluster_count; i++)
        put_cluster(&w, s->clusters[i]);
    json_write_array_end(&w);
    put_consumers(&w, snapshot_consumers(s));
    json_write_key(&w, "inbound");
    put_inbound(&w, &s->inbound->conf);
    json_write_key(&w, "workloads");
    json_write_array(&w);
    for (uint32_t i = 0; i < s->workload_count; i++)
        put_workload(&w, &s->workloads[i]->conf);
    json_write_array_end(&w);
    json_write_object_end(&w);
    buf_append(out, "\n", 1);
}
