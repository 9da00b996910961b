/* How much nuisance a connection may still cause: a token bucket, charged for every frame that
 * costs us work and does the peer no good. Part of one struct h2, on its thread; is told the time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct h2_budget {
    uint64_t last_ms;
    uint64_t milli; /* thousandths of tokens left */
    uint32_t burst;
};

/* Starts full; a tenth of `burst` (which is > 0) comes back every second. */
void h2_budget_init(struct h2_budget *b, uint32_t burst, uint64_t now_ms);
/* Takes one token; false when there is none. */
bool h2_budget_charge(struct h2_budget *b, uint64_t now_ms);
