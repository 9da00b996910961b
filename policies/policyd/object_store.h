/* Everything that is configured, wherever it comes from: objects that come and go one at a time (an
 * API server), or a whole set at a time (a folder). Changes are gathered for some milliseconds.
 * Owned by the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_store.h"
#include "policies/policyd/invalidation.h"

struct loop;
struct object_store;

struct object_store_config {
    struct loop *loop;
    /* Something that goes into configurations is another; changed_ns: loop_now_ns of the first
     * change that was gathered. */
    void (*on_changed)(void *owner, const struct invalidation *reach, uint64_t changed_ns);
    /* Something, be it only a status, is another; gathered as well. May be NULL. */
    void (*on_touched)(void *owner);
    void *owner;
};

struct object_store *object_store_create(const struct object_store_config *config);
void object_store_destroy(struct object_store *w);

/* One object; see policy_store.h. */
void object_store_put(struct object_store *w, const struct kind *kind, const struct doc *root);
void object_store_remove(struct object_store *w, const struct kind *kind, const struct doc *root);
void object_store_begin(struct object_store *w, const struct kind *kind);
void object_store_end(struct object_store *w, const struct kind *kind);
/* All of it; takes the set over. From then on there is no store. */
void object_store_adopt(struct object_store *w, struct policy_set *set);
/* It is complete. */
void object_store_set_ready(struct object_store *w);

/* For owners of other kinds: the world as void pointer. */
const struct policy_set *object_store_set(void *world);
bool object_store_is_ready(void *world);
/* NULL when it came from a folder. */
const struct policy_store *object_store_store(const struct object_store *w);
