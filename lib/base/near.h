/* How alike two names are: for "did you mean". Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

/* How many slips of the keyboard lead from one to the other (a letter more, less, another, or two
 * swapped), case aside; large for long names. */
unsigned near_distance(struct slice a, struct slice b);

/* The nearest of several names. */
struct near {
    struct slice wanted;
    struct slice best; /* empty while none is near: one slip in a short name, two in others */
    unsigned distance;
};

void near_init(struct near *n, struct slice wanted);
void near_offer(struct near *n, struct slice name);
