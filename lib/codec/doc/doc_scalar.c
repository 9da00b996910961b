/* How a plain scalar gets its type: null, booleans, integers, floats, and strings for all else.
 * Pure; any thread. Must not know how it was written around the text (quotes are the caller's
 * business).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/doc_scalar.h"

#include <math.h>
#include <stdlib.h>

#define NUMBER_MAX 64 /* longer ones are not numbers that anybody wrote on purpose */

static bool is_one_of(struct slice text, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq_cstr(text, *words))
            return true;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t skip_digits(struct slice text, size_t at)
{
    while (at < text.len && is_digit(text.ptr[at]))
        at++;
    return at;
}

/* -1: not hexadecimal or octal with its prefix. */
static int prefixed_base(struct slice text)
{
    if (text.len < 3 || text.ptr[0] != '0')
        return -1;
    int base = text.ptr[1] == 'x' ? 16 : text.ptr[1] == 'o' ? 8 : -1;
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "01234567";
    for (size_t i = 2; base > 0 && i < text.len; i++)
        if (!text.ptr[i] || !strchr(digits, text.ptr[i]))
            return -1;
    return base;
}

static bool is_decimal(struct slice text)
{
    size_t at = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    return at < text.len && skip_digits(text, at) == text.len;
}

/* [-+]? ( \.[0-9]+ | [0-9]+(\.[0-9]*)? ) ([eE][-+]?[0-9]+)? */
static bool is_float(struct slice text)
{
    size_t at = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    size_t end = skip_digits(text, at), digits = end - at;
    if (end < text.len && text.ptr[end] == '.') {
        size_t fraction = skip_digits(text, end + 1);
        digits += fraction - (end + 1);
        end = fraction;
    }
    if (digits == 0)
        return false;
    if (end < text.len && (text.ptr[end] == 'e' || text.ptr[end] == 'E')) {
        size_t from = end + 1;
        from += from < text.len && (text.ptr[from] == '-' || text.ptr[from] == '+');
        end = skip_digits(text, from);
        if (end == from)
            return false;
    }
    return end == text.len;
}

static enum err to_integer(struct slice text, int base, struct doc *out, const char **why)
{
    uint64_t value = 0;
    bool negative = text.ptr[0] == '-';
    size_t at = base != 10 ? 2 : (size_t)(negative || text.ptr[0] == '+');
    if (base == 10 && text.len > at + 1 && text.ptr[at] == '0') {
        *why = "number with a leading zero: readers differ on what it means; quote it or drop the "
               "zero";
        return ERR_SYNTAX;
    }
    for (; at < text.len; at++) {
        char c = text.ptr[at];
        unsigned digit = is_digit(c) ? (unsigned)(c - '0') : ((unsigned)(c | 0x20) - 'a') + 10;
        if (value > ((uint64_t)INT64_MAX - digit) / (unsigned)base) {
            *why = "integer does not fit 64 bits";
            return ERR_SYNTAX;
        }
        value = value * (unsigned)base + digit;
    }
    out->type = DOC_INT;
    out->integer = negative ? -(int64_t)value : (int64_t)value;
    return ERR_OK;
}

static enum err to_float(struct slice text, struct doc *out, const char **why)
{
    char copy[NUMBER_MAX + 1];
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    out->type = DOC_FLOAT;
    out->number = strtod(copy, NULL);
    if (isfinite(out->number))
        return ERR_OK;
    *why = "number is too large";
    return ERR_SYNTAX;
}

enum err doc_scalar_resolve(struct slice text, struct doc *out, const char **why)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    static const char *const odd[] = {".inf",  ".Inf",  ".INF", "+.inf", "+.Inf", "+.INF", "-.inf",
                                      "-.Inf", "-.INF", ".nan", ".NaN",  ".NAN",  NULL};
    if (is_one_of(text, nulls)) {
        out->type = DOC_NULL;
        return ERR_OK;
    }
    if (is_one_of(text, yes) || is_one_of(text, no)) {
        out->type = DOC_BOOL;
        out->boolean = is_one_of(text, yes);
        return ERR_OK;
    }
    if (is_one_of(text, odd)) {
        *why = "infinity and not-a-number are not supported; quote it if it is a string";
        return ERR_SYNTAX;
    }
    if (text.len <= NUMBER_MAX) {
        if (is_decimal(text))
            return to_integer(text, 10, out, why);
        if (prefixed_base(text) > 0)
            return to_integer(text, prefixed_base(text), out, why);
        if (is_float(text))
            return to_float(text, out, why);
    }
    out->type = DOC_STRING;
    out->string = text;
    return ERR_OK;
}
