/* The walk over a document along a schema table: objects, lists and maps; unknown fields,
 * missing ones, nulls. Scalars are schema_value.c's. Control thread. Must not know any
 * particular kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/similar.h"

static void complain(struct schema_run *run, const struct doc *node, const char *sub, bool warning,
                     unsigned finding, const char *format, va_list args)
    __attribute__((format(printf, 6, 0)));

static void complain(struct schema_run *run, const struct doc *node, const char *sub, bool warning,
                     unsigned finding, const char *format, va_list args)
{
    char text[768], path[SCHEMA_PATH_MAX + 128];
    vsnprintf(text, sizeof text, format, args);
    const char *joint = sub && *sub && *sub != '[' && run->path_len ? "." : "";
    snprintf(path, sizeof path, "%.*s%s%s", (int)run->path_len, run->path, joint, sub ? sub : "");
    const struct doc *at = sub ? doc_find(node, sub) : node;
    struct diag what = {.file = run->file,
                        .line = at     ? at->line
                                : node ? node->line
                                       : 0,
                        .object = run->object,
                        .path = slice_from_cstr(path),
                        .finding = finding,
                        .is_warning = warning};
    diag_add(run->diags, &what, "%s", text);
    run->errors += !warning;
}

void schema_error(struct schema_run *run, const struct doc *node, const char *sub,
                  const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(run, node, sub, false, 0, format, args);
    va_end(args);
}

void schema_warn(struct schema_run *run, const struct doc *node, const char *sub,
                 const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(run, node, sub, true, 0, format, args);
    va_end(args);
}

void schema_warn_of(struct schema_run *run, const struct doc *node, const char *sub,
                    unsigned finding, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(run, node, sub, true, finding, format, args);
    va_end(args);
}

/* Appends to the path; the caller puts run->path_len back. */
static void push_path(struct schema_run *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void push_path(struct schema_run *run, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = sizeof run->path - run->path_len;
    int len = vsnprintf(run->path + run->path_len, room, format, args);
    va_end(args);
    if (len > 0)
        run->path_len += (size_t)len < room ? (size_t)len : room - 1;
}

static bool is_plain_key(struct slice key)
{
    for (size_t i = 0; i < key.len; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", key.ptr[i]))
            return false;
    return key.len > 0;
}

static void push_key(struct schema_run *run, struct slice key)
{
    if (is_plain_key(key))
        push_path(run, "%s%.*s", run->path_len ? "." : "", SLICE_ARG(key));
    else
        push_path(run, "[\"%.*s\"]", (int)(key.len > 256 ? 256 : key.len), key.ptr);
}

static void refuse_unknown(struct schema_run *run, const struct schema *schema,
                           const struct doc_member *member)
{
    struct similar near = similar_to(member->key);
    char known[400] = "";
    size_t used = 0;
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        if (f->flags & SCHEMA_WIRE)
            continue;
        similar_try(&near, slice_from_cstr(f->name));
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     f->name);
    }
    size_t path_len = run->path_len;
    push_key(run, member->key);
    struct doc at = {.line = member->line};
    if (near.best.ptr)
        schema_error(run, &at, NULL, "unknown field; did you mean \"%.*s\"?",
                     SLICE_ARG(near.best));
    else
        schema_error(run, &at, NULL, "unknown field; the fields here are: %s", known);
    run->path_len = path_len;
}

bool schema_is_named(const struct schema_field *field, struct slice name)
{
    for (const char *const *old = field->formerly; old && *old; old++)
        if (slice_eq_cstr(name, *old))
            return true;
    return slice_eq_cstr(name, field->name);
}

const struct doc *schema_member(const struct schema_field *field, const struct doc *node,
                                struct slice *key)
{
    *key = slice_from_cstr(field->name);
    const struct doc *value = doc_get(node, *key);
    for (const char *const *old = field->formerly; !value && old && *old; old++) {
        *key = slice_from_cstr(*old);
        value = doc_get(node, *key);
    }
    return value;
}

/* One of which the writer of the document may know. */
static bool is_ours(const struct schema_run *run, const struct schema_field *field)
{
    return run->is_wire || !(field->flags & SCHEMA_WIRE);
}

static const struct schema_field *find_field(const struct schema_run *run,
                                             const struct schema *schema, struct slice name)
{
    for (const struct schema_field *f = schema->fields; f->name; f++)
        if (is_ours(run, f) && schema_is_named(f, name))
            return f;
    return NULL;
}

/* A field that is given under several of its names is given twice. */
static void check_names(struct schema_run *run, const struct schema_field *field,
                        const struct doc *node, struct slice taken)
{
    if (!slice_eq_cstr(taken, field->name))
        schema_warn(run, node, NULL, "is an old name: write \"%s\"", field->name);
    for (size_t i = 0; i < node->count; i++) {
        struct slice key = node->members[i].key;
        if (!slice_eq(key, taken) && schema_is_named(field, key))
            schema_error(run, node, NULL, "is there twice: as \"%.*s\" too", SLICE_ARG(key));
    }
}

size_t schema_item_size(const struct schema_field *list)
{
    const struct schema_field *element = list->element;
    if (element->type == SCHEMA_INLINE)
        return element->object->size;
    if (list->type == SCHEMA_MAP)
        return sizeof(struct schema_pair);
    switch (element->type) {
    case SCHEMA_INT:
        return sizeof(int64_t);
    case SCHEMA_ENUM:
        return sizeof(int);
    case SCHEMA_PORT:
        return sizeof(struct schema_port);
    default:
        return sizeof(struct slice);
    }
}

static bool check_count(struct schema_run *run, const struct schema_field *field,
                        const struct doc *node)
{
    size_t max = field->max ? (size_t)field->max : SCHEMA_ITEMS_DEFAULT;
    if (node->count > max) {
        schema_error(run, node, NULL, "has %zu items, at most %zu are allowed", node->count, max);
        return false;
    }
    if (node->count < (size_t)field->min) {
        if (node->count == 0)
            schema_error(run, node, NULL,
                         field->flags & SCHEMA_REQUIRED ? "must not be empty"
                                                        : "must not be empty: leave it out, or "
                                                          "give at least one item");
        else
            schema_error(run, node, NULL, "needs at least %d items", (int)field->min);
        return false;
    }
    return true;
}

static void parse_any(struct schema_run *run, const struct schema_field *field,
                      const struct doc *node, void *out);

static void parse_list(struct schema_run *run, const struct schema_field *field,
                       const struct doc *node, struct schema_list *out)
{
    if (node->type != DOC_ARRAY) {
        schema_error(run, node, NULL, "must be a list, not %s", doc_type_name(node->type));
        return;
    }
    if (!check_count(run, field, node))
        return;
    size_t size = schema_item_size(field), path_len = run->path_len;
    out->items = arena_zalloc(run->arena, node->count * size);
    out->present = true;
    for (; out->count < node->count; out->count++) {
        push_path(run, "[%zu]", out->count);
        parse_any(run, field->element, node->items[out->count],
                  (char *)out->items + out->count * size);
        run->path_len = path_len;
    }
}

static void parse_map(struct schema_run *run, const struct schema_field *field,
                      const struct doc *node, struct schema_list *out)
{
    if (node->type != DOC_OBJECT) {
        schema_error(run, node, NULL, "must be an object, not %s", doc_type_name(node->type));
        return;
    }
    if (!check_count(run, field, node))
        return;
    const struct schema_field *element = field->element;
    size_t size = schema_item_size(field), path_len = run->path_len;
    bool is_pair = element->type != SCHEMA_INLINE;
    out->items = arena_zalloc(run->arena, node->count * size);
    out->present = true;
    for (; out->count < node->count; out->count++) {
        const struct doc_member *member = &node->members[out->count];
        char *item = (char *)out->items + out->count * size;
        push_key(run, member->key);
        schema_value_check_string(run, field, &(struct doc){.line = member->line}, member->key);
        parse_any(run, element, member->value,
                  item + (is_pair ? offsetof(struct schema_pair, value) : 0));
        *(struct slice *)(void *)item = arena_copy(run->arena, member->key);
        run->path_len = path_len;
    }
}

static void parse_any(struct schema_run *run, const struct schema_field *field,
                      const struct doc *node, void *out)
{
    switch (field->type) {
    case SCHEMA_ANY:
        break;
    case SCHEMA_REFUSED:
        schema_error(run, node, NULL, "not supported yet");
        break;
    case SCHEMA_LIST:
        parse_list(run, field, node, out);
        break;
    case SCHEMA_MAP:
        parse_map(run, field, node, out);
        break;
    case SCHEMA_INLINE:
        schema_parse(run, field->object, node, out);
        break;
    case SCHEMA_OBJECT: {
        void *object = arena_alloc(run->arena, field->object->size);
        schema_parse(run, field->object, node, object);
        memcpy(out, &object, sizeof object);
        break;
    }
    default:
        schema_value_parse(run, field, node, out);
    }
}

static void fill_default(struct schema_run *run, const struct schema_field *field, void *out)
{
    if (field->type == SCHEMA_INLINE)
        schema_parse(run, field->object, NULL, out);
    else
        schema_value_default(field, out);
}

static void parse_field(struct schema_run *run, const struct schema *schema,
                        const struct schema_field *field, const struct doc *node, char *out)
{
    struct slice key;
    const struct doc *value = is_ours(run, field) ? schema_member(field, node, &key) : NULL;
    void *to = out + field->offset;
    bool is_null = value && value->type == DOC_NULL && field->type != SCHEMA_ANY;
    if (value && !is_null) {
        size_t path_len = run->path_len;
        push_key(run, key);
        if (field->formerly)
            check_names(run, field, node, key);
        parse_any(run, field, value, to);
        run->path_len = path_len;
        return;
    }
    fill_default(run, field, to);
    if (is_null && !schema->is_open && !(field->flags & SCHEMA_NULL_OK))
        schema_error(run, node, field->name,
                     field->flags & SCHEMA_REQUIRED
                         ? "is required, and has no value"
                         : "has no value: give one, or leave the field out");
    else if (node && (field->flags & SCHEMA_REQUIRED))
        schema_error(run, node, field->name, "is required");
}

void schema_parse(struct schema_run *run, const struct schema *schema, const struct doc *node,
                  void *out)
{
    memset(out, 0, schema->size);
    if (node && node->type != DOC_OBJECT) {
        schema_error(run, node, NULL, "must be an object, not %s", doc_type_name(node->type));
        node = NULL;
    }
    if (schema->has_line) {
        unsigned line = node ? node->line : 0;
        memcpy((char *)out + schema->line_offset, &line, sizeof line);
    }
    for (const struct schema_field *f = schema->fields; f->name; f++)
        parse_field(run, schema, f, node, out);
    for (size_t i = 0; node && !schema->is_open && i < node->count; i++)
        if (!find_field(run, schema, node->members[i].key))
            refuse_unknown(run, schema, &node->members[i]);
    if (node && schema->check)
        schema->check(run, node, out);
}
