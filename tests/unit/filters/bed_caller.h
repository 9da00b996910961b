/* Who has authenticated, as a case says it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/unit/filters/filter_bed.h"

void bed_caller_set(struct filter_exchange *x, const struct filter_bed_case *c);
