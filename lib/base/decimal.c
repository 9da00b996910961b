/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/decimal.h"

#include <string.h>

size_t decimal_write(char to[DECIMAL_MAX], uint64_t n)
{
    char digits[DECIMAL_MAX];
    size_t at = DECIMAL_MAX;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    memcpy(to, digits + at, DECIMAL_MAX - at);
    return DECIMAL_MAX - at;
}
