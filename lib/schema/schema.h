/* Schema tables: what the fields of a kind are called, what they may hold, what they mean, and
 * where in a C struct they go. One table parses, checks, fills in defaults and describes itself,
 * so that the four never disagree. Control thread. Must not know any particular kind.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/codec/doc/doc.h"
#include "lib/schema/diag.h"

/* What a field is in the document -> what it is in the struct. */
enum schema_type {
    SCHEMA_STRING,   /* struct slice; ptr is NULL when absent and without a default */
    SCHEMA_INT,      /* int64_t */
    SCHEMA_BOOL,     /* bool */
    SCHEMA_DURATION, /* int64_t, milliseconds: "1m30s", "250ms", "0s" */
    SCHEMA_QUANTITY, /* int64_t, thousandths: "100m", "1Gi", 2 */
    SCHEMA_ENUM,     /* int: index into choices */
    SCHEMA_PORT,     /* struct schema_port: a number, or the name of a port */
    SCHEMA_OBJECT,   /* pointer to the object's struct; NULL when absent */
    SCHEMA_INLINE,   /* the object's struct itself, with its defaults when absent */
    SCHEMA_LIST,     /* struct schema_list of what `element` says */
    SCHEMA_MAP, /* struct schema_list of struct schema_pair, or of structs that begin with their key
                 */
    SCHEMA_ANY, /* allowed, not looked at */
    SCHEMA_REFUSED, /* part of the kind, but not supported yet: an error that says so */
};

enum schema_flag {
    SCHEMA_REQUIRED = 1,
    SCHEMA_NOCASE = 2,  /* ENUM: any case */
    SCHEMA_DIGITS = 4,  /* INT: may be written as a string of digits */
    SCHEMA_NULL_OK = 8, /* an explicit null is as good as absence */
    /* Left out, a wider object speaks, and `fallback` holds where none does: the value is
     * SCHEMA_UNSET (a STRING without ptr, a LIST that is not present) until schema_layer_settle. */
    SCHEMA_INHERIT = 16,
    SCHEMA_WIRE = 32, /* unknown to users: read and written between our own programs only */
};

#define SCHEMA_UNSET (-1) /* fallback of numbers and enums for which 0 is a value */
#define SCHEMA_DURATION_MAX_MS (1000 * INT64_C(3600000))

/* A named form of a string. */
struct schema_format {
    const char *name;    /* "hostname" */
    const char *must_be; /* "must be a host name in lower case, like \"shop.example.com\"" */
    const char
        *pattern; /* the same as a regular expression, for other people's validators; may be NULL */
    bool (*is_valid)(struct slice text);
};

struct schema_port {
    struct slice name; /* empty: the number counts */
    uint16_t number;   /* 0 and no name: absent */
};

struct schema_pair {
    struct slice key, value;
};

struct schema_list {
    void *items;
    size_t count;
    bool present; /* also when empty */
};

struct schema;

struct schema_field {
    const char *name; /* NULL ends a table */
    const char *doc;
    enum schema_type type;
    unsigned flags;
    const char *const *formerly; /* older names, still read, NULL-terminated; may be NULL */
    size_t offset;
    int64_t min, max; /* INT: the value (both 0: any); STRING: bytes; LIST and MAP: items (max 0:
                         the default); ENUM: max of the choices are worth offering (0: all) */
    int64_t fallback; /* INT, BOOL, DURATION, ENUM when absent */
    const char *text; /* STRING when absent */
    const char *const *choices;         /* ENUM: names, NULL-terminated */
    const struct schema_format *format; /* STRING, and the keys of a MAP */
    const struct schema *object;        /* OBJECT, INLINE */
    const struct schema_field *element; /* LIST and MAP; its offset is not used */
};

struct schema_run;

/* A part of what check() says, in the language (CEL) in which Kubernetes asks the same. */
struct schema_rule {
    const char *rule;    /* true: as it must be; NULL ends a list */
    const char *message; /* for people */
};

struct schema {
    const char *name; /* of the object, for documentation: "HTTPRouteMatch" */
    const char *doc;
    size_t size; /* of the struct */
    const struct schema_field *fields;
    bool is_open;  /* unknown fields are not ours to judge, and null is absence */
    bool has_line; /* the struct has an unsigned at line_offset for the line it began on */
    size_t line_offset;
    /* What a table cannot say; run after the fields, also when some of them were wrong. May be
     * NULL. */
    void (*check)(struct schema_run *run, const struct doc *node, void *value);
    const struct schema_rule *rules; /* may be NULL */
};

#define SCHEMA_PATH_MAX 1024

/* One parse of one object. */
struct schema_run {
    struct arena *arena; /* where the result lives; strings are copied */
    struct diag_list *diags;
    struct slice file, object; /* for diags */
    bool is_wire;              /* the text is one that schema_write wrote */
    unsigned errors;
    char path[SCHEMA_PATH_MAX];
    size_t path_len;
};

#define SCHEMA_ITEMS_DEFAULT 1024
#define SCHEMA_STRING_DEFAULT 4096

/* Fills *out (schema->size bytes), collecting every problem; run->errors counts them. node may be
 * NULL: defaults. */
void schema_parse(struct schema_run *run, const struct schema *schema, const struct doc *node,
                  void *out);
/* The member of an object that is the field's, under its name or a former one; NULL: there is none.
 * *key is what it is called there. */
const struct doc *schema_member(const struct schema_field *field, const struct doc *node,
                                struct slice *key);
/* Is that the field's name, or a former one? */
bool schema_is_named(const struct schema_field *field, struct slice name);
/* For checks: something is wrong at `sub` ("path.value", "rules[1]"; NULL: the object itself) below
 * node. */
void schema_error(struct schema_run *run, const struct doc *node, const char *sub,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
void schema_warn(struct schema_run *run, const struct doc *node, const char *sub,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same, with the number of what it is. */
void schema_warn_of(struct schema_run *run, const struct doc *node, const char *sub,
                    unsigned finding, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* What one item of a LIST or MAP takes up in its schema_list. */
size_t schema_item_size(const struct schema_field *list);
/* Shared with schema_value.c: one scalar, already known to be there. The path is set. */
void schema_value_parse(struct schema_run *run, const struct schema_field *field,
                        const struct doc *node, void *out);
/* The field's default. */
void schema_value_default(const struct schema_field *field, void *out);
bool schema_value_check_string(struct schema_run *run, const struct schema_field *field,
                               const struct doc *node, struct slice text);

/* One row of a table: SCHEMA_FIELD(struct x, member, "name", STRING, "What it means.", .max = 253)
 */
#define SCHEMA_FIELD(struct_, member_, name_, type_, doc_, ...)                                   \
    {                                                                                             \
        .name = name_, .doc = doc_, .type = SCHEMA_##type_, .offset = offsetof(struct_, member_), \
        __VA_ARGS__                                                                               \
    }
/* A row that stores nothing: ANY or REFUSED. */
#define SCHEMA_BARE(name_, type_, doc_)                    \
    {                                                      \
        .name = name_, .doc = doc_, .type = SCHEMA_##type_ \
    }

#define SCHEMA_AT(list, type, i) (&((const type *)(list).items)[i])
/* for (SCHEMA_EACH(list, struct rule, rule)) */
#define SCHEMA_EACH(list, type, name)                                               \
    const type *name = (list).items, *const name##_end =                            \
                                         (list).count ? name + (list).count : name; \
    name < name##_end;                                                              \
    name++
