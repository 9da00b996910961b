/* Addresses under their texts, and a list of those of which something is to be told. Control
 * thread. Must not know who wants them, nor how policyd is told.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/wanted.h"

#include "lib/base/mem.h"

void wanted_init(struct wanted *w)
{
    map_init(&w->by_text);
    list_init(&w->changed);
}

void wanted_dispose(struct wanted *w)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&w->by_text, &at, &key, &value);)
        mem_free(value);
    map_dispose(&w->by_text);
}

size_t wanted_count(const struct wanted *w)
{
    return w->by_text.count;
}

struct wanted_address *wanted_find(const struct wanted *w, struct slice text)
{
    return map_get(&w->by_text, text);
}

static void note_change(struct wanted *w, struct wanted_address *a)
{
    if (!list_is_linked(&a->changed))
        list_link_last(&w->changed, &a->changed);
}

bool wanted_add(struct wanted *w, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    struct slice key = slice_from_cstr(addr_format(addr, text));
    struct wanted_address *a = wanted_find(w, key);
    if (!a) {
        a = mem_zalloc(sizeof(*a));
        a->addr = *addr;
        addr_format(addr, a->text);
        list_init(&a->changed);
        map_put(&w->by_text, key, a);
        note_change(w, a);
    }
    a->users++;
    return a->is_answered;
}

void wanted_drop(struct wanted *w, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    struct wanted_address *a = wanted_find(w, slice_from_cstr(addr_format(addr, text)));
    if (a && a->users && --a->users == 0)
        note_change(w, a);
}

static void forget(struct wanted *w, struct wanted_address *a)
{
    list_unlink(&a->changed);
    map_remove(&w->by_text, slice_from_cstr(a->text));
    mem_free(a);
}

size_t wanted_changed(const struct wanted *w)
{
    size_t count = 0;
    LIST_FOREACH(node, &w->changed)
    {
        count++;
    }
    return count;
}

void wanted_tell(struct wanted *w, char **add, size_t *add_count, char **drop, size_t *drop_count)
{
    struct list *node;
    *add_count = *drop_count = 0;
    while ((node = list_take_first(&w->changed))) {
        struct wanted_address *a = container_of(node, struct wanted_address, changed);
        if (a->users > 0 && !a->is_told) {
            a->is_told = true;
            add[(*add_count)++] = a->text;
        } else if (a->users == 0) {
            if (a->is_told)
                drop[(*drop_count)++] = mem_strdup(a->text);
            forget(w, a);
        }
    }
}

void wanted_forget_unused(struct wanted *w)
{
    struct list *node;
    while ((node = list_take_first(&w->changed))) {
        struct wanted_address *a = container_of(node, struct wanted_address, changed);
        if (a->users == 0)
            forget(w, a);
    }
}

size_t wanted_tell_all(struct wanted *w, char **all)
{
    struct slice key;
    void *value;
    size_t count = 0;
    wanted_forget_unused(w);
    for (size_t at = 0; map_next(&w->by_text, &at, &key, &value);) {
        struct wanted_address *a = value;
        a->is_told = true;
        all[count++] = a->text;
    }
    return count;
}
