/* Sorted arrays of what is held, and the walk along two of them. Names are kept once each, so that
 * they are compared by address. Pure. Must not know whose they are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/version_set.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "policies/compile/discovery.h"

void version_set_dispose(struct version_set *h)
{
    for (size_t i = 0; i < h->count; i++)
        packed_resource_name_unref(h->items[i].name);
    mem_free(h->items);
    *h = (struct version_set){0};
}

static struct held *push(struct version_set *h)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? h->capacity * 2 : 16;
        h->items = mem_realloc(h->items, h->capacity * sizeof *h->items);
    }
    return &h->items[h->count++];
}

void version_set_add_answer(struct version_set *h, const struct answer *a)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct packed_resource *p = a->packed[i];
        *push(h) = (struct held){packed_resource_name_ref(p->name), p->version, p};
    }
}

void version_set_add(struct version_set *h, struct packed_resource_name *name, uint64_t version)
{
    *push(h) = (struct held){name, version, NULL};
}

static int by_name(const void *a, const void *b)
{
    const struct held *x = a, *y = b;
    return (x->name > y->name) - (x->name < y->name);
}

static int is_refused(const struct held *h)
{
    return h->packed && h->packed->refusal;
}

/* Of two versions, one that can be built comes first, and is kept. */
static int by_name_and_use(const void *a, const void *b)
{
    int order = by_name(a, b);
    return order ? order : is_refused(a) - is_refused(b);
}

void version_set_settle(struct version_set *h)
{
    size_t kept = 0;
    if (h->count)
        qsort(h->items, h->count, sizeof *h->items, by_name_and_use);
    h->digest = 0;
    for (size_t i = 0; i < h->count; i++) {
        struct held *one = &h->items[i];
        if (kept && h->items[kept - 1].name == one->name) {
            packed_resource_name_unref(one->name);
            continue;
        }
        h->digest ^= discovery_digest_part(packed_resource_name_text(one->name), one->version);
        h->items[kept++] = *one;
    }
    h->count = kept;
}

bool version_set_has_answer(const struct version_set *h, const struct answer *a)
{
    for (size_t i = 0; i < a->count; i++) {
        struct held wanted = {a->packed[i]->name, a->packed[i]->version, NULL};
        const struct held *had =
            h->count ? bsearch(&wanted, h->items, h->count, sizeof wanted, by_name) : NULL;
        if (!had || had->version != wanted.version)
            return false;
    }
    return true;
}

void version_set_copy(const struct version_set *from, struct version_set *to)
{
    for (size_t i = 0; i < from->count; i++)
        version_set_add(to, packed_resource_name_ref(from->items[i].name), from->items[i].version);
    to->digest = from->digest;
}

void version_set_forget_packed(struct version_set *h)
{
    for (size_t i = 0; i < h->count; i++)
        h->items[i].packed = NULL;
}

void version_set_compare(const struct version_set *from, const struct version_set *to,
                         const struct version_set_events *events, void *owner)
{
    size_t i = 0, j = 0;
    while (i < from->count || j < to->count) {
        const struct held *had = i < from->count ? &from->items[i] : NULL;
        const struct held *wanted = j < to->count ? &to->items[j] : NULL;
        int order = !had ? 1 : !wanted ? -1 : by_name(had, wanted);
        if (order < 0)
            events->is_gone(owner, had);
        else if (order > 0 || had->version != wanted->version)
            events->is_new(owner, wanted);
        i += order <= 0;
        j += order >= 0;
    }
}
