/* Our allocator, as zlib calls it (z_stream's zalloc and zfree).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/mem.h"

static inline void *zlib_memory_give(void *owner, unsigned count, unsigned size)
{
    (void)owner;
    return mem_zalloc((size_t)count * size);
}

static inline void zlib_memory_take(void *owner, void *block)
{
    (void)owner;
    mem_free(block);
}
