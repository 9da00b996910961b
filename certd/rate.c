/* Token buckets. On certd's only thread. Full buckets are forgotten, since a new one starts full;
 * when too many are in use at once, newcomers are refused. Must not know what is limited.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/rate.h"

#include "lib/base/mem.h"

enum { NAMES_MAX = 20000, MINUTE_MS = 60000 };

struct bucket {
    uint64_t milli; /* thousandths of a permit */
    uint64_t at_ms;
};

void rate_init(struct rate *r, uint32_t per_minute, uint32_t burst)
{
    map_init(&r->buckets);
    r->per_minute = per_minute;
    r->burst = burst;
}

void rate_dispose(struct rate *r)
{
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&r->buckets, &at, &key, &value))
        mem_free(value);
    map_dispose(&r->buckets);
}

static void refill(const struct rate *r, struct bucket *b, uint64_t now_ms)
{
    uint64_t full = (uint64_t)r->burst * 1000;
    uint64_t passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;
    if (passed > (uint64_t)MINUTE_MS * 60)
        passed = (uint64_t)MINUTE_MS * 60;
    b->milli += passed * r->per_minute * 1000 / MINUTE_MS;
    if (b->milli > full)
        b->milli = full;
    b->at_ms = now_ms;
}

static void forget_full(struct rate *r, uint64_t now_ms)
{
    size_t at = 0;
    struct slice key;
    void *value;
    while (map_next(&r->buckets, &at, &key, &value)) {
        struct bucket *b = value;
        refill(r, b, now_ms);
        if (b->milli < (uint64_t)r->burst * 1000)
            continue;
        (void)map_remove(&r->buckets, key);
        mem_free(b);
    }
}

bool rate_take(struct rate *r, struct slice name, uint64_t now_ms)
{
    struct bucket *b = map_get(&r->buckets, name);
    if (!b) {
        if (r->buckets.count >= NAMES_MAX)
            forget_full(r, now_ms);
        if (r->buckets.count >= NAMES_MAX)
            return false;
        b = mem_alloc(sizeof(*b));
        *b = (struct bucket){(uint64_t)r->burst * 1000, now_ms};
        (void)map_put(&r->buckets, name, b);
    }
    refill(r, b, now_ms);
    if (b->milli < 1000)
        return false;
    b->milli -= 1000;
    return true;
}

void rate_give(struct rate *r, struct slice name)
{
    uint64_t full = (uint64_t)r->burst * 1000;
    struct bucket *b = map_get(&r->buckets, name);
    if (b)
        b->milli = b->milli + 1000 < full ? b->milli + 1000 : full;
}
