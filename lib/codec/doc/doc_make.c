/* Growing documents. Arrays of members and items double: a full one is one whose count is a power
 * of two, so no capacity is kept. Pure. Must not know what the documents are about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_make.h"

struct doc *doc_make_object(struct arena *a)
{
    return doc_alloc(a, DOC_OBJECT, 0);
}

struct doc *doc_make_array(struct arena *a)
{
    return doc_alloc(a, DOC_ARRAY, 0);
}

const struct doc *doc_make_string(struct arena *a, struct slice text)
{
    struct doc *d = doc_alloc(a, DOC_STRING, 0);
    d->string = arena_copy(a, text);
    return d;
}

const struct doc *doc_make_int(struct arena *a, int64_t value)
{
    struct doc *d = doc_alloc(a, DOC_INT, 0);
    d->integer = value;
    return d;
}

const struct doc *doc_make_bool(struct arena *a, bool value)
{
    struct doc *d = doc_alloc(a, DOC_BOOL, 0);
    d->boolean = value;
    return d;
}

static size_t capacity_for(size_t count)
{
    size_t capacity = 4;
    while (capacity < count)
        capacity *= 2;
    return capacity;
}

/* Room for one more behind `count` elements: the same block, or a copy twice as large. */
static void *make_room(struct arena *a, const void *block, size_t count, size_t size)
{
    bool is_full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (!is_full)
        return (void *)block;
    void *larger = arena_alloc(a, capacity_for(count + 1) * size);
    if (count)
        memcpy(larger, block, count * size);
    return larger;
}

struct doc *doc_make_copy(struct arena *a, const struct doc *from)
{
    struct doc *d = doc_alloc(a, from->type, from->line);
    bool is_object = from->type == DOC_OBJECT;
    size_t size = is_object ? sizeof(*from->members) : sizeof(*from->items);
    void *block = from->count ? arena_alloc(a, capacity_for(from->count) * size) : NULL;
    d->count = from->count;
    if (block)
        memcpy(block, is_object ? (const void *)from->members : (const void *)from->items,
               from->count * size);
    if (is_object)
        d->members = block;
    else
        d->items = block;
    return d;
}

void doc_make_put(struct arena *a, struct doc *object, struct slice key, const struct doc *value)
{
    struct doc_member *members = (struct doc_member *)object->members;
    for (size_t i = 0; i < object->count; i++) {
        if (!slice_eq(members[i].key, key))
            continue;
        members[i].value = value;
        return;
    }
    members = make_room(a, members, object->count, sizeof(*members));
    members[object->count++] = (struct doc_member){arena_copy(a, key), 0, value};
    object->members = members;
}

void doc_make_remove(struct doc *object, struct slice key)
{
    struct doc_member *members = (struct doc_member *)object->members;
    size_t kept = 0;
    for (size_t i = 0; i < object->count; i++) {
        if (!slice_eq(members[i].key, key))
            members[kept++] = members[i];
    }
    object->count = kept;
}

void doc_make_insert(struct arena *a, struct doc *array, size_t at, const struct doc *value)
{
    const struct doc **items = make_room(a, array->items, array->count, sizeof(*items));
    memmove(items + at + 1, items + at, (array->count - at) * sizeof(*items));
    items[at] = value;
    array->count++;
    array->items = items;
}

void doc_make_push(struct arena *a, struct doc *array, const struct doc *value)
{
    doc_make_insert(a, array, array->count, value);
}

struct doc *doc_make_put_object(struct arena *a, struct doc *object, const char *key)
{
    struct doc *d = doc_make_object(a);
    doc_make_put(a, object, slice_from_cstr(key), d);
    return d;
}

struct doc *doc_make_put_array(struct arena *a, struct doc *object, const char *key)
{
    struct doc *d = doc_make_array(a);
    doc_make_put(a, object, slice_from_cstr(key), d);
    return d;
}
