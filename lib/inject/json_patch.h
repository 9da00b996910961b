/* A JSON patch (RFC 6902): what is to be added to and replaced in a document, and the document with
 * it. Only the two operations that are needed. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/json_write.h"
#include "lib/codec/doc/doc.h"

enum json_patch_op { JSON_PATCH_ADD, JSON_PATCH_REPLACE };

struct json_patch_step {
    enum json_patch_op op;
    struct slice path; /* RFC 6901 */
    const struct doc *value;
};

#define JSON_PATCH_MAX 512u

struct json_patch {
    struct arena *arena;
    struct json_patch_step *steps; /* JSON_PATCH_MAX of them */
    size_t count;
    bool is_full; /* a step did not fit: the patch must not be used */
};

void json_patch_init(struct json_patch *p, struct arena *arena);
/* The path is made by the format; names in it go through json_patch_escape. */
void json_patch_add(struct json_patch *p, const struct doc *value, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
void json_patch_replace(struct json_patch *p, const struct doc *value, const char *path, ...)
    __attribute__((format(printf, 3, 4)));
/* '~' and '/' of one name, as RFC 6901 §3 has it. */
struct slice json_patch_escape(struct arena *a, struct slice name);
void json_patch_write(const struct json_patch *p, struct json_write *w);
/* What root becomes; shares what did not change. ERR_NOT_FOUND: a path leads nowhere. */
MUST_USE enum err json_patch_apply(const struct json_patch *p, const struct doc *root,
                                   const struct doc **out);
