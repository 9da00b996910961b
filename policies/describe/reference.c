/* Schema tables for people: a section for every kind, a table for every object in it. Control
 * thread. Must not know any particular kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/describe/reference.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "policies/kinds/kind.h"

enum { PATH_MAX_LEN = 256, OBJECTS_MAX = 256 };

/* Objects of a kind that have been described, so that each is once. */
struct page {
    struct buf *out;
    const struct schema *seen[OBJECTS_MAX];
    size_t count;
};

static void put(struct page *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct page *p, const char *format, ...)
{
    char text[2048];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf_append(p->out, text, len < (int)sizeof text ? (size_t)len : sizeof text - 1);
}

/* Text inside of a table's cell. */
static void put_cell(struct page *p, const char *text)
{
    for (; text && *text; text++)
        put(p, *text == '|' ? "\\|" : *text == '*' ? "\\*" : "%c", *text);
}

static const struct schema *object_of(const struct schema_field *field)
{
    while (field->type == SCHEMA_LIST || field->type == SCHEMA_MAP)
        field = field->element;
    bool is_object = field->type == SCHEMA_OBJECT || field->type == SCHEMA_INLINE;
    return is_object ? field->object : NULL;
}

/* ---- the type of a field ---- */

static void put_number(struct page *p, const struct schema_field *field)
{
    put(p, "integer");
    if (field->min || field->max)
        put(p, ", %lld to %lld", (long long)field->min, (long long)field->max);
}

static void put_choices(struct page *p, const struct schema_field *field)
{
    for (size_t i = 0; field->choices[i]; i++)
        put(p, "%s`%s`", i ? ", " : "", field->choices[i]);
}

static void put_type(struct page *p, const struct schema_field *field)
{
    switch (field->type) {
    case SCHEMA_STRING:
        put(p, "%s", field->format ? field->format->name : "string");
        break;
    case SCHEMA_INT:
        put_number(p, field);
        break;
    case SCHEMA_BOOL:
        put(p, "boolean");
        break;
    case SCHEMA_DURATION:
        put(p, "duration");
        break;
    case SCHEMA_QUANTITY:
        put(p, "quantity");
        break;
    case SCHEMA_ENUM:
        put_choices(p, field);
        break;
    case SCHEMA_PORT:
        put(p, "port, by number or name");
        break;
    case SCHEMA_OBJECT:
    case SCHEMA_INLINE:
        put(p, "%s", field->object->name);
        break;
    case SCHEMA_LIST:
        put(p, "list of ");
        put_type(p, field->element);
        break;
    case SCHEMA_MAP:
        put(p, "map from %s to ", field->format ? field->format->name : "string");
        put_type(p, field->element);
        break;
    case SCHEMA_ANY:
        put(p, "anything");
        break;
    case SCHEMA_REFUSED:
        put(p, "refused");
        break;
    }
}

static void put_duration(struct page *p, int64_t ms)
{
    bool whole = ms % 1000 == 0;
    put(p, " Default: `%lld%s`.", (long long)(whole ? ms / 1000 : ms), whole ? "s" : "ms");
}

static void put_default(struct page *p, const struct schema_field *field)
{
    bool has_choice = field->type == SCHEMA_ENUM && field->fallback >= 0;
    if (field->flags & SCHEMA_REQUIRED)
        put(p, " Required.");
    else if (field->type == SCHEMA_REFUSED)
        put(p, " Not supported yet.");
    else if (has_choice)
        put(p, " Default: `%s`.", field->choices[field->fallback]);
    else if (field->type == SCHEMA_STRING && field->text && *field->text)
        put(p, " Default: `%s`.", field->text);
    else if (field->type == SCHEMA_INT && field->fallback > 0)
        put(p, " Default: %lld.", (long long)field->fallback);
    else if (field->type == SCHEMA_DURATION && field->fallback > 0)
        put_duration(p, field->fallback);
}

/* ---- objects ---- */

static bool see(struct page *p, const struct schema *schema)
{
    for (size_t i = 0; i < p->count; i++)
        if (p->seen[i] == schema)
            return false;
    if (p->count == OBJECTS_MAX)
        return false;
    p->seen[p->count++] = schema;
    return true;
}

static bool is_shown(const struct schema_field *field)
{
    bool is_for_users = field->type != SCHEMA_ANY && !(field->flags & SCHEMA_WIRE);
    return is_for_users && strcmp(field->name, "metadata") != 0;
}

static void put_table(struct page *p, const struct schema *schema)
{
    put(p, "| field | type | |\n|---|---|---|\n");
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        if (!is_shown(f))
            continue;
        put(p, "| `%s` | ", f->name);
        put_type(p, f);
        put(p, " | ");
        put_cell(p, f->doc);
        put_default(p, f);
        put(p, " |\n");
    }
    put(p, "\n");
    for (const struct schema_rule *r = schema->rules; r && r->rule; r++)
        put(p, "* %s\n%s", r->message, r[1].rule ? "" : "\n");
}

static void put_object(struct page *p, const struct schema *schema, const char *path)
{
    char below[PATH_MAX_LEN];
    if (!see(p, schema))
        return;
    put(p, "### %s\n\n`%s`%s%s\n\n", schema->name, path, schema->doc ? ": " : "",
        schema->doc ? schema->doc : "");
    put_table(p, schema);
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        const struct schema *object = object_of(f);
        if (!object || !is_shown(f))
            continue;
        snprintf(below, sizeof below, "%s.%s%s", path, f->name,
                 f->type == SCHEMA_LIST  ? "[]"
                 : f->type == SCHEMA_MAP ? "{}"
                                         : "");
        put_object(p, object, below);
    }
}

static void put_kind(struct page *p, const struct kind *kind)
{
    p->count = 0;
    put(p, "## %s\n\n`%s/%s`", kind->name, kind->group, kind->versions[0]);
    if (kind->short_name)
        put(p, ", `kubectl get %s`", kind->short_name);
    put(p, "\n\n%s\n\n", kind->schema->doc ? kind->schema->doc : "");
    for (const struct schema_rule *r = kind->schema->rules; r && r->rule; r++)
        put(p, "* %s\n\n", r->message);
    for (const struct schema_field *f = kind->schema->fields; f->name; f++)
        if (is_shown(f) && object_of(f))
            put_object(p, object_of(f), f->name);
}

/* ---- forms ---- */

static void put_forms_of(struct page *p, const struct schema *schema,
                         const struct schema_format **seen, size_t *count)
{
    if (!see(p, schema))
        return;
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        const struct schema_field *leaf = f;
        for (bool known = false;; known = false, leaf = leaf->element) {
            for (size_t i = 0; i < *count; i++)
                known |= seen[i] == leaf->format;
            if (leaf->format && !known && *count < OBJECTS_MAX) {
                seen[(*count)++] = leaf->format;
                put(p, "| %s | ", leaf->format->name);
                put_cell(p, leaf->format->must_be);
                put(p, " |\n");
            }
            if (leaf->type != SCHEMA_LIST && leaf->type != SCHEMA_MAP)
                break;
        }
        if (is_shown(f) && object_of(f))
            put_forms_of(p, object_of(f), seen, count);
    }
}

static void put_forms(struct page *p)
{
    const struct schema_format *seen[OBJECTS_MAX];
    size_t count = 0;
    p->count = 0;
    put(p, "## Forms\n\n| form | |\n|---|---|\n");
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (!kind_all[i]->schema->is_open)
            put_forms_of(p, kind_all[i]->schema, seen, &count);
    put(p, "| duration | must be like \"250ms\", \"5s\" or \"1m30s\": whole numbers of h, m, s, ms "
           "|\n");
}

/* ---- the page ---- */

static bool is_of_others(const struct kind *kind)
{
    return !kind_is_own(kind) && !kind->schema->is_open;
}

/* Links to the kinds' headings; an anchor is the name in lower case. */
static void put_contents(struct page *p, const char *title, bool (*is_in)(const struct kind *))
{
    const char *between = "";
    put(p, "%s: ", title);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const char *name = kind_all[i]->name;
        if (!is_in(kind_all[i]))
            continue;
        put(p, "%s[%s](#", between, name);
        for (const char *at = name; *at; at++)
            put(p, "%c", tolower((unsigned char)*at));
        put(p, ")");
        between = ", ";
    }
    put(p, ".\n\n");
}

static void put_kinds(struct page *p, bool (*is_in)(const struct kind *))
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (is_in(kind_all[i]))
            put_kind(p, kind_all[i]);
}

void reference_write(struct buf *to)
{
    struct page page = {.out = to};
    put(&page, "# Fields of every kind\n\n`weftctl reference` prints this page. [Kinds of "
               "configuration](policies.md) says what the kinds are for, and "
               "`policies/examples` has an example of each.\n\n");
    put_contents(&page, "Kinds of Weft", kind_is_own);
    put_contents(&page, "Kinds of Kubernetes, as far as Weft reads them", is_of_others);
    put_kinds(&page, kind_is_own);
    put_kinds(&page, is_of_others);
    put_forms(&page);
}
