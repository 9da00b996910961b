/* jansson's values into a document tree, so that what machines send is read by the same code as
 * what people write. On the caller's thread; nothing is kept. jansson allocates from libc by
 * itself, within what the limits allow. Must not know what the document is about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_json.h"

#include <jansson.h>
#include <stdio.h>

static enum err convert(const json_t *from, struct arena *arena, unsigned depth,
                        const struct doc **out, struct doc_error *error);

static enum err too_much(struct doc_error *error, const char *what, unsigned limit)
{
    snprintf(error->text, sizeof error->text, "%s %u", what, limit);
    return ERR_LIMIT;
}

static enum err convert_array(const json_t *from, struct arena *arena, unsigned depth,
                              struct doc *node, struct doc_error *error)
{
    size_t count = json_array_size(from);
    if (count > DOC_ITEMS_MAX)
        return too_much(error, "a list has more items than", DOC_ITEMS_MAX);
    const struct doc **items = arena_alloc(arena, count * sizeof *items);
    node->type = DOC_ARRAY;
    node->items = items;
    for (; node->count < count; node->count++) {
        enum err err = convert(json_array_get(from, node->count), arena, depth + 1,
                               &items[node->count], error);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err convert_object(json_t *from, struct arena *arena, unsigned depth, struct doc *node,
                               struct doc_error *error)
{
    size_t count = json_object_size(from);
    if (count > DOC_MEMBERS_MAX)
        return too_much(error, "an object has more keys than", DOC_MEMBERS_MAX);
    struct doc_member *members = arena_zalloc(arena, count * sizeof *members);
    node->type = DOC_OBJECT;
    node->members = members;
    for (void *at = json_object_iter(from); at; at = json_object_iter_next(from, at)) {
        struct doc_member *member = &members[node->count++];
        member->key = arena_copy(arena, slice_from_cstr(json_object_iter_key(at)));
        enum err err = convert(json_object_iter_value(at), arena, depth + 1, &member->value, error);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err convert(const json_t *from, struct arena *arena, unsigned depth,
                        const struct doc **out, struct doc_error *error)
{
    if (depth > DOC_DEPTH_MAX)
        return too_much(error, "nested deeper than", DOC_DEPTH_MAX);
    struct doc *node = doc_alloc(arena, DOC_NULL, 0);
    *out = node;
    switch (json_typeof(from)) {
    case JSON_OBJECT:
        return convert_object((json_t *)(uintptr_t)from, arena, depth, node, error);
    case JSON_ARRAY:
        return convert_array(from, arena, depth, node, error);
    case JSON_STRING:
        node->type = DOC_STRING;
        node->string =
            arena_copy(arena, slice_of(json_string_value(from), json_string_length(from)));
        return ERR_OK;
    case JSON_INTEGER:
        node->type = DOC_INT;
        node->integer = json_integer_value(from);
        return ERR_OK;
    case JSON_REAL:
        node->type = DOC_FLOAT;
        node->number = json_real_value(from);
        return ERR_OK;
    case JSON_TRUE:
    case JSON_FALSE:
        node->type = DOC_BOOL;
        node->boolean = json_is_true(from);
        return ERR_OK;
    case JSON_NULL:
        return ERR_OK;
    }
    return ERR_SYNTAX;
}

enum err doc_json_parse(struct slice text, struct arena *arena, const struct doc **out,
                        struct doc_error *error)
{
    *out = NULL;
    *error = (struct doc_error){0};
    if (text.len > DOC_JSON_TEXT_MAX)
        return too_much(error, "the text has more bytes than", DOC_JSON_TEXT_MAX);
    json_error_t why;
    json_t *root = json_loadb(text.len ? text.ptr : "", text.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (!root) {
        error->line = why.line > 0 ? (unsigned)why.line : 0;
        error->column = why.column > 0 ? (unsigned)why.column : 0;
        snprintf(error->text, sizeof error->text, "%s", why.text);
        return ERR_SYNTAX;
    }
    enum err err = convert(root, arena, 1, out, error);
    json_decref(root);
    return err;
}
