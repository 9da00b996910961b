/* Token buckets by name: how often each may ask. One thread. Bounded: at most 20,000 names at a
 * time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/map.h"
#include "lib/base/slice.h"

struct rate {
    struct map buckets;
    uint32_t per_minute, burst;
};

void rate_init(struct rate *r, uint32_t per_minute, uint32_t burst);
void rate_dispose(struct rate *r);
/* Takes one; false when there is none left. now_ms: monotonic. */
bool rate_take(struct rate *r, struct slice name, uint64_t now_ms);
/* Gives one back that was taken. */
void rate_give(struct rate *r, struct slice name);
