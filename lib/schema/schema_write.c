/* The walk along a schema table that writes values.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/quantity.h"

enum { NUMBER_MAX = 64 };

static void write_object(struct json_write *w, const struct schema *schema, const void *value);

/* Hours to milliseconds, as parse_duration reads them: each of at most five digits. */
static void write_duration(struct json_write *w, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    char text[NUMBER_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        int64_t count = ms / units[i].ms;
        ms -= count * units[i].ms;
        if (count)
            len += (size_t)snprintf(text + len, sizeof text - len, "%" PRId64 "%s", count,
                                    units[i].unit);
    }
    json_write_string(w, len ? slice_of(text, len) : SLICE("0s"));
}

static void write_quantity(struct json_write *w, int64_t thousandths)
{
    char text[QUANTITY_TEXT_MAX];
    if (thousandths % 1000 == 0)
        json_write_i64(w, thousandths / 1000);
    else
        json_write_string(w, slice_from_cstr(quantity_format(thousandths, text)));
}

static void write_port(struct json_write *w, const struct schema_port *port)
{
    if (port->name.len)
        json_write_string(w, port->name);
    else
        json_write_i64(w, port->number);
}

static void write_value(struct json_write *w, const struct schema_field *f, const void *value);

static void write_list(struct json_write *w, const struct schema_field *f,
                       const struct schema_list *list)
{
    size_t size = schema_item_size(f);
    json_write_array(w);
    for (size_t i = 0; i < list->count; i++)
        write_value(w, f->element, (const char *)list->items + i * size);
    json_write_array_end(w);
}

static void write_map(struct json_write *w, const struct schema_field *f,
                      const struct schema_list *list)
{
    size_t size = schema_item_size(f);
    bool is_pair = f->element->type != SCHEMA_INLINE;
    json_write_object(w);
    for (size_t i = 0; i < list->count; i++) {
        const char *item = (const char *)list->items + i * size;
        char key[SCHEMA_PATH_MAX];
        snprintf(key, sizeof key, "%.*s", SLICE_ARG(*(const struct slice *)(const void *)item));
        json_write_key(w, key);
        write_value(w, f->element, item + (is_pair ? offsetof(struct schema_pair, value) : 0));
    }
    json_write_object_end(w);
}

static void write_value(struct json_write *w, const struct schema_field *f, const void *value)
{
    switch (f->type) {
    case SCHEMA_STRING:
        json_write_string(w, *(const struct slice *)value);
        break;
    case SCHEMA_INT:
        json_write_i64(w, *(const int64_t *)value);
        break;
    case SCHEMA_BOOL:
        json_write_bool(w, *(const bool *)value);
        break;
    case SCHEMA_DURATION:
        write_duration(w, *(const int64_t *)value);
        break;
    case SCHEMA_QUANTITY:
        write_quantity(w, *(const int64_t *)value);
        break;
    case SCHEMA_ENUM:
        json_write_string(w, slice_from_cstr(f->choices[*(const int *)value]));
        break;
    case SCHEMA_PORT:
        write_port(w, value);
        break;
    case SCHEMA_OBJECT:
        write_object(w, f->object, *(const void *const *)value);
        break;
    case SCHEMA_INLINE:
        write_object(w, f->object, value);
        break;
    case SCHEMA_LIST:
        write_list(w, f, value);
        break;
    case SCHEMA_MAP:
        write_map(w, f, value);
        break;
    case SCHEMA_ANY:
    case SCHEMA_REFUSED:
        break; /* not in the struct */
    }
}

static bool is_text(const struct schema_field *f, const struct slice *value)
{
    struct slice fallback = {0};
    schema_value_default(f, &fallback);
    if (!value->ptr || !fallback.ptr)
        return value->ptr != fallback.ptr;
    return !slice_eq(*value, fallback);
}

/* Is it something else than what stands there when nothing is said? */
static bool is_said(const struct schema_field *f, const void *value)
{
    int64_t number;
    int choice;
    bool is_on;
    switch (f->type) {
    case SCHEMA_STRING:
        return is_text(f, value);
    case SCHEMA_INT:
    case SCHEMA_DURATION:
    case SCHEMA_QUANTITY:
        schema_value_default(f, &number);
        return *(const int64_t *)value != number;
    case SCHEMA_ENUM:
        schema_value_default(f, &choice);
        return *(const int *)value != choice;
    case SCHEMA_BOOL:
        schema_value_default(f, &is_on);
        return *(const bool *)value != is_on;
    case SCHEMA_PORT:
        return ((const struct schema_port *)value)->name.len ||
               ((const struct schema_port *)value)->number;
    case SCHEMA_OBJECT:
        return *(const void *const *)value != NULL;
    case SCHEMA_INLINE:
        return true;
    case SCHEMA_LIST:
    case SCHEMA_MAP:
        return ((const struct schema_list *)value)->present;
    case SCHEMA_ANY:
    case SCHEMA_REFUSED:
        break;
    }
    return false;
}

/* A required field is written whatever it is. */
static void write_object(struct json_write *w, const struct schema *schema, const void *value)
{
    json_write_object(w);
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        const void *at = (const char *)value + f->offset;
        bool is_stored = f->type != SCHEMA_ANY && f->type != SCHEMA_REFUSED;
        if (!is_stored || !(is_said(f, at) || f->flags & SCHEMA_REQUIRED))
            continue;
        json_write_key(w, f->name);
        write_value(w, f, at);
    }
    json_write_object_end(w);
}

void schema_write(const struct schema *schema, const void *value, struct buf *out)
{
    struct json_write w;
    json_write_init(&w, out);
    write_object(&w, schema, value);
}

void schema_write_value(const struct schema *schema, const void *value, struct json_write *w)
{
    write_object(w, schema, value);
}
