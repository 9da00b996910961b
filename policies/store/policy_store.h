/* Objects that come and go one at a time, and at any moment a policy_set of those that are there:
 * for whoever watches instead of reading a folder. Each object has its own memory; a set borrows
 * them. An object that is not valid is kept out, with everything that is wrong with it. What
 * decides access fails closed: an AuthorizationPolicy that cannot be read stays in force as it last
 * was, or, when it never was, denies what its namespace serves. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"
#include "policies/kinds/kind.h"
#include "policies/store/policy_set.h"

struct policy_store;

struct policy_store *policy_store_create(void);
void policy_store_destroy(struct policy_store *s);

/* Adds or replaces the object that the document is; nothing of it is kept. False: nothing changed
 * that counts (the same resourceVersion, or only fields that are not read). */
bool policy_store_put(struct policy_store *s, const struct kind *kind, const struct doc *root);
bool policy_store_remove(struct policy_store *s, const struct kind *kind,
                         struct slice namespace_name, struct slice name);
/* A new list: what is not put between the two is removed at the second. */
void policy_store_begin(struct policy_store *s, const struct kind *kind);
bool policy_store_end(struct policy_store *s, const struct kind *kind);

/* Called from inside the functions above for each object whose force changed: as it was before and
 * as it is now; NULL where it was not, or is not any more. */
typedef void (*policy_store_change_fn)(void *owner, const struct object *before,
                                       const struct object *after);
void policy_store_observe(struct policy_store *s, policy_store_change_fn changed, void *owner);

/* What is there now, finished; valid until the next change. Made anew only after a change. Objects
 * that other objects exclude (two Services with one address) are refused one by one. */
const struct policy_set *policy_store_set(struct policy_store *s);
/* Counts up with every change. */
uint64_t policy_store_generation(const struct policy_store *s);

/* Why an object is not in force; NULL when it is, or is not known. */
const struct diag_list *policy_store_problems(const struct policy_store *s, const struct kind *kind,
                                              struct slice namespace_name, struct slice name);
/* What is to be said of the objects in force among each other (a parent that is not there):
 * warnings only, for people who ask. */
void policy_store_remarks(struct policy_store *s, struct diag_list *to);
/* Every object that was refused (struct object without its kind's fields). */
void policy_store_each_refused(const struct policy_store *s,
                               void (*each)(void *owner, const struct object *o,
                                            const struct diag_list *why),
                               void *owner);
