/* The hash of what a metric's labels say of one end or one service, computed once where the texts
 * are kept, so that a request hashes none. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"

#define SERIES_HASH_TEXT_MAX 2048 /* of a text, what is shown and told apart */

/* Empty texts are as "unknown". Never 0. */
uint64_t series_hash_texts(struct slice a, struct slice b, struct slice c);
/* Puts two hashes together, in this order. */
uint64_t series_hash_mix(uint64_t a, uint64_t b);
