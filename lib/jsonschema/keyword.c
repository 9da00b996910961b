/* The table of keywords, in the order in which they are checked.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/jsonschema/json_schema_priv.h"

#define WAY(stem) .compile = keyword_##stem##_compile, .check = keyword_##stem##_check

/* name, where its value has schemas, dialects; then what else is true of it. */
#define ROW(name_, shape_, dialects_) .name = name_, .shape = shape_, .dialects = dialects_
#define VALIDATION(stem) .is_validation = true, WAY(stem)

const struct keyword keyword_all[] = {
    {ROW("type", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(type)},
    {ROW("enum", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(enum)},
    {ROW("const", SHAPE_NONE, KEYWORD_2020_12), VALIDATION(const)},
    {ROW("minimum", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(limit)},
    {ROW("maximum", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(limit)},
    {ROW("exclusiveMinimum", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(limit)},
    {ROW("exclusiveMaximum", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(limit)},
    {ROW("multipleOf", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(multiple_of)},
    {ROW("minLength", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(length)},
    {ROW("maxLength", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(length)},
    {ROW("minItems", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(length)},
    {ROW("maxItems", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(length)},
    {ROW("minProperties", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(length)},
    {ROW("maxProperties", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(length)},
    {ROW("pattern", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(pattern)},
    {ROW("required", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(required)},
    {ROW("dependentRequired", SHAPE_NONE, KEYWORD_2020_12), VALIDATION(dependent_required)},
    {ROW("uniqueItems", SHAPE_NONE, KEYWORD_BOTH), VALIDATION(unique_items)},
    {ROW("format", SHAPE_NONE, KEYWORD_BOTH), WAY(format)},
    {ROW("$ref", SHAPE_NONE, KEYWORD_BOTH), .is_in_place = true, WAY(ref)},
    {ROW("$dynamicRef", SHAPE_NONE, KEYWORD_2020_12), .is_in_place = true, WAY(dynamic_ref)},
    {ROW("properties", SHAPE_MAP, KEYWORD_BOTH), WAY(properties)},
    {ROW("patternProperties", SHAPE_MAP, KEYWORD_2020_12), WAY(pattern_properties)},
    {ROW("additionalProperties", SHAPE_SCHEMA, KEYWORD_BOTH), WAY(additional_properties)},
    {ROW("propertyNames", SHAPE_SCHEMA, KEYWORD_2020_12), WAY(property_names)},
    {ROW("prefixItems", SHAPE_LIST, KEYWORD_2020_12), WAY(prefix_items)},
    {ROW("items", SHAPE_SCHEMA, KEYWORD_BOTH), WAY(items)},
    {ROW("contains", SHAPE_SCHEMA, KEYWORD_2020_12), WAY(contains)},
    {ROW("allOf", SHAPE_LIST, KEYWORD_BOTH), .is_in_place = true, WAY(all_of)},
    {ROW("anyOf", SHAPE_LIST, KEYWORD_BOTH), .is_in_place = true, WAY(any_of)},
    {ROW("oneOf", SHAPE_LIST, KEYWORD_BOTH), .is_in_place = true, WAY(one_of)},
    {ROW("not", SHAPE_SCHEMA, KEYWORD_BOTH), .is_in_place = true, WAY(not)},
    {ROW("if", SHAPE_SCHEMA, KEYWORD_2020_12), .is_in_place = true, WAY(if)},
    {ROW("then", SHAPE_SCHEMA, KEYWORD_2020_12)},
    {ROW("else", SHAPE_SCHEMA, KEYWORD_2020_12)},
    {ROW("dependentSchemas", SHAPE_MAP, KEYWORD_2020_12), .is_in_place = true,
     WAY(dependent_schemas)},
    {ROW("unevaluatedItems", SHAPE_SCHEMA, KEYWORD_2020_12), .is_late = true,
     WAY(unevaluated_items)},
    {ROW("unevaluatedProperties", SHAPE_SCHEMA, KEYWORD_2020_12), .is_late = true,
     WAY(unevaluated_properties)},
    {ROW("contentSchema", SHAPE_SCHEMA, KEYWORD_2020_12)},
    {ROW("$defs", SHAPE_MAP, KEYWORD_2020_12)},
    {0},
};

const struct keyword *keyword_find(struct slice name, enum json_schema_dialect dialect)
{
    for (const struct keyword *k = keyword_all; k->name; k++)
        if (slice_eq_cstr(name, k->name))
            return k->dialects >> dialect & 1 ? k : NULL;
    return NULL;
}
