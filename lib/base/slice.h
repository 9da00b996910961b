/* A view of bytes that somebody else owns. Never NUL-terminated by promise.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/err.h"

struct slice {
    const char *ptr;
    size_t len;
};

/* SLICE("literal") for initialisers and arguments. */
#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
/* printf("%.*s", SLICE_ARG(s)) */
#define SLICE_ARG(s) (int)(s).len, (s).ptr

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){(const char *)ptr, len};
}

/* NULL becomes the empty slice. */
static inline struct slice slice_from_cstr(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

static inline bool slice_is_empty(struct slice s)
{
    return s.len == 0;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool slice_eq_cstr(struct slice a, const char *b)
{
    return slice_eq(a, slice_from_cstr(b));
}

/* ASCII letters in lower case; other bytes as they are. */
static inline char slice_lower_byte(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}
/* All of s so, to where there is room for it; that may be where it is. Returns the copy. */
static inline struct slice slice_lower(struct slice s, char *to)
{
    for (size_t i = 0; i < s.len; i++)
        to[i] = slice_lower_byte(s.ptr[i]);
    return (struct slice){to, s.len};
}

/* ASCII case-insensitive. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_starts_with(struct slice s, struct slice prefix);
bool slice_ends_with(struct slice s, struct slice suffix);
/* Index of the first such byte, or s.len. */
size_t slice_find_byte(struct slice s, char byte);
/* Below, above or 0, by bytes; what the other begins with is less. */
int slice_compare(struct slice a, struct slice b);
/* Index of the first occurrence of needle, or s.len. An empty needle is found at 0. */
size_t slice_find(struct slice s, struct slice needle);
/* Clamped to the slice's own bounds. */
struct slice slice_sub(struct slice s, size_t from, size_t len);
/* Without leading and trailing SP and HTAB. */
struct slice slice_trim(struct slice s);
/* Takes the part before the first `separator` off *rest and moves *rest behind it; the last part
 * has no separator. False when *rest is exhausted (its ptr is then NULL). */
bool slice_split(struct slice *rest, char separator, struct slice *part);
/* The whole slice must be decimal digits. ERR_SYNTAX, or ERR_LIMIT when it does not fit. */
MUST_USE enum err slice_to_u64(struct slice s, uint64_t *out);
/* Go-style duration as Kubernetes writes it: "1h30m", "250ms", "5s". Result in milliseconds,
 * rounded up. ERR_SYNTAX or ERR_LIMIT. */
MUST_USE enum err slice_to_duration_ms(struct slice s, uint64_t *out);
/* Stable 64-bit hash, not for adversarial keys; use map.h for those. */
uint64_t slice_hash(struct slice s);
