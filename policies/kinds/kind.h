/* A kind of object: its name, its version, its schema; and what all objects have in common.
 * Objects live in the arena of the policy_set that read them. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

#define KIND(symbol, ...) KIND_##symbol,
enum kind_id {
#include "policies/kinds/kinds.def"
    KIND_COUNT
};
#undef KIND

#define KIND_GROUP_CORE ""
#define KIND_GROUP_GATEWAY "gateway.networking.k8s.io"
#define KIND_GROUP_WEFT "policy.weft.dev"

/* A column that kubectl shows. */
struct kind_column {
    const char *name; /* NULL ends a list */
    const char *type; /* "string", "date" */
    const char *path; /* ".spec.action" */
};

/* Which of policyd's answers a changed object makes anew. Too many costs time; too few would lose
 * the change. */
enum kind_invalidates {
    KIND_INVALIDATES_BY_MENTION = 0, /* those that mention it, or what it is about */
    KIND_INVALIDATES_ADDRESSES = 1,  /* what an address is */
    KIND_INVALIDATES_WORKLOADS = 2,  /* what belongs to a pod itself */
    KIND_INVALIDATES_GATEWAYS = 4,   /* what belongs to a Gateway */
    KIND_INVALIDATES_GATEWAYS_AND_ADDRESSES = 5,
    KIND_INVALIDATES_GATEWAYS_AND_WORKLOADS = 6,
    KIND_INVALIDATES_ALL = 7,
};

enum kind_status {
    KIND_STATUS_IGNORED,
    KIND_STATUS_READ,    /* kept with the object */
    KIND_STATUS_WRITTEN, /* by policyd, which has the right to */
};

/* A row of kinds.def. */
struct kind {
    enum kind_id id;
    const char *name;        /* "HTTPRoute" */
    const char *plural;      /* "httproutes": in paths of the API server */
    const char *group;       /* "" for the core group */
    const char *versions[3]; /* the first is the one to read and write; NULL-terminated */
    bool is_cluster_scoped;
    bool is_admitted; /* of others' groups: the injector's webhook is asked before it is stored */
    enum kind_invalidates invalidates;
    enum kind_status status;
    bool makes_objects; /* it is read for the objects of a data plane, not for its messages */
    const char *selectors; /* of its list at the API server, escaped; NULL: all objects */
    /* Only those of a cluster that somebody has labelled for Weft are read (kind_is_labelled), and
     * those that are of use anyway: of this `type`, or with this key in `data`. */
    bool needs_label;
    const char *plain_type, *data_key; /* NULL: none */
    /* For what decides access: the spec, as YAML, that is in force where an object cannot be read
     * and never could. NULL: then there is none. */
    const char *closed;
    /* A path below the spec as it was written: only who says that decides access; NULL: all do. */
    const char *closed_if;
    const char *closed_keeps; /* a member of the spec as it was written that stays; may be NULL */
    const struct schema *schema; /* of a struct that begins with struct object */
    /* Kinds of our own group only. */
    const char *short_name;        /* for kubectl: "tp" */
    struct kind_column columns[2]; /* before Accepted and Age */
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
    bool is_closed; /* it could not be read: the spec is its kind's `closed` */
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
#define KIND_STATUS_FIELD SCHEMA_BARE("status", ANY, "Written by controllers; not read.")

#define KIND(symbol, stem, ...) extern const struct schema stem##_kind_schema;
#include "policies/kinds/kinds.def"
#undef KIND

/* In the order of enum kind_id. */
extern const struct kind *const kind_all[KIND_COUNT];

/* By apiVersion and kind of a document; NULL when it is none of ours. */
const struct kind *kind_find(struct slice api_version, struct slice name);
/* Whose group it is: an unknown kind or version there is worth an error or a warning. */
bool kind_is_own_group(struct slice api_version);
/* It is one of our own group: we install its CRD. */
bool kind_is_own(const struct kind *k);
/* "gateway.networking.k8s.io/v1", of the version that is read and written. */
const char *kind_api_version(const struct kind *k);
/* Where the API server lists it: "/apis/gateway.networking.k8s.io/v1/gateways". */
const char *kind_path(const struct kind *k);
/* The label, with any value, of Secrets and ConfigMaps whose values policies may refer to; that of
 * Kong counts as well. Whatever else lies in a cluster never enters our memory. */
#define KIND_CREDENTIAL_LABEL KIND_GROUP_WEFT "/credential"
/* labels: struct schema_pair. */
bool kind_is_labelled(const struct schema_list *labels);
/* A document of the kind, from an API server, that is worth reading. */
bool kind_is_wanted(const struct kind *k, const struct doc *root);
