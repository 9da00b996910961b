/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/decimal.h"

static size_t count_digits(uint64_t n)
{
    size_t count = 1;
    for (; n >= 10; count++)
        n /= 10;
    return count;
}

size_t decimal_write(char to[DECIMAL_MAX], uint64_t n)
{
    size_t count = n < 10 ? 1 : n < 100 ? 2 : n < 1000 ? 3 : count_digits(n);
    size_t at = count;
    do {
        to[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n);
    return count;
}
