/* Names that are nearly alike, for "did you mean". Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

/* How many slips of the keyboard lead from one to the other (a letter more, less, another, or two
 * swapped), case aside; large for long names. */
unsigned similar_distance(struct slice a, struct slice b);

/* Looking for what somebody may have meant. */
struct similar {
    struct slice wanted;
    struct slice best; /* ptr is NULL while none is near: one slip in a short name, two in others */
    unsigned distance; /* of best; before there is one, how far it may not be */
};

struct similar similar_to(struct slice wanted);
/* One of the names that there are. */
void similar_try(struct similar *s, struct slice name);
