/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/credential_query.h"

#include "lib/base/percent.h"

static struct slice decode(struct arena *arena, struct slice text)
{
    char *to = arena_alloc(arena, text.len + 1);
    for (size_t i = 0; i < text.len; i++)
        to[i] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
    return percent_decode(slice_of(to, text.len), to);
}

/* Most names are as they are written, and need no memory. */
bool credential_query_is_named(struct arena *arena, struct slice pair, const struct slice *names,
                               size_t count)
{
    struct slice name = slice_sub(pair, 0, slice_find_byte(pair, '='));
    bool is_coded = slice_find_byte(name, '%') < name.len || slice_find_byte(name, '+') < name.len;
    if (is_coded)
        name = decode(arena, name);
    for (size_t i = 0; i < count; i++)
        if (slice_eq(name, names[i]))
            return true;
    return false;
}

void credential_query_find(struct arena *arena, struct slice path, const struct slice *names,
                           size_t name_count, struct credential_query *found)
{
    size_t mark = slice_find_byte(path, '?');
    struct slice rest = slice_sub(path, mark + 1, path.len), pair;
    if (mark == path.len || !name_count)
        return;
    while (slice_split(&rest, '&', &pair)) {
        if (!credential_query_is_named(arena, pair, names, name_count))
            continue;
        size_t equals = slice_find_byte(pair, '=');
        if (!found->count++)
            found->value = decode(arena, slice_sub(pair, equals + 1, pair.len));
    }
}

struct slice credential_query_remove(struct arena *arena, struct slice path,
                                     const struct slice *names, size_t name_count)
{
    size_t mark = slice_find_byte(path, '?'), len = mark;
    struct slice rest = slice_sub(path, mark + 1, path.len), pair;
    bool any = false;
    if (mark == path.len || !name_count)
        return path;
    char *text = arena_alloc(arena, path.len);
    memcpy(text, path.ptr, mark);
    while (slice_split(&rest, '&', &pair)) {
        if (credential_query_is_named(arena, pair, names, name_count)) {
            any = true;
            continue;
        }
        text[len] = len == mark ? '?' : '&';
        memcpy(text + len + 1, pair.ptr, pair.len);
        len += pair.len + 1;
    }
    return any ? slice_of(text, len) : path;
}
