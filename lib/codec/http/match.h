/* Does a value match? With a third answer for "cannot tell", so that what allows and what denies
 * can both err on the safe side. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/message.h"

struct regex;

enum match_kind {
    MATCH_ANY,
    MATCH_EXACT,
    MATCH_PREFIX,
    MATCH_SUFFIX,
    MATCH_REGEX,
    MATCH_PRESENT,
    MATCH_PATH_PREFIX
};

struct string_match {
    enum match_kind kind;
    bool ignore_case, invert;
    struct slice text;
    const struct regex *regex;
};

struct named_match {
    struct slice name;
    uint16_t header_id; /* enum header_id, for headers */
    struct string_match value;
};

/* Kleene's three values. What allows needs YES; what denies needs anything but NO. */
enum truth { TRUTH_NO, TRUTH_UNKNOWN, TRUTH_YES };

static inline enum truth truth_of(bool yes)
{
    return yes ? TRUTH_YES : TRUTH_NO;
}
static inline enum truth truth_not(enum truth t)
{
    return (enum truth)(TRUTH_YES - t);
}
static inline enum truth truth_and(enum truth a, enum truth b)
{
    return a < b ? a : b;
}
static inline enum truth truth_or(enum truth a, enum truth b)
{
    return a > b ? a : b;
}

/* UNKNOWN when the regex engine gave up. */
enum truth match_string(const struct string_match *m, struct slice value);
/* Only when it surely does. */
bool string_match_test(const struct string_match *m, struct slice value);
/* Any line of that name may match; inverted: none may. A missing header matches only what is
 * inverted. */
bool match_header(const struct named_match *m, const struct headers *headers);
/* The first parameter of that name, percent-decoded. */
bool match_query(const struct named_match *m, struct slice query);
/* Element-wise: "/a" and "/a/" match "/a", "/a/" and "/a/b", not "/ab". */
bool match_path_prefix(struct slice prefix, struct slice path, bool ignore_case);

/* In words: "\"/a\" or below", "not \"x*\"". */
struct slice match_describe(struct arena *arena, const struct string_match *m);
/* One of several, with commas. */
struct slice match_describe_list(struct arena *arena, const struct string_match *items,
                                 uint32_t count);
