/* Time as plain numbers. Layers 0 and 1 are handed these and never ask the system themselves; only
 * programs and lib/io call the functions.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

/* Monotonic nanoseconds. */
uint64_t clock_mono_ns(void);
/* Wall clock, milliseconds since 1970-01-01 UTC. */
int64_t clock_wall_ms(void);
