/* A JSON text as an immutable tree of typed values, for checking what clients send: members are
 * found by a hash, numbers are exact, a key that is given twice is refused, and each value knows
 * where it stands. Everything lies in an arena; any thread may read it. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/codec/doc/doc.h"
#include "lib/codec/doc/json_number.h"

#define JSON_VALUE_MAX 131072u /* values of one text */

enum json_value_type {
    JSON_VALUE_NULL,
    JSON_VALUE_BOOL,
    JSON_VALUE_NUMBER,
    JSON_VALUE_STRING,
    JSON_VALUE_ARRAY,
    JSON_VALUE_OBJECT,
};

struct json_value {
    enum json_value_type type;
    unsigned line;  /* from 1; 0: unknown */
    uint32_t count; /* items or members */
    uint32_t mask;  /* of the table */
    struct slice key; /* of a member */
    const struct json_value *parent, *next;
    union {
        bool boolean;
        struct slice string; /* UTF-8; may hold NUL */
        struct json_number number;
        struct {
            const struct json_value *first;
            const struct json_value **table; /* of an object with many members */
        };
    };
};

/* for (JSON_VALUE_EACH(list, item)) */
#define JSON_VALUE_EACH(of, name) \
    const struct json_value *name = (of)->first; \
    name; \
    name = name->next

/* The text must live as long as the tree. ERR_SYNTAX or ERR_LIMIT, with *error filled in. */
MUST_USE enum err json_value_parse(struct slice text, struct arena *a,
                                   const struct json_value **out, struct doc_error *error);
/* The same document; d must live as long. */
MUST_USE enum err json_value_from_doc(const struct doc *d, struct arena *a,
                                      const struct json_value **out, struct doc_error *error);

/* A value of its own, and one that becomes the last child of another. An object is complete once
 * json_value_close has looked at it: false, when a key is there twice, which is *twice. */
struct json_value *json_value_make(struct arena *a, enum json_value_type type);
void json_value_push(struct json_value *parent, struct json_value **last, struct json_value *child);
bool json_value_close(struct arena *a, struct json_value *v, struct slice *twice);

/* NULL: there is none, or v is no object or NULL. */
const struct json_value *json_value_get(const struct json_value *v, struct slice key);
static inline const struct json_value *json_value_member(const struct json_value *v,
                                                         const char *key)
{
    return json_value_get(v, slice_from_cstr(key));
}
/* Empty (NULL ptr) when v is NULL or no string. */
struct slice json_value_string(const struct json_value *v);
bool json_value_is_true(const struct json_value *v);
/* As JSON has it: 1 and 1.0 are equal, and the order of members does not matter. */
bool json_value_equal(const struct json_value *a, const struct json_value *b);
/* Of equal values it is equal; nobody outside can choose values that collide. */
uint64_t json_value_hash(const struct json_value *v);
/* "an object", "a string": for messages. */
const char *json_value_type_name(enum json_value_type type);
/* Where it stands, as a JSON pointer (RFC 6901), in the arena; empty: the root. */
struct slice json_value_pointer(const struct json_value *v, struct arena *a);
