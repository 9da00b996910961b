/* Coders that wait for their next body, a few for each thread and kind: making one costs more than
 * a small body. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

/* The kinds: each encoder's, and behind them each decoder's. */
enum { SHELF_DECODERS = 4, SHELF_KINDS = 8 };

/* The first member of a coder. */
struct shelved {
    struct shelved *next;
    void (*destroy)(struct shelved *s); /* also when its thread ends */
};

/* NULL: none waits. */
struct shelved *shelf_take(unsigned kind);
/* False: enough of them wait; it is still the caller's. */
bool shelf_put(unsigned kind, struct shelved *s);
