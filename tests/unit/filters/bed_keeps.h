/* What a filter keeps for longer than its configuration (filters/keep.h), until a case is over.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/keep.h"

/* One thing for each filter; one that is made of others has what they keep. */
struct bed_keeps {
    struct filter_keep *items[8];
    size_t count;
};

/* For struct filter_build; holder: a struct bed_keeps. */
void bed_keeps_hold(void *holder, struct filter_keep *keep);
void bed_keeps_let_go(struct bed_keeps *kept);
