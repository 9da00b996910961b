/* Names that are nearly alike, for "did you mean". Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

/* How many single changes lead from one to the other (Levenshtein), case aside; large for long
 * names. */
unsigned similar_distance(struct slice a, struct slice b);

/* Looking for what somebody may have meant. */
struct similar {
    struct slice wanted;
    struct slice best; /* ptr is NULL: nothing is near */
    unsigned distance; /* of best */
};

static inline struct similar similar_to(struct slice wanted)
{
    return (struct similar){.wanted = wanted};
}
/* One of those that there are. Near are at most two changes, fewer than the name has letters. */
void similar_try(struct similar *s, struct slice candidate);
