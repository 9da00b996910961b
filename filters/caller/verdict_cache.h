/* Which secrets were found good a moment ago, so that a slow hash is computed once and not for each
 * request. Holds keyed digests only, with a key that never leaves the process: whoever reads it
 * learns nothing, and cannot make an entry. Made on the control thread with what a filter keeps,
 * then any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "filters/keep.h"
#include "lib/base/slice.h"

enum { VERDICT_CACHE_SLOTS = 1024 };

struct verdict_slot {
    _Atomic uint64_t tag, until_ms;
};

/* As filter_keep makes it. */
struct verdict_cache {
    struct filter_keep keep; /* first */
    uint8_t key[32];
    struct verdict_slot slots[VERDICT_CACHE_SLOTS];
};

/* For filter_keep. */
void verdict_cache_init(struct filter_keep *keep);

/* What stands for this secret and that which it was compared with. */
struct verdict_mark {
    uint64_t tag;
    uint32_t slot;
};
struct verdict_mark verdict_cache_mark(const struct verdict_cache *c, struct slice hash,
                                       struct slice secret);
bool verdict_cache_has(const struct verdict_cache *c, struct verdict_mark mark, uint64_t now_ms);
/* It is good until then. Another one may have to go for it. */
void verdict_cache_put(struct verdict_cache *c, struct verdict_mark mark, uint64_t until_ms);
