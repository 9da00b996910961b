/* Reading and writing quantities. The factors are those of the API server, which writes large ones
 * as exponents of ten. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/quantity.h"

#include <inttypes.h>
#include <stdio.h>

enum { EXPONENT_MAX = 15 };

/* In thousandths; 0: no such suffix. */
static int64_t factor_of(struct slice suffix)
{
    static const struct {
        const char *text;
        int64_t thousandths;
    } suffixes[] = {
        {"", 1000},
        {"m", 1},
        {"k", INT64_C(1000) * 1000},
        {"M", INT64_C(1000) * 1000 * 1000},
        {"G", INT64_C(1000) * 1000 * 1000 * 1000},
        {"T", INT64_C(1000) * 1000 * 1000 * 1000 * 1000},
        {"Ki", INT64_C(1000) << 10},
        {"Mi", INT64_C(1000) << 20},
        {"Gi", INT64_C(1000) << 30},
        {"Ti", INT64_C(1000) << 40},
    };
    uint64_t exponent;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (slice_eq_cstr(suffix, suffixes[i].text))
            return suffixes[i].thousandths;
    if (suffix.len < 2 || (suffix.ptr[0] != 'e' && suffix.ptr[0] != 'E') ||
        slice_to_u64(slice_sub(suffix, 1, suffix.len), &exponent) || exponent > EXPONENT_MAX)
        return 0;
    int64_t factor = 1000;
    for (; exponent; exponent--)
        factor *= 10;
    return factor;
}

enum err quantity_parse(struct slice text, int64_t *thousandths)
{
    size_t at = 0, digits = 0;
    int64_t value = 0, scale = 0, product;
    for (; at < text.len; at++) {
        char c = text.ptr[at];
        if (c == '.' && !scale) {
            scale = 1;
            continue;
        }
        if (c < '0' || c > '9')
            break;
        if (value > INT64_C(100000000000000))
            return ERR_LIMIT;
        value = value * 10 + (c - '0');
        scale *= 10;
        digits++;
    }
    int64_t factor = factor_of(slice_sub(text, at, text.len));
    if (digits == 0 || factor == 0)
        return ERR_SYNTAX;
    if (__builtin_mul_overflow(value, factor, &product))
        return ERR_LIMIT;
    *thousandths = product / (scale ? scale : 1);
    return ERR_OK;
}

const char *quantity_format(int64_t thousandths, char text[QUANTITY_TEXT_MAX])
{
    static const char *const suffixes[] = {"", "Ki", "Mi", "Gi"};
    size_t i = 0;
    if (thousandths % 1000) {
        snprintf(text, QUANTITY_TEXT_MAX, "%" PRId64 "m", thousandths);
        return text;
    }
    int64_t whole = thousandths / 1000;
    for (; i < 3 && whole && whole % 1024 == 0; i++)
        whole /= 1024;
    snprintf(text, QUANTITY_TEXT_MAX, "%" PRId64 "%s", whole, suffixes[i]);
    return text;
}
