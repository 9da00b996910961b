/* Every filter there is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>

#include "lib/base/slice.h"
#include "sidecar/filters/filter.h"

extern const struct filter_ops *const registry_filters[];
extern const size_t registry_count;

/* NULL when there is none of that name. */
const struct filter_ops *registry_find(struct slice name);
