/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/pattern.h"

#include "lib/base/mem.h"

struct pattern_set {
    struct filter_keep keep; /* first */
    size_t count;
    struct regex *items[];
};

static void destroy(struct filter_keep *keep)
{
    struct pattern_set *set = (struct pattern_set *)(void *)keep;
    for (size_t i = 0; i < set->count; i++)
        regex_destroy(set->items[i]);
}

/* One by itself is an expression, so that it cannot close what stands around it. */
static enum err check(const struct filter_build *b, struct slice pattern)
{
    struct regex_fault fault;
    struct regex *alone;
    if (regex_create(pattern, true, &alone, &fault))
        return filter_refuse(b, "\"%.*s\" is no regular expression: %s", SLICE_ARG(pattern),
                             fault.text);
    regex_destroy(alone);
    return ERR_OK;
}

/* lib/codec/text matches whole values. */
static enum err add(const struct filter_build *b, struct pattern_set *set, struct slice pattern)
{
    struct regex_fault fault;
    struct slice whole = arena_printf(b->arena, "(?s:.*)(?:%.*s)(?s:.*)", SLICE_ARG(pattern));
    enum err e = check(b, pattern);
    if (e)
        return e;
    if (regex_create(whole, true, &set->items[set->count], &fault))
        return filter_refuse(b, "\"%.*s\" is no regular expression: %s", SLICE_ARG(pattern),
                             fault.text);
    set->count++;
    return ERR_OK;
}

enum err pattern_set_make(const struct filter_build *b, const struct schema_list *const *lists,
                          size_t list_count, const struct pattern_set **out)
{
    size_t count = 0;
    for (size_t i = 0; i < list_count; i++)
        count += lists[i]->count;
    struct pattern_set *set = mem_zalloc(sizeof(*set) + count * sizeof(struct regex *));
    atomic_init(&set->keep.refs, 1);
    set->keep.dispose = destroy;
    b->hold(b->holder, &set->keep);
    *out = set;
    for (size_t i = 0; i < list_count; i++)
        for (SCHEMA_EACH(*lists[i], struct slice, pattern)) {
            enum err e = add(b, set, *pattern);
            if (e)
                return e;
        }
    return ERR_OK;
}

enum regex_result pattern_set_find(const struct pattern_set *set, size_t first, size_t count,
                                   struct slice text)
{
    enum regex_result all = REGEX_NO;
    for (size_t i = first; i < first + count; i++) {
        enum regex_result one = regex_match(set->items[i], text);
        if (one == REGEX_YES)
            return REGEX_YES;
        if (one == REGEX_ERROR)
            all = REGEX_ERROR;
    }
    return all;
}
