/* A filter that waits before everything, and then does what the one under test does.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/unit/filters/filter_bed.h"

struct filter_shy {
    const struct filter *real; /* the one under test */
    const struct filter_bed_mode *mode;
    struct filter_bed_counts *counts;
    bool *is_gone;  /* the client leaves when enough was called */
    bool *is_woken; /* what waits is called again */
    bool is_early;
};

/* What is in *s is kept until the next one is made. */
struct filter filter_shy_make(const struct filter_shy *s);
