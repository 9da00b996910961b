/* Paths that were made of values of a request: those may have made one that leads elsewhere. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"

/* path: without query. It begins with '/', means one thing, and no segment of it is "." or "..",
 * encoded or not. */
bool good_path(struct arena *a, struct slice path);
