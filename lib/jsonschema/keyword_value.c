/* Keywords that ask something of a value itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "lib/base/utf8.h"
#include "lib/jsonschema/json_schema_priv.h"
#include "lib/jsonschema/schema_text_format.h"

#define COMPILE(stem)                                                                     \
    enum err keyword_##stem##_compile(struct json_schema_set *set, struct json_schema *s, \
                                      struct schema_rule *r)
#define CHECK(stem)                                                                       \
    bool keyword_##stem##_check(struct json_schema_run *run, const struct json_schema *s, \
                                const struct schema_rule *r, const struct json_value *v,  \
                                struct schema_seen *seen)

static const char *name_of(const struct schema_rule *r)
{
    return r->keyword->name;
}

/* ---- type ---- */

enum { INTEGER = 1 << 8, NULLABLE = 1 << JSON_VALUE_NULL };

static const struct {
    const char *name;
    unsigned bits;
} types[] = {
    {"null", 1 << JSON_VALUE_NULL},
    {"boolean", 1 << JSON_VALUE_BOOL},
    {"integer", INTEGER},
    {"number", 1 << JSON_VALUE_NUMBER},
    {"string", 1 << JSON_VALUE_STRING},
    {"array", 1 << JSON_VALUE_ARRAY},
    {"object", 1 << JSON_VALUE_OBJECT},
};

static enum err add_type(struct json_schema_set *set, const struct json_value *v,
                         struct schema_rule *r)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        bool is_new = set->dialect == JSON_SCHEMA_2020_12 || types[i].bits != NULLABLE;
        if (is_new && slice_eq_cstr(json_value_string(v), types[i].name)) {
            r->types |= types[i].bits;
            return ERR_OK;
        }
    }
    return schema_refuse(set, v, "must be null, boolean, integer, number, string, array or object");
}

COMPILE(type)
{
    bool is_list = r->value->type == JSON_VALUE_ARRAY && set->dialect == JSON_SCHEMA_2020_12;
    enum err err = is_list ? ERR_OK : add_type(set, r->value, r);
    for (const struct json_value *t = is_list ? r->value->first : NULL; t && !err; t = t->next)
        err = add_type(set, t, r);
    bool is_3_0 = set->dialect == JSON_SCHEMA_OPENAPI_3_0;
    if (is_3_0 && json_value_is_true(json_value_member(s->at, "nullable")))
        r->types |= NULLABLE;
    return err;
}

static const char *type_names(unsigned bits, char *to, size_t size)
{
    size_t len = 0;
    to[0] = '\0';
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (bits & types[i].bits && len < size)
            len += (size_t)snprintf(to + len, size - len, "%s%s", len ? " or " : "", types[i].name);
    return to;
}

CHECK(type)
{
    char names[96];
    (void)seen;
    if (r->types & 1u << v->type)
        return true;
    if (r->types & INTEGER && v->type == JSON_VALUE_NUMBER && json_number_is_integer(&v->number))
        return true;
    return schema_fail(run, s, "type", v, "must be of type %s, but is %s",
                       type_names(r->types, names, sizeof names), json_value_type_name(v->type));
}

/* ---- enum, const ---- */

COMPILE(enum)
{
    (void)s;
    if (r->value->type != JSON_VALUE_ARRAY)
        return schema_refuse(set, r->value, "must be an array");
    return ERR_OK;
}

CHECK(enum)
{
    (void)seen;
    if (!schema_step(run, 1 + r->value->count / 16))
        return false;
    for (JSON_VALUE_EACH(r->value, one))
        if (json_value_equal(one, v))
            return true;
    return schema_fail(run, s, "enum", v, "is none of the allowed values");
}

COMPILE(const)
{
    (void)set;
    (void)s;
    (void)r;
    return ERR_OK;
}

CHECK(const)
{
    (void)seen;
    return json_value_equal(r->value, v) ||
           schema_fail(run, s, "const", v, "is not the one allowed value");
}

/* ---- numbers ---- */

/* Of OpenAPI 3.0 exclusiveMinimum says what kind of limit minimum is. */
static bool is_exclusive(struct json_schema_set *set, const struct json_schema *s, bool is_min,
                         bool is_named_so)
{
    const char *word = is_min ? "exclusiveMinimum" : "exclusiveMaximum";
    return set->dialect == JSON_SCHEMA_OPENAPI_3_0
               ? json_value_is_true(json_value_member(s->at, word))
               : is_named_so;
}

COMPILE(limit)
{
    struct slice name = slice_from_cstr(name_of(r));
    bool is_min = slice_ends_with(name, SLICE("inimum"));
    bool is_named_so = slice_starts_with(name, SLICE("exclusive"));
    if (is_named_so && set->dialect == JSON_SCHEMA_OPENAPI_3_0) {
        r->keyword = NULL;
        return r->value->type == JSON_VALUE_BOOL
                   ? ERR_OK
                   : schema_refuse(set, r->value, "must be true or false in OpenAPI 3.0");
    }
    if (r->value->type != JSON_VALUE_NUMBER)
        return schema_refuse(set, r->value, "must be a number");
    r->flag = is_exclusive(set, s, is_min, is_named_so);
    r->number = is_min;
    return ERR_OK;
}

CHECK(limit)
{
    (void)seen;
    if (v->type != JSON_VALUE_NUMBER)
        return true;
    int order = json_number_compare(&v->number, &r->value->number);
    order = r->number ? -order : order;
    if (order < 0 || (!order && !r->flag))
        return true;
    return schema_fail(run, s, name_of(r), v, "is too %s", r->number ? "small" : "large");
}

COMPILE(multiple_of)
{
    (void)s;
    if (r->value->type == JSON_VALUE_NUMBER && json_number_is_divisor(&r->value->number))
        return ERR_OK;
    return schema_refuse(set, r->value, "must be a number above 0 of at most %u digits",
                         JSON_NUMBER_DIVISOR_DIGITS);
}

CHECK(multiple_of)
{
    (void)seen;
    return v->type != JSON_VALUE_NUMBER || json_number_is_multiple(&v->number, &r->value->number) ||
           schema_fail(run, s, "multipleOf", v, "is not a multiple of what it must be");
}

/* ---- lengths ---- */

COMPILE(length)
{
    struct slice name = slice_from_cstr(name_of(r));
    (void)s;
    r->flag = slice_starts_with(name, SLICE("min"));
    r->types = 1u << (slice_ends_with(name, SLICE("Length"))  ? JSON_VALUE_STRING
                      : slice_ends_with(name, SLICE("Items")) ? JSON_VALUE_ARRAY
                                                              : JSON_VALUE_OBJECT);
    if (r->value->type != JSON_VALUE_NUMBER || !json_number_to_u64(&r->value->number, &r->number))
        return schema_refuse(set, r->value, "must be an integer of at least 0");
    return ERR_OK;
}

static size_t characters(struct slice s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.len; i++)
        count += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
    return count;
}

CHECK(length)
{
    (void)seen;
    if (!(r->types & 1u << v->type))
        return true;
    bool is_text = v->type == JSON_VALUE_STRING;
    size_t length = is_text ? characters(v->string) : v->count;
    if (r->flag ? length >= r->number : length <= r->number)
        return true;
    const char *what = is_text ? "characters" : v->type == JSON_VALUE_ARRAY ? "items" : "members";
    return schema_fail(run, s, name_of(r), v, "has %zu %s, but must have at %s %" PRIu64, length,
                       what, r->flag ? "least" : "most", r->number);
}

/* ---- strings ---- */

COMPILE(pattern)
{
    (void)s;
    if (r->value->type != JSON_VALUE_STRING)
        return schema_refuse(set, r->value, "must be a string");
    return schema_regex(set, r->value, r->value->string, &r->regex);
}

CHECK(pattern)
{
    (void)seen;
    return v->type != JSON_VALUE_STRING || schema_text_matches(run, r->regex, v->string) ||
           schema_fail(run, s, "pattern", v, "does not match the pattern");
}

static void set_range(struct schema_rule *r, uint64_t high)
{
    r->high = high;
    r->types = INTEGER;
}

COMPILE(format)
{
    struct slice name = json_value_string(r->value);
    (void)s;
    if (r->value->type != JSON_VALUE_STRING)
        return schema_refuse(set, r->value, "must be a string");
    if (slice_eq_cstr(name, "int32"))
        set_range(r, INT32_MAX);
    else if (slice_eq_cstr(name, "int64"))
        set_range(r, INT64_MAX);
    r->flag = schema_text_format_find(name) != NULL;
    if (!set->checks_formats || (!r->flag && !r->types))
        r->keyword = NULL;
    return ERR_OK;
}

static bool is_in_range(const struct json_number *n, uint64_t high)
{
    struct json_number positive = *n;
    uint64_t value;
    positive.negative = false;
    return json_number_is_integer(n) && json_number_to_u64(&positive, &value) &&
           value <= high + n->negative;
}

CHECK(format)
{
    (void)seen;
    bool good = true;
    if (r->types && v->type == JSON_VALUE_NUMBER)
        good = is_in_range(&v->number, r->high);
    if (r->flag && v->type == JSON_VALUE_STRING)
        good = schema_text_format_find(r->value->string)(v->string);
    return good || schema_fail(run, s, "format", v, "is not of the format %.*s",
                               SLICE_ARG(r->value->string));
}

/* ---- items ---- */

COMPILE(unique_items)
{
    (void)s;
    if (r->value->type != JSON_VALUE_BOOL)
        return schema_refuse(set, r->value, "must be true or false");
    if (!r->value->boolean)
        r->keyword = NULL;
    return ERR_OK;
}

CHECK(unique_items)
{
    (void)seen;
    (void)r;
    if (v->type != JSON_VALUE_ARRAY || v->count < 2)
        return true;
    if (!schema_step(run, v->count))
        return false;
    size_t size = 4;
    while (size < 2 * (size_t)v->count)
        size *= 2;
    const struct json_value **table = arena_zalloc(run->arena, size * sizeof(*table));
    for (JSON_VALUE_EACH(v, item)) {
        size_t at = json_value_hash(item) & (size - 1);
        for (; table[at]; at = (at + 1) & (size - 1))
            if (json_value_equal(table[at], item))
                return schema_fail(run, s, "uniqueItems", v, "has an item twice");
        table[at] = item;
    }
    return true;
}

/* ---- members ---- */

static enum err check_names(struct json_schema_set *set, const struct json_value *list)
{
    if (list->type != JSON_VALUE_ARRAY)
        return schema_refuse(set, list, "must be an array of names");
    for (JSON_VALUE_EACH(list, name))
        if (name->type != JSON_VALUE_STRING)
            return schema_refuse(set, name, "must be a string");
    return ERR_OK;
}

COMPILE(required)
{
    (void)s;
    return check_names(set, r->value);
}

/* A read-only member is required of responses only, and a write-only one of requests. */
static bool is_excused(const struct json_schema_run *run, const struct json_schema *s,
                       struct slice name)
{
    if (run->side == JSON_SCHEMA_ANY)
        return false;
    const struct json_schema *member = json_schema_child(s, name);
    for (int i = 0; member && i < 8; i++) {
        if (run->side == JSON_SCHEMA_REQUEST ? member->read_only : member->write_only)
            return true;
        bool is_ref = member->rule_count && slice_eq_cstr(member->rules[0].value->key, "$ref");
        member = is_ref ? member->rules[0].schema : NULL;
    }
    return false;
}

CHECK(required)
{
    bool good = true;
    (void)seen;
    if (v->type != JSON_VALUE_OBJECT)
        return true;
    for (JSON_VALUE_EACH(r->value, name))
        if (!json_value_get(v, name->string) && !is_excused(run, s, name->string)) {
            good = schema_fail(run, s, "required", v, "lacks the required member \"%.*s\"",
                               SLICE_ARG(name->string));
            if (!run->all)
                return false;
        }
    return good;
}

COMPILE(dependent_required)
{
    (void)s;
    if (r->value->type != JSON_VALUE_OBJECT)
        return schema_refuse(set, r->value, "must be an object");
    for (JSON_VALUE_EACH(r->value, names)) {
        enum err err = check_names(set, names);
        if (err)
            return err;
    }
    return ERR_OK;
}

CHECK(dependent_required)
{
    (void)seen;
    if (v->type != JSON_VALUE_OBJECT)
        return true;
    for (JSON_VALUE_EACH(r->value, names)) {
        if (!json_value_get(v, names->key))
            continue;
        for (JSON_VALUE_EACH(names, name))
            if (!json_value_get(v, name->string))
                return schema_fail(run, s, "dependentRequired", v,
                                   "lacks the member \"%.*s\", which \"%.*s\" requires",
                                   SLICE_ARG(name->string), SLICE_ARG(names->key));
    }
    return true;
}
