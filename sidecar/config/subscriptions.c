/* Addresses under their texts, and a list of those of which something is to be told. Control
 * thread. Must not know who wants them, nor how policyd is told.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/subscriptions.h"

#include "lib/base/mem.h"

void subscriptions_init(struct subscriptions *w)
{
    map_init(&w->by_text);
    list_init(&w->changed);
}

void subscriptions_dispose(struct subscriptions *w)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&w->by_text, &at, &key, &value);)
        mem_free(value);
    map_dispose(&w->by_text);
}

size_t subscriptions_count(const struct subscriptions *w)
{
    return w->by_text.count;
}

struct subscriptions_address *subscriptions_find(const struct subscriptions *w, struct slice text)
{
    return map_get(&w->by_text, text);
}

static void note_change(struct subscriptions *w, struct subscriptions_address *a)
{
    if (!list_is_linked(&a->changed))
        list_link_last(&w->changed, &a->changed);
}

bool subscriptions_add(struct subscriptions *w, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    struct slice key = slice_from_cstr(addr_format(addr, text));
    struct subscriptions_address *a = subscriptions_find(w, key);
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

void subscriptions_drop(struct subscriptions *w, const struct addr *addr)
{
    char text[ADDR_TEXT_MAX];
    struct subscriptions_address *a =
        subscriptions_find(w, slice_from_cstr(addr_format(addr, text)));
    if (a && a->users && --a->users == 0)
        note_change(w, a);
}

static void forget(struct subscriptions *w, struct subscriptions_address *a)
{
    list_unlink(&a->changed);
    map_remove(&w->by_text, slice_from_cstr(a->text));
    mem_free(a);
}

size_t subscriptions_changed(const struct subscriptions *w)
{
    size_t count = 0;
    LIST_FOREACH(node, &w->changed)
    {
        count++;
    }
    return count;
}

void subscriptions_tell(struct subscriptions *w, char **add, size_t *add_count, char **drop,
                        size_t *drop_count)
{
    struct list *node;
    *add_count = *drop_count = 0;
    while ((node = list_take_first(&w->changed))) {
        struct subscriptions_address *a = container_of(node, struct subscriptions_address, changed);
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

void subscriptions_forget_unused(struct subscriptions *w)
{
    struct list *node;
    while ((node = list_take_first(&w->changed))) {
        struct subscriptions_address *a = container_of(node, struct subscriptions_address, changed);
        if (a->users == 0)
            forget(w, a);
    }
}

size_t subscriptions_tell_all(struct subscriptions *w, char **all)
{
    struct slice key;
    void *value;
    size_t count = 0;
    subscriptions_forget_unused(w);
    for (size_t at = 0; map_next(&w->by_text, &at, &key, &value);) {
        struct subscriptions_address *a = value;
        a->is_told = true;
        all[count++] = a->text;
    }
    return count;
}
