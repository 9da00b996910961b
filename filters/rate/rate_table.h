/* The counters of one filter, shared by all workers: a table of cells found by a hash of the key.
 * Bounded: its memory is set aside once, and costs nothing until it is used. A key that is new
 * always gets a cell. When there is none left in its set, one goes that means nothing any more;
 * where all still mean something, the one whose limit is used least, which loses least. Without
 * locks: who is in a set is one word, changed by compare-and-swap. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "filters/rate/rate_window.h"

/* Cells of a filter's table. */
#define RATE_TABLE_CELLS 32768u

struct rate_table;

struct rate_table *rate_table_create(unsigned cells);
/* NULL is allowed. Nobody uses it any more. */
void rate_table_destroy(struct rate_table *t);

/* A cell that was found for a key. */
struct rate_place {
    struct rate_cell *cell; /* NULL: there is none */
    uint32_t index;
    uint64_t key;
    bool has_evicted; /* a counter that still meant something had to go */
};

/* The key's cell. keep_ms: for how long it means something from now on. make: there is one
 * afterwards. */
struct rate_place rate_table_find(struct rate_table *t, uint64_t key, uint64_t mono_ms,
                                  uint64_t keep_ms, bool make);
/* After its cell was used: does it still belong to the key? If not, what was done may be lost: find
 * it again. */
bool rate_table_holds(const struct rate_table *t, const struct rate_place *p);
/* How much of its limit is used, of 255: by that it is judged when one has to go. 0: it means
 * nothing. */
void rate_table_mark(struct rate_table *t, const struct rate_place *p, uint8_t used);
