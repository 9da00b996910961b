/* The compiled configuration, one table for each question that people ask of it. Main thread.
 * Must not know whose configuration it is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/show/config_tables.h"

#include <stdio.h>
#include <string.h>

#include "filters/authz.h"
#include "filters/prepare.h"
#include "filters/route_filters.h"
#include "weftctl/explain/explain_print.h"
#include "weftctl/table.h"

#define PB(type) Weft__Config__V1__##type
#define EACH(c, r, which)                                                        \
    for (size_t i_ = 0; i_ < (c)->n_resources; i_++)                             \
        for (const PB(Resource) *r = (c)->resources[i_];                         \
             r && r->body_case == WEFT__CONFIG__V1__RESOURCE__BODY_##which; r = NULL)

enum { ARENA_BLOCK = 16384, SHOWN_MAX = 3 };

enum config_table config_tables_parse(const char *word)
{
    static const char *const words[] = {
        [CONFIG_TABLE_LISTENERS] = "listeners", [CONFIG_TABLE_ROUTES] = "routes",
        [CONFIG_TABLE_CLUSTERS] = "clusters",   [CONFIG_TABLE_ENDPOINTS] = "endpoints",
        [CONFIG_TABLE_POLICIES] = "policies",   [CONFIG_TABLE_CERTIFICATES] = "certificates"};
    for (size_t i = 1; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(word, words[i]) == 0)
            return (enum config_table)i;
    return CONFIG_TABLE_NONE;
}

static void cell(struct table *t, const char *text)
{
    table_cell(t, slice_from_cstr(text));
}

static void cell_number(struct table *t, unsigned long number)
{
    table_cell(t, arena_printf(t->arena, "%lu", number));
}

/* The first few, and how many more. */
static struct slice join(struct table *t, char *const *items, size_t count)
{
    struct slice all = SLICE("");
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
        all = arena_printf(t->arena, "%.*s%s%s", SLICE_ARG(all), i ? "," : "", items[i]);
    return count > SHOWN_MAX
               ? arena_printf(t->arena, "%.*s +%zu", SLICE_ARG(all), count - SHOWN_MAX)
               : all;
}

static const char *name_of(const ProtobufCEnumDescriptor *d, int value, size_t prefix)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, value);
    return v ? v->name + prefix : "?";
}

/* ---- listeners ---- */

static void print_listeners(struct table *t, const PB(Configuration) * c)
{
    table_init(t, t->arena, "LISTENER\0PORT\0PROTOCOL\0HOSTS\0MTLS\0");
    EACH(c, r, GATEWAY)
    {
        for (size_t i = 0; i < r->gateway->n_listeners; i++) {
            const PB(GatewayListener) *l = r->gateway->listeners[i];
            table_row(t, TERM_PLAIN);
            cell(t, l->name);
            cell_number(t, r->gateway->port);
            cell(t, name_of(&weft__config__v1__listener_protocol__descriptor, (int)l->protocol,
                            sizeof("LISTENER_") - 1));
            cell(t, l->hostname);
            cell(t, "");
        }
    }
    EACH(c, r, INBOUND)
    {
        for (size_t i = 0; i < r->inbound->n_ports; i++) {
            const PB(InboundPort) *p = r->inbound->ports[i];
            PB(MtlsMode) mode = p->mtls ? p->mtls : r->inbound->mtls;
            table_row(t, TERM_PLAIN);
            cell(t, "inbound");
            cell_number(t, p->port);
            cell(t, explain_print_protocol(p->protocol));
            cell(t, p->service);
            cell(t, name_of(&weft__config__v1__mtls_mode__descriptor, (int)mode,
                            sizeof("MTLS_") - 1));
        }
    }
}

/* ---- routes ---- */

static struct slice describe_match(struct table *t, const PB(RouteMatch) * m)
{
    struct slice text = SLICE("*");
    const PB(StringMatch) *p = m ? m->path : NULL;
    if (p)
        text = p->kind_case == WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT
                   ? arena_printf(t->arena, "=%s", p->exact)
               : p->kind_case == WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX
                   ? arena_printf(t->arena, "~%s", p->regex)
                   : arena_printf(t->arena, "%s*", p->path_prefix);
    if (m && *m->method)
        text = arena_printf(t->arena, "%s %.*s", m->method, SLICE_ARG(text));
    size_t more = m ? m->n_headers + m->n_query + m->n_claims : 0;
    if (more)
        text = arena_printf(t->arena, "%.*s +%zu", SLICE_ARG(text), more);
    return text;
}

/* "outbound|9080||reviews.shop.svc.cluster.local" in the words of whoever made the Service. */
static struct slice describe_cluster(struct table *t, const PB(Configuration) * c,
                                     const char *name)
{
    EACH(c, r, CLUSTER)
    {
        if (strcmp(r->cluster->name, name) == 0 && *r->cluster->service_name)
            return arena_printf(t->arena, "%s/%s:%u", r->cluster->service_namespace,
                                r->cluster->service_name, r->cluster->port);
    }
    return *name ? slice_from_cstr(name) : SLICE("(none: 500)");
}

static const PB(Filter) * find_filter(const PB(Configuration) * c, const char *name)
{
    EACH(c, r, FILTER)
    {
        if (strcmp(r->name, name) == 0)
            return r->filter;
    }
    return NULL;
}

/* The status that one of the route's filters redirects with; 0: none does. */
static int64_t redirect_of(struct table *t, const PB(Configuration) * c, const PB(Route) * route)
{
    char detail[FILTER_DETAIL_MAX];
    struct filter_build build = {.arena = t->arena, .detail = detail};
    for (size_t i = 0; i < route->n_filters; i++) {
        const PB(Filter) *f = find_filter(c, route->filters[i]);
        const void *spec;
        if (f && strcmp(f->type, filter_redirect.name) == 0 &&
            !filter_read(&filter_redirect, slice_from_cstr(f->spec), &build, &spec))
            return ((const struct redirect_spec *)spec)->status;
    }
    return 0;
}

/* The filter of the route that answers instead of a backend; NULL: none does. */
static const char *answer_of(const PB(Configuration) * c, const PB(Route) * route)
{
    for (size_t i = 0; i < route->n_filters; i++) {
        const PB(Filter) *f = find_filter(c, route->filters[i]);
        const struct filter *known = f ? filter_find(slice_from_cstr(f->type)) : NULL;
        if (!f || *f->broken)
            return "(broken filter: 500)";
        if (known && known->phase == FILTER_PHASE_ANSWER)
            return known->name;
    }
    return NULL;
}

static struct slice describe_backends(struct table *t, const PB(Configuration) * c,
                                      const PB(Route) * r)
{
    struct slice text = SLICE("");
    int64_t redirect = redirect_of(t, c, r);
    if (redirect)
        return arena_printf(t->arena, "redirect %d", (int)redirect);
    if (answer_of(c, r))
        return slice_from_cstr(answer_of(c, r));
    for (size_t i = 0; i < r->n_clusters; i++) {
        struct slice to = describe_cluster(t, c, r->clusters[i]->cluster);
        text = r->n_clusters > 1 ? arena_printf(t->arena, "%.*s%s%u %.*s", SLICE_ARG(text),
                                                i ? ", " : "", r->clusters[i]->weight,
                                                SLICE_ARG(to))
                                 : to;
    }
    return text.len ? text : SLICE("(none: 500)");
}

static void add_routes(struct table *t, const PB(Configuration) * c, const char *at,
                       PB(VirtualHost) *const *hosts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < hosts[i]->n_routes; j++) {
            const PB(Route) *r = hosts[i]->routes[j];
            table_row(t, TERM_PLAIN);
            cell(t, at);
            table_cell(t, join(t, hosts[i]->hosts, hosts[i]->n_hosts ? 1 : 0));
            table_cell(t, describe_match(t, r->match));
            cell(t, r->name);
            table_cell(t, describe_backends(t, c, r));
        }
    }
}

static void print_routes(struct table *t, const PB(Configuration) * c)
{
    table_init(t, t->arena, "AT\0HOST\0MATCH\0ROUTE\0TO\0");
    EACH(c, r, GATEWAY)
    {
        add_routes(t, c, r->gateway->name, r->gateway->virtual_hosts, r->gateway->n_virtual_hosts);
    }
    EACH(c, r, DESTINATION)
    {
        add_routes(t, c, r->destination->name, r->destination->virtual_hosts,
                   r->destination->n_virtual_hosts);
    }
}

/* ---- clusters and endpoints ---- */

static void print_clusters(struct table *t, const PB(Configuration) * c)
{
    table_init(t, t->arena, "SERVICE\0PORT\0PROTOCOL\0READY\0TLS\0");
    EACH(c, r, CLUSTER)
    {
        const PB(Cluster) *k = r->cluster;
        size_t ready = 0, meshed = 0;
        for (size_t i = 0; i < k->n_endpoints; i++) {
            ready += k->endpoints[i]->ready;
            meshed += k->endpoints[i]->meshed;
        }
        table_row(t, TERM_PLAIN);
        table_cell(t, *k->service_name ? arena_printf(t->arena, "%s/%s", k->service_namespace,
                                                      k->service_name)
                                       : slice_from_cstr(k->name));
        cell_number(t, k->port);
        cell(t, explain_print_protocol(k->protocol));
        table_cell(t, arena_printf(t->arena, "%zu/%zu", ready, k->n_endpoints));
        cell(t, k->mtls_disabled || !meshed      ? k->tls ? "TLS" : ""
                : meshed == k->n_endpoints ? "mutual"
                                           : "partly mutual");
    }
}

static void print_endpoints(struct table *t, const PB(Configuration) * c)
{
    table_init(t, t->arena, "ENDPOINT\0SERVICE\0STATE\0POD\0IDENTITY\0");
    EACH(c, r, CLUSTER)
    {
        for (size_t i = 0; i < r->cluster->n_endpoints; i++) {
            const PB(Endpoint) *e = r->cluster->endpoints[i];
            table_row(t, e->ready ? TERM_PLAIN : TERM_WARN);
            cell(t, e->address);
            table_cell(t, describe_cluster(t, c, r->cluster->name));
            cell(t, e->ready ? "ready" : "not ready");
            table_cell(t, *e->workload ? arena_printf(t->arena, "%s/%s", e->namespace_,
                                                      e->workload)
                                       : SLICE(""));
            cell(t, e->meshed ? e->spiffe_id : "");
        }
    }
}

/* ---- policies and certificates ---- */

static void add_policies(struct table *t, const char *at, const PB(Filter) * f)
{
    char detail[FILTER_DETAIL_MAX];
    struct filter_build build = {.arena = t->arena, .detail = detail};
    const void *read;
    if (!f || filter_read(&filter_authz, slice_from_cstr(f->spec), &build, &read))
        return;
    const struct authz_spec *spec = read;
    for (SCHEMA_EACH(spec->policies, struct authz_policy_spec, policy)) {
        table_row(t, TERM_PLAIN);
        table_cell(t, policy->name);
        cell(t, authz_actions[policy->action]);
        cell_number(t, policy->rules.count);
        cell(t, at);
    }
}

static void print_policies(struct table *t, const PB(Configuration) * c)
{
    table_init(t, t->arena, "POLICY\0ACTION\0RULES\0AT\0");
    EACH(c, r, GATEWAY)
    {
        add_policies(t, r->gateway->name, r->gateway->authorization);
    }
    EACH(c, r, INBOUND)
    {
        add_policies(t, r->inbound->workload, r->inbound->authorization);
    }
}

static void print_certificates(struct table *t, const PB(Configuration) * c)
{
    table_init(t, t->arena, "LISTENERS\0PORT\0NAMES\0");
    EACH(c, r, GATEWAY)
    {
        for (size_t i = 0; i < r->gateway->n_certificates; i++) {
            const PB(Certificate) *k = r->gateway->certificates[i];
            table_row(t, TERM_PLAIN);
            cell(t, r->gateway->name);
            cell_number(t, r->gateway->port);
            table_cell(t, join(t, k->names, k->n_names));
        }
    }
}

void config_tables_print(const PB(Configuration) * c, enum config_table which)
{
    static void (*const printers[])(struct table *, const PB(Configuration) *) = {
        [CONFIG_TABLE_LISTENERS] = print_listeners,
        [CONFIG_TABLE_ROUTES] = print_routes,
        [CONFIG_TABLE_CLUSTERS] = print_clusters,
        [CONFIG_TABLE_ENDPOINTS] = print_endpoints,
        [CONFIG_TABLE_POLICIES] = print_policies,
        [CONFIG_TABLE_CERTIFICATES] = print_certificates,
    };
    struct arena arena;
    struct table t = {.arena = &arena};
    arena_init(&arena, ARENA_BLOCK);
    printers[which](&t, c);
    table_print(&t);
    arena_dispose(&arena);
}
