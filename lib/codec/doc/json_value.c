/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_value.h"

#include <stdio.h>

#include "lib/base/buf.h"
#include "lib/base/map.h"

enum { SCAN_MAX = 8 }; /* members that are compared one by one */

struct json_value *json_value_make(struct arena *a, enum json_value_type type)
{
    struct json_value *v = arena_zalloc(a, sizeof(*v));
    v->type = type;
    return v;
}

void json_value_push(struct json_value *parent, struct json_value **last, struct json_value *child)
{
    child->parent = parent;
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->count++;
}

/* ---- members ---- */

static bool close_few(const struct json_value *v, struct slice *twice)
{
    for (JSON_VALUE_EACH(v, m))
        for (const struct json_value *other = m->next; other; other = other->next)
            if (slice_eq(m->key, other->key)) {
                *twice = m->key;
                return false;
            }
    return true;
}

static const struct json_value **slot_of(const struct json_value *v, struct slice key)
{
    uint32_t at = (uint32_t)map_hash(key) & v->mask;
    while (v->table[at] && !slice_eq(v->table[at]->key, key))
        at = (at + 1) & v->mask;
    return &v->table[at];
}

bool json_value_close(struct arena *a, struct json_value *v, struct slice *twice)
{
    if (v->type != JSON_VALUE_OBJECT)
        return true;
    if (v->count <= SCAN_MAX)
        return close_few(v, twice);
    uint32_t size = 16;
    while (size < 2 * v->count)
        size *= 2;
    v->mask = size - 1;
    v->table = arena_zalloc(a, size * sizeof(*v->table));
    for (JSON_VALUE_EACH(v, m)) {
        const struct json_value **slot = slot_of(v, m->key);
        if (*slot) {
            *twice = m->key;
            return false;
        }
        *slot = m;
    }
    return true;
}

const struct json_value *json_value_get(const struct json_value *v, struct slice key)
{
    if (!v || v->type != JSON_VALUE_OBJECT)
        return NULL;
    if (v->table)
        return *slot_of(v, key);
    for (JSON_VALUE_EACH(v, m))
        if (slice_eq(m->key, key))
            return m;
    return NULL;
}

struct slice json_value_string(const struct json_value *v)
{
    return v && v->type == JSON_VALUE_STRING ? v->string : (struct slice){0};
}

bool json_value_is_true(const struct json_value *v)
{
    return v && v->type == JSON_VALUE_BOOL && v->boolean;
}

/* ---- comparing ---- */

static bool equal_arrays(const struct json_value *a, const struct json_value *b)
{
    const struct json_value *other = b->first;
    for (JSON_VALUE_EACH(a, item)) {
        if (!json_value_equal(item, other))
            return false;
        other = other->next;
    }
    return true;
}

static bool equal_objects(const struct json_value *a, const struct json_value *b)
{
    for (JSON_VALUE_EACH(a, member)) {
        const struct json_value *other = json_value_get(b, member->key);
        if (!other || !json_value_equal(member, other))
            return false;
    }
    return true;
}

bool json_value_equal(const struct json_value *a, const struct json_value *b)
{
    if (a->type != b->type || a->count != b->count)
        return false;
    switch (a->type) {
    case JSON_VALUE_NULL:
        return true;
    case JSON_VALUE_BOOL:
        return a->boolean == b->boolean;
    case JSON_VALUE_NUMBER:
        return json_number_compare(&a->number, &b->number) == 0;
    case JSON_VALUE_STRING:
        return slice_eq(a->string, b->string);
    case JSON_VALUE_ARRAY:
        return equal_arrays(a, b);
    case JSON_VALUE_OBJECT:
        return equal_objects(a, b);
    }
    return false;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t both[2] = {a, b};
    return map_hash(slice_of(both, sizeof both));
}

uint64_t json_value_hash(const struct json_value *v)
{
    uint64_t hash = v->type;
    switch (v->type) {
    case JSON_VALUE_NULL:
        return hash;
    case JSON_VALUE_BOOL:
        return mix(hash, v->boolean);
    case JSON_VALUE_NUMBER:
        hash = mix(hash, (uint64_t)v->number.exponent << 1 | v->number.negative);
        return mix(hash, map_hash(v->number.digits));
    case JSON_VALUE_STRING:
        return mix(hash, map_hash(v->string));
    case JSON_VALUE_ARRAY:
        for (JSON_VALUE_EACH(v, item))
            hash = mix(hash, json_value_hash(item));
        return hash;
    case JSON_VALUE_OBJECT:
        for (JSON_VALUE_EACH(v, member))
            hash += mix(map_hash(member->key), json_value_hash(member));
        return hash;
    }
    return hash;
}

/* ---- for people ---- */

const char *json_value_type_name(enum json_value_type type)
{
    static const char *const names[] = {
        [JSON_VALUE_NULL] = "null",       [JSON_VALUE_BOOL] = "a boolean",
        [JSON_VALUE_NUMBER] = "a number", [JSON_VALUE_STRING] = "a string",
        [JSON_VALUE_ARRAY] = "an array",  [JSON_VALUE_OBJECT] = "an object",
    };
    return names[type];
}

static void put_key(struct buf *out, struct slice key)
{
    buf_append_slice(out, SLICE("/"));
    for (size_t i = 0; i < key.len; i++) {
        char c = key.ptr[i];
        struct slice as = c == '~' ? SLICE("~0") : c == '/' ? SLICE("~1") : slice_of(&c, 1);
        buf_append_slice(out, as);
    }
}

static void put_pointer(struct buf *out, const struct json_value *v)
{
    char number[16];
    unsigned at = 0;
    if (!v->parent)
        return;
    put_pointer(out, v->parent);
    if (v->parent->type == JSON_VALUE_OBJECT) {
        put_key(out, v->key);
        return;
    }
    for (const struct json_value *item = v->parent->first; item != v; item = item->next)
        at++;
    snprintf(number, sizeof number, "/%u", at);
    buf_append_slice(out, slice_from_cstr(number));
}

struct slice json_value_pointer(const struct json_value *v, struct arena *a)
{
    struct buf out;
    buf_init(&out);
    put_pointer(&out, v);
    return buf_take_into(&out, a);
}
