/* Compiling: from a schema's members to its rules, one after the other, without recursion: those
 * that one refers to wait in a queue.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/json_schema.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/jsonschema/json_schema_priv.h"

struct json_schema_set *
json_schema_set_create(struct arena *arena, enum json_schema_dialect dialect, bool checks_formats)
{
    struct json_schema_set *set = arena_zalloc(arena, sizeof(*set));
    set->arena = arena;
    set->dialect = dialect;
    set->checks_formats = checks_formats;
    return set;
}

void json_schema_set_destroy(struct json_schema_set *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->regex_count; i++)
        regex_destroy(set->regexes[i]);
    mem_free(set->regexes);
    mem_free(set->all);
    set->regexes = NULL;
    set->all = NULL;
    set->regex_count = 0;
}

enum err schema_refuse(struct json_schema_set *set, const struct json_value *at, const char *format,
                       ...)
{
    struct slice where = json_value_pointer(at, set->arena);
    struct doc_error *e = set->error;
    va_list args;
    va_start(args, format);
    e->line = at->line;
    int len = snprintf(e->text, sizeof e->text, "%.*s: ", (int)(where.len < 200 ? where.len : 200),
                       where.ptr ? where.ptr : "");
    if (!where.len)
        len = 0;
    vsnprintf(e->text + len, sizeof e->text - (size_t)len, format, args);
    va_end(args);
    return ERR_INVALID;
}

enum err schema_of(struct json_schema_set *set, const struct json_value *at,
                   const struct json_schema **out)
{
    struct schema_place *place = schema_place_find(set, at);
    *out = place ? place->compiled : NULL;
    if (*out)
        return ERR_OK;
    if (!place)
        return schema_refuse(set, at, "is no place for a schema");
    if (set->count >= JSON_SCHEMA_COUNT_MAX)
        return schema_refuse(set, at, "there are more than %u schemas", JSON_SCHEMA_COUNT_MAX);
    if (set->count == set->capacity) {
        set->capacity = set->capacity ? 2 * set->capacity : 64;
        set->all = mem_realloc(set->all, set->capacity * sizeof(struct json_schema *));
    }
    struct json_schema *s = arena_zalloc(set->arena, sizeof(*s));
    s->at = at;
    s->resource = place->resource;
    s->path = place->path;
    set->all[set->count++] = s;
    if (set->last_waiting)
        set->last_waiting->queued = s;
    else
        set->first_waiting = s;
    set->last_waiting = s;
    *out = place->compiled = s;
    return ERR_OK;
}

enum err schema_regex(struct json_schema_set *set, const struct json_value *at,
                      struct slice pattern, const struct regex **out)
{
    struct regex_fault fault;
    struct regex *made;
    if (regex_create_ecma(pattern, &made, &fault))
        return schema_refuse(set, at, "is no regular expression: %s", fault.text);
    if (set->regex_count == set->regex_capacity) {
        set->regex_capacity = set->regex_capacity ? 2 * set->regex_capacity : 16;
        set->regexes = mem_realloc(set->regexes, set->regex_capacity * sizeof(struct regex *));
    }
    set->regexes[set->regex_count++] = made;
    *out = made;
    return ERR_OK;
}

/* Does the keyword count in this schema? */
static bool counts(const struct json_schema_set *set, const struct json_schema *s,
                   const struct keyword *k)
{
    if (!k->compile || !(k->dialects >> set->dialect & 1))
        return false;
    if (k->is_validation && s->resource->ignores_validation)
        return false;
    bool is_ref = slice_eq_cstr(slice_from_cstr(k->name), "$ref");
    return set->dialect == JSON_SCHEMA_2020_12 || is_ref || !json_value_member(s->at, "$ref");
}

static enum err add_rules(struct json_schema_set *set, struct json_schema *s, bool late)
{
    for (const struct keyword *k = keyword_all; k->name; k++) {
        const struct json_value *value = json_value_member(s->at, k->name);
        if (!value || k->is_late != late || !counts(set, s, k))
            continue;
        struct schema_rule *r = &s->rules[s->rule_count];
        *r = (struct schema_rule){.keyword = k, .value = value};
        enum err err = k->compile(set, s, r);
        if (err)
            return err;
        s->rule_count += r->keyword != NULL; /* NULL: it asks for nothing */
        s->wants_seen |= late;
    }
    return ERR_OK;
}

static enum err compile_one(struct json_schema_set *set, struct json_schema *s)
{
    if (s->at->type == JSON_VALUE_BOOL && set->dialect == JSON_SCHEMA_2020_12) {
        s->never = !s->at->boolean;
        return ERR_OK;
    }
    /* additionalProperties of OpenAPI 3.0. */
    if (s->at->type == JSON_VALUE_BOOL && slice_eq_cstr(s->at->key, "additionalProperties")) {
        s->never = !s->at->boolean;
        return ERR_OK;
    }
    if (s->at->type != JSON_VALUE_OBJECT)
        return schema_refuse(set, s->at, "a schema must be an object%s, not %s",
                             set->dialect == JSON_SCHEMA_2020_12 ? " or a boolean" : "",
                             json_value_type_name(s->at->type));
    s->read_only = json_value_is_true(json_value_member(s->at, "readOnly"));
    s->write_only = json_value_is_true(json_value_member(s->at, "writeOnly"));
    s->rules = arena_zalloc(set->arena, s->at->count * sizeof(*s->rules));
    enum err err = add_rules(set, s, false);
    return err ? err : add_rules(set, s, true);
}

static enum err compile_waiting(struct json_schema_set *set)
{
    while (set->first_waiting) {
        struct json_schema *s = set->first_waiting;
        set->first_waiting = s->queued;
        if (!set->first_waiting)
            set->last_waiting = NULL;
        enum err err = compile_one(set, s);
        if (err)
            return err;
    }
    return ERR_OK;
}

/* Anybody may be looked for from now on by $dynamicRef. */
static enum err compile_anchors(struct json_schema_set *set)
{
    for (struct schema_resource *r = set->resources; r; r = r->next)
        for (struct schema_anchor *a = r->anchors; a; a = a->next) {
            enum err err = a->is_dynamic ? schema_of(set, a->at, &a->schema) : ERR_OK;
            if (err)
                return err;
        }
    return compile_waiting(set);
}

/* The resource that a place is in that nobody has indexed: that of the nearest place around it. */
static struct schema_resource *resource_around(struct json_schema_set *set,
                                               const struct json_value *at)
{
    for (; at; at = at->parent) {
        struct schema_place *place = schema_place_find(set, at);
        if (place)
            return place->resource;
    }
    return NULL;
}

enum err json_schema_compile(struct json_schema_set *set, const struct json_value *at,
                             const struct json_schema **out, struct doc_error *error)
{
    set->error = error;
    *error = (struct doc_error){0};
    *out = NULL;
    struct schema_resource *around = resource_around(set, at);
    if (!around)
        return schema_refuse(set, at, "is in no document that is known");
    enum err err = schema_place_index(set, at, around, json_value_pointer(at, set->arena));
    err = err ? err : schema_of(set, at, out);
    return err ? err : compile_waiting(set);
}

enum err json_schema_link(struct json_schema_set *set, struct doc_error *error)
{
    set->error = error;
    *error = (struct doc_error){0};
    enum err err = set->dialect == JSON_SCHEMA_2020_12 ? compile_anchors(set) : ERR_OK;
    return err ? err : schema_find_loops(set);
}

/* ---- what a schema says of plain values ---- */

static const struct schema_rule *rule_of(const struct json_schema *s, const char *keyword)
{
    for (size_t i = 0; s && i < s->rule_count; i++)
        if (slice_eq_cstr(slice_from_cstr(s->rules[i].keyword->name), keyword))
            return &s->rules[i];
    return NULL;
}

enum { ALL_TYPES = 0x3f, LOOKS_MAX = 256 };

static unsigned types_of_list(const struct schema_rule *r, bool is_union)
{
    unsigned types = is_union ? 0 : ALL_TYPES;
    for (size_t i = 0; i < r->count; i++) {
        unsigned one = r->schemas[i]->types;
        types = is_union ? types | one : types & one;
    }
    return types;
}

unsigned schema_types_of(const struct json_schema *s)
{
    const struct schema_rule *r;
    unsigned types = ALL_TYPES;
    if ((r = rule_of(s, "type")))
        types &= r->types > ALL_TYPES ? r->types | 1u << JSON_VALUE_NUMBER : r->types;
    if ((r = rule_of(s, "$ref")))
        types &= r->schema->types;
    if ((r = rule_of(s, "allOf")))
        types &= types_of_list(r, false);
    if ((r = rule_of(s, "anyOf")))
        types &= types_of_list(r, true);
    if ((r = rule_of(s, "oneOf")))
        types &= types_of_list(r, true);
    return types;
}

unsigned json_schema_types(const struct json_schema *s)
{
    return s->types;
}

static const struct json_schema *named_member(const struct schema_rule *r, struct slice key)
{
    for (size_t i = 0; r && i < r->count; i++)
        if (slice_eq(r->named[i].name, key))
            return r->named[i].schema;
    return NULL;
}

/* looks: how many schemas may still be looked at. */
static const struct json_schema *child_within(const struct json_schema *s, struct slice key,
                                              bool named_only, unsigned *looks)
{
    const struct schema_rule *r;
    const struct json_schema *found = NULL;
    if (!*looks)
        return NULL;
    --*looks;
    if (key.len)
        found = named_member(rule_of(s, "properties"), key);
    else if ((r = rule_of(s, "items")))
        found = r->schema;
    if (!found && key.len && !named_only && (r = rule_of(s, "additionalProperties")))
        found = r->schema;
    if (!found && (r = rule_of(s, "$ref")))
        found = child_within(r->schema, key, named_only, looks);
    r = rule_of(s, "allOf");
    for (size_t i = 0; r && !found && i < r->count; i++)
        found = child_within(r->schemas[i], key, named_only, looks);
    return found;
}

const struct json_schema *json_schema_child(const struct json_schema *s, struct slice key)
{
    unsigned looks = LOOKS_MAX;
    return child_within(s, key, false, &looks);
}

bool json_schema_names(const struct json_schema *s, struct slice key)
{
    unsigned looks = LOOKS_MAX;
    return key.len && child_within(s, key, true, &looks);
}
