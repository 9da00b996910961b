/* How long to wait before trying again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/rand.h"

/* Wait before try number `attempt` (0 is the first wait): drawn from the upper half of
 * min(base * 2^attempt, max), so that peers which failed together do not come back together.
 * base, max and the result share one unit of time. */
uint64_t backoff_delay(unsigned attempt, uint64_t base, uint64_t max, struct rand_state *r);
