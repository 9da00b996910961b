/* A small list of names, looked through from its beginning; see header_set.h. Filled on the control
 * thread, looked up on any.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/header_set.h"

#include <string.h>

#include "lib/codec/http/header_fold.h"

static void grow(struct header_set *s, struct arena *arena)
{
    uint32_t capacity = s->capacity ? 2 * s->capacity : 4;
    struct slice *names = arena_zalloc(arena, capacity * sizeof(*names));
    if (s->count)
        memcpy(names, s->names, s->count * sizeof(*names));
    s->names = names;
    s->capacity = capacity;
}

void header_set_add(struct header_set *s, struct arena *arena, struct slice name)
{
    for (uint32_t i = 0; i < s->count; i++)
        if (slice_eq(s->names[i], name))
            return;
    if (s->count == s->capacity)
        grow(s, arena);
    s->names[s->count++] = name;
    s->is_odd |= header_fold_is_odd(name);
}

/* Of the set as it is spelled there; else the first that it is taken for. */
static const struct slice *find(const struct header_set *s, struct slice name, bool *is_same)
{
    const struct slice *found = NULL;
    *is_same = false;
    for (uint32_t i = 0; i < s->count && !*is_same; i++) {
        if (!header_fold_eq(s->names[i], name))
            continue;
        *is_same = slice_eq(s->names[i], name);
        if (*is_same || !found)
            found = &s->names[i];
    }
    return found;
}

bool header_set_covers(const struct header_set *s, struct slice name)
{
    bool is_same;
    return find(s, name, &is_same) != NULL;
}

const struct header *header_set_find_disguise(const struct header_set *s, const struct headers *h,
                                              struct slice *meant)
{
    for (uint32_t i = 0; s->count && i < h->count; i++) {
        const struct header *item = &h->items[i];
        bool is_same;
        if (item->id != HEADER_OTHER || (!s->is_odd && !header_fold_is_odd(item->name)))
            continue;
        const struct slice *found = find(s, item->name, &is_same);
        if (!found || is_same)
            continue;
        *meant = *found;
        return item;
    }
    return NULL;
}
