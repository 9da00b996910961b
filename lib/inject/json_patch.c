/* Patches as lists of steps over documents. Applying copies the nodes on the way to what changes
 * and shares all others. Pure. Must not know what the documents are about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/json_patch.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"

enum { PATH_MAX_LEN = 1024 };

void json_patch_init(struct json_patch *p, struct arena *arena)
{
    *p = (struct json_patch){.arena = arena};
    p->steps = arena_alloc(arena, JSON_PATCH_MAX * sizeof(*p->steps));
}

static void add_step(struct json_patch *p, enum json_patch_op op, const struct doc *value,
                     const char *format, va_list args) __attribute__((format(printf, 4, 0)));

static void add_step(struct json_patch *p, enum json_patch_op op, const struct doc *value,
                     const char *format, va_list args)
{
    char path[PATH_MAX_LEN];
    int len = vsnprintf(path, sizeof(path), format, args);
    if (p->count == JSON_PATCH_MAX || len < 0 || (size_t)len >= sizeof(path)) {
        p->is_full = true;
        return;
    }
    p->steps[p->count++] =
        (struct json_patch_step){op, arena_copy(p->arena, slice_of(path, (size_t)len)), value};
}

void json_patch_add(struct json_patch *p, const struct doc *value, const char *path, ...)
{
    va_list args;
    va_start(args, path);
    add_step(p, JSON_PATCH_ADD, value, path, args);
    va_end(args);
}

void json_patch_replace(struct json_patch *p, const struct doc *value, const char *path, ...)
{
    va_list args;
    va_start(args, path);
    add_step(p, JSON_PATCH_REPLACE, value, path, args);
    va_end(args);
}

struct slice json_patch_escape(struct arena *a, struct slice name)
{
    char *out = arena_alloc(a, 2 * name.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        out[n++] = c == '~' || c == '/' ? '~' : c;
        if (c == '~' || c == '/')
            out[n++] = c == '~' ? '0' : '1';
    }
    return slice_of(out, n);
}

static struct slice unescape(struct arena *a, struct slice token)
{
    char *out = arena_alloc(a, token.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        bool is_escape = token.ptr[i] == '~' && i + 1 < token.len;
        out[n++] = !is_escape ? token.ptr[i] : token.ptr[++i] == '0' ? '~' : '/';
    }
    return slice_of(out, n);
}

void json_patch_write(const struct json_patch *p, struct json_write *w)
{
    json_write_array(w);
    for (size_t i = 0; i < p->count; i++) {
        const struct json_patch_step *s = &p->steps[i];
        json_write_object(w);
        json_write_field(w, "op", s->op == JSON_PATCH_ADD ? SLICE("add") : SLICE("replace"));
        json_write_field(w, "path", s->path);
        json_write_key(w, "value");
        doc_write_json(w, s->value);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

/* ---- applying */

/* SIZE_MAX: no index; the array's length for "-". */
static size_t index_of(struct slice token, size_t count)
{
    uint64_t n;
    if (slice_eq(token, SLICE("-")))
        return count;
    return slice_to_u64(token, &n) == ERR_OK && n <= count ? (size_t)n : SIZE_MAX;
}

static enum err change_array(struct json_patch_step *s, struct arena *a, struct doc *array,
                             struct slice token)
{
    size_t at = index_of(token, array->count);
    if (at == SIZE_MAX || (s->op == JSON_PATCH_REPLACE && at == array->count))
        return ERR_NOT_FOUND;
    if (s->op == JSON_PATCH_ADD)
        doc_make_insert(a, array, at, s->value);
    else
        ((const struct doc **)array->items)[at] = s->value;
    return ERR_OK;
}

/* The value under `token` of a node that may be changed. */
static enum err change(struct json_patch_step *s, struct arena *a, struct doc *node,
                       struct slice token)
{
    if (node->type == DOC_ARRAY)
        return change_array(s, a, node, token);
    struct slice key = unescape(a, token);
    if (s->op == JSON_PATCH_REPLACE && !doc_get(node, key))
        return ERR_NOT_FOUND;
    doc_make_put(a, node, key, s->value);
    return ERR_OK;
}

/* A changeable copy of the child under `token`, put in its place. */
static struct doc *descend(struct arena *a, struct doc *node, struct slice token)
{
    const struct doc *child = NULL;
    size_t at = SIZE_MAX;
    struct slice key = unescape(a, token);
    if (node->type == DOC_ARRAY) {
        at = index_of(token, node->count);
        child = at < node->count ? node->items[at] : NULL;
    } else {
        child = doc_get(node, key);
    }
    if (!child || (child->type != DOC_ARRAY && child->type != DOC_OBJECT))
        return NULL;
    struct doc *copy = doc_make_copy(a, child);
    if (node->type == DOC_ARRAY)
        ((const struct doc **)node->items)[at] = copy;
    else
        doc_make_put(a, node, key, copy);
    return copy;
}

static enum err apply_step(struct json_patch_step *s, struct arena *a, struct doc *root)
{
    struct slice rest = s->path, token;
    struct doc *node = root;
    if (!slice_starts_with(rest, SLICE("/")))
        return ERR_NOT_FOUND;
    rest = slice_sub(rest, 1, rest.len);
    while (node && slice_split(&rest, '/', &token)) {
        if (!rest.ptr)
            return change(s, a, node, token);
        node = descend(a, node, token);
    }
    return ERR_NOT_FOUND;
}

enum err json_patch_apply(const struct json_patch *p, const struct doc *root,
                          const struct doc **out)
{
    if (p->is_full || (root->type != DOC_OBJECT && root->type != DOC_ARRAY))
        return ERR_NOT_FOUND;
    struct doc *copy = doc_make_copy(p->arena, root);
    for (size_t i = 0; i < p->count; i++) {
        enum err e = apply_step(&p->steps[i], p->arena, copy);
        if (e)
            return e;
    }
    *out = copy;
    return ERR_OK;
}
