/* Consumer (policy.weft.dev): somebody who calls, and what it proves that with.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/credential.h"
#include "policies/kinds/kind.h"

struct consumer_spec {
    struct slice username;          /* NULL ptr: the object's name */
    struct slice custom_id;
    struct schema_list groups;      /* struct slice */
    struct schema_list tags;        /* struct slice */
    struct schema_list credentials; /* struct consumer_credential_spec */
};

/* One of them is not NULL: of the schema of that credential_kinds row. */
struct consumer_credential_spec {
    const void *types[CREDENTIAL_COUNT];
    unsigned line;
};

struct consumer_object {
    struct object object;
    struct consumer_spec spec;
};

extern const struct schema consumer_spec_schema;

/* Which type it is. */
enum credential_type consumer_chosen(const struct consumer_credential_spec *c);
/* The name that it goes by. */
struct slice consumer_username(const struct consumer_object *o);
