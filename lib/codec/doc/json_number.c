/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_number.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_exponent(struct slice text, int64_t *out)
{
    size_t at = 0;
    bool negative = text.len && text.ptr[0] == '-';
    at += text.len && (text.ptr[0] == '-' || text.ptr[0] == '+');
    for (*out = 0; at < text.len; at++) {
        *out = *out * 10 + (text.ptr[at] - '0');
        if (*out > JSON_NUMBER_EXPONENT_MAX)
            return false;
    }
    *out = negative ? -*out : *out;
    return true;
}

/* Of the part before the exponent; *shift: how many digits stood behind the point. */
static struct slice only_digits(struct arena *a, struct slice text, int64_t *shift)
{
    size_t point = slice_find_byte(text, '.');
    *shift = 0;
    if (point == text.len)
        return text;
    char *to = arena_alloc(a, text.len);
    memcpy(to, text.ptr, point);
    memcpy(to + point, text.ptr + point + 1, text.len - point - 1);
    *shift = (int64_t)(text.len - point - 1);
    return slice_of(to, text.len - 1);
}

bool json_number_read(struct arena *a, struct slice text, struct json_number *out)
{
    int64_t exponent = 0, shift;
    size_t end = 0;
    *out = (struct json_number){.negative = text.len && text.ptr[0] == '-'};
    text = slice_sub(text, out->negative, text.len);
    while (end < text.len && (is_digit(text.ptr[end]) || text.ptr[end] == '.'))
        end++;
    if (end < text.len && !read_exponent(slice_sub(text, end + 1, text.len), &exponent))
        return false;
    struct slice digits = only_digits(a, slice_sub(text, 0, end), &shift);
    while (digits.len && digits.ptr[0] == '0')
        digits = slice_sub(digits, 1, digits.len);
    exponent -= shift;
    for (; digits.len && digits.ptr[digits.len - 1] == '0'; exponent++)
        digits.len--;
    if (!digits.len) {
        *out = (struct json_number){0};
        return true;
    }
    out->digits = digits;
    out->exponent = (int32_t)exponent;
    return exponent >= -2 * JSON_NUMBER_EXPONENT_MAX && exponent <= 2 * JSON_NUMBER_EXPONENT_MAX;
}

static int compare_sizes(const struct json_number *a, const struct json_number *b)
{
    int64_t high_a = (int64_t)a->digits.len + a->exponent;
    int64_t high_b = (int64_t)b->digits.len + b->exponent;
    if (high_a != high_b)
        return high_a < high_b ? -1 : 1;
    return slice_compare(a->digits, b->digits);
}

int json_number_compare(const struct json_number *a, const struct json_number *b)
{
    int sign_a = !a->digits.len ? 0 : a->negative ? -1 : 1;
    int sign_b = !b->digits.len ? 0 : b->negative ? -1 : 1;
    if (sign_a != sign_b || !sign_a)
        return sign_a - sign_b;
    return sign_a * compare_sizes(a, b);
}

bool json_number_is_integer(const struct json_number *n)
{
    return n->exponent >= 0;
}

bool json_number_is_divisor(const struct json_number *n)
{
    return !n->negative && n->digits.len > 0 && n->digits.len <= JSON_NUMBER_DIVISOR_DIGITS;
}

static uint64_t to_small(struct slice digits)
{
    uint64_t value = 0;
    for (size_t i = 0; i < digits.len; i++)
        value = value * 10 + (uint64_t)(digits.ptr[i] - '0');
    return value;
}

/* a * 10^e is k * b * 10^f. Digits have no zeros at their ends, so that for e < f there is no such
 * k: a would end in a zero. */
bool json_number_is_multiple(const struct json_number *n, const struct json_number *divisor)
{
    uint64_t by = to_small(divisor->digits), rest = 0, power = 10 % by;
    int64_t times = (int64_t)n->exponent - divisor->exponent;
    if (!n->digits.len)
        return true;
    if (times < 0)
        return false;
    for (size_t i = 0; i < n->digits.len; i++)
        rest = (rest * 10 + (uint64_t)(n->digits.ptr[i] - '0')) % by;
    for (; times; times >>= 1) {
        rest = times & 1 ? rest * power % by : rest;
        power = power * power % by;
    }
    return rest % by == 0;
}

bool json_number_to_u64(const struct json_number *n, uint64_t *out)
{
    *out = 0;
    if (n->negative || n->exponent < 0 || (int64_t)n->digits.len + n->exponent > 19)
        return false;
    *out = to_small(n->digits);
    for (int32_t i = 0; i < n->exponent; i++)
        *out *= 10;
    return true;
}
