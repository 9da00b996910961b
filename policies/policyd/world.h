/* Everything that is configured, wherever it comes from: objects that come and go one at a time (an
 * API server), or a whole set at a time (a folder). Changes are gathered for some milliseconds.
 * Owned by the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/store/policy_store.h"
#include "policies/policyd/reach.h"

struct loop;
struct world;

struct world_config {
    struct loop *loop;
    /* Something that goes into configurations is another; changed_ns: loop_now_ns of the first
     * change that was gathered. */
    void (*on_changed)(void *owner, const struct reach *reach, uint64_t changed_ns);
    /* Something, be it only a status, is another; gathered as well. May be NULL. */
    void (*on_touched)(void *owner);
    void *owner;
};

struct world *world_create(const struct world_config *config);
void world_destroy(struct world *w);

/* One object; see policy_store.h. */
void world_put(struct world *w, const struct kind *kind, const struct doc *root);
void world_remove(struct world *w, const struct kind *kind, const struct doc *root);
void world_begin(struct world *w, const struct kind *kind);
void world_end(struct world *w, const struct kind *kind);
/* All of it; takes the set over. From then on there is no store. */
void world_adopt(struct world *w, struct policy_set *set);
/* It is complete. */
void world_set_ready(struct world *w);

/* For owners of other kinds: the world as void pointer. */
const struct policy_set *world_set(void *world);
bool world_is_ready(void *world);
/* NULL when it came from a folder. */
const struct policy_store *world_store(const struct world *w);
