/* One scalar of a document into one field of a struct: type, bounds, form; and the field's
 * default. Control thread. Must not know any particular kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema.h"

#include <stdio.h>

#include "lib/base/similar.h"
#include "lib/base/quantity.h"

/* A short view of what was given, for messages. */
static int shown(struct slice text)
{
    return text.len > 64 ? 64 : (int)text.len;
}

static void expect(struct schema_run *run, const struct doc *node, const char *what)
{
    bool quote = strcmp(what, "a string") == 0 &&
                 (node->type == DOC_INT || node->type == DOC_FLOAT || node->type == DOC_BOOL);
    const char *name = doc_type_name(node->type);
    schema_error(run, node, NULL, "must be %s, not %s%s", what, name, quote ? ": quote it" : "");
}

bool schema_value_check_string(struct schema_run *run, const struct schema_field *field,
                               const struct doc *node, struct slice text)
{
    bool is_map = field->type == SCHEMA_MAP;
    size_t max = !is_map && field->max ? (size_t)field->max : SCHEMA_STRING_DEFAULT;
    const char *whose = is_map ? "the key " : "";
    if (text.len > max)
        schema_error(run, node, NULL, "%sis %zu bytes long, at most %zu are allowed", whose,
                     text.len, max);
    else if (!is_map && text.len < (size_t)field->min)
        schema_error(run, node, NULL, text.len ? "is too short" : "must not be empty");
    else if (field->format && !field->format->is_valid(text))
        schema_error(run, node, NULL, "%s\"%.*s\" %s", whose, shown(text), text.ptr,
                     field->format->must_be);
    else
        return true;
    return false;
}

static void parse_string(struct schema_run *run, const struct schema_field *field,
                         const struct doc *node, struct slice *out)
{
    if (node->type != DOC_STRING)
        expect(run, node, "a string");
    else if (schema_value_check_string(run, field, node, node->string))
        *out = arena_copy(run->arena, node->string);
}

static void parse_int(struct schema_run *run, const struct schema_field *field,
                      const struct doc *node, int64_t *out)
{
    int64_t value = 0;
    uint64_t digits;
    if (node->type == DOC_INT)
        value = node->integer;
    else if (node->type == DOC_STRING && (field->flags & SCHEMA_DIGITS) &&
             !slice_to_u64(node->string, &digits) && digits <= INT64_MAX)
        value = (int64_t)digits;
    else {
        expect(run, node, "an integer");
        return;
    }
    if ((field->min || field->max) && (value < field->min || value > field->max))
        schema_error(run, node, NULL, "is %lld, must be from %lld to %lld", (long long)value,
                     (long long)field->min, (long long)field->max);
    else
        *out = value;
}

/* One to four pairs of up to five digits and a unit (the Gateway API's form, GEP-2257). */
static bool is_duration(struct slice text)
{
    unsigned pairs = 0;
    size_t at = 0;
    while (at < text.len) {
        size_t from = at;
        while (at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9')
            at++;
        if (at == from || at - from > 5)
            return false;
        struct slice rest = slice_sub(text, at, text.len);
        if (slice_starts_with(rest, SLICE("ms")))
            at += 2;
        else if (rest.len && strchr("hms", rest.ptr[0]))
            at++;
        else
            return false;
        if (++pairs > 4)
            return false;
    }
    return pairs > 0;
}

static void parse_duration(struct schema_run *run, const struct doc *node, int64_t *out)
{
    uint64_t ms;
    if (node->type != DOC_STRING)
        schema_error(run, node, NULL, "must be a duration with its unit, like \"5s\", not %s",
                     doc_type_name(node->type));
    else if (!is_duration(node->string) || slice_to_duration_ms(node->string, &ms))
        schema_error(run, node, NULL,
                     "\"%.*s\" must be a duration like \"250ms\", \"5s\" or \"1m30s\" "
                     "(units h, m, s, ms; whole numbers)",
                     shown(node->string), node->string.ptr);
    else if (ms > SCHEMA_DURATION_MAX_MS)
        schema_error(run, node, NULL, "is too long, at most 1000h are allowed");
    else
        *out = (int64_t)ms;
}

static void parse_quantity(struct schema_run *run, const struct doc *node, int64_t *out)
{
    if (node->type == DOC_INT && node->integer >= 0 && node->integer <= INT64_MAX / 1000)
        *out = node->integer * 1000;
    else if (node->type != DOC_STRING || quantity_parse(node->string, out))
        schema_error(run, node, NULL, "must be a quantity like \"100m\", \"2\" or \"1.5Gi\"");
}

static void parse_enum(struct schema_run *run, const struct schema_field *field,
                       const struct doc *node, int *out)
{
    char known[400] = "";
    size_t used = 0;
    if (node->type != DOC_STRING) {
        expect(run, node, "a string");
        return;
    }
    struct similar near = similar_to(node->string);
    for (int i = 0; field->choices[i]; i++) {
        struct slice choice = slice_from_cstr(field->choices[i]);
        bool same = field->flags & SCHEMA_NOCASE ? slice_eq_nocase(node->string, choice)
                                                 : slice_eq(node->string, choice);
        if (same) {
            *out = i;
            return;
        }
        if (field->max && i >= field->max)
            continue;
        similar_try(&near, choice);
        if (used < sizeof known)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     field->choices[i]);
    }
    schema_error(run, node, NULL, "\"%.*s\" is none of: %s%s%.*s%s", shown(node->string),
                 node->string.ptr, known, near.best.len ? "; did you mean \"" : "",
                 SLICE_ARG(near.best), near.best.len ? "\"?" : "");
}

static bool is_port_name(struct slice text)
{
    bool letter = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool lower = c >= 'a' && c <= 'z';
        if (!lower && !(c >= '0' && c <= '9') && c != '-')
            return false;
        letter |= lower;
    }
    return letter && text.len <= 63;
}

static void parse_port(struct schema_run *run, const struct doc *node, struct schema_port *out)
{
    if (node->type == DOC_STRING && is_port_name(node->string))
        out->name = arena_copy(run->arena, node->string);
    else if (node->type == DOC_INT && node->integer >= 1 && node->integer <= 65535)
        out->number = (uint16_t)node->integer;
    else
        schema_error(run, node, NULL, "must be a port from 1 to 65535, or the name of one");
}

void schema_value_parse(struct schema_run *run, const struct schema_field *field,
                        const struct doc *node, void *out)
{
    schema_value_default(field, out);
    switch (field->type) {
    case SCHEMA_STRING:
        parse_string(run, field, node, out);
        break;
    case SCHEMA_INT:
        parse_int(run, field, node, out);
        break;
    case SCHEMA_BOOL:
        if (node->type == DOC_BOOL)
            *(bool *)out = node->boolean;
        else
            expect(run, node, "true or false");
        break;
    case SCHEMA_DURATION:
        parse_duration(run, node, out);
        break;
    case SCHEMA_QUANTITY:
        parse_quantity(run, node, out);
        break;
    case SCHEMA_ENUM:
        parse_enum(run, field, node, out);
        break;
    case SCHEMA_PORT:
        parse_port(run, node, out);
        break;
    default:
        break;
    }
}

void schema_value_default(const struct schema_field *field, void *out)
{
    bool inherits = field->flags & SCHEMA_INHERIT;
    int64_t fallback = inherits ? SCHEMA_UNSET : field->fallback;
    switch (field->type) {
    case SCHEMA_STRING:
        *(struct slice *)out = slice_from_cstr(inherits ? NULL : field->text);
        break;
    case SCHEMA_INT:
    case SCHEMA_DURATION:
    case SCHEMA_QUANTITY:
        *(int64_t *)out = fallback;
        break;
    case SCHEMA_BOOL:
        *(bool *)out = field->fallback != 0;
        break;
    case SCHEMA_ENUM:
        *(int *)out = (int)fallback;
        break;
    case SCHEMA_PORT:
        *(struct schema_port *)out = (struct schema_port){0};
        break;
    default:
        break; /* lists, maps and pointers are zero already */
    }
}
