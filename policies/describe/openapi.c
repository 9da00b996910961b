/* The walk along a schema table that describes instead of parsing. Unknown fields are left to the
 * checker (x-kubernetes-preserve-unknown-fields): dropped silently, a misspelled condition would
 * make a policy wider than it was meant. Pure; any thread. Must not know any particular kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/describe/openapi.h"

#include <stdio.h>

#define DURATION_PATTERN "^([0-9]{1,5}(h|m|s|ms)){1,4}$"
enum { DURATION_MAX_LEN = 28, ANY_OF_MAX = 253 };

static void put_text(struct arena *a, struct doc *to, const char *key, const char *text)
{
    if (text && *text)
        doc_make_put_string(a, to, key, slice_from_cstr(text));
}

static void put_type(struct arena *a, struct doc *to, const char *type)
{
    put_text(a, to, "type", type);
}

static struct doc *make_object(struct arena *a, const struct schema *schema);
static struct doc *make_field(struct arena *a, const struct schema_field *field);

/* ---- scalars ---- */

/* A default that the API server filled in would hide what the wider object says. */
static bool has_default(const struct schema_field *field)
{
    return !(field->flags & SCHEMA_INHERIT);
}

static void describe_string(struct arena *a, const struct schema_field *field, struct doc *to)
{
    put_type(a, to, "string");
    if (field->min)
        doc_make_put_int(a, to, "minLength", field->min);
    doc_make_put_int(a, to, "maxLength", field->max ? field->max : SCHEMA_STRING_DEFAULT);
    put_text(a, to, "pattern", field->format ? field->format->pattern : NULL);
    if (has_default(field))
        put_text(a, to, "default", field->text);
}

/* A number, or the same in quotes. */
static void describe_int(struct arena *a, const struct schema_field *field, struct doc *to)
{
    if (field->flags & SCHEMA_DIGITS) {
        doc_make_put_bool(a, to, "x-kubernetes-int-or-string", true);
        put_text(a, to, "pattern", "^[0-9]+$");
    } else {
        put_type(a, to, "integer");
        put_text(a, to, "format", "int64");
    }
    if (field->min || field->max) {
        doc_make_put_int(a, to, "minimum", field->min);
        doc_make_put_int(a, to, "maximum", field->max);
    }
    if (has_default(field) && field->fallback > 0)
        doc_make_put_int(a, to, "default", field->fallback);
}

static void describe_enum(struct arena *a, const struct schema_field *field, struct doc *to)
{
    put_type(a, to, "string");
    struct doc *choices = doc_make_put_array(a, to, "enum");
    for (size_t i = 0; field->choices[i]; i++)
        doc_make_push(a, choices, doc_make_string(a, slice_from_cstr(field->choices[i])));
    if (has_default(field) && field->fallback >= 0 && !(field->flags & SCHEMA_REQUIRED))
        put_text(a, to, "default", field->choices[field->fallback]);
}

static void describe_duration(struct arena *a, const struct schema_field *field, struct doc *to)
{
    char text[32];
    put_type(a, to, "string");
    doc_make_put_int(a, to, "maxLength", DURATION_MAX_LEN);
    put_text(a, to, "pattern", DURATION_PATTERN);
    if (!has_default(field) || field->fallback <= 0)
        return;
    bool is_whole = field->fallback % 1000 == 0; /* five digits are all that the pattern has */
    snprintf(text, sizeof text, "%lld%s",
             (long long)(is_whole ? field->fallback / 1000 : field->fallback),
             is_whole ? "s" : "ms");
    put_text(a, to, "default", text);
}

static void describe_either(struct arena *a, struct doc *to)
{
    doc_make_put_bool(a, to, "x-kubernetes-int-or-string", true);
    doc_make_put_int(a, to, "maxLength", ANY_OF_MAX);
}

/* ---- lists and objects ---- */

static void describe_list(struct arena *a, const struct schema_field *field, struct doc *to)
{
    put_type(a, to, "array");
    if (field->min)
        doc_make_put_int(a, to, "minItems", field->min);
    doc_make_put_int(a, to, "maxItems", field->max ? field->max : SCHEMA_ITEMS_DEFAULT);
    put_text(a, to, "x-kubernetes-list-type", "atomic");
    doc_make_put(a, to, SLICE("items"), make_field(a, field->element));
}

static void describe_map(struct arena *a, const struct schema_field *field, struct doc *to)
{
    put_type(a, to, "object");
    if (field->min)
        doc_make_put_int(a, to, "minProperties", field->min);
    doc_make_put_int(a, to, "maxProperties", field->max ? field->max : SCHEMA_ITEMS_DEFAULT);
    doc_make_put(a, to, SLICE("additionalProperties"), make_field(a, field->element));
}

static void put_rules(struct arena *a, const struct schema *schema, struct doc *to)
{
    if (!schema->rules)
        return;
    struct doc *list = doc_make_put_array(a, to, "x-kubernetes-validations");
    for (const struct schema_rule *r = schema->rules; r->rule; r++) {
        struct doc *rule = doc_make_object(a);
        put_text(a, rule, "rule", r->rule);
        put_text(a, rule, "message", r->message);
        doc_make_push(a, list, rule);
    }
}

static void put_required(struct arena *a, const struct schema *schema, struct doc *to)
{
    struct doc *required = NULL;
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        if (!(f->flags & SCHEMA_REQUIRED) || strcmp(f->name, "metadata") == 0)
            continue;
        if (!required)
            required = doc_make_put_array(a, to, "required");
        doc_make_push(a, required, doc_make_string(a, slice_from_cstr(f->name)));
    }
}

static void put_fields(struct arena *a, const struct schema *schema, struct doc *to)
{
    struct doc *properties = NULL;
    for (const struct schema_field *f = schema->fields; f->name; f++) {
        if (f->type == SCHEMA_REFUSED || f->flags & SCHEMA_WIRE)
            continue; /* unknown to Kubernetes; the checker says why */
        if (!properties)
            properties = doc_make_put_object(a, to, "properties");
        doc_make_put(a, properties, slice_from_cstr(f->name), make_field(a, f));
    }
}

static struct doc *make_object(struct arena *a, const struct schema *schema)
{
    struct doc *to = doc_make_object(a);
    put_type(a, to, "object");
    put_text(a, to, "description", schema->doc);
    put_required(a, schema, to);
    doc_make_put_bool(a, to, "x-kubernetes-preserve-unknown-fields", true);
    put_rules(a, schema, to);
    put_fields(a, schema, to);
    return to;
}

/* What a wider object may say, the API server must not fill in: the default stands in words. */
static void put_description(struct arena *a, const struct schema_field *f, struct doc *to)
{
    struct slice text = slice_from_cstr(f->doc);
    bool is_whole = f->fallback % 1000 == 0;
    long long value = f->fallback;
    if (has_default(f) || !f->doc)
        ;
    else if (f->type == SCHEMA_INT && value > 0)
        text = arena_printf(a, "%s Default: %lld.", f->doc, value);
    else if (f->type == SCHEMA_DURATION && value > 0)
        text = arena_printf(a, "%s Default: %lld%s.", f->doc, is_whole ? value / 1000 : value,
                            is_whole ? "s" : "ms");
    else if (f->type == SCHEMA_ENUM && value >= 0)
        text = arena_printf(a, "%s Default: %s.", f->doc, f->choices[value]);
    if (text.ptr)
        doc_make_put_string(a, to, "description", text);
}

static struct doc *make_field(struct arena *a, const struct schema_field *field)
{
    bool is_object = field->type == SCHEMA_OBJECT || field->type == SCHEMA_INLINE;
    struct doc *to = is_object ? make_object(a, field->object) : doc_make_object(a);
    put_description(a, field, to);
    switch (field->type) {
    case SCHEMA_STRING:
        describe_string(a, field, to);
        break;
    case SCHEMA_INT:
        describe_int(a, field, to);
        break;
    case SCHEMA_BOOL:
        put_type(a, to, "boolean");
        break;
    case SCHEMA_DURATION:
        describe_duration(a, field, to);
        break;
    case SCHEMA_ENUM:
        describe_enum(a, field, to);
        break;
    case SCHEMA_QUANTITY:
    case SCHEMA_PORT:
        describe_either(a, to);
        break;
    case SCHEMA_LIST:
        describe_list(a, field, to);
        break;
    case SCHEMA_MAP:
        describe_map(a, field, to);
        break;
    case SCHEMA_ANY:
        doc_make_put_bool(a, to, "x-kubernetes-preserve-unknown-fields", true);
        break;
    case SCHEMA_OBJECT:
    case SCHEMA_INLINE:
    case SCHEMA_REFUSED:
        break;
    }
    return to;
}

/* ---- what all kinds have ---- */

static void put_plain(struct arena *a, struct doc *properties, const char *name, const char *type,
                      const char *what)
{
    struct doc *to = doc_make_put_object(a, properties, name);
    put_type(a, to, type);
    put_text(a, to, "description", what);
}

static struct doc *make_condition(struct arena *a)
{
    static const char *const texts[] = {"type", "status", "reason", "message"};
    struct doc *to = doc_make_object(a);
    put_type(a, to, "object");
    struct doc *required = doc_make_put_array(a, to, "required");
    struct doc *properties = doc_make_put_object(a, to, "properties");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct doc *text = doc_make_put_object(a, properties, texts[i]);
        put_type(a, text, "string");
        doc_make_put_int(a, text, "maxLength", 32768);
        doc_make_push(a, required, doc_make_string(a, slice_from_cstr(texts[i])));
    }
    struct doc *time = doc_make_put_object(a, properties, "lastTransitionTime");
    put_type(a, time, "string");
    put_text(a, time, "format", "date-time");
    struct doc *generation = doc_make_put_object(a, properties, "observedGeneration");
    put_type(a, generation, "integer");
    put_text(a, generation, "format", "int64");
    return to;
}

static void put_status(struct arena *a, struct doc *properties)
{
    struct doc *status = doc_make_put_object(a, properties, "status");
    put_type(a, status, "object");
    put_text(a, status, "description", "What became of it; written by the mesh.");
    doc_make_put_bool(a, status, "x-kubernetes-preserve-unknown-fields", true);
    struct doc *list =
        doc_make_put_object(a, doc_make_put_object(a, status, "properties"), "conditions");
    put_type(a, list, "array");
    put_text(a, list, "description", "Whether it is in force, and why not.");
    doc_make_put_int(a, list, "maxItems", 16);
    put_text(a, list, "x-kubernetes-list-type", "map");
    struct doc *keys = doc_make_put_array(a, list, "x-kubernetes-list-map-keys");
    doc_make_push(a, keys, doc_make_string(a, SLICE("type")));
    doc_make_put(a, list, SLICE("items"), make_condition(a));
}

const struct doc *openapi_make_kind(struct arena *arena, const struct kind *kind)
{
    struct doc *to = make_object(arena, kind->schema);
    doc_make_remove(to, SLICE("x-kubernetes-preserve-unknown-fields"));
    doc_make_remove(to, SLICE("properties"));
    struct doc *properties = doc_make_put_object(arena, to, "properties");
    put_plain(arena, properties, "apiVersion", "string", "Group and version of the kind.");
    put_plain(arena, properties, "kind", "string", "The kind of object.");
    put_type(arena, doc_make_put_object(arena, properties, "metadata"), "object");
    for (const struct schema_field *f = kind->schema->fields; f->name; f++)
        if (f->type != SCHEMA_ANY && strcmp(f->name, "metadata") != 0)
            doc_make_put(arena, properties, slice_from_cstr(f->name), make_field(arena, f));
    put_status(arena, properties);
    return to;
}
