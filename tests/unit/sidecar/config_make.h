/* Configuration messages for tests, made in an arena with few words. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "policies/proto/config.pb-c.h"

struct config_make {
    struct arena arena;
    Weft__Config__V1__Configuration message;
};

void config_make_init(struct config_make *c);
void config_make_dispose(struct config_make *c);
/* Forgets the resources; what was made stays usable. */
void config_make_clear(struct config_make *c);

/* Appends to a repeated field: CONFIG_PUSH(c, route->match, headers, m). */
#define CONFIG_PUSH(c, message, field, item)                                 \
    do {                                                                     \
        __typeof__(message) to_ = (message);                                 \
        config_make_push((c), (void *)&to_->field, &to_->n_##field, (item)); \
    } while (0)
void config_make_push(struct config_make *c, void *items, size_t *count, void *item);

/* Resources, already in the configuration. */
Weft__Config__V1__Resource *config_make_resource(struct config_make *c, const char *kind,
                                                 const char *name, uint64_t version);
Weft__Config__V1__Cluster *config_make_cluster(struct config_make *c, const char *name,
                                               uint64_t version);
Weft__Config__V1__Destination *config_make_destination(struct config_make *c, const char *name,
                                                       uint64_t version, uint32_t port);
Weft__Config__V1__GatewayPort *config_make_gateway(struct config_make *c, const char *name,
                                                   uint64_t version, uint32_t port);
Weft__Config__V1__Inbound *config_make_inbound(struct config_make *c, uint64_t version);
Weft__Config__V1__Workload *config_make_workload(struct config_make *c, const char *ip,
                                                 const char *name, uint64_t version);

/* Parts of them. */
Weft__Config__V1__Endpoint *config_make_endpoint(struct config_make *c,
                                                 Weft__Config__V1__Cluster *cluster,
                                                 const char *address);
Weft__Config__V1__VirtualHost *config_make_host(struct config_make *c, const char *host);
/* The path matches by prefix; cluster NULL: no backend. Appended to the host. */
Weft__Config__V1__Route *config_make_route(struct config_make *c,
                                           Weft__Config__V1__VirtualHost *host, const char *name,
                                           const char *path_prefix, const char *cluster);
Weft__Config__V1__WeightedCluster *config_make_backend(struct config_make *c,
                                                       Weft__Config__V1__Route *route,
                                                       const char *cluster, uint32_t weight);
/* "=text" exact, "~regex", "^prefix", "$suffix", "/path" by elements, "*" present. */
Weft__Config__V1__StringMatch *config_make_match(struct config_make *c, const char *text);
Weft__Config__V1__NamedMatch *config_make_named(struct config_make *c, const char *name,
                                                const char *match);
/* A Filter resource, already in the configuration; returns its name, for the lists of those who
 * have it. spec: JSON. */
char *config_make_filter(struct config_make *c, const char *id, const char *type, const char *spec);
/* One policy with one rule, which always holds; for Inbound and GatewayPort. */
Weft__Config__V1__Filter *config_make_authorization(struct config_make *c, const char *name,
                                                    const char *action);
char *config_make_text(struct config_make *c, const char *text);
