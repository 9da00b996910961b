/* Coders that wait for their next body, a few for each thread and kind: making one costs more than
 * a small body. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

/* The kinds: each encoder's, each decoder's, and large blocks of each size (block_shelf.h). */
enum {
    SHELF_DECODERS = 4,
    SHELF_BLOCKS = 8,
    SHELF_SIZES = 7,
    SHELF_KINDS = SHELF_BLOCKS + SHELF_SIZES,
};

/* The first member of a coder. */
struct shelved {
    struct shelved *next;
    void (*destroy)(struct shelved *s); /* also when its thread ends */
};

/* NULL: none waits. */
struct shelved *shelf_take(unsigned kind);
/* False: enough of them wait; it is still the caller's. */
bool shelf_put(unsigned kind, struct shelved *s);
