/* Credentials of Consumers by type (filters/caller/credential.def): what users write, and what data
 * planes find and compare. One type is one file, credential_<stem>.c. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/caller/consumer.h"
#include "lib/schema/schema_ref.h"

#define CREDENTIAL_WHY_MAX 256

/* What `make` gets. */
struct credential_build {
    struct arena *arena;
    struct slice consumer; /* "shop/ann" */
    struct slice username; /* of the consumer, for credentials without a name of their own */
    /* The value that a reference leads to. NULL ptr: nowhere, and why says so. */
    struct slice (*resolve)(struct credential_build *b, enum schema_ref_kind kind,
                            const struct schema_ref *ref);
    void *owner;
    char why[CREDENTIAL_WHY_MAX]; /* it cannot be used, a sentence without any secret */
};

/* As in struct consumer_credential (filters/caller/consumer.h), in the arena. */
struct credential_made {
    struct slice lookup, secret, algorithm, id;
};

struct credential_kind {
    const char *doc;
    const struct schema *schema;
    /* False: it cannot be used, and b->why says so. spec: of the schema. */
    bool (*make)(struct credential_build *b, const void *spec, struct credential_made *out);
};

/* In the order of enum credential_type. */
extern const struct credential_kind *const credential_kinds[CREDENTIAL_COUNT];

/* ---- for those files ---- */

/* Writes why, and returns false. */
bool credential_refuse(struct credential_build *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A secret that people type or send in a header: not empty, and without a line break at its end,
 * which is there by mistake ("echo" without -n) and would never match. */
bool credential_take_secret(struct credential_build *b, enum schema_ref_kind kind,
                            const struct schema_ref *ref, struct slice *out);
/* "mobile-key/key": which it is, without what it is. */
struct slice credential_name_of_ref(struct credential_build *b, const struct schema_ref *ref);
