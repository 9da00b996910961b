/* What the files of this room share: schemas as they are compiled, and the table of keywords.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/map.h"
#include "lib/codec/text/regex.h"
#include "lib/jsonschema/json_schema.h"

struct keyword;

/* A name within a resource ($anchor, $dynamicAnchor). */
struct schema_anchor {
    struct slice name;
    const struct json_value *at;
    const struct json_schema *schema; /* of a dynamic one, once linked */
    bool is_dynamic;
    struct schema_anchor *next;
};

/* A document, or a part of one that has an $id. */
struct schema_resource {
    struct slice uri;
    const struct json_value *root;
    struct slice path; /* of the root, in its document */
    struct schema_anchor *anchors;
    struct schema_resource *same; /* the same under the $id of its root; NULL: this is it */
    struct schema_resource *next;
    bool ignores_validation; /* its $schema has no vocabulary for it */
};

/* A place where a schema stands, or may. */
struct schema_place {
    const struct json_value *at;
    struct schema_resource *resource;
    struct slice path; /* JSON pointer, in its document */
    struct json_schema *compiled;
};

struct schema_named {
    struct slice name;
    const struct json_schema *schema;
    const struct regex *regex; /* instead of the name */
};

/* A keyword of one schema, compiled. */
struct schema_rule {
    const struct keyword *keyword;
    const struct json_value *value; /* as it stands */
    const struct json_schema *schema, *other, *third;
    const struct json_schema *const *schemas;
    const struct schema_named *named;
    size_t count;
    uint64_t number, high;
    unsigned types;
    bool flag;
    const struct regex *regex;
    struct slice name;
};

struct json_schema {
    const struct json_value *at;
    struct schema_resource *resource;
    struct slice path;
    struct schema_rule *rules;
    size_t rule_count;
    const struct schema_named *patterns; /* of patternProperties */
    size_t pattern_count;
    bool never;      /* false */
    bool wants_seen; /* it has unevaluatedItems or unevaluatedProperties */
    bool read_only, write_only;
    uint8_t color;  /* while loops are looked for */
    unsigned types; /* json_schema_types; once linked */
    struct json_schema *queued;
};

struct json_schema_set {
    struct arena *arena;
    enum json_schema_dialect dialect;
    bool checks_formats;
    struct schema_resource *resources;
    struct schema_place **places; /* by the address of their value */
    size_t place_count, place_mask;
    struct json_schema *first_waiting, *last_waiting; /* to be compiled */
    struct json_schema **all;
    size_t count, capacity;
    struct regex **regexes;
    size_t regex_count, regex_capacity;
    struct doc_error *error;
};

/* Which members or items of a value some keyword has looked at. */
struct schema_seen {
    uint64_t *bits;
};

struct json_schema_scope {
    const struct json_schema_scope *parent;
    const struct schema_resource *resource;
};

enum keyword_shape { SHAPE_NONE, SHAPE_SCHEMA, SHAPE_LIST, SHAPE_MAP };
enum {
    KEYWORD_2020_12 = 1 << JSON_SCHEMA_2020_12,
    KEYWORD_3_0 = 1 << JSON_SCHEMA_OPENAPI_3_0,
    KEYWORD_BOTH = KEYWORD_2020_12 | KEYWORD_3_0
};

struct keyword {
    const char *name;
    enum keyword_shape shape; /* where in its value schemas are */
    unsigned dialects;        /* that have it */
    bool is_validation;       /* of the vocabulary of that name */
    bool is_late;             /* looks at what the others have seen */
    bool is_in_place;         /* its schemas are for the same value */
    /* NULL: it means nothing by itself. `s` is the schema that it stands in. */
    enum err (*compile)(struct json_schema_set *set, struct json_schema *s, struct schema_rule *r);
    bool (*check)(struct json_schema_run *run, const struct json_schema *s,
                  const struct schema_rule *r, const struct json_value *v,
                  struct schema_seen *seen);
};

extern const struct keyword keyword_all[];
const struct keyword *keyword_find(struct slice name, enum json_schema_dialect dialect);

/* ---- json_schema_documents.c: what there is, and where it is ---- */

struct schema_place *schema_place_find(const struct json_schema_set *set,
                                       const struct json_value *at);
/* Everything below a schema; once. */
enum err schema_place_index(struct json_schema_set *set, const struct json_value *at,
                            struct schema_resource *resource, struct slice path);
/* Where a reference in `from` leads to. *anchor: the resource's own, when it is one. */
enum err schema_reference_find(struct json_schema_set *set, const struct json_schema *from,
                               struct slice reference, const struct json_value *origin,
                               struct schema_place **out, struct schema_anchor **anchor);

/* ---- json_schema.c ---- */

/* ERR_INVALID; at: where. */
enum err schema_refuse(struct json_schema_set *set, const struct json_value *at, const char *format,
                       ...) __attribute__((format(printf, 3, 4)));
/* The one that will be compiled of the schema there. */
enum err schema_of(struct json_schema_set *set, const struct json_value *at,
                   const struct json_schema **out);
enum err schema_regex(struct json_schema_set *set, const struct json_value *at,
                      struct slice pattern, const struct regex **out);

/* Of one whose schemas for the same value have theirs. */
unsigned schema_types_of(const struct json_schema *s);

/* ---- json_schema_check.c ---- */

/* Of a value inside; of the same value, whose evaluated parts count when it conforms. */
bool schema_check(struct json_schema_run *run, const struct json_schema *s,
                  const struct json_value *v);
bool schema_check_in_place(struct json_schema_run *run, const struct json_schema *s,
                           const struct json_value *v, struct schema_seen *seen);
/* The same without a word. */
bool schema_is_met(struct json_schema_run *run, const struct json_schema *s,
                   const struct json_value *v, struct schema_seen *seen);
/* False, always. */
bool schema_fail(struct json_schema_run *run, const struct json_schema *s, const char *keyword,
                 const struct json_value *v, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Counts work; false: it was too much. */
bool schema_step(struct json_schema_run *run, uint32_t steps);
bool schema_text_matches(struct json_schema_run *run, const struct regex *regex, struct slice text);

static inline void schema_seen_add(struct schema_seen *seen, size_t at)
{
    if (seen)
        seen->bits[at / 64] |= UINT64_C(1) << (at % 64);
}

static inline bool schema_seen_has(const struct schema_seen *seen, size_t at)
{
    return seen->bits[at / 64] >> (at % 64) & 1;
}

/* ---- json_schema_loops.c ---- */

enum err schema_find_loops(struct json_schema_set *set);

/* ---- the rows of the table: keyword_*.c ---- */

#define KEYWORD(name_)                                                                     \
    enum err keyword_##name_##_compile(struct json_schema_set *set, struct json_schema *s, \
                                       struct schema_rule *r);                             \
    bool keyword_##name_##_check(struct json_schema_run *run, const struct json_schema *s, \
                                 const struct schema_rule *r, const struct json_value *v,  \
                                 struct schema_seen *seen);
#include "lib/jsonschema/keyword.def"
#undef KEYWORD
