/* One object of a policy_store: what is in force of it, in a block of memory of its own size, and
 * what was wrong with its newest version. Its status and resourceVersion lie apart, so that they
 * can change while nothing else does. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

struct stored_refusal {
    struct object object; /* what is common to all kinds */
    struct diag_list why;
    struct arena arena;
};

struct stored_object {
    struct object *in_force; /* NULL: nothing */
    void *status_block;      /* what in_force->status and its resourceVersion lie in */
    struct stored_refusal *refusal;
    uint64_t print; /* of the newest document, valid or not */
    uint32_t round; /* the list it was last seen in */
    bool clashes;   /* with another object: refused for that alone */
};

/* What reading a document changed. */
enum stored_change { STORED_SAME, STORED_STATUS, STORED_NEW };

struct stored_object *stored_object_create(void);
void stored_object_destroy(struct stored_object *o);

/* scratch: for the duration. On STORED_NEW *before is what was in force until now (NULL: nothing);
 * release it with stored_object_release once nobody points at it. */
enum stored_change stored_object_read(struct stored_object *o, const struct kind *kind,
                                      const struct doc *root, struct arena *scratch,
                                      struct object **before);
void stored_object_release(struct object *object);

/* Refused for what other objects say; the reason is added to the refusal. */
void stored_object_clash(struct stored_object *o, const struct diag *why);
/* It no longer clashes. */
void stored_object_reconcile(struct stored_object *o);
