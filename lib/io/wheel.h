/* The timing wheel behind timer.h, as a data structure alone: four levels of 64 slots of lists,
 * and a bitmap per level that says which slots are in use. Ticks in, due timers out. Owned by one
 * loop, used on its thread. Must not know libuv nor any clock.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/list.h"
#include "lib/io/timer.h"

enum {
    WHEEL_TICK_MS = 4,
    WHEEL_BITS = 6,
    WHEEL_SLOTS = 1 << WHEEL_BITS,
    WHEEL_LEVELS = 4,
};

#define WHEEL_NEVER UINT64_MAX

struct wheel {
    uint64_t tick; /* the last one processed */
    size_t count;  /* linked timers, those of a running wheel_advance included */
    uint64_t used[WHEEL_LEVELS];
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* Times are in milliseconds, on any scale that does not go backwards. */
void wheel_init(struct wheel *w, uint64_t now_ms);
/* t is linked nowhere and due_ms is set. Returns the millisecond at which wheel_advance will fire
 * it: at or after due_ms, by less than two ticks. */
uint64_t wheel_link(struct wheel *w, struct timer *t, uint64_t now_ms);
/* Idempotent. */
void wheel_unlink(struct wheel *w, struct timer *t);
/* Fires what is due, in the order of the ticks. Timers that are linked meanwhile with the same
 * now_ms wait for a later call. */
void wheel_advance(struct wheel *w, uint64_t now_ms);
/* When wheel_advance should be called next (not after the first timer is due, perhaps before);
 * WHEEL_NEVER when there are no timers. */
uint64_t wheel_next_ms(const struct wheel *w);
