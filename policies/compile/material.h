/* What the references in a filter's specification (lib/schema/schema_ref.h) lead to, and why to
 * nothing. What is compiled and what status says are both read from here. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/http_uri.h"
#include "lib/schema/schema_ref.h"
#include "policies/compile/backend.h"

enum material_fault {
    MATERIAL_OK,
    MATERIAL_NOT_PERMITTED, /* no ReferenceGrant */
    MATERIAL_MISSING,       /* no such object, or no such key in it */
    MATERIAL_NO_BACKEND,    /* no such Service or port */
    MATERIAL_NO_URI,        /* none that can be fetched */
};

struct material {
    struct slice bytes;     /* of a Secret or ConfigMap; or the namespaces of consumers */
    struct backend backend; /* the Service and its port; of a URI: where its host is one */
    struct http_uri uri;
};

/* from: the object that refers. *out: only with MATERIAL_OK; lives as long as the set and arena. */
enum material_fault material_resolve(const struct policy_set *set, const struct object *from,
                                     enum schema_ref_kind kind, const struct schema_ref *ref,
                                     struct arena *arena, struct material *out);
/* Why it leads nowhere, in the arena; and the reason for the condition ResolvedRefs. */
struct slice material_explain(struct arena *arena, const struct policy_set *set,
                              const struct object *from, enum schema_ref_kind kind,
                              const struct schema_ref *ref, enum material_fault fault);
const char *material_reason(enum material_fault fault);
/* The first reference of a specification that leads nowhere: *why says it, behind its path. */
enum material_fault material_check(const struct policy_set *set, const struct object *from,
                                   const struct schema *schema, const void *spec,
                                   struct arena *arena, struct slice *why);
