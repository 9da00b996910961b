/* The document tree's own small functions: names of types, lookup by key and by path. Any
 * thread. Must not know of YAML or JSON.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc.h"

const char *doc_type_name(enum doc_type type)
{
    static const char *const names[] = {
        [DOC_NULL] = "null",     [DOC_BOOL] = "bool",     [DOC_INT] = "integer",
        [DOC_FLOAT] = "number",  [DOC_STRING] = "string", [DOC_ARRAY] = "list",
        [DOC_OBJECT] = "object",
    };
    return names[type];
}

const struct doc *doc_get(const struct doc *d, struct slice key)
{
    if (!d || d->type != DOC_OBJECT)
        return NULL;
    for (size_t i = 0; i < d->count; i++)
        if (slice_eq(d->members[i].key, key))
            return d->members[i].value;
    return NULL;
}

static bool is_plain_key_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '$';
}

/* "[12]" or "[\"key\"]" at *path; moves *path behind it. */
static const struct doc *find_bracketed(const struct doc *d, const char **path)
{
    const char *at = *path + 1;
    if (*at == '"') {
        const char *end = strstr(++at, "\"]");
        if (!end)
            return NULL;
        *path = end + 2;
        return doc_get(d, slice_of(at, (size_t)(end - at)));
    }
    size_t index = 0;
    for (; *at >= '0' && *at <= '9' && index <= DOC_ITEMS_MAX; at++)
        index = index * 10 + (size_t)(*at - '0');
    if (*at != ']' || d->type != DOC_ARRAY || index >= d->count)
        return NULL;
    *path = at + 1;
    return d->items[index];
}

const struct doc *doc_find(const struct doc *d, const char *path)
{
    while (d && *path) {
        if (*path == '[') {
            d = find_bracketed(d, &path);
            continue;
        }
        if (*path == '.')
            path++;
        const char *end = path;
        while (is_plain_key_byte(*end))
            end++;
        if (end == path)
            return NULL;
        d = doc_get(d, slice_of(path, (size_t)(end - path)));
        path = end;
    }
    return d;
}

struct slice doc_string(const struct doc *d)
{
    return d && d->type == DOC_STRING ? d->string : (struct slice){NULL, 0};
}

struct doc *doc_alloc(struct arena *arena, enum doc_type type, unsigned line)
{
    struct doc *d = arena_zalloc(arena, sizeof *d);
    d->type = type;
    d->line = line;
    return d;
}
