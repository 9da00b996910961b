/* Trees of nodes out of other trees: shallow where the original lives long enough, deep where it
 * does not. Pure; any thread. Must not know what is stored.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/stored_doc.h"

#include "lib/codec/doc/doc_yaml.h"

/* Annotations may be as large as the object itself (kubectl keeps a copy of it there). */
static bool is_annotation_read(struct slice key)
{
    return slice_find(key, SLICE("weft.dev/")) < key.len ||
           slice_eq_cstr(key, "kubernetes.io/ingress.class");
}

static const struct doc *slim_annotations(struct arena *arena, const struct doc *from)
{
    struct doc *to = arena_alloc(arena, sizeof *to);
    struct doc_member *members = arena_alloc(arena, from->count * sizeof *members);
    *to = *from;
    to->count = 0;
    for (size_t i = 0; i < from->count; i++)
        if (is_annotation_read(from->members[i].key))
            members[to->count++] = from->members[i];
    to->members = members;
    return to->count ? to : NULL;
}

/* A copy of the node with one member's value replaced; NULL: without it. */
static const struct doc *with_member(struct arena *arena, const struct doc *from, const char *key,
                                     const struct doc *value)
{
    struct doc *to = arena_alloc(arena, sizeof *to);
    struct doc_member *members = arena_alloc(arena, from->count * sizeof *members);
    *to = *from;
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        bool is_it = slice_eq_cstr(from->members[i].key, key);
        if (is_it && !value)
            continue;
        members[to->count] = from->members[i];
        if (is_it)
            members[to->count].value = value;
        to->count++;
    }
    to->members = members;
    return to;
}

const struct doc *stored_doc_slim(struct arena *arena, const struct doc *root)
{
    const struct doc *meta = doc_get(root, SLICE("metadata"));
    const struct doc *annotations = doc_get(meta, SLICE("annotations"));
    if (!annotations || annotations->type != DOC_OBJECT || meta->type != DOC_OBJECT)
        return root;
    annotations = slim_annotations(arena, annotations);
    return with_member(arena, root, "metadata",
                       with_member(arena, meta, "annotations", annotations));
}

const struct doc *stored_doc_copy(struct arena *arena, const struct doc *from)
{
    struct doc *to = arena_alloc(arena, sizeof *to);
    *to = *from;
    if (from->type == DOC_STRING)
        to->string = arena_copy(arena, from->string);
    if (from->type == DOC_ARRAY) {
        const struct doc **items = arena_alloc(arena, from->count * sizeof *items);
        for (size_t i = 0; i < from->count; i++)
            items[i] = stored_doc_copy(arena, from->items[i]);
        to->items = items;
    }
    if (from->type == DOC_OBJECT) {
        struct doc_member *members = arena_alloc(arena, from->count * sizeof *members);
        for (size_t i = 0; i < from->count; i++)
            members[i] = (struct doc_member){arena_copy(arena, from->members[i].key), 0,
                                             stored_doc_copy(arena, from->members[i].value)};
        to->members = members;
    }
    return to;
}

static struct doc_member member(struct arena *arena, const char *key, struct doc value)
{
    struct doc *copy = arena_alloc(arena, sizeof *copy);
    *copy = value;
    return (struct doc_member){slice_from_cstr(key), 0, copy};
}

static struct doc object(struct arena *arena, struct doc_member a, struct doc_member b)
{
    struct doc_member *members = arena_alloc(arena, 2 * sizeof *members);
    members[0] = a;
    members[1] = b;
    return (struct doc){.type = DOC_OBJECT, .count = 2, .members = members};
}

static struct doc text_at(const struct doc *root, const char *path)
{
    return (struct doc){.type = DOC_STRING, .string = doc_string(doc_find(root, path))};
}

/* The closed spec, with what it keeps of the one that was written. */
static struct doc closed_spec(struct arena *arena, const struct kind *kind, const struct doc *spec,
                              const struct doc *root)
{
    struct doc both = *spec;
    const char *key = kind->closed_keeps;
    const struct doc *was = doc_get(root, SLICE("spec"));
    const struct doc *kept = key ? doc_get(was, slice_from_cstr(key)) : NULL;
    if (!kept)
        return both;
    struct doc_member *members = arena_alloc(arena, (spec->count + 1) * sizeof *members);
    memcpy(members, spec->members, spec->count * sizeof *members);
    members[both.count++] = (struct doc_member){slice_from_cstr(key), 0, kept};
    both.members = members;
    return both;
}

const struct doc *stored_doc_closed(struct arena *arena, const struct kind *kind,
                                    const struct doc *root)
{
    struct doc_list spec;
    struct doc_error error;
    struct doc *whole = arena_alloc(arena, sizeof *whole);
    if (kind->closed_if && !doc_find(doc_get(root, SLICE("spec")), kind->closed_if))
        return NULL;
    if (!kind->closed || doc_yaml_parse(slice_from_cstr(kind->closed), arena, &spec, &error))
        return NULL;
    struct doc_member name = member(arena, "name", text_at(root, "metadata.name"));
    struct doc_member ns = member(arena, "namespace", text_at(root, "metadata.namespace"));
    *whole = object(arena, member(arena, "metadata", object(arena, name, ns)),
                    member(arena, "spec", closed_spec(arena, kind, spec.items[0], root)));
    return whole;
}
