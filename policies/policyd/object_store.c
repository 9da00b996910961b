/* The store (or the set of a folder), what its changes reach, and the timer that gathers them.
 * Owned by the loop's thread. Must not know where objects come from, nor who wants to know.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/object_store.h"

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"

/* With the wheel's precision of 4 ms, less than 10 ms from a change on. */
enum { GATHER_MS = 5 };

struct object_store {
    struct object_store_config config;
    struct policy_store *store;
    struct policy_set *folder; /* instead of the store's */
    struct invalidation reach;
    struct timer gather;
    uint64_t changed_ns; /* of the first change that is being gathered; 0: none */
    bool is_ready;
};

static void run_gather(struct timer *t)
{
    struct object_store *w = container_of(t, struct object_store, gather);
    uint64_t changed_ns = w->changed_ns;
    if (!w->is_ready)
        return; /* all of it is told once it is complete */
    w->changed_ns = 0;
    if (!invalidation_is_empty(&w->reach)) {
        w->config.on_changed(w->config.owner, &w->reach, changed_ns);
        invalidation_reset(&w->reach);
    }
    if (w->config.on_touched)
        w->config.on_touched(w->config.owner);
}

static void touch(struct object_store *w)
{
    if (!w->changed_ns)
        w->changed_ns = loop_now_ns(w->config.loop);
    if (!timer_is_running(&w->gather))
        timer_start(&w->gather, GATHER_MS);
}

struct object_store *object_store_create(const struct object_store_config *config)
{
    struct object_store *w = mem_zalloc(sizeof *w);
    w->config = *config;
    w->store = policy_store_create();
    policy_store_observe(w->store, invalidation_note, &w->reach);
    timer_init(&w->gather, config->loop, run_gather);
    return w;
}

void object_store_destroy(struct object_store *w)
{
    timer_stop(&w->gather);
    invalidation_dispose(&w->reach);
    policy_set_destroy(w->folder);
    policy_store_destroy(w->store);
    mem_free(w);
}

/* A change of the status alone is of subscription: whether it is what it should be. */
static bool has_status(const struct kind *kind)
{
    return kind->id == KIND_SERVICE || kind->id == KIND_INGRESS ||
           strcmp(kind->group, KIND_GROUP_GATEWAY) == 0 ||
           strcmp(kind->group, KIND_GROUP_WEFT) == 0;
}

void object_store_put(struct object_store *w, const struct kind *kind, const struct doc *root)
{
    bool changed = policy_store_put(w->store, kind, root);
    if (changed || has_status(kind))
        touch(w);
}

void object_store_remove(struct object_store *w, const struct kind *kind, const struct doc *root)
{
    if (policy_store_remove(w->store, kind, doc_string(doc_find(root, "metadata.namespace")),
                            doc_string(doc_find(root, "metadata.name"))))
        touch(w);
}

void object_store_begin(struct object_store *w, const struct kind *kind)
{
    policy_store_begin(w->store, kind);
}

void object_store_end(struct object_store *w, const struct kind *kind)
{
    if (policy_store_end(w->store, kind))
        touch(w);
}

void object_store_adopt(struct object_store *w, struct policy_set *set)
{
    policy_set_destroy(w->folder);
    w->folder = set;
    invalidation_note_all(&w->reach);
    touch(w);
}

void object_store_set_ready(struct object_store *w)
{
    w->is_ready = true;
    invalidation_note_all(&w->reach);
    touch(w);
}

const struct policy_set *object_store_set(void *world)
{
    struct object_store *w = world;
    return w->folder ? w->folder : policy_store_set(w->store);
}

bool object_store_is_ready(void *world)
{
    return ((struct object_store *)world)->is_ready;
}

const struct policy_store *object_store_store(const struct object_store *w)
{
    return w->folder ? NULL : w->store;
}
