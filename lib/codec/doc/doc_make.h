/* Documents made by hand, for text that is to be written: built from nodes, so that no value can
 * ever end up as syntax. Everything lies in the arena; a document is not changed any more once
 * others can see it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"

struct doc *doc_make_object(struct arena *a);
struct doc *doc_make_array(struct arena *a);
/* Copied. */
const struct doc *doc_make_string(struct arena *a, struct slice text);
const struct doc *doc_make_int(struct arena *a, int64_t value);
const struct doc *doc_make_bool(struct arena *a, bool value);
/* Another array or object with the same content, which may be changed. */
struct doc *doc_make_copy(struct arena *a, const struct doc *from);

/* Sets a member, new or not; the key is copied. */
void doc_make_put(struct arena *a, struct doc *object, struct slice key, const struct doc *value);
void doc_make_remove(struct doc *object, struct slice key);
void doc_make_push(struct arena *a, struct doc *array, const struct doc *value);
/* Before the item that is there now; at <= count. */
void doc_make_insert(struct arena *a, struct doc *array, size_t at, const struct doc *value);

/* For members of one line. */
static inline void doc_make_put_string(struct arena *a, struct doc *object, const char *key,
                                       struct slice value)
{
    doc_make_put(a, object, slice_from_cstr(key), doc_make_string(a, value));
}
static inline void doc_make_put_int(struct arena *a, struct doc *object, const char *key,
                                    int64_t value)
{
    doc_make_put(a, object, slice_from_cstr(key), doc_make_int(a, value));
}
static inline void doc_make_put_bool(struct arena *a, struct doc *object, const char *key,
                                     bool value)
{
    doc_make_put(a, object, slice_from_cstr(key), doc_make_bool(a, value));
}
/* A new object or array as a member. */
struct doc *doc_make_put_object(struct arena *a, struct doc *object, const char *key);
struct doc *doc_make_put_array(struct arena *a, struct doc *object, const char *key);
