/* The keyword `format`: texts that are dates, addresses and the like. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

typedef bool (*schema_text_format_fn)(struct slice text);

/* NULL: a format that is not known, of which anything is. */
schema_text_format_fn schema_text_format_find(struct slice name);
