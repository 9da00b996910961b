/* Searching, cutting and number parsing on byte views. Pure; any thread. Must not know who owns
 * the bytes, and never copies them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/slice.h"

static unsigned char to_lower(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u + 32) : u;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (to_lower(a.ptr[i]) != to_lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool slice_starts_with(struct slice s, struct slice prefix)
{
    return prefix.len <= s.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool slice_ends_with(struct slice s, struct slice suffix)
{
    return suffix.len <= s.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

size_t slice_find_byte(struct slice s, char byte)
{
    const char *hit = s.len ? memchr(s.ptr, byte, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

size_t slice_find(struct slice s, struct slice needle)
{
    if (needle.len == 0)
        return 0;
    if (needle.len > s.len)
        return s.len;
    const char *hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

struct slice slice_sub(struct slice s, size_t from, size_t len)
{
    if (from > s.len)
        from = s.len;
    if (len > s.len - from)
        len = s.len - from;
    /* NULL plus zero is undefined before C2y. */
    return (struct slice){from ? s.ptr + from : s.ptr, len};
}

struct slice slice_trim(struct slice s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

int slice_compare(struct slice a, struct slice b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter ? memcmp(a.ptr, b.ptr, shorter) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool slice_split(struct slice *rest, char separator, struct slice *part)
{
    if (!rest->ptr)
        return false;
    size_t at = slice_find_byte(*rest, separator);
    *part = (struct slice){rest->ptr, at};
    if (at == rest->len)
        *rest = (struct slice){NULL, 0};
    else
        *rest = (struct slice){rest->ptr + at + 1, rest->len - at - 1};
    return true;
}

enum err slice_to_u64(struct slice s, uint64_t *out)
{
    uint64_t value = 0;
    bool too_big = false;
    if (s.len == 0)
        return ERR_SYNTAX;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return ERR_SYNTAX;
        too_big |= __builtin_mul_overflow(value, (uint64_t)10, &value);
        too_big |= __builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value);
    }
    if (too_big)
        return ERR_LIMIT;
    *out = value;
    return ERR_OK;
}

struct unit {
    struct slice name;
    uint64_t ns;
};

/* Longer names first where one begins with another. */
static const struct unit units[] = {
    {{"h", 1}, 3600000000000u}, {{"ms", 2}, 1000000u}, {{"m", 1}, 60000000000u},
    {{"s", 1}, 1000000000u},    {{"us", 2}, 1000u},    {{"\xc2\xb5s", 3}, 1000u},
    {{"\xce\xbcs", 3}, 1000u},  {{"ns", 2}, 1u},
};

static const struct unit *take_unit(struct slice *s)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (slice_starts_with(*s, units[i].name)) {
            *s = slice_sub(*s, units[i].name.len, s->len);
            return &units[i];
        }
    }
    return NULL;
}

static struct slice take_digits(struct slice *s)
{
    size_t n = 0;
    while (n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        n++;
    struct slice digits = slice_sub(*s, 0, n);
    *s = slice_sub(*s, n, s->len);
    return digits;
}

/* Nanoseconds of 0.<digits> units; below a nanosecond it rounds up. */
static uint64_t fraction_ns(struct slice digits, uint64_t unit_ns)
{
    uint64_t ns = 0, scale = unit_ns;
    bool rest = false;
    for (size_t i = 0; i < digits.len; i++) {
        uint64_t digit = (uint64_t)(digits.ptr[i] - '0');
        rest |= digit * scale % 10 != 0 || (scale == 0 && digit != 0);
        ns += digit * scale / 10;
        scale /= 10;
    }
    return ns + (rest ? 1 : 0);
}

/* One "<number><unit>" off the front of *s. */
static enum err take_term(struct slice *s, uint64_t *out)
{
    struct slice whole = take_digits(s), fraction = {NULL, 0};
    uint64_t count;
    enum err e = slice_to_u64(whole, &count);
    if (e)
        return e;
    if (s->len && s->ptr[0] == '.') {
        *s = slice_sub(*s, 1, s->len);
        fraction = take_digits(s);
        if (fraction.len == 0)
            return ERR_SYNTAX;
    }
    const struct unit *unit = take_unit(s);
    if (!unit)
        return ERR_SYNTAX;
    if (__builtin_mul_overflow(count, unit->ns, &count) ||
        __builtin_add_overflow(count, fraction_ns(fraction, unit->ns), &count))
        return ERR_LIMIT;
    *out = count;
    return ERR_OK;
}

enum err slice_to_duration_ms(struct slice s, uint64_t *out)
{
    uint64_t total = 0;
    if (s.len == 0)
        return ERR_SYNTAX;
    if (s.len == 1 && s.ptr[0] == '0') {
        *out = 0;
        return ERR_OK;
    }
    while (s.len) {
        uint64_t term;
        enum err e = take_term(&s, &term);
        if (e)
            return e;
        if (__builtin_add_overflow(total, term, &total))
            return ERR_LIMIT;
    }
    *out = total / 1000000u + (total % 1000000u != 0);
    return ERR_OK;
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93u;
    return x ^ (x >> 32);
}

uint64_t slice_hash(struct slice s)
{
    uint64_t h = 0x9e3779b97f4a7c15u ^ s.len;
    size_t at = 0;
    for (; s.len - at >= 8; at += 8) {
        uint64_t word = 0;
        memcpy(&word, s.ptr + at, 8);
        h = mix(h ^ word) + 0x9e3779b97f4a7c15u;
    }
    if (at < s.len) {
        uint64_t word = 0;
        memcpy(&word, s.ptr + at, s.len - at);
        h = mix(h ^ word);
    }
    return mix(h);
}
