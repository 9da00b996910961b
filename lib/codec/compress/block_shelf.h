/* The large blocks of a coder that cannot begin anew: the next body asks for the same sizes, and
 * whoever asks libc for them each time pays for fresh pages. Kept by each thread, a few of each
 * size.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

/* As mem_alloc and mem_free, on one thread; owner is not looked at: what brotli calls. */
void *block_shelf_give(void *owner, size_t size);
void block_shelf_take(void *owner, void *block);
