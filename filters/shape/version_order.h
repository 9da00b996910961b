/* Versions of apps in order: "1.10.3" is above "1.9" (Semantic Versioning 2.0.0 §11 for numbers;
 * what comes behind '-' is below the version without it, '+' says nothing).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

/* "2", "2.0", "2.0.0", "v2.0.0-beta.1": up to four numbers. */
bool version_order_is_valid(struct slice text);
/* Below, above or 0; of valid ones. */
int version_order_compare(struct slice a, struct slice b);
