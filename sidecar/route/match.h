/* Does a value match? With a third answer for "cannot tell", so that what allows and what denies
 * can both err on the safe side. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/message.h"
#include "sidecar/config/snapshot.h"

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
/* Any line of that name may match; inverted: none may. A missing header matches only what is
 * inverted. */
bool match_header(const struct named_match *m, const struct headers *headers);
/* The first parameter of that name, percent-decoded. */
bool match_query(const struct named_match *m, struct slice query);
/* Element-wise: "/a" and "/a/" match "/a", "/a/" and "/a/b", not "/ab". */
bool match_path_prefix(struct slice prefix, struct slice path, bool ignore_case);
