/* A kind of object: its name, its version, its schema; and what all objects have in common.
 * Objects live in the arena of the policy_set that read them. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

enum kind_id {
    KIND_SERVICE,
    KIND_ENDPOINT_SLICE,
    KIND_POD,
    KIND_SECRET,
    KIND_CONFIG_MAP,
    KIND_NAMESPACE,
    KIND_NODE,
    KIND_GATEWAY_CLASS,
    KIND_INGRESS,
    KIND_GATEWAY,
    KIND_LISTENER_SET,
    KIND_HTTP_ROUTE,
    KIND_TLS_ROUTE,
    KIND_TCP_ROUTE,
    KIND_UDP_ROUTE,
    KIND_GRPC_ROUTE,
    KIND_BACKEND_TLS_POLICY,
    KIND_REFERENCE_GRANT,
    KIND_TRAFFIC_POLICY,
    KIND_LISTENER_POLICY,
    KIND_PEER_AUTHENTICATION,
    KIND_AUTHORIZATION_POLICY,
    KIND_MESH_CONFIG,
    KIND_COUNT
};

#define KIND_GROUP_GATEWAY "gateway.networking.k8s.io"
#define KIND_GROUP_WEFT "policy.weft.dev"

/* A column that kubectl shows. */
struct kind_column {
    const char *name; /* NULL ends a list */
    const char *type; /* "string", "date" */
    const char *path; /* ".spec.action" */
};

/* What Kubernetes must be told of a kind that it does not know. */
struct kind_crd {
    const char *plural;         /* "trafficpolicies" */
    const char *short_names[3]; /* NULL-terminated */
    const struct kind_column *columns;
};

struct kind {
    enum kind_id id;
    const char *name;        /* "HTTPRoute" */
    const char *group;       /* "" for the core group */
    const char *versions[3]; /* the first is the one to write; NULL-terminated */
    bool is_cluster_scoped;
    const struct schema *schema; /* of a struct that begins with struct object */
    const struct kind_crd *crd;  /* kinds of our own group; else NULL */
};

struct metadata {
    struct slice name, namespace_name;
    struct schema_list labels, annotations; /* struct schema_pair */
    struct slice created_text;
    int64_t created; /* seconds since 1970; 0: unknown, which counts as oldest */
    struct slice uid, resource_version, deleted_text;
    int64_t generation;
};

/* What every object begins with. */
struct object {
    struct metadata meta;
    const struct kind *kind;
    struct slice file;
    struct slice text; /* "HTTPRoute default/reviews": for messages */
    unsigned line;
    unsigned order; /* in which it was read */
    /* What it was made of, when nobody wrote it: it has no status of its own. Else NULL. */
    const struct object *origin;
    const struct doc *status; /* what was written back so far; NULL: nothing, or not kept */
};

extern const struct schema kind_metadata_schema;

/* The first rows of every kind's table. */
#define KIND_FIELDS                                                                        \
    SCHEMA_BARE("apiVersion", ANY, "Group and version of the kind."),                      \
        SCHEMA_BARE("kind", ANY, "The kind of object."),                                   \
        SCHEMA_FIELD(struct object, meta, "metadata", INLINE,                              \
                     "Name, namespace, labels and annotations.", .flags = SCHEMA_REQUIRED, \
                     .object = &kind_metadata_schema)
/* The last columns of every kind. */
#define KIND_COLUMNS                                                              \
    {"Accepted", "string", ".status.conditions[?(@.type==\"Accepted\")].status"}, \
    {                                                                             \
        "Age", "date", ".metadata.creationTimestamp"                              \
    }
#define KIND_STATUS SCHEMA_BARE("status", ANY, "Written by controllers; not read.")

/* In the order of enum kind_id. */
extern const struct kind *const kind_all[KIND_COUNT];

/* By apiVersion and kind of a document; NULL when it is none of ours. */
const struct kind *kind_find(struct slice api_version, struct slice name);
/* Whose group it is: an unknown kind or version there is worth an error or a warning. */
bool kind_is_own_group(struct slice api_version);
/* "gateway.networking.k8s.io/v1". */
struct slice kind_api_version(const struct kind *k, struct arena *arena);
