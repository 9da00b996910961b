/* The store (or the set of a folder), what its changes reach, and the timer that gathers them.
 * Owned by the loop's thread. Must not know where objects come from, nor who wants to know.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/world.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"

/* With the wheel's precision of 4 ms, less than 10 ms from a change on. */
enum { GATHER_MS = 5 };

struct world {
    struct world_config config;
    struct policy_store *store;
    struct policy_set *folder; /* instead of the store's */
    struct reach reach;
    struct timer gather;
    uint64_t changed_ns; /* of the first change that is being gathered; 0: none */
    bool is_ready;
};

static void run_gather(struct timer *t)
{
    struct world *w = container_of(t, struct world, gather);
    uint64_t changed_ns = w->changed_ns;
    if (!w->is_ready)
        return; /* all of it is told once it is complete */
    w->changed_ns = 0;
    if (!reach_is_empty(&w->reach)) {
        w->config.on_changed(w->config.owner, &w->reach, changed_ns);
        reach_reset(&w->reach);
    }
    if (w->config.on_touched)
        w->config.on_touched(w->config.owner);
}

static void touch(struct world *w)
{
    if (!w->changed_ns)
        w->changed_ns = loop_now_ns(w->config.loop);
    if (!timer_is_running(&w->gather))
        timer_start(&w->gather, GATHER_MS);
}

struct world *world_create(const struct world_config *config)
{
    struct world *w = mem_zalloc(sizeof *w);
    w->config = *config;
    w->store = policy_store_create();
    policy_store_observe(w->store, reach_note, &w->reach);
    timer_init(&w->gather, config->loop, run_gather);
    return w;
}

void world_destroy(struct world *w)
{
    timer_stop(&w->gather);
    reach_dispose(&w->reach);
    policy_set_destroy(w->folder);
    policy_store_destroy(w->store);
    mem_free(w);
}

/* A change of the status alone is of interest: whether it is what it should be. */
static bool has_status(const struct kind *kind)
{
    return kind->id == KIND_SERVICE || kind->id == KIND_INGRESS ||
           strcmp(kind->group, KIND_GROUP_GATEWAY) == 0 ||
           strcmp(kind->group, KIND_GROUP_WEFT) == 0;
}

void world_put(struct world *w, const struct kind *kind, const struct doc *root)
{
    bool changed = policy_store_put(w->store, kind, root);
    if (changed || has_status(kind))
        touch(w);
}

void world_remove(struct world *w, const struct kind *kind, const struct doc *root)
{
    if (policy_store_remove(w->store, kind, doc_string(doc_find(root, "metadata.namespace")),
                            doc_string(doc_find(root, "metadata.name"))))
        touch(w);
}

void world_begin(struct world *w, const struct kind *kind)
{
    policy_store_begin(w->store, kind);
}

void world_end(struct world *w, const struct kind *kind)
{
    if (policy_store_end(w->store, kind))
        touch(w);
}

void world_adopt(struct world *w, struct policy_set *set)
{
    policy_set_destroy(w->folder);
    w->folder = set;
    reach_note_all(&w->reach);
    touch(w);
}

void world_set_ready(struct world *w)
{
    w->is_ready = true;
    reach_note_all(&w->reach);
    touch(w);
}

const struct policy_set *world_set(void *world)
{
    struct world *w = world;
    return w->folder ? w->folder : policy_store_set(w->store);
}

bool world_is_ready(void *world)
{
    return ((struct world *)world)->is_ready;
}

const struct policy_store *world_store(const struct world *w)
{
    return w->folder ? NULL : w->store;
}
