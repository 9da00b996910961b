/* References to other objects as fields: a Secret's or ConfigMap's value, a backend, or whose
 * Consumers are accepted. A field is
 * one when its `object` is one of the schemas here. Users write where it leads; whoever compiles
 * fills in what is there (policies/compile/material.h), and only what is read from the wire has it.
 * Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

enum schema_ref_kind {
    SCHEMA_REF_SECRET,
    SCHEMA_REF_CONFIG_MAP,
    SCHEMA_REF_BACKEND,
    SCHEMA_REF_CONSUMERS,
    SCHEMA_REF_URI,
};

enum schema_ref_from { SCHEMA_REF_FROM_SAME, SCHEMA_REF_FROM_ALL, SCHEMA_REF_FROM_SELECTOR };

struct schema_ref {
    struct slice name;
    struct slice namespace_name; /* NULL ptr: that of the object that refers */
    struct slice key;            /* of a Secret or ConfigMap */
    int64_t port;                /* of a backend */
    bool allows_local;           /* of a URI, which is in `name` */
    int from;                        /* of consumers: enum schema_ref_from */
    struct schema_list match_labels; /* of their namespaces: struct schema_pair */
    /* What it leads to: bytes, the name of a cluster (of a backend, or a URI), or the namespaces of
     * consumers ("shop,*", filters/caller/consumer.h). NULL ptr: nobody has looked. A Secret's
     * must appear in no log, dump or message. */
    struct slice value;
    unsigned line;
};

/* For .object of OBJECT and INLINE rows whose member is a struct schema_ref (or points to one). */
extern const struct schema schema_ref_secret, schema_ref_config_map, schema_ref_backend,
    schema_ref_uri;
/* The same, INLINE: left out, the namespace of the object that refers counts. */
extern const struct schema schema_ref_consumers;

/* path: "keys[0].secretRef"; valid for the call. */
typedef void (*schema_ref_visit_fn)(void *owner, enum schema_ref_kind kind, struct schema_ref *ref,
                                    const char *path);
/* Every reference in a value of that schema, in the order of its tables. */
void schema_ref_walk(const struct schema *schema, void *value, schema_ref_visit_fn visit,
                     void *owner);
/* Could a value of it have any? */
bool schema_ref_is_in(const struct schema *schema);
