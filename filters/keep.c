/* A map from ids to counted things. Its own reference is the last but one: a count of one means
 * that only we know it, and nobody but us could raise it again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/keep.h"

#include "filters/filter.h"
#include "lib/base/mem.h"

void filter_keeps_init(struct filter_keeps *keeps)
{
    map_init(&keeps->by_id);
}

void filter_keeps_dispose(struct filter_keeps *keeps)
{
    struct slice id;
    void *keep;
    for (size_t at = 0; map_next(&keeps->by_id, &at, &id, &keep);)
        filter_keep_unref(keep);
    map_dispose(&keeps->by_id);
}

void filter_keeps_sweep(struct filter_keeps *keeps)
{
    struct slice id;
    void *value;
    for (size_t at = 0; map_next(&keeps->by_id, &at, &id, &value);) {
        struct filter_keep *keep = value;
        if (atomic_load_explicit(&keep->refs, memory_order_acquire) > 1)
            continue;
        map_remove(&keeps->by_id, id);
        filter_keep_unref(keep);
    }
}

unsigned filter_keeps_purge(struct filter_keeps *keeps, const struct filter_purge *what)
{
    struct slice id;
    void *value;
    unsigned count = 0;
    for (size_t at = 0; map_next(&keeps->by_id, &at, &id, &value);) {
        struct filter_keep *keep = value;
        count += keep->purge ? keep->purge(keep, what) : 0;
    }
    return count;
}

static struct filter_keep *make(size_t size, void (*init)(struct filter_keep *),
                                void (*dispose)(struct filter_keep *))
{
    struct filter_keep *keep = mem_zalloc(size);
    atomic_init(&keep->refs, 1);
    if (init)
        init(keep);
    keep->dispose = dispose;
    return keep;
}

void *filter_keep(const struct filter_build *b, size_t size, void (*init)(struct filter_keep *),
                  void (*dispose)(struct filter_keep *))
{
    bool is_named = b->keeps && b->id.len;
    struct filter_keep *keep = is_named ? map_get(&b->keeps->by_id, b->id) : NULL;
    if (!keep) {
        keep = make(size, init, dispose);
        if (is_named)
            map_put(&b->keeps->by_id, b->id, keep);
    }
    if (is_named)
        filter_keep_ref(keep);
    b->hold(b->holder, keep);
    return keep;
}

void filter_keep_ref(struct filter_keep *keep)
{
    atomic_fetch_add_explicit(&keep->refs, 1, memory_order_relaxed);
}

void filter_keep_unref(struct filter_keep *keep)
{
    if (atomic_fetch_sub_explicit(&keep->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (keep->dispose)
        keep->dispose(keep);
    mem_free(keep);
}
