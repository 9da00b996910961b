/* Numbers of JSON as what they are: decimals of any length. Neither 9007199254740993 nor 0.1 is
 * rounded, so that two readers never disagree on whether a limit is kept. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

#define JSON_NUMBER_EXPONENT_MAX 100000 /* of a power of ten */
#define JSON_NUMBER_DIVISOR_DIGITS 9u   /* of a divisor, zeros at its ends not counted */

/* (-1)^negative * digits * 10^exponent */
struct json_number {
    struct slice digits; /* without zeros at either end; empty: 0 */
    int32_t exponent;
    bool negative;
};

/* text: a number as RFC 8259 writes it; the digits are a view of it, or lie in the arena. False:
 * the exponent is beyond JSON_NUMBER_EXPONENT_MAX. */
bool json_number_read(struct arena *a, struct slice text, struct json_number *out);
/* Below, above or 0. */
int json_number_compare(const struct json_number *a, const struct json_number *b);
/* 1.0 and 1e2 are integers. */
bool json_number_is_integer(const struct json_number *n);
/* A divisor that json_number_is_multiple takes: above 0, of few enough digits. */
bool json_number_is_divisor(const struct json_number *n);
bool json_number_is_multiple(const struct json_number *n, const struct json_number *divisor);
/* False: no integer, below 0, or too large. */
bool json_number_to_u64(const struct json_number *n, uint64_t *out);
