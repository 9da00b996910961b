/* Numbers as decimal digits, for the path of a request, where printf takes longer than everything
 * around it. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define DECIMAL_MAX 20 /* digits of UINT64_MAX */

/* Without leading zeros and without NUL; no byte behind them is touched. Returns how many there
 * are, at least 1. */
size_t decimal_write(char to[DECIMAL_MAX], uint64_t n);
