/* A list of header fields in arrival order, and the numbers of the well-known names. Lists belong
 * to whoever owns their arena; the table of names is filled before main and only read after.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/headers.h"

#include <string.h>

enum { TABLE_SIZE = 256, CAPACITY_MIN = 16 };

static const struct slice names[HEADER_COUNT] = {
    {"", 0},
#define X(id, name) {name, sizeof(name) - 1},
#include "lib/codec/http/header_names.def"
#undef X
};

/* Open addressing by a hash of length and three bytes; 0 is HEADER_OTHER and means "free". */
static uint8_t table[TABLE_SIZE];

/* Bit 5 is set in every byte, so that both cases of a letter hash alike. */
static unsigned hash_name(const char *at, size_t len)
{
    unsigned first = (uint8_t)at[0] | 0x20, middle = (uint8_t)at[len / 2] | 0x20;
    unsigned last = (uint8_t)at[len - 1] | 0x20;
    return ((unsigned)len * 37 + first * 7 + middle * 19 + last * 101) % TABLE_SIZE;
}

__attribute__((constructor)) static void fill_table(void)
{
    for (unsigned id = 1; id < HEADER_COUNT; id++) {
        unsigned slot = hash_name(names[id].ptr, names[id].len);
        while (table[slot])
            slot = (slot + 1) % TABLE_SIZE;
        table[slot] = (uint8_t)id;
    }
}

static uint32_t load_half_folded(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word | 0x20202020u;
}

static uint64_t load_folded(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word | 0x2020202020202020u;
}

/* Known names hold letters, digits and hyphens only; no other tchar meets one of them with bit 5
 * set. */
static bool eq_folded(const char *raw, const char *lower, size_t len)
{
    if (len < 8 && len >= 4)
        return load_half_folded(raw) == load_half_folded(lower) &&
               load_half_folded(raw + len - 4) == load_half_folded(lower + len - 4);
    if (len < 4) {
        for (size_t i = 0; i < len; i++) {
            if ((raw[i] | 0x20) != lower[i])
                return false;
        }
        return true;
    }
    for (size_t at = 0; at + 8 <= len; at += 8) {
        if (load_folded(raw + at) != load_folded(lower + at))
            return false;
    }
    return load_folded(raw + len - 8) == load_folded(lower + len - 8);
}

enum header_id headers_id_of_token(struct slice name)
{
    if (name.len == 0)
        return HEADER_OTHER;
    unsigned slot = hash_name(name.ptr, name.len);
    for (; table[slot]; slot = (slot + 1) % TABLE_SIZE) {
        const struct slice *known = &names[table[slot]];
        if (known->len == name.len && eq_folded(name.ptr, known->ptr, name.len))
            return (enum header_id)table[slot];
    }
    return HEADER_OTHER;
}

enum header_id header_id_of(struct slice name)
{
    enum header_id id = headers_id_of_token(name);
    return id && slice_eq(name, names[id]) ? id : HEADER_OTHER;
}

struct slice header_name_of(enum header_id id)
{
    return names[id];
}

void headers_init(struct headers *h, struct arena *arena)
{
    *h = (struct headers){.arena = arena};
}

void headers_reserve(struct headers *h, uint32_t capacity)
{
    if (capacity <= h->capacity)
        return;
    struct header *items = arena_alloc(h->arena, capacity * sizeof(*items));
    if (h->count)
        memcpy(items, h->items, h->count * sizeof(*items));
    h->items = items;
    h->capacity = capacity;
}

static uint32_t size_of(const struct header *item)
{
    return (uint32_t)(item->name.len + item->value.len + MESSAGE_FIELD_EXTRA);
}

static struct header *add(struct headers *h, struct slice name, enum header_id id,
                          struct slice value)
{
    if (h->count == h->capacity)
        headers_reserve(h, h->capacity ? h->capacity * 2 : CAPACITY_MIN);
    struct header *item = &h->items[h->count++];
    *item = (struct header){.name = name, .value = value, .id = (uint16_t)id};
    h->bytes += size_of(item);
    return item;
}

struct header *headers_add(struct headers *h, struct slice name, struct slice value)
{
    enum header_id id = header_id_of(name);
    return add(h, id ? names[id] : name, id, value);
}

struct header *headers_add_id(struct headers *h, enum header_id id, struct slice value)
{
    return add(h, names[id], id, value);
}

static bool is_named(const struct header *item, enum header_id id, struct slice name)
{
    return id ? item->id == id : item->id == HEADER_OTHER && slice_eq(item->name, name);
}

static struct header *find(const struct headers *h, enum header_id id, struct slice name)
{
    for (uint32_t i = 0; i < h->count; i++) {
        if (is_named(&h->items[i], id, name))
            return &h->items[i];
    }
    return NULL;
}

struct header *headers_find(const struct headers *h, struct slice name)
{
    return find(h, header_id_of(name), name);
}

struct header *headers_find_id(const struct headers *h, enum header_id id)
{
    return find(h, id, names[id]);
}

struct slice headers_get_id(const struct headers *h, enum header_id id)
{
    const struct header *item = headers_find_id(h, id);
    return item ? item->value : (struct slice){NULL, 0};
}

static unsigned remove_named(struct headers *h, enum header_id id, struct slice name)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        if (is_named(&h->items[i], id, name))
            h->bytes -= size_of(&h->items[i]);
        else if (kept++ != i)
            h->items[kept - 1] = h->items[i];
    }
    unsigned removed = h->count - kept;
    h->count = kept;
    return removed;
}

unsigned headers_remove(struct headers *h, struct slice name)
{
    return remove_named(h, header_id_of(name), name);
}

unsigned headers_remove_id(struct headers *h, enum header_id id)
{
    return remove_named(h, id, names[id]);
}

void headers_set(struct headers *h, struct slice name, struct slice value)
{
    enum header_id id = header_id_of(name);
    remove_named(h, id, name);
    add(h, id ? names[id] : name, id, value);
}

void headers_set_id(struct headers *h, enum header_id id, struct slice value)
{
    headers_remove_id(h, id);
    headers_add_id(h, id, value);
}

void headers_copy(struct headers *to, const struct headers *from)
{
    headers_reserve(to, to->count + from->count);
    for (uint32_t i = 0; i < from->count; i++) {
        const struct header *item = &from->items[i];
        struct slice name = item->id ? item->name : arena_copy(to->arena, item->name);
        add(to, name, item->id, arena_copy(to->arena, item->value))->never_index =
            item->never_index;
    }
}

bool headers_is_framing(enum header_id id)
{
    switch (id) {
    case HEADER_HOST:
    case HEADER_CONTENT_LENGTH:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_CONNECTION:
    case HEADER_KEEP_ALIVE:
    case HEADER_PROXY_CONNECTION:
    case HEADER_UPGRADE:
    case HEADER_HTTP2_SETTINGS:
    case HEADER_TE:
    case HEADER_TRAILER:
    case HEADER_EXPECT:
        return true;
    default:
        return false;
    }
}

bool headers_is_forbidden_trailer(enum header_id id)
{
    switch (id) {
    case HEADER_CONTENT_ENCODING:
    case HEADER_CONTENT_TYPE:
    case HEADER_RANGE:
    case HEADER_CACHE_CONTROL:
    case HEADER_AUTHORIZATION:
    case HEADER_PROXY_AUTHORIZATION:
    case HEADER_COOKIE:
    case HEADER_SET_COOKIE:
        return true;
    default:
        return headers_is_framing(id);
    }
}

bool headers_is_framing_in_disguise(struct slice name)
{
    return slice_eq_nocase(name, SLICE("content_length")) ||
           slice_eq_nocase(name, SLICE("transfer_encoding"));
}
