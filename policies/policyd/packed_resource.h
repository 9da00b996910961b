/* Resources as they go over the wire: packed once for everybody who gets them, and counted. Equal
 * ones are one packed resource; names are kept once however many versions and holders there are.
 * Owned by the loop's thread. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"
#include "policies/proto/config.pb-c.h"

struct packed_resource_table;

struct packed_resource_name {
    struct packed_resource_table *table;
    struct packed_resource *versions; /* those that somebody holds */
    uint32_t refs, len;
    char text[];
};

struct packed_resource {
    struct packed_resource_name *name;
    struct packed_resource *next; /* another version of the same name */
    uint64_t version;
    char *refusal;   /* why data planes cannot build it; NULL: they can */
    bool is_checked; /* the holder's: whether they can was asked */
    uint32_t refs, len;
    uint8_t bytes[]; /* the packed Resource */
};

struct packed_resource_table *packed_resource_table_create(void);
/* Nothing may be held any more. */
void packed_resource_table_destroy(struct packed_resource_table *t);
/* Bytes of all packed resources. */
size_t packed_resource_table_bytes(const struct packed_resource_table *t);
/* How many of them have a refusal. */
size_t packed_resource_table_refused(const struct packed_resource_table *t);

/* A reference to what the resource is. */
struct packed_resource *packed_resource_make(struct packed_resource_table *t,
                                             const Weft__Config__V1__Resource *resource);
struct packed_resource *packed_resource_ref(struct packed_resource *p);
void packed_resource_unref(struct packed_resource *p);
/* The first refusal counts. */
void packed_resource_refuse(struct packed_resource *p, const char *why);

struct packed_resource_name *packed_resource_name_make(struct packed_resource_table *t,
                                                       struct slice text);
struct packed_resource_name *packed_resource_name_ref(struct packed_resource_name *n);
void packed_resource_name_unref(struct packed_resource_name *n);
struct slice packed_resource_name_text(const struct packed_resource_name *n);
