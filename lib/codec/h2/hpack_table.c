/* Static and dynamic table. An entry is one block of memory, so a table costs what is in it; the
 * ring of pointers comes with the first entry. On the thread of its owner; must not know bits.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h2/hpack_table.h"

#include <string.h>

#include "lib/base/mem.h"

const struct hpack_static hpack_table_statics[HPACK_STATIC_COUNT] = {
#define X(id, name, value) {{name, sizeof(name) - 1}, {value, sizeof(value) - 1}, id},
#include "lib/codec/h2/hpack_static.def"
#undef X
};
uint8_t hpack_table_names[HPACK_ID_COUNT];
uint8_t hpack_table_values[HPACK_ID_COUNT];

static const struct {
    struct slice name;
    uint16_t id;
} pseudos[] = {
    {{":authority", 10}, HPACK_AUTHORITY},
    {{":method", 7}, HPACK_METHOD},
    {{":path", 5}, HPACK_PATH},
    {{":scheme", 7}, HPACK_SCHEME},
    {{":status", 7}, HPACK_STATUS},
};

uint16_t hpack_table_id_of(struct slice name)
{
    if (name.len == 0 || name.ptr[0] != ':')
        return (uint16_t)header_id_of(name);
    for (size_t i = 0; i < sizeof(pseudos) / sizeof(pseudos[0]); i++) {
        if (slice_eq(name, pseudos[i].name))
            return pseudos[i].id;
    }
    return HPACK_PSEUDO;
}

__attribute__((constructor)) static void fill_names(void)
{
    for (unsigned i = HPACK_STATIC_COUNT; i > 0; i--) {
        const struct hpack_static *s = hpack_table_static(i);
        if (s->id == HEADER_OTHER)
            continue;
        hpack_table_names[s->id] = (uint8_t)i;
        if (s->value.len)
            hpack_table_values[s->id] = (uint8_t)i;
    }
}

void hpack_table_init(struct hpack_table *t)
{
    *t = (struct hpack_table){.max = HPACK_TABLE_SIZE};
}

static uint32_t cost_of(size_t name_len, size_t value_len)
{
    return (uint32_t)(name_len + value_len + HPACK_ENTRY_COST);
}

static void evict(struct hpack_table *t)
{
    uint32_t oldest = t->newest - t->count + 1;
    struct hpack_entry *e = t->ring[oldest & t->mask];
    t->size -= cost_of(e->name_len, e->value_len);
    t->count--;
    mem_free(e);
}

void hpack_table_dispose(struct hpack_table *t)
{
    while (t->count)
        evict(t);
    mem_free(t->ring);
    t->ring = NULL;
}

void hpack_table_resize(struct hpack_table *t, uint32_t max)
{
    t->max = max;
    while (t->size > max)
        evict(t);
}

static struct hpack_entry *make(struct slice name, struct slice value, uint16_t id)
{
    struct hpack_entry *e = mem_alloc(sizeof(*e) + name.len + value.len);
    *e = (struct hpack_entry){
        .name_len = (uint32_t)name.len, .value_len = (uint32_t)value.len, .id = id};
    memcpy(e->bytes, name.ptr, name.len);
    if (value.len)
        memcpy(e->bytes + name.len, value.ptr, value.len);
    return e;
}

/* One more entry finds room. */
static void make_room(struct hpack_table *t)
{
    enum { FEW = 16 };
    uint32_t old_len = t->ring ? t->mask + 1 : 0;
    if (t->count < old_len)
        return;
    uint32_t mask = old_len ? old_len * 2 - 1 : FEW - 1;
    struct hpack_entry **ring = mem_alloc((mask + 1) * sizeof(struct hpack_entry *));
    for (uint32_t i = 0; i < t->count; i++)
        ring[(t->newest - i) & mask] = t->ring[(t->newest - i) & t->mask];
    mem_free(t->ring);
    t->ring = ring;
    t->mask = mask;
}

struct hpack_entry *hpack_table_add(struct hpack_table *t, struct slice name, struct slice value,
                                    uint16_t id)
{
    if (name.len + value.len + HPACK_ENTRY_COST > t->max) {
        while (t->count)
            evict(t);
        return NULL;
    }
    struct hpack_entry *e = make(name, value, id);
    uint32_t cost = cost_of(name.len, value.len);
    while (t->size + cost > t->max)
        evict(t);
    make_room(t);
    t->newest++;
    t->count++;
    t->size += cost;
    t->ring[t->newest & t->mask] = e;
    return e;
}
