/* The walk along a schema table that merges values instead of parsing them. Pure. Must not know any
 * particular kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_layer.h"

#include <stdio.h>
#include <string.h>

static size_t size_of(const struct schema_field *field)
{
    switch (field->type) {
    case SCHEMA_STRING:
        return sizeof(struct slice);
    case SCHEMA_ENUM:
        return sizeof(int);
    case SCHEMA_LIST:
    case SCHEMA_MAP:
        return sizeof(struct schema_list);
    case SCHEMA_INT:
    case SCHEMA_DURATION:
    case SCHEMA_QUANTITY:
        return sizeof(int64_t);
    default:
        return 0; /* cannot be told from "not said" */
    }
}

static bool is_said(const struct schema_field *field, const void *value)
{
    switch (field->type) {
    case SCHEMA_STRING:
        return ((const struct slice *)value)->ptr != NULL;
    case SCHEMA_ENUM:
        return *(const int *)value != SCHEMA_UNSET;
    case SCHEMA_LIST:
    case SCHEMA_MAP:
        return ((const struct schema_list *)value)->present;
    case SCHEMA_INT:
    case SCHEMA_DURATION:
    case SCHEMA_QUANTITY:
        return *(const int64_t *)value != SCHEMA_UNSET;
    default:
        return false;
    }
}

static void *at(void *value, const struct schema_field *field)
{
    return (char *)value + field->offset;
}

static const void *at_const(const void *value, const struct schema_field *field)
{
    return (const char *)value + field->offset;
}

void schema_layer_clear(const struct schema *schema, void *value)
{
    memset(value, 0, schema->size);
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        if (f->type == SCHEMA_INLINE)
            schema_layer_clear(f->object, at(value, f));
        else
            schema_value_default(f, at(value, f));
    }
}

void schema_layer_inherit(const struct schema *schema, void *narrow, const void *wide)
{
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        if (f->type == SCHEMA_INLINE)
            schema_layer_inherit(f->object, at(narrow, f), at_const(wide, f));
        else if (!is_said(f, at(narrow, f)))
            memcpy(at(narrow, f), at_const(wide, f), size_of(f));
    }
}

void schema_layer_settle(const struct schema *schema, void *value)
{
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        struct schema_field plain = *f;
        plain.flags &= ~(unsigned)SCHEMA_INHERIT;
        if (f->type == SCHEMA_INLINE)
            schema_layer_settle(f->object, at(value, f));
        else if (size_of(f) && !is_said(f, at(value, f)))
            schema_value_default(&plain, at(value, f));
    }
}

void schema_layer_complete(const struct schema *schema, const void *from, void *out)
{
    if (from)
        memcpy(out, from, schema->size);
    else
        schema_layer_clear(schema, out);
    schema_layer_settle(schema, out);
}

bool schema_layer_overlap(const struct schema *schema, const void *a, const void *b,
                          char path[SCHEMA_PATH_MAX])
{
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        char below[SCHEMA_PATH_MAX];
        const void *x = at_const(a, f), *y = at_const(b, f);
        if (f->type == SCHEMA_INLINE && schema_layer_overlap(f->object, x, y, below)) {
            snprintf(path, SCHEMA_PATH_MAX, "%s.%.*s", f->name, SCHEMA_PATH_MAX / 2, below);
            return true;
        }
        if (f->type != SCHEMA_INLINE && is_said(f, x) && is_said(f, y)) {
            snprintf(path, SCHEMA_PATH_MAX, "%s", f->name);
            return true;
        }
    }
    return false;
}
