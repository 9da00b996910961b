/* Does a value match, and in words what it had to be: matches of the compiled configuration, one at
 * a time, for those who want to know why. Pure. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "policies/proto/config.pb-c.h"

/* UNKNOWN: it cannot be decided from here, such as the address of a client that is not named. */
enum holds { HOLDS_NO, HOLDS_UNKNOWN, HOLDS_YES };

static inline enum holds holds_of(bool yes)
{
    return yes ? HOLDS_YES : HOLDS_NO;
}
static inline enum holds holds_and(enum holds a, enum holds b)
{
    return a < b ? a : b;
}
static inline enum holds holds_or(enum holds a, enum holds b)
{
    return a > b ? a : b;
}
static inline enum holds holds_not(enum holds a)
{
    return (enum holds)(HOLDS_YES - a);
}

enum holds holds_string(const Weft__Config__V1__StringMatch *m, struct slice value);
/* Without what `invert` does. */
enum holds holds_upright(const Weft__Config__V1__StringMatch *m, struct slice value);
/* Any of them; an absent value (NULL ptr) matches only what is inverted. */
enum holds holds_any(Weft__Config__V1__StringMatch *const *list, size_t count, struct slice value);
/* "\"/a\"", "begins with \"/a\"", "not ...". */
struct slice holds_describe(struct arena *arena, const Weft__Config__V1__StringMatch *m);
struct slice holds_describe_list(struct arena *arena, Weft__Config__V1__StringMatch *const *list,
                                 size_t count);
