/* Resources as they go over the wire: packed once for everybody who gets them, and counted. Equal
 * ones are one parcel; names are kept once however many versions and holders there are. Owned by
 * the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"
#include "policies/proto/config.pb-c.h"

struct parcel_table;

struct parcel_name {
    struct parcel_table *table;
    struct parcel *versions; /* those that somebody holds */
    uint32_t refs, len;
    char text[];
};

struct parcel {
    struct parcel_name *name;
    struct parcel *next; /* another version of the same name */
    uint64_t version;
    char *refusal;   /* why data planes cannot build it; NULL: they can */
    bool is_checked; /* the holder's: whether they can was asked */
    uint32_t refs, len;
    uint8_t bytes[]; /* the packed Resource */
};

struct parcel_table *parcel_table_create(void);
/* Nothing may be held any more. */
void parcel_table_destroy(struct parcel_table *t);
/* Bytes of all parcels. */
size_t parcel_table_bytes(const struct parcel_table *t);
/* How many of them have a refusal. */
size_t parcel_table_refused(const struct parcel_table *t);

/* A reference to what the resource is. */
struct parcel *parcel_make(struct parcel_table *t, const Weft__Config__V1__Resource *resource);
struct parcel *parcel_ref(struct parcel *p);
void parcel_unref(struct parcel *p);
/* The first refusal counts. */
void parcel_refuse(struct parcel *p, const char *why);

struct parcel_name *parcel_name_make(struct parcel_table *t, struct slice text);
struct parcel_name *parcel_name_ref(struct parcel_name *n);
void parcel_name_unref(struct parcel_name *n);
struct slice parcel_name_text(const struct parcel_name *n);
