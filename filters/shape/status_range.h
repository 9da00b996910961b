/* Statuses of HTTP as users write them: "404", "5xx", "502-504". Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

/* From and to, both of it, between 100 and 599. */
bool status_range_read(struct slice text, uint64_t *from, uint64_t *to);
