/* Keywords that apply schemas: to the same value, or to its members and items.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "lib/jsonschema/json_schema_priv.h"

/* ---- compiling ---- */

static enum err compile_schema(struct json_schema_set *set, struct schema_rule *r)
{
    return schema_of(set, r->value, &r->schema);
}

static enum err compile_list(struct json_schema_set *set, struct schema_rule *r)
{
    size_t at = 0;
    if (r->value->type != JSON_VALUE_ARRAY || !r->value->count)
        return schema_refuse(set, r->value, "must be an array of at least one schema");
    const struct json_schema **all = arena_alloc(set->arena, r->value->count * sizeof(*all));
    for (JSON_VALUE_EACH(r->value, item)) {
        enum err err = schema_of(set, item, &all[at++]);
        if (err)
            return err;
    }
    r->schemas = all;
    r->count = at;
    return ERR_OK;
}

static int compare_names(const void *a, const void *b)
{
    return slice_compare(((const struct schema_named *)a)->name,
                         ((const struct schema_named *)b)->name);
}

static enum err compile_map(struct json_schema_set *set, struct schema_rule *r)
{
    size_t at = 0;
    if (r->value->type != JSON_VALUE_OBJECT)
        return schema_refuse(set, r->value, "must be an object of schemas");
    struct schema_named *all = arena_zalloc(set->arena, r->value->count * sizeof(*all));
    for (JSON_VALUE_EACH(r->value, member)) {
        all[at].name = member->key;
        enum err err = schema_of(set, member, &all[at++].schema);
        if (err)
            return err;
    }
    qsort(all, at, sizeof *all, compare_names);
    r->named = all;
    r->count = at;
    return ERR_OK;
}

#define COMPILED_AS(stem, how)                                                            \
    enum err keyword_##stem##_compile(struct json_schema_set *set, struct json_schema *s, \
                                      struct schema_rule *r)                              \
    {                                                                                     \
        (void)s;                                                                          \
        return how(set, r);                                                               \
    }

#define CHECK(stem)                                                                       \
    bool keyword_##stem##_check(struct json_schema_run *run, const struct json_schema *s, \
                                const struct schema_rule *r, const struct json_value *v,  \
                                struct schema_seen *seen)

COMPILED_AS(all_of, compile_list)
COMPILED_AS(any_of, compile_list)
COMPILED_AS(one_of, compile_list)
COMPILED_AS(not, compile_schema)
COMPILED_AS(dependent_schemas, compile_map)
COMPILED_AS(properties, compile_map)
COMPILED_AS(additional_properties, compile_schema)
COMPILED_AS(property_names, compile_schema)
COMPILED_AS(prefix_items, compile_list)

/* ---- references ---- */

static enum err find_reference(struct json_schema_set *set, struct json_schema *s,
                               struct schema_rule *r, struct schema_anchor **anchor)
{
    struct schema_place *place;
    if (r->value->type != JSON_VALUE_STRING)
        return schema_refuse(set, r->value, "must be a string");
    enum err err = schema_reference_find(set, s, r->value->string, r->value, &place, anchor);
    return err ? err : schema_of(set, place->at, &r->schema);
}

enum err keyword_ref_compile(struct json_schema_set *set, struct json_schema *s,
                             struct schema_rule *r)
{
    struct schema_anchor *anchor;
    return find_reference(set, s, r, &anchor);
}

CHECK(ref)
{
    (void)s;
    return schema_check_in_place(run, r->schema, v, seen);
}

enum err keyword_dynamic_ref_compile(struct json_schema_set *set, struct json_schema *s,
                                     struct schema_rule *r)
{
    struct schema_anchor *anchor;
    enum err err = find_reference(set, s, r, &anchor);
    if (!err && anchor && anchor->is_dynamic)
        r->name = anchor->name;
    return err;
}

static const struct json_schema *dynamic_anchor(const struct schema_resource *resource,
                                                struct slice name)
{
    for (const struct schema_anchor *a = resource->anchors; a; a = a->next)
        if (a->is_dynamic && slice_eq(a->name, name))
            return a->schema;
    return NULL;
}

/* The outermost that has the anchor. */
CHECK(dynamic_ref)
{
    const struct json_schema *to = r->schema;
    (void)s;
    for (const struct json_schema_scope *at = run->scope; r->name.len && at; at = at->parent) {
        const struct json_schema *found = dynamic_anchor(at->resource, r->name);
        to = found ? found : to;
        if (!schema_step(run, 1))
            return false;
    }
    return schema_check_in_place(run, to, v, seen);
}

/* ---- of the same value ---- */

CHECK(all_of)
{
    bool good = true;
    (void)s;
    for (size_t i = 0; i < r->count && (good || run->all); i++)
        good &= schema_check_in_place(run, r->schemas[i], v, seen);
    return good;
}

CHECK(any_of)
{
    bool good = false;
    for (size_t i = 0; i < r->count && (!good || seen); i++)
        good |= schema_is_met(run, r->schemas[i], v, seen);
    return good || schema_fail(run, s, "anyOf", v, "conforms to none of %zu schemas", r->count);
}

CHECK(one_of)
{
    size_t met = 0;
    for (size_t i = 0; i < r->count && met < 2; i++)
        met += schema_is_met(run, r->schemas[i], v, seen);
    if (met == 1)
        return true;
    return schema_fail(run, s, "oneOf", v,
                       met ? "conforms to more than one of %zu schemas"
                           : "conforms to none of %zu schemas",
                       r->count);
}

CHECK(not)
{
    (void)seen;
    return !schema_is_met(run, r->schema, v, NULL) ||
           schema_fail(run, s, "not", v, "conforms to a schema that it must not conform to");
}

enum err keyword_if_compile(struct json_schema_set *set, struct json_schema *s,
                            struct schema_rule *r)
{
    const struct json_value *then = json_value_member(s->at, "then");
    const struct json_value *otherwise = json_value_member(s->at, "else");
    enum err err = compile_schema(set, r);
    err = err || !then ? err : schema_of(set, then, &r->other);
    return err || !otherwise ? err : schema_of(set, otherwise, &r->third);
}

CHECK(if)
{
    (void)s;
    const struct json_schema *next = schema_is_met(run, r->schema, v, seen) ? r->other : r->third;
    return !next || schema_check_in_place(run, next, v, seen);
}

CHECK(dependent_schemas)
{
    bool good = true;
    (void)s;
    for (size_t i = 0; i < r->count && (good || run->all); i++)
        if (json_value_get(v, r->named[i].name))
            good &= schema_check_in_place(run, r->named[i].schema, v, seen);
    return good;
}

/* ---- of members ---- */

static bool is_hidden(const struct json_schema_run *run, const struct json_schema *s)
{
    return (run->side == JSON_SCHEMA_REQUEST && s->read_only) ||
           (run->side == JSON_SCHEMA_RESPONSE && s->write_only);
}

static bool check_member(struct json_schema_run *run, const struct json_schema *s,
                         const struct json_value *v)
{
    const struct json_schema *to = s;
    if (s->rule_count && s->rules[0].schema && slice_eq_cstr(s->rules[0].value->key, "$ref"))
        to = s->rules[0].schema;
    if (is_hidden(run, s) || is_hidden(run, to))
        return schema_fail(run, s, "", v, "is %s",
                           run->side == JSON_SCHEMA_REQUEST
                               ? "read-only: requests must not have it"
                               : "write-only: responses must not have it");
    return schema_check(run, s, v);
}

static const struct schema_named *named_find(const struct schema_rule *r, struct slice key)
{
    struct schema_named wanted = {.name = key};
    return r->count ? bsearch(&wanted, r->named, r->count, sizeof wanted, compare_names) : NULL;
}

CHECK(properties)
{
    size_t at = 0;
    bool good = true;
    (void)s;
    if (v->type != JSON_VALUE_OBJECT || !schema_step(run, v->count))
        return v->type != JSON_VALUE_OBJECT;
    for (JSON_VALUE_EACH(v, member)) {
        const struct schema_named *n = named_find(r, member->key);
        if (n && !check_member(run, n->schema, member))
            good = false;
        if (n)
            schema_seen_add(seen, at);
        if (!good && !run->all)
            return false;
        at++;
    }
    return good;
}

enum err keyword_pattern_properties_compile(struct json_schema_set *set, struct json_schema *s,
                                            struct schema_rule *r)
{
    enum err err = compile_map(set, r);
    struct schema_named *all =
        arena_zalloc(set->arena, r->count * sizeof(*all)); /* with expressions */
    for (size_t i = 0; !err && i < r->count; i++) {
        all[i] = r->named[i];
        err = schema_regex(set, json_value_get(r->value, all[i].name), all[i].name, &all[i].regex);
    }
    r->named = s->patterns = all;
    s->pattern_count = r->count;
    return err;
}

CHECK(pattern_properties)
{
    size_t at = 0;
    bool good = true;
    (void)s;
    if (v->type != JSON_VALUE_OBJECT)
        return true;
    for (JSON_VALUE_EACH(v, member)) {
        for (size_t i = 0; i < r->count; i++)
            if (schema_text_matches(run, r->named[i].regex, member->key)) {
                good &= check_member(run, r->named[i].schema, member);
                schema_seen_add(seen, at);
            }
        if (!good && !run->all)
            return false;
        at++;
    }
    return good;
}

static bool has_pattern(struct json_schema_run *run, const struct json_schema *s, struct slice key)
{
    for (size_t i = 0; i < s->pattern_count; i++)
        if (schema_text_matches(run, s->patterns[i].regex, key))
            return true;
    return false;
}

CHECK(additional_properties)
{
    const struct json_value *named = json_value_member(s->at, "properties");
    size_t at = 0;
    bool good = true;
    if (v->type != JSON_VALUE_OBJECT || !schema_step(run, v->count))
        return v->type != JSON_VALUE_OBJECT;
    for (JSON_VALUE_EACH(v, member)) {
        if (!json_value_get(named, member->key) && !has_pattern(run, s, member->key)) {
            good &= schema_check(run, r->schema, member);
            schema_seen_add(seen, at);
        }
        if (!good && !run->all)
            return false;
        at++;
    }
    return good;
}

CHECK(property_names)
{
    (void)seen;
    if (v->type != JSON_VALUE_OBJECT)
        return true;
    for (JSON_VALUE_EACH(v, member)) {
        struct json_value name = {
            .type = JSON_VALUE_STRING, .parent = v, .key = member->key, .string = member->key};
        if (!schema_is_met(run, r->schema, &name, NULL))
            return schema_fail(run, s, "propertyNames", member, "has a name that is not allowed");
    }
    return true;
}

/* ---- of items ---- */

CHECK(prefix_items)
{
    size_t at = 0;
    bool good = true;
    (void)s;
    if (v->type != JSON_VALUE_ARRAY)
        return true;
    for (const struct json_value *item = v->first; item && at < r->count; item = item->next) {
        good &= schema_check(run, r->schemas[at], item);
        schema_seen_add(seen, at++);
    }
    return good;
}

enum err keyword_items_compile(struct json_schema_set *set, struct json_schema *s,
                               struct schema_rule *r)
{
    const struct json_value *prefix = json_value_member(s->at, "prefixItems");
    bool counts = prefix && set->dialect == JSON_SCHEMA_2020_12;
    r->number = counts && prefix->type == JSON_VALUE_ARRAY ? prefix->count : 0;
    if (r->value->type == JSON_VALUE_ARRAY)
        return schema_refuse(set, r->value, "must be a schema; lists are called prefixItems");
    return compile_schema(set, r);
}

CHECK(items)
{
    size_t at = 0;
    bool good = true;
    (void)s;
    if (v->type != JSON_VALUE_ARRAY)
        return true;
    for (const struct json_value *item = v->first; item && (good || run->all); item = item->next) {
        if (at >= r->number) {
            good &= schema_check(run, r->schema, item);
            schema_seen_add(seen, at);
        }
        at++;
    }
    return good;
}

static enum err bound(struct json_schema_set *set, struct json_schema *s, const char *name,
                      uint64_t *out)
{
    const struct json_value *value = json_value_member(s->at, name);
    if (!value || s->resource->ignores_validation)
        return ERR_OK;
    if (value->type != JSON_VALUE_NUMBER || !json_number_to_u64(&value->number, out))
        return schema_refuse(set, value, "must be an integer of at least 0");
    return ERR_OK;
}

enum err keyword_contains_compile(struct json_schema_set *set, struct json_schema *s,
                                  struct schema_rule *r)
{
    r->number = 1;
    r->high = UINT64_MAX;
    enum err err = compile_schema(set, r);
    err = err ? err : bound(set, s, "minContains", &r->number);
    return err ? err : bound(set, s, "maxContains", &r->high);
}

CHECK(contains)
{
    size_t at = 0;
    uint64_t met = 0;
    if (v->type != JSON_VALUE_ARRAY)
        return true;
    for (JSON_VALUE_EACH(v, item)) {
        if (schema_is_met(run, r->schema, item, NULL)) {
            met++;
            schema_seen_add(seen, at);
        }
        at++;
    }
    if (met < r->number)
        return schema_fail(run, s, "contains", v, "has too few items of a kind");
    return met <= r->high || schema_fail(run, s, "contains", v, "has too many items of a kind");
}
