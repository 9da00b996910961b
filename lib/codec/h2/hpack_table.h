/* The two tables of HPACK (RFC 7541 §2.3): the static one, and a dynamic one of which each
 * direction of a connection has its own. Owned by an encoder or a decoder, on its thread. For
 * lib/codec alone.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/codec/http/message.h"

enum {
    HPACK_STATIC_COUNT = 61,
    HPACK_TABLE_SIZE = 4096, /* SETTINGS_HEADER_TABLE_SIZE of both directions: the default */
    HPACK_ENTRY_COST = 32,
    HPACK_COUNT_MAX = HPACK_TABLE_SIZE / HPACK_ENTRY_COST, /* entries of a table */
};

/* Field names by number: enum header_id, and the pseudo-header fields after it. */
enum hpack_id {
    HPACK_AUTHORITY = HEADER_COUNT,
    HPACK_METHOD,
    HPACK_PATH,
    HPACK_SCHEME,
    HPACK_STATUS,
    HPACK_PSEUDO, /* any other name that begins with a colon */
    HPACK_ID_COUNT,
};

/* One entry of a dynamic table. */
struct hpack_entry {
    uint32_t older; /* encoder: number of the entry before it in the same slot */
    uint32_t name_len, value_len;
    uint16_t id;
    uint16_t tag;    /* encoder: a hash of the value */
    uint8_t hits;    /* encoder: used again since it was added; saturates */
    uint8_t changes; /* encoder: how often another value came instead */
    bool is_good;    /* decoder: name and value passed the checks of h2_head */
    char bytes[];    /* name, value */
};

struct hpack_table {
    struct hpack_entry **ring; /* NULL until the first entry; a power of two, as few as do */
    uint32_t mask;             /* its length, less one */
    uint32_t newest;           /* number of the newest entry; the first is 1 */
    uint32_t count;
    uint32_t size, max; /* as RFC 7541 §4.1 counts */
};

static inline struct slice hpack_entry_name(const struct hpack_entry *e)
{
    return slice_of(e->bytes, e->name_len);
}
static inline struct slice hpack_entry_value(const struct hpack_entry *e)
{
    return slice_of(e->bytes + e->name_len, e->value_len);
}
void hpack_table_init(struct hpack_table *t);
void hpack_table_dispose(struct hpack_table *t);
/* max <= HPACK_TABLE_SIZE. Evicts what does not fit. */
void hpack_table_resize(struct hpack_table *t, uint32_t max);
/* Copies both before anything is evicted, so they may lie in the table. NULL when the entry is
 * larger than the table, which is empty then. */
struct hpack_entry *hpack_table_add(struct hpack_table *t, struct slice name, struct slice value,
                                    uint16_t id);
/* By number; NULL when it was evicted. */
static inline struct hpack_entry *hpack_table_at(const struct hpack_table *t, uint32_t number)
{
    return t->newest - number < t->count ? t->ring[number & t->mask] : NULL;
}

struct hpack_static {
    struct slice name, value;
    uint16_t id;
};
extern const struct hpack_static hpack_table_statics[HPACK_STATIC_COUNT];
/* Filled before main. */
extern uint8_t hpack_table_names[HPACK_ID_COUNT];  /* see hpack_table_static_of */
extern uint8_t hpack_table_values[HPACK_ID_COUNT]; /* the same, but only if a value is there too */
/* 1..61. */
static inline const struct hpack_static *hpack_table_static(uint32_t index)
{
    return &hpack_table_statics[index - 1];
}
/* The first static index with that name, 0: none. */
static inline uint8_t hpack_table_static_of(uint16_t id)
{
    return hpack_table_names[id];
}
/* enum hpack_id. */
uint16_t hpack_table_id_of(struct slice name);
