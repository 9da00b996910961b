/* A parsed document: an immutable tree of objects, arrays and scalars, as YAML and JSON share
 * it. Every node knows the line it came from, so that whoever refuses it can say where. Lives in
 * the arena that it was parsed into; any thread may read it. Must not know what the document is
 * about.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

enum doc_type { DOC_NULL, DOC_BOOL, DOC_INT, DOC_FLOAT, DOC_STRING, DOC_ARRAY, DOC_OBJECT };

#define DOC_DEPTH_MAX 64u     /* levels of nesting */
#define DOC_MEMBERS_MAX 4096u /* members of one object: keys are compared one by one */
#define DOC_ITEMS_MAX 65536u  /* items of one array */

struct doc;

struct doc_member {
    struct slice key;
    unsigned line; /* of the key */
    const struct doc *value;
};

struct doc {
    enum doc_type type;
    unsigned line; /* from 1; 0: unknown */
    size_t count;  /* members or items */
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct slice string; /* never holds a NUL */
        const struct doc *const *items;
        const struct doc_member *members; /* in the order of the text; no key twice */
    };
};

/* The documents of one text, in order; empty ones are left out. */
struct doc_list {
    const struct doc *const *items;
    size_t count;
};

/* Why a text could not be parsed. */
struct doc_error {
    unsigned line, column; /* from 1; 0: unknown */
    char text[384];
};

/* "string", "object", ...: for messages. Never NULL. */
const char *doc_type_name(enum doc_type type);
/* The member of that name; NULL when there is none or d is not an object. d may be NULL. */
const struct doc *doc_get(const struct doc *d, struct slice key);
/* By path from d: "spec.rules[1].matches[0].path". A key with other bytes than letters, digits, '-'
 * and '_' is written ["app.kubernetes.io/name"]. An empty path is d. NULL when there is no such
 * node. */
const struct doc *doc_find(const struct doc *d, const char *path);
/* The string's bytes; empty (NULL ptr) when d is NULL or no string. */
struct slice doc_string(const struct doc *d);

/* Building, for the parsers of this room. */
struct doc *doc_alloc(struct arena *arena, enum doc_type type, unsigned line);
