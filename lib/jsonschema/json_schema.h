/* JSON Schema 2020-12, whole, and the dialect of OpenAPI 3.0: schemas are compiled once, where
 * whatever can be wrong with them is found, and values are checked then without the heap, within
 * bounds of steps and depth.
 *
 * Documents live in the arena of their set, and so does what is compiled of them, which is
 * immutable: any thread may check with it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/json_value.h"

#define JSON_SCHEMA_STEPS_MAX 2000000u /* schemas and items that one check looks at */
#define JSON_SCHEMA_DEPTH_MAX 600u     /* schemas inside each other, in one check */
#define JSON_SCHEMA_COUNT_MAX 65536u   /* schemas of one set */
#define JSON_SCHEMA_ERRORS_MAX 32u     /* that one check writes down */

enum json_schema_dialect { JSON_SCHEMA_2020_12, JSON_SCHEMA_OPENAPI_3_0 };

struct json_schema;
struct json_schema_set;

/* checks_formats: `format` is an assertion; else it says nothing. */
struct json_schema_set *
json_schema_set_create(struct arena *arena, enum json_schema_dialect dialect, bool checks_formats);
/* Frees what is not in the arena. NULL is allowed. */
void json_schema_set_destroy(struct json_schema_set *set);
/* A document that references may lead to; uri: absolute, or empty. is_schema: its root is one. */
MUST_USE enum err json_schema_set_add(struct json_schema_set *set, struct slice uri,
                                      const struct json_value *root, bool is_schema,
                                      struct doc_error *error);
/* The schema at that place of one of the documents. ERR_INVALID or ERR_LIMIT: *error says what is
 * wrong with it, or with one that it refers to, and where. */
MUST_USE enum err json_schema_compile(struct json_schema_set *set, const struct json_value *at,
                                      const struct json_schema **out, struct doc_error *error);
/* Once all are compiled: refuses references that go round in circles. Before that, nothing may be
 * checked. */
MUST_USE enum err json_schema_link(struct json_schema_set *set, struct doc_error *error);

/* What a plain value in a URL or a header may be taken for: bits of 1 << enum json_value_type. */
unsigned json_schema_types(const struct json_schema *s);
/* Of an object's member, or an array's item (key empty); NULL: nothing is said of it. */
const struct json_schema *json_schema_child(const struct json_schema *s, struct slice key);
/* Has it a member of that name among its `properties`? */
bool json_schema_names(const struct json_schema *s, struct slice key);

/* Whom the value is for: readOnly members are not for requests, nor writeOnly ones for responses
 * (OpenAPI). */
enum json_schema_side { JSON_SCHEMA_ANY, JSON_SCHEMA_REQUEST, JSON_SCHEMA_RESPONSE };

struct json_schema_error {
    struct slice instance; /* JSON pointer into the value */
    struct slice schema;   /* JSON pointer into the schema's document, with its URI before '#' */
    struct slice text;     /* "must be an integer, but is a string"; nothing of the value */
};

struct json_schema_scope;

/* One check; zeroed but for the first three. */
struct json_schema_run {
    struct arena *arena;
    enum json_schema_side side;
    bool all; /* go on behind the first error */

    struct json_schema_error errors[JSON_SCHEMA_ERRORS_MAX];
    unsigned error_count;
    bool is_exhausted; /* it was given up: too much work, or a pattern that is too much */
    /* Its own. */
    unsigned quiet, depth;
    uint32_t steps;
    const struct json_schema_scope *scope;
};

/* False: it does not conform, or that could not be found out; errors[0] says why. */
bool json_schema_check(struct json_schema_run *run, const struct json_schema *s,
                       const struct json_value *v);
