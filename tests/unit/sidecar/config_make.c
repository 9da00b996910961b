/* Making configuration messages; everything lies in the arena.
 * One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/sidecar/config_make.h"

#include <string.h>

#include "policies/compile/compile.h"

/* new_route(c): a Weft__Config__V1__Route with its defaults. */
#define MAKER(Type, type)                                                 \
    static Weft__Config__V1__##Type *new_##type(struct config_make *c)    \
    {                                                                     \
        Weft__Config__V1__##Type *m = arena_alloc(&c->arena, sizeof(*m)); \
        weft__config__v1__##type##__init(m);                              \
        return m;                                                         \
    }
MAKER(Cluster, cluster)
MAKER(Destination, destination)
MAKER(Endpoint, endpoint)
MAKER(Filter, filter)
MAKER(GatewayPort, gateway_port)
MAKER(Inbound, inbound)
MAKER(NamedMatch, named_match)
MAKER(Resource, resource)
MAKER(Route, route)
MAKER(RouteMatch, route_match)
MAKER(StringMatch, string_match)
MAKER(VirtualHost, virtual_host)
MAKER(WeightedCluster, weighted_cluster)
MAKER(Workload, workload)

void config_make_init(struct config_make *c)
{
    arena_init(&c->arena, 8192);
    weft__config__v1__configuration__init(&c->message);
}

void config_make_dispose(struct config_make *c)
{
    arena_dispose(&c->arena);
}

void config_make_clear(struct config_make *c)
{
    c->message.n_resources = 0;
}

void config_make_push(struct config_make *c, void *items, size_t *count, void *item)
{
    void **old, **grown = arena_alloc(&c->arena, (*count + 1) * sizeof(*grown));
    memcpy(&old, items, sizeof(old));
    if (*count)
        memcpy(grown, old, *count * sizeof(*grown));
    grown[(*count)++] = item;
    memcpy(items, &grown, sizeof(grown));
}

char *config_make_text(struct config_make *c, const char *text)
{
    return arena_strdup(&c->arena, slice_from_cstr(text));
}

Weft__Config__V1__Resource *config_make_resource(struct config_make *c, const char *kind,
                                                 const char *name, uint64_t version)
{
    Weft__Config__V1__Resource *r = new_resource(c);
    r->name = (char *)(uintptr_t)arena_printf(&c->arena, "%s/%s", kind, name).ptr;
    r->version = version;
    CONFIG_PUSH(c, &c->message, resources, r);
    return r;
}

Weft__Config__V1__Cluster *config_make_cluster(struct config_make *c, const char *name,
                                               uint64_t version)
{
    Weft__Config__V1__Resource *r = config_make_resource(c, "cluster", name, version);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_CLUSTER;
    r->cluster = new_cluster(c);
    r->cluster->name = config_make_text(c, name);
    compile_clusters_fallback(&c->arena, r->cluster);
    return r->cluster;
}

Weft__Config__V1__Destination *config_make_destination(struct config_make *c, const char *name,
                                                       uint64_t version, uint32_t port)
{
    Weft__Config__V1__Resource *r = config_make_resource(c, "destination", name, version);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_DESTINATION;
    r->destination = new_destination(c);
    r->destination->name = config_make_text(c, name);
    r->destination->port = port;
    return r->destination;
}

Weft__Config__V1__GatewayPort *config_make_gateway(struct config_make *c, const char *name,
                                                   uint64_t version, uint32_t port)
{
    Weft__Config__V1__Resource *r = config_make_resource(c, "gateway", name, version);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_GATEWAY;
    r->gateway = new_gateway_port(c);
    r->gateway->name = config_make_text(c, name);
    r->gateway->port = port;
    return r->gateway;
}

Weft__Config__V1__Inbound *config_make_inbound(struct config_make *c, uint64_t version)
{
    Weft__Config__V1__Resource *r = config_make_resource(c, "inbound", "self", version);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_INBOUND;
    r->inbound = new_inbound(c);
    return r->inbound;
}

Weft__Config__V1__Workload *config_make_workload(struct config_make *c, const char *ip,
                                                 const char *name, uint64_t version)
{
    Weft__Config__V1__Resource *r = config_make_resource(c, "workload", ip, version);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_WORKLOAD;
    r->workload = new_workload(c);
    r->workload->ip = config_make_text(c, ip);
    r->workload->name = config_make_text(c, name);
    return r->workload;
}

Weft__Config__V1__Endpoint *
config_make_endpoint(struct config_make *c, Weft__Config__V1__Cluster *cluster, const char *address)
{
    Weft__Config__V1__Endpoint *e = new_endpoint(c);
    e->address = config_make_text(c, address);
    e->ready = true;
    CONFIG_PUSH(c, cluster, endpoints, e);
    return e;
}

Weft__Config__V1__VirtualHost *config_make_host(struct config_make *c, const char *host)
{
    Weft__Config__V1__VirtualHost *h = new_virtual_host(c);
    CONFIG_PUSH(c, h, hosts, config_make_text(c, host));
    return h;
}

Weft__Config__V1__Route *config_make_route(struct config_make *c,
                                           Weft__Config__V1__VirtualHost *host, const char *name,
                                           const char *path_prefix, const char *cluster)
{
    Weft__Config__V1__Route *r = new_route(c);
    r->name = config_make_text(c, name);
    r->match = new_route_match(c);
    r->match->path = config_make_match(c, path_prefix);
    if (cluster)
        config_make_backend(c, r, cluster, 1);
    CONFIG_PUSH(c, host, routes, r);
    return r;
}

Weft__Config__V1__WeightedCluster *config_make_backend(struct config_make *c,
                                                       Weft__Config__V1__Route *route,
                                                       const char *cluster, uint32_t weight)
{
    Weft__Config__V1__WeightedCluster *w = new_weighted_cluster(c);
    w->cluster = config_make_text(c, cluster);
    w->weight = weight;
    CONFIG_PUSH(c, route, clusters, w);
    return w;
}

Weft__Config__V1__StringMatch *config_make_match(struct config_make *c, const char *text)
{
    static const char marks[] = "=^$~";
    static const Weft__Config__V1__StringMatch__KindCase kinds[] = {
        WEFT__CONFIG__V1__STRING_MATCH__KIND_EXACT,
        WEFT__CONFIG__V1__STRING_MATCH__KIND_PREFIX,
        WEFT__CONFIG__V1__STRING_MATCH__KIND_SUFFIX,
        WEFT__CONFIG__V1__STRING_MATCH__KIND_REGEX,
    };
    Weft__Config__V1__StringMatch *m = new_string_match(c);
    const char *mark = strchr(marks, text[0]);
    if (text[0] == '*') {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PRESENT;
        m->present = true;
    } else if (mark && text[0]) {
        m->kind_case = kinds[mark - marks];
        m->exact = config_make_text(c, text + 1); /* all texts share the union's place */
    } else {
        m->kind_case = WEFT__CONFIG__V1__STRING_MATCH__KIND_PATH_PREFIX;
        m->path_prefix = config_make_text(c, text);
    }
    return m;
}

Weft__Config__V1__NamedMatch *config_make_named(struct config_make *c, const char *name,
                                                const char *match)
{
    Weft__Config__V1__NamedMatch *n = new_named_match(c);
    n->name = config_make_text(c, name);
    n->value = config_make_match(c, match);
    return n;
}

char *config_make_filter(struct config_make *c, const char *id, const char *type, const char *spec)
{
    Weft__Config__V1__Resource *r = config_make_resource(c, "filter", id, 1);
    r->filter = new_filter(c);
    r->filter->type = config_make_text(c, type);
    r->filter->spec = config_make_text(c, spec);
    r->body_case = WEFT__CONFIG__V1__RESOURCE__BODY_FILTER;
    return r->name;
}

Weft__Config__V1__Filter *config_make_authorization(struct config_make *c, const char *name,
                                                    const char *action)
{
    Weft__Config__V1__Filter *f = new_filter(c);
    f->type = config_make_text(c, "authorization");
    struct slice spec = arena_printf(
        &c->arena, "{\"policies\":[{\"name\":\"%s\",\"action\":\"%s\",\"rules\":[{}]}]}", name,
        action);
    f->spec = arena_strdup(&c->arena, spec);
    return f;
}
