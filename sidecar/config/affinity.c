/* A word holds a part of the client's hash, the endpoint's, and when it was used last, in quarters
 * of a second. A client has four places where it may be; the one unused for longest gives way. Any
 * worker. Must not know what an endpoint is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/affinity.h"

#include <stdatomic.h>

#include "lib/base/mem.h"

enum { WAYS = 4, MANY = 8192, ID_BITS = 20, TIME_BITS = 24, TICK_MS = 250, TICKS_PER_S = 4 };

#define ID_MASK ((UINT64_C(1) << ID_BITS) - 1)
#define TIME_MASK ((UINT64_C(1) << TIME_BITS) - 1)

struct affinity {
    uint32_t sets;
    _Atomic uint64_t words[];
};

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    x ^= x >> 32;
    x *= UINT64_C(0xd6e8feb86659fd93);
    return x ^ (x >> 32);
}

struct affinity *affinity_create(bool many)
{
    uint32_t words = many ? MANY : WAYS;
    struct affinity *a = mem_zalloc(sizeof(*a) + words * sizeof(a->words[0]));
    a->sets = words / WAYS;
    return a;
}

uint32_t affinity_id(uint64_t address_hash)
{
    uint64_t id = mix(address_hash) & ID_MASK;
    return id ? (uint32_t)id : 1;
}

uint64_t affinity_score(uint64_t client, uint64_t address_hash)
{
    return mix(mix(client) ^ address_hash);
}

static uint64_t word_of(uint64_t client, uint32_t endpoint, uint64_t now_ms)
{
    uint64_t tag = mix(client) >> (64 - ID_BITS);
    return tag << (ID_BITS + TIME_BITS) | (uint64_t)endpoint << TIME_BITS |
           (now_ms / TICK_MS & TIME_MASK);
}

static _Atomic uint64_t *set_of(struct affinity *a, uint64_t client)
{
    return &a->words[(mix(client) & (a->sets - 1)) * WAYS];
}

static bool is_of(uint64_t word, uint64_t client)
{
    return word && (word ^ word_of(client, 0, 0)) >> (ID_BITS + TIME_BITS) == 0;
}

/* Workers' clocks are not quite the same: what is of the future was used now. */
static uint64_t age_of(uint64_t word, uint64_t now_ms)
{
    uint64_t age = (now_ms / TICK_MS - word) & TIME_MASK;
    return age > TIME_MASK / 2 ? 0 : age;
}

uint32_t affinity_find(struct affinity *a, uint64_t client, uint32_t timeout_s, uint64_t now_ms)
{
    _Atomic uint64_t *set = set_of(a, client);
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (!is_of(word, client))
            continue;
        uint64_t age = age_of(word, now_ms);
        uint32_t endpoint = (uint32_t)(word >> TIME_BITS & ID_MASK);
        if (age > (uint64_t)timeout_s * TICKS_PER_S)
            return 0;
        /* In the steady state the shared line is not written. Whoever came first is as good. */
        if (age)
            atomic_compare_exchange_strong_explicit(&set[i], &word,
                                                    word_of(client, endpoint, now_ms),
                                                    memory_order_relaxed, memory_order_relaxed);
        return endpoint;
    }
    return 0;
}

void affinity_keep(struct affinity *a, uint64_t client, uint32_t endpoint, uint64_t now_ms)
{
    _Atomic uint64_t *set = set_of(a, client), *to = &set[0];
    uint64_t oldest = 0;
    for (unsigned i = 0; i < WAYS; i++) {
        uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
        if (!word || is_of(word, client)) {
            to = &set[i];
            if (word)
                break;
            oldest = UINT64_MAX;
        } else if (age_of(word, now_ms) > oldest) {
            oldest = age_of(word, now_ms);
            to = &set[i];
        }
    }
    atomic_store_explicit(to, word_of(client, endpoint, now_ms), memory_order_relaxed);
}
