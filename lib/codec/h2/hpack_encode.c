/* Writes the representations of RFC 7541 §6. A dynamic entry is found by its name: slots hold
 * entry numbers, newest first, and what was evicted is recognised by its number. Most often the
 * newest entry of a name is the one. On the thread of its struct h2.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/hpack_encode.h"

#include <string.h>

#include "lib/base/mem.h"

enum {
    CHANGES_BEFORE_RETRY = 32, /* values that did not come back, before one is tried again */
    MAX_WALK = 16,             /* entries of a slot that are looked at */
    MAX_UNUSED = 4,            /* and of those that were never used again, as with request ids */
    INDEXED = 0x80,
    ADDED = 0x40,
    NOT_ADDED = 0x00,
    NEVER = 0x10,
};

void hpack_encode_init(struct hpack_encoder *e)
{
    *e = (struct hpack_encoder){.lowest = HPACK_TABLE_SIZE};
    hpack_table_init(&e->table);
}

void hpack_encode_dispose(struct hpack_encoder *e)
{
    hpack_table_dispose(&e->table);
    mem_free(e->slots);
}

void hpack_encode_resize(struct hpack_encoder *e, uint32_t max)
{
    if (max > HPACK_TABLE_SIZE)
        max = HPACK_TABLE_SIZE;
    if (max == e->table.max && !e->resized)
        return;
    if (!e->resized || max < e->lowest)
        e->lowest = max;
    e->resized = true;
    hpack_table_resize(&e->table, max);
}

/* RFC 7541 §5.1; `flags` are the bits in front of the prefix. */
static inline uint8_t *put_integer(uint8_t *to, uint8_t flags, unsigned prefix, uint32_t value)
{
    uint32_t mask = (1u << prefix) - 1;
    if (value < mask) {
        *to++ = (uint8_t)(flags | value);
        return to;
    }
    *to++ = (uint8_t)(flags | mask);
    for (value -= mask; value >= 0x80; value >>= 7)
        *to++ = (uint8_t)(value | 0x80);
    *to++ = (uint8_t)value;
    return to;
}

static uint8_t *put_string(uint8_t *to, struct slice s)
{
    to = put_integer(to, 0, 7, (uint32_t)s.len);
    if (s.len)
        memcpy(to, s.ptr, s.len);
    return to + s.len;
}

uint8_t *hpack_encode_begin(struct hpack_encoder *e, uint8_t *to)
{
    if (!e->resized)
        return to;
    if (e->lowest < e->table.max)
        to = put_integer(to, 0x20, 5, e->lowest);
    to = put_integer(to, 0x20, 5, e->table.max);
    e->resized = false;
    return to;
}

static uint64_t load(const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof(word));
    return word;
}

/* Of its length and both ends: most values that differ, differ there. */
static inline uint64_t hash(struct slice s)
{
    const uint64_t odd = 0x9e3779b97f4a7c15u;
    uint64_t h = s.len;
    if (s.len >= 8)
        h = ((h ^ load(s.ptr)) * odd) ^ load(s.ptr + s.len - 8);
    for (size_t i = 0; s.len < 8 && i < s.len; i++)
        h = (h ^ (uint8_t)s.ptr[i]) * odd;
    return (h * odd) >> 32;
}

/* A peer that finds names which collide gains a walk along MAX_WALK entries. */
static inline unsigned slot_of(uint16_t id, struct slice name)
{
    if (id != HEADER_OTHER)
        return id;
    return HPACK_ID_COUNT + (unsigned)(hash(name) % HPACK_SHARED_SLOTS);
}

static inline bool is_name(const struct hpack_entry *entry, uint16_t id, struct slice name)
{
    return entry->id == id && (id != HEADER_OTHER || slice_eq(hpack_entry_name(entry), name));
}

/* 0: none. Of an entry that was evicted long ago it may be the number of another, whose name will
 * not match. */
static inline uint32_t number_in(const struct hpack_encoder *e, unsigned slot, uint32_t newest)
{
    uint16_t low = e->slots ? e->slots[slot] : 0;
    return low ? newest - (uint16_t)((uint16_t)newest - low) : 0;
}

/* What the dynamic table holds of a name. */
struct match {
    struct hpack_entry *field; /* with the value as well */
    struct hpack_entry *newest;
    uint32_t field_number, newest_number;
};

static void find(struct match *m, const struct hpack_encoder *e, uint32_t number, uint16_t tag,
                 uint16_t id, struct slice name, struct slice value)
{
    struct hpack_entry *entry;
    unsigned unused = 0;
    for (unsigned i = 0; number && i < MAX_WALK; i++, number = entry->older) {
        entry = hpack_table_at(&e->table, number);
        if (!entry || unused == MAX_UNUSED)
            break;
        bool may_match = entry->tag == tag;
        unused += id != HEADER_OTHER && !entry->hits; /* else the slot is not this name's alone */
        if ((m->newest && !may_match) || !is_name(entry, id, name))
            continue;
        if (!m->newest) {
            m->newest = entry;
            m->newest_number = number;
        }
        if (may_match && slice_eq(hpack_entry_value(entry), value)) {
            m->field = entry;
            m->field_number = number;
            break;
        }
    }
}

static void remember(struct hpack_encoder *e, unsigned slot, uint16_t tag, uint16_t id,
                     struct slice name, struct slice value)
{
    struct hpack_entry *entry = hpack_table_add(&e->table, name, value, id);
    if (!entry)
        return;
    if (!e->slots)
        e->slots = mem_zalloc(HPACK_SLOTS * sizeof(*e->slots));
    entry->tag = tag;
    entry->older = number_in(e, slot, e->table.newest - 1);
    e->slots[slot] = (uint16_t)e->table.newest;
}

static uint32_t index_of(const struct hpack_encoder *e, uint32_t number)
{
    return HPACK_STATIC_COUNT + 1 + (e->table.newest - number);
}

/* A value in the static table; 0: none. */
static inline uint32_t static_match(uint16_t id, struct slice value)
{
    for (uint32_t i = hpack_table_values[id]; i && hpack_table_static(i)->id == id; i++) {
        if (slice_eq(hpack_table_static(i)->value, value))
            return i;
    }
    return 0;
}

/* A large field would push out too many others. If an entry with another value is there and that
 * one was used again, this may be as well; if not, the name is one whose values keep changing, and
 * only now and then one is tried. */
static bool is_worth_adding(const struct hpack_encoder *e, struct hpack_entry *same_name,
                            size_t len)
{
    if (len + HPACK_ENTRY_COST > e->table.max / 2)
        return false;
    if (!same_name || same_name->hits)
        return true;
    return ++same_name->changes >= CHANGES_BEFORE_RETRY;
}

static uint8_t *put_literal(uint8_t *to, uint8_t kind, uint32_t name_index, struct slice name,
                            struct slice value)
{
    to = put_integer(to, kind, kind == ADDED ? 6 : 4, name_index);
    if (name_index == 0)
        to = put_string(to, name);
    return put_string(to, value);
}

/* Not the newest entry of its slot. */
static uint8_t *encode_rest(struct hpack_encoder *e, uint8_t *to, unsigned slot, uint16_t tag,
                            uint16_t id, struct slice name, struct slice value)
{
    struct match m = {0};
    find(&m, e, number_in(e, slot, e->table.newest), tag, id, name, value);
    if (m.field) {
        m.field->hits = 1;
        return put_integer(to, INDEXED, 7, index_of(e, m.field_number));
    }
    uint32_t name_index = hpack_table_static_of(id);
    if (name_index == 0 && m.newest)
        name_index = index_of(e, m.newest_number);
    if (!is_worth_adding(e, m.newest, name.len + value.len))
        return put_literal(to, NOT_ADDED, name_index, name, value);
    to = put_literal(to, ADDED, name_index, name, value);
    remember(e, slot, tag, id, name, value);
    return to;
}

uint8_t *hpack_encode_field(struct hpack_encoder *e, uint8_t *to, uint16_t id, struct slice name,
                            struct slice value, bool never_index)
{
    if (never_index)
        return put_literal(to, NEVER, hpack_table_static_of(id), name, value);
    uint32_t index = static_match(id, value);
    if (index)
        return put_integer(to, INDEXED, 7, index);
    unsigned slot = slot_of(id, name);
    uint16_t tag = (uint16_t)hash(value);
    uint32_t number = number_in(e, slot, e->table.newest);
    struct hpack_entry *entry = number ? hpack_table_at(&e->table, number) : NULL;
    if (!entry || entry->tag != tag || !is_name(entry, id, name) ||
        !slice_eq(hpack_entry_value(entry), value))
        return encode_rest(e, to, slot, tag, id, name, value);
    entry->hits = 1;
    return put_integer(to, INDEXED, 7, index_of(e, number));
}
