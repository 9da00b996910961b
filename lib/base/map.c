/* Open addressing with linear probing over SipHash-1-3, keyed once per process from the kernel.
 * Owned by one thread at a time. Must not know what the values are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/map.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/rand.h"

enum { CAPACITY_MIN = 8 };

/* key NULL: never used, or a tomb when value is set. */
struct map_slot {
    uint64_t hash;
    char *key;
    size_t key_len;
    void *value;
};

static uint64_t hash_key[2];
static pthread_once_t hash_key_once = PTHREAD_ONCE_INIT;
static char tomb;

static void make_hash_key(void)
{
    rand_secure(hash_key, sizeof(hash_key));
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

static inline __attribute__((always_inline)) void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

/* SipHash with one round a word and three at the end (Aumasson and Bernstein, 2012). */
static uint64_t hash_of(struct slice key)
{
    uint64_t v[4] = {
        hash_key[0] ^ 0x736f6d6570736575u,
        hash_key[1] ^ 0x646f72616e646f6du,
        hash_key[0] ^ 0x6c7967656e657261u,
        hash_key[1] ^ 0x7465646279746573u,
    };
    size_t at = 0;
    uint64_t word;
    for (; key.len - at >= 8; at += 8) {
        memcpy(&word, key.ptr + at, 8);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    word = 0;
    if (at < key.len)
        memcpy(&word, key.ptr + at, key.len - at);
    word |= (uint64_t)key.len << 56;
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash(struct slice key)
{
    pthread_once(&hash_key_once, make_hash_key);
    return hash_of(key);
}

void map_init(struct map *m)
{
    pthread_once(&hash_key_once, make_hash_key);
    m->slots = NULL;
    m->capacity = m->count = m->tombs = 0;
}

void map_dispose(struct map *m)
{
    for (size_t i = 0; i < m->capacity; i++)
        mem_free(m->slots[i].key);
    mem_free(m->slots);
    m->slots = NULL;
    m->capacity = m->count = m->tombs = 0;
}

/* The key's slot; NULL when absent. */
static struct map_slot *find(const struct map *m, struct slice key, uint64_t hash)
{
    if (m->count == 0)
        return NULL;
    for (size_t at = hash;; at++) {
        struct map_slot *slot = &m->slots[at & (m->capacity - 1)];
        if (!slot->key) {
            if (!slot->value)
                return NULL;
            continue;
        }
        if (slot->hash == hash && slice_eq((struct slice){slot->key, slot->key_len}, key))
            return slot;
    }
}

/* Where an absent key goes. */
static struct map_slot *find_free(const struct map *m, uint64_t hash)
{
    for (size_t at = hash;; at++) {
        struct map_slot *slot = &m->slots[at & (m->capacity - 1)];
        if (!slot->key)
            return slot;
    }
}

static void rebuild(struct map *m, size_t capacity)
{
    struct map old = *m;
    m->slots = mem_zalloc(capacity * sizeof(*m->slots));
    m->capacity = capacity;
    m->tombs = 0;
    for (size_t i = 0; i < old.capacity; i++) {
        if (old.slots[i].key)
            *find_free(m, old.slots[i].hash) = old.slots[i];
    }
    mem_free(old.slots);
}

/* Room for one more key at a load of at most three quarters, tombs included. */
static void make_room(struct map *m)
{
    if ((m->count + m->tombs + 1) * 4 <= m->capacity * 3)
        return;
    size_t capacity = CAPACITY_MIN;
    while (capacity < (m->count + 1) * 2)
        capacity *= 2;
    rebuild(m, capacity);
}

void *map_get(const struct map *m, struct slice key)
{
    struct map_slot *slot = m->count ? find(m, key, hash_of(key)) : NULL;
    return slot ? slot->value : NULL;
}

void *map_put(struct map *m, struct slice key, void *value)
{
    uint64_t hash = hash_of(key);
    struct map_slot *slot = find(m, key, hash);
    if (slot) {
        void *before = slot->value;
        slot->value = value;
        return before;
    }
    make_room(m);
    slot = find_free(m, hash);
    if (slot->value)
        m->tombs--;
    slot->hash = hash;
    slot->key = mem_strndup(key.ptr, key.len);
    slot->key_len = key.len;
    slot->value = value;
    m->count++;
    return NULL;
}

void *map_remove(struct map *m, struct slice key)
{
    struct map_slot *slot = m->count ? find(m, key, hash_of(key)) : NULL;
    if (!slot)
        return NULL;
    void *value = slot->value;
    mem_free(slot->key);
    slot->key = NULL;
    slot->value = &tomb;
    m->count--;
    m->tombs++;
    return value;
}

bool map_next(const struct map *m, size_t *at, struct slice *key, void **value)
{
    while (*at < m->capacity) {
        const struct map_slot *slot = &m->slots[(*at)++];
        if (slot->key) {
            *key = (struct slice){slot->key, slot->key_len};
            *value = slot->value;
            return true;
        }
    }
    return false;
}
